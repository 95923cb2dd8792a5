import { createRequire } from 'node:module';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform, type Readable, type Writable } from 'node:stream';
import type { RequestHandler } from 'express';
import type { GraphQLError } from 'graphql';
import { graphqlUploadExpress, type FileUpload, type GraphQLOperation } from 'graphql-upload-minimal';
import { badInput, isRefusal, refusal } from '../core/errors.js';
import { expectFiles, inputPath, malformed, parseObject, type ExpectedFile } from './upload-map.js';

/** What one multipart request may hold. Sizes are in bytes; exactly the maximum passes, one byte more is refused. */
export interface UploadLimits {
  maxFileSize: number;
  maxFiles: number;
  /** Of the parts `operations` and `map`, each. */
  maxOperationsSize: number;
  /** Milliseconds without a byte from the client, or with a file that no resolver reads, before the request is given up. */
  stallTimeout?: number;
}

/** Milliseconds. A phone that changes cells is silent for some seconds; half a minute is a client that has gone. */
const STALL_TIMEOUT = 30_000;
/** Milliseconds. `operations` and `map` are a few kilobytes in the first packets: who holds them back holds a connection. */
const PREAMBLE_STALL_TIMEOUT = 4_000;
/** Milliseconds that a refused client may go on sending. Closing at once would reset the connection under the answer. */
const DRAIN_TIMEOUT = 10_000;
/** Bytes of headers that busboy accepts for one part. */
const PART_HEADERS_SIZE = 16 * 1024;
/** `operations` and `map`. */
const OTHER_PARTS = 2;
/** Characters kept of a file's name, the most that common file systems allow. */
const MAX_FILE_NAME_LENGTH = 255;
/** A browser cannot send these across origins without asking first (CORS preflight); multipart alone it can. */
const PREFLIGHT_HEADERS = ['x-apollo-operation-name', 'apollo-require-preflight'] as const;

