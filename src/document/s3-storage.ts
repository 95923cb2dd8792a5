import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, DeleteObjectCommand, GetObjectCommand, HeadBucketCommand,
  ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand, S3Client, S3ServiceException, UploadPartCommand, type CompletedPart,
  type ListMultipartUploadsCommandOutput, type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { ConfigError } from '../core/config.js';
import { isRefusal, notFound, refusal } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { partsOf } from '../core/parts.js';
import type { S3Location } from '../core/storage-location.js';
import { isStorageKey, requireStorageKey, type FileStorage, type ListedFile } from './storage.js';

/** Bytes of a part, the least that S3 takes. One such buffer is all that an upload holds, however large its file. */
const PART_BYTES = 5 * 1024 * 1024;
/** Milliseconds. A storage that is there accepts a connection at once, and a part within seconds. */
const CONNECTION_TIMEOUT = 3_000;
const REQUEST_TIMEOUT = 20_000;
/** Tries of one request in all; the library waits between them. */
const TRIES = 3;
/** Seconds that a caller is told to wait when the storage does not answer. */
const RETRY_AFTER_SECONDS = 5;
/** What every client says to servers that know no regions. */
const DEFAULT_REGION = 'us-east-1';

interface S3Object { Bucket: string; Key: string }
/** An upload at work; in parts from the moment that it is known to need more than one. */
interface Upload { object: S3Object; id: string | undefined; parts: CompletedPart[] }

/**
 * Storage in a bucket of Amazon S3 or of a server that speaks its protocol; credentials come from the standard AWS variables.
 * Throws ConfigError when the bucket cannot be used now. Later faults are SERVICE_UNAVAILABLE.
 */
export async function openS3Storage(location: S3Location, log: Log): Promise<FileStorage & { close(): void }> {
  const client = new S3Client({
    region: location.region ?? process.env['AWS_REGION'] ?? DEFAULT_REGION,
    // Servers other than Amazon's seldom have a host name for each bucket.
    ...(location.endpoint === null ? {} : { endpoint: location.endpoint, forcePathStyle: true }),
    maxAttempts: TRIES,
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, throwOnRequestTimeout: true },
    // Amazon's newer checksums are unknown to many servers; the signature and our own digest guard the bytes.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  try {
    await client.send(new HeadBucketCommand({ Bucket: location.bucket }));
  } catch (error) {
    client.destroy();
    throw startFault(location, error);
  }
  return new S3Storage(client, location, log);
}

