import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, PutObjectCommand, UploadPartCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/core/config.js';
import { createLog } from '../../src/core/log.js';
import type { S3Location } from '../../src/core/storage-location.js';
import { openS3Storage } from '../../src/document/s3-storage.js';
import { TestBucket } from '../support/bucket.js';
import { behavesAsStorage, KEY, keysOf } from '../support/storage.js';

const log = createLog({ logLevel: 'silent' });
let bucket: TestBucket;
let location: S3Location;
let client: S3Client;
let storage: Awaited<ReturnType<typeof openS3Storage>>;
let prefix: string;

beforeAll(async () => {
  bucket = await TestBucket.create();
  location = readConfig({ STORAGE_URL: bucket.url }).storage as S3Location;
  client = bucket.client;
});
beforeEach(async () => {
  prefix = `test/${randomUUID()}`;
  storage = await openS3Storage({ ...location, prefix }, log);
  return () => storage.close();
});
afterAll(() => bucket.close());

async function unfinished(): Promise<number> {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: location.bucket, Prefix: prefix }));
  return Uploads?.length ?? 0;
}

behavesAsStorage('storage in an S3 bucket', () => storage, async () => {
  expect(await unfinished()).toBe(0);
});

describe('storage in an S3 bucket', () => {
  test('parts that a killed process left are listed, and deleted by their key', async () => {
    await storage.put('org_01jx/fup_whole', Readable.from([randomBytes(10)]));
    const torn = { Bucket: location.bucket, Key: `${prefix}/org_01jx/fup_torn` };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(torn));
    await client.send(new UploadPartCommand({ ...torn, UploadId, PartNumber: 1, Body: randomBytes(5 * 1_048_576) }));
    expect(await keysOf(storage)).toEqual(['org_01jx/fup_torn', 'org_01jx/fup_whole']);
    await storage.delete('org_01jx/fup_torn');
    expect(await keysOf(storage)).toEqual(['org_01jx/fup_whole']);
    expect(await unfinished()).toBe(0);
  });

  test('lists more files than one page has', { timeout: 120_000 }, async () => {
    const put = (index: number) => client.send(new PutObjectCommand({ Bucket: location.bucket, Key: `${prefix}/org_01jx/fup_${index}`, Body: 'x' }));
    for (let from = 0; from < 1010; from += 10) await Promise.all(Array.from({ length: 10 }, (_, index) => put(from + index)));
    expect(await keysOf(storage)).toHaveLength(1010);
  });

  test('leaves alone what others keep in the bucket', async () => {
    const other = await openS3Storage({ ...location, prefix: `${prefix}x` }, log);
    await other.put(KEY, Readable.from(['theirs']));
    await client.send(new PutObjectCommand({ Bucket: location.bucket, Key: `${prefix}/a picture.jpg`, Body: 'x' }));
    expect(await keysOf(storage)).toEqual([]);
    await storage.delete(KEY);
    expect(await keysOf(other)).toEqual([KEY]);
    other.close();
  });
});

describe('a storage that cannot be used', () => {
  const open = (change: Partial<S3Location>) => openS3Storage({ ...location, ...change }, log);

  test('a bucket that is not there ends the start with a sentence', async () => {
    await expect(open({ bucket: 'not-there' })).rejects.toThrow(/^STORAGE_URL names the bucket not-there, which http\S+ does not have: create it, or name another\.$/);
  });

  test('an endpoint where nobody listens does too', async () => {
    await expect(open({ endpoint: 'http://127.0.0.1:1' })).rejects.toThrow(/^STORAGE_URL: http:\/\/127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): check its endpoint\.$/);
  });

  test('credentials that are refused do too', async () => {
    const secret = process.env['AWS_SECRET_ACCESS_KEY'];
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
    try {
      await expect(open({})).rejects.toThrow(/^STORAGE_URL: .* check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\.$/);
    } finally {
      process.env['AWS_SECRET_ACCESS_KEY'] = secret;
    }
  });
});