interface PartInfo { filename?: string; encoding: string; mimeType: string }
interface FieldInfo { valueTruncated: boolean }
interface ParserEvents {
  on(event: 'field', listener: (name: string | undefined, value: string, info: FieldInfo) => void): this;
  on(event: 'file', listener: (name: string | undefined, stream: Readable, info: PartInfo) => void): this;
  on(event: 'filesLimit' | 'partsLimit' | 'finish', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}
type MultipartParser = Writable & ParserEvents;
type ParserFactory = (options: { headers: IncomingMessage['headers']; defParamCharset: string; limits: Record<string, number> }) => MultipartParser;

// busboy has no types of its own and is the library's dependency, not ours: take the very one the library uses.
const require = createRequire(import.meta.url);
const busboy = createRequire(require.resolve('graphql-upload-minimal'))('busboy') as ParserFactory;

type ProcessRequest = (request: IncomingMessage, response: ServerResponse) => Promise<GraphQLOperation>;
/** The option that takes our parser is documented by the library, but missing in its types. */
const withParser = graphqlUploadExpress as (options: { processRequest: ProcessRequest }) => RequestHandler;

/** The refusal of a multipart request that a browser could have been tricked into sending; undefined when it may pass. */
export function preflightFault(request: IncomingMessage): GraphQLError | undefined {
  if (PREFLIGHT_HEADERS.some((name) => request.headers[name])) return undefined;
  return refusal('BAD_REQUEST', `A multipart request needs a header that is not empty: ${PREFLIGHT_HEADERS.join(' or ')}.`);
}

/**
 * Express middleware for GraphQL multipart requests: graphql-upload-minimal's own, with a parser that survives hostile
 * bodies. Other content types pass untouched. Every refusal goes to `next(error)` as a GraphQLError.
 *
 * The contract for resolvers: the files of a request arrive one after another, and the next arrives only while the one
 * before is read or destroyed. Start reading all at once (`receiveFiles` in document/storage) or in the order of arrival.
 * Whoever waits for a later file first is refused after the stall time-out, not left hanging. The last file ends only when
 * the form was whole: who has read every file to its end has a complete request. Nothing can be read once it is answered.
 */
export function multipartUploads(limits: UploadLimits): RequestHandler {
  const parse = withParser({ processRequest: (request, response) => parseRequest(request, response, limits) });
  return (request, response, next) => {
    if (!request.is('multipart/form-data')) return next();
    const fault = preflightFault(request);
    if (fault) next(fault);
    else parse(request, response, next);
  };
}

async function parseRequest(request: IncomingMessage, response: ServerResponse, limits: UploadLimits): Promise<GraphQLOperation> {
  const { maxFileSize, maxFiles, maxOperationsSize } = limits;
  let parser: MultipartParser;
  try {
    // busboy reports a limit when it is reached, not when it is passed: hence the one byte and the one part more.
    const bounds = { fieldSize: maxOperationsSize + 1, fileSize: maxFileSize + 1, files: maxFiles, parts: maxFiles + OTHER_PARTS + 1 };
    parser = busboy({ headers: request.headers, defParamCharset: 'utf8', limits: bounds });
  } catch {
    throw malformed('the Content-Type has no usable boundary');
  }
  return new MultipartForm(request, response, parser, limits).operation;
}

/** One multipart request while it is parsed: from the first byte to the end of the response. */
class MultipartForm {
  /** Settles when `operations` and `map` have been read, before the files. */
  readonly operation: Promise<GraphQLOperation>;
  #resolve!: (operation: GraphQLOperation) => void;
  #reject!: (error: GraphQLError) => void;
  #operations: Record<string, unknown> | undefined;
  #expected: Map<string, ExpectedFile> | undefined;
  #failure: GraphQLError | undefined;
  #received = 0;
  #finished = false;
  readonly #arrived = new Set<string>();
  readonly #untaken = new Set<Readable>();
  readonly #open = new Set<Transform>();
  readonly #whole = Promise.withResolvers<void>();
  readonly #maxBodySize: number;
  #stall: NodeJS.Timeout | undefined;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly parser: MultipartParser,
    readonly limits: UploadLimits,
  ) {
    this.operation = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#maxBodySize = limits.maxFiles * (limits.maxFileSize + PART_HEADERS_SIZE) + OTHER_PARTS * (limits.maxOperationsSize + PART_HEADERS_SIZE);
    this.#watchStalls(Math.min(PREAMBLE_STALL_TIMEOUT, limits.stallTimeout ?? STALL_TIMEOUT));
    this.#listenToParser();
    this.#listenToRequest();
    if (Number(request.headers['content-length'] ?? 0) > this.#maxBodySize) this.#fail(this.#bodyTooLarge());
    else request.pipe(parser);
  }

  #listenToParser(): void {
    const { maxFiles } = this.limits;
    const tooManyFiles = (): void => this.#fail(refusal('PAYLOAD_TOO_LARGE', `At most ${maxFiles} files may come in one request.`));
    this.parser
      .on('field', (name, value, info) => this.#attempt(() => this.#onField(name, value, info)))
      .on('file', (name, stream, info) => this.#onFile(name, stream, info))
      .on('filesLimit', tooManyFiles)
      .on('partsLimit', tooManyFiles)
      .on('finish', () => this.#attempt(() => this.#onFinish()))
      // Permanent: busboy may emit a second error after the first, and one without a listener ends the process.
      .on('error', (error) => this.#fail(malformed(error.message)));
  }

  #listenToRequest(): void {
    const { request, response } = this;
    request.on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      this.#stall?.refresh();
      if (this.#received > this.#maxBodySize) this.#fail(this.#bodyTooLarge());
    });
    const cutOff = (): void => {
      if (!request.readableEnded) this.#fail(malformed('the connection ended before the request'));
    };
    request.on('error', cutOff).once('close', cutOff);
    response.once('close', () => this.#discardRest());
  }

  /** Runs a step of parsing; what it throws refuses the request. */
  #attempt(step: () => void): void {
    if (this.#failure) return;
    try {
      step();
    } catch (error) {
      this.#fail(isRefusal(error) ? error : malformed('it cannot be understood'));
    }
  }

  #onField(name: string | undefined, value: string, { valueTruncated }: FieldInfo): void {
    if (valueTruncated) throw refusal('PAYLOAD_TOO_LARGE', `A field of a multipart request may have ${this.limits.maxOperationsSize} bytes.`);
    if (name === 'operations' && !this.#operations) {
      this.#operations = parseObject('operations', value);
    } else if (name === 'map' && this.#operations && !this.#expected) {
      this.#expected = expectFiles(this.#operations, parseObject('map', value), this.limits.maxFiles);
      this.#watchStalls(this.limits.stallTimeout ?? STALL_TIMEOUT);
      // Without files nothing else would tell the caller that the form was cut off.
      if (this.#expected.size > 0) this.#resolve(this.#operations as unknown as GraphQLOperation);
    } else {
      throw malformed("its fields must be 'operations', then 'map', once each, and then the files");
    }
  }

  #onFile(name: string | undefined, source: Readable, info: PartInfo): void {
    // Permanent: busboy destroys the stream of a file that is cut off.
    source.on('error', (error) => this.#fail(malformed(error.message)));
    this.#attempt(() => this.#admitFile(name, source, info));
    if (this.#failure) source.resume();
  }

  #admitFile(name: string | undefined, source: Readable, info: PartInfo): void {
    if (!this.#expected) throw malformed("files must come after 'operations' and 'map'");
    const expected = name === undefined ? undefined : this.#expected.get(name);
    if (name === undefined || !expected) throw malformed("it has a file that 'map' does not name");
    if (this.#arrived.has(name)) throw malformed('it has two files of the same name');
    this.#arrived.add(name);
    source.on('limit', () => this.#fail(fileTooLarge(inputPath(expected.path), this.limits.maxFileSize)));
    const passage = this.#openPassage(source, this.#arrived.size === this.#expected.size);
    expected.upload.resolve(this.#describe(name, passage, info));
  }

  /** The stream that a resolver reads. What it does not read any more is thrown away, so that the next file can come. */
  #openPassage(source: Readable, last: boolean): Transform {
    const passage = new Transform({
      transform: (chunk, _encoding, done) => done(null, chunk),
      flush: (done) => void (last ? this.#whole.promise : Promise.resolve()).then(() => done()),
    });
    this.#open.add(passage);
    this.#untaken.add(passage);
    // Permanent: a stream that fails before its resolver listens must not end the process.
    passage.on('error', () => undefined).once('close', () => {
      this.#open.delete(passage);
      this.#untaken.delete(passage);
      source.unpipe(passage).resume();
    });
    source.pipe(passage);
    return passage;
  }

  #describe(fieldName: string, passage: Transform, info: PartInfo): FileUpload {
    const createReadStream = (): Transform => {
      if (this.#failure) throw this.#failure;
      if (!this.#untaken.delete(passage)) throw new Error('An upload can be read once.');
      return passage;
    };
    // The library's type says fs.ReadStream, which it never gives either.
    return { fieldName, filename: cleanFileName(info.filename), mimetype: info.mimeType, encoding: info.encoding, createReadStream } as unknown as FileUpload;
  }

  #onFinish(): void {
    if (!this.#operations || !this.#expected) throw malformed("it lacks 'operations' or 'map'");
    this.#finished = true;
    clearTimeout(this.#stall);
    for (const [name, { path, upload }] of this.#expected) {
      if (!this.#arrived.has(name)) upload.reject(badInput([{ path: inputPath(path), code: 'required', message: 'The request has no file for this.' }]));
    }
    this.#resolve(this.#operations as unknown as GraphQLOperation);
    this.#whole.resolve();
  }

  /** (Re)starts the watch over a client that sends nothing, or a resolver that waits for a file behind one it does not read. */
  #watchStalls(milliseconds: number): void {
    clearTimeout(this.#stall);
    this.#stall = setTimeout(() => {
      if (!this.parser.writableNeedDrain) this.#fail(malformed(`nothing more of it came for ${milliseconds / 1000} s`));
      else if (this.#untaken.size > 0) this.#fail(refusal('SERVICE_UNAVAILABLE', 'The files of this request were not read in time. Try again.'));
      else this.#stall?.refresh();
    }, milliseconds).unref();
  }

  /** Ends the parsing: everything in flight is destroyed, everything awaited is rejected, the rest of the body is thrown away. */
  #fail(error: GraphQLError): void {
    if (this.#failure) return;
    this.#failure = error;
    clearTimeout(this.#stall);
    this.#reject(error);
    for (const { upload } of this.#expected?.values() ?? []) upload.reject(error);
    for (const passage of this.#open) passage.destroy(error);
    this.request.unpipe(this.parser);
    this.parser.destroy();
    // Later, because the pipe may still pause the request in this turn of the event loop.
    setImmediate(() => this.request.resume());
  }

  /** After the answer: what nobody read is dropped, and a client that is still sending may finish for a while. */
  #discardRest(): void {
    if (!this.#finished || this.#open.size > 0) this.#fail(malformed('it was answered before it was read'));
    if (this.request.complete || this.request.destroyed) return;
    const drain = setTimeout(() => this.request.destroy(), DRAIN_TIMEOUT).unref();
    this.request.once('close', () => clearTimeout(drain));
  }

  #bodyTooLarge(): GraphQLError {
    return refusal('PAYLOAD_TOO_LARGE', `A multipart request may have ${this.#maxBodySize} bytes.`);
  }
}

function fileTooLarge(path: string, maxBytes: number): GraphQLError {
  const message = `A file may have at most ${maxBytes} bytes.`;
  return refusal('PAYLOAD_TOO_LARGE', `${path}: ${message}`, { fields: [{ path, code: 'too_large', message }] });
}

/** A name is a label for people: without control, format and unpaired characters, which the database or a terminal would choke on. */
function cleanFileName(name: string | undefined): string {
  return Array.from((name ?? '').normalize('NFC').replaceAll(/\p{C}/gu, '')).slice(0, MAX_FILE_NAME_LENGTH).join('');
}