/** Why the gateway cannot start on this storage, in a sentence for its operator. */
function startFault({ bucket, endpoint }: S3Location, error: unknown): ConfigError {
  const place = endpoint ?? 'Amazon S3';
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  const { code, name } = error as { code?: string; name?: string };
  if (status === 404) return new ConfigError(`STORAGE_URL names the bucket ${bucket}, which ${place} does not have: create it, or name another.`);
  if (status === 401 || status === 403) return new ConfigError(`STORAGE_URL: ${place} does not let these credentials use the bucket ${bucket}: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`);
  if (name === 'CredentialsProviderError') return new ConfigError('STORAGE_URL needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  if (status === 301 || status === 400) return new ConfigError(`STORAGE_URL: ${place} does not serve the bucket ${bucket} in this region: add region=… to it.`);
  const answer = status === undefined ? `cannot be reached (${code ?? name ?? 'no answer'})` : `answers with status ${status}`;
  return new ConfigError(`STORAGE_URL: ${place} ${answer}: check its endpoint.`);
}

class S3Storage implements FileStorage {
  readonly #prefix: string;

  constructor(
    private readonly client: S3Client,
    private readonly location: S3Location,
    private readonly log: Log,
  ) {
    this.#prefix = location.prefix === '' ? '' : `${location.prefix}/`;
  }

  async put(key: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const upload: Upload = { object: this.#object(key), id: undefined, parts: [] };
    // A stream may fail before it is read, and without a listener that would end the process. Reading it throws all the same.
    if (source instanceof Readable) source.on('error', () => undefined);
    try {
      for await (const { bytes, isLast } of partsOf(source, PART_BYTES)) {
        if (isLast && upload.id === undefined) await this.#ask(() => this.client.send(new PutObjectCommand({ ...upload.object, Body: bytes, ContentLength: bytes.byteLength })));
        else await this.#putPart(upload, bytes);
      }
      if (upload.id !== undefined) await this.#complete(upload);
    } catch (error) {
      await this.#discard(upload).catch((left: unknown) => this.log.warn(errorFacts(left), 'an upload that failed was left to the sweep'));
      throw error;
    }
  }

  read(key: string): Readable {
    return Readable.from(this.#chunks(this.#object(key)), { objectMode: false });
  }

  async delete(key: string): Promise<void> {
    const object = this.#object(key);
    await this.#ask(() => this.client.send(new DeleteObjectCommand(object)));
    for await (const unfinished of this.#unfinished(object.Key)) {
      if (unfinished.key === object.Key) await this.#abort(object, unfinished.uploadId);
    }
  }

  async *list(): AsyncGenerator<ListedFile> {
    const base = { Bucket: this.location.bucket, Prefix: this.#prefix };
    let token: string | undefined;
    do {
      const request = new ListObjectsV2Command({ ...base, ContinuationToken: token });
      const page: ListObjectsV2CommandOutput = await this.#ask(() => this.client.send(request));
      for (const { Key = '', LastModified } of page.Contents ?? []) yield* this.#listed(Key, LastModified);
      token = page.NextContinuationToken;
    } while (token !== undefined);
    for await (const { key, startedAt } of this.#unfinished(this.#prefix)) yield* this.#listed(key, startedAt);
  }

  close(): void {
    this.client.destroy();
  }

  #object(key: string): S3Object {
    return { Bucket: this.location.bucket, Key: this.#prefix + requireStorageKey(key) };
  }

  /** Objects that are not ours stay unseen: `delete` would not take their key. */
  *#listed(objectKey: string, modifiedAt: Date | undefined): Generator<ListedFile> {
    const key = objectKey.slice(this.#prefix.length);
    if (isStorageKey(key) && modifiedAt) yield { key, modifiedAt };
  }

  async #putPart(upload: Upload, bytes: Buffer): Promise<void> {
    upload.id ??= (await this.#ask(() => this.client.send(new CreateMultipartUploadCommand(upload.object)))).UploadId;
    const number = upload.parts.length + 1;
    const sent = await this.#ask(() => this.client.send(new UploadPartCommand({ ...upload.object, UploadId: upload.id, PartNumber: number, Body: bytes })));
    upload.parts.push({ ETag: sent.ETag, PartNumber: number });
  }

  async #complete({ object, id, parts }: Upload): Promise<void> {
    await this.#ask(() => this.client.send(new CompleteMultipartUploadCommand({ ...object, UploadId: id, MultipartUpload: { Parts: parts } })));
  }

  /** Leaves nothing of an upload, also where the storage took all of it and only its answer was lost. */
  async #discard({ object, id }: Upload): Promise<void> {
    if (id !== undefined) await this.#abort(object, id);
    await this.#ask(() => this.client.send(new DeleteObjectCommand(object)));
  }

  /** Ends an upload in parts, and its parts with it. One that is gone already is no error. */
  async #abort(object: S3Object, uploadId: string): Promise<void> {
    await this.#ask(() =>
      this.client.send(new AbortMultipartUploadCommand({ ...object, UploadId: uploadId })).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      }),
    );
  }

  async *#unfinished(prefix: string): AsyncGenerator<{ key: string; uploadId: string; startedAt: Date | undefined }> {
    const base = { Bucket: this.location.bucket, Prefix: prefix };
    let [keyMarker, uploadMarker]: (string | undefined)[] = [];
    do {
      const request = new ListMultipartUploadsCommand({ ...base, KeyMarker: keyMarker, UploadIdMarker: uploadMarker });
      const page: ListMultipartUploadsCommandOutput = await this.#ask(() => this.client.send(request));
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) if (Key && UploadId) yield { key: Key, uploadId: UploadId, startedAt: Initiated };
      [keyMarker, uploadMarker] = page.IsTruncated ? [page.NextKeyMarker, page.NextUploadIdMarker] : [];
    } while (keyMarker !== undefined);
  }

  async *#chunks(object: S3Object): AsyncGenerator<Uint8Array> {
    const { Body: body } = await this.#ask(() => this.client.send(new GetObjectCommand(object)));
    try {
      yield* body as Readable;
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  /** Sends a request. A file that is not there is NOT_FOUND; all else is the storage's fault, and nobody's who asks. */
  async #ask<Output>(send: () => Promise<Output>): Promise<Output> {
    try {
      return await send();
    } catch (error) {
      throw isMissing(error) ? notFound('file') : this.#unavailable(error);
    }
  }

  #unavailable(error: unknown): unknown {
    if (isRefusal(error)) return error;
    this.log.error(errorFacts(error), 'storage of documents');
    return refusal('SERVICE_UNAVAILABLE', 'The storage of documents does not answer just now. Nothing was kept; try again shortly.', { retryAfter: RETRY_AFTER_SECONDS });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NoSuchUpload');
}
