import { CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jpeg, zip } from '../files.js';
import { graphql } from '../generated/index.js';
import { TestBucket } from '../support/bucket.js';
import { advance, bringTo, EVALUATION, newCustomer, photo, submit, type Applicant } from '../support/flows.js';
import { TestGateway } from '../support/gateway.js';
import { halfUpload } from '../support/half-upload.js';
import { SNAPSHOT, SUBMIT_DOCUMENT, UPDATE_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

const MAXIMUM = 15 * 1_048_576;
const HOURS = 3_600_000;
const READ_BACK = graphql(`
  query ReadBack($documentId: ID!) {
    documents(documentId: $documentId) { fileUploads { url fileSize sha256 } }
  }
`);

let ahead = 0;
let bucket: TestBucket;
let gateway: TestGateway;
beforeAll(async () => {
  bucket = await TestBucket.create();
  gateway = new TestGateway({ STORAGE_URL: bucket.url }, { clock: { now: () => new Date(Date.now() + ahead) } });
  await gateway.create();
  await gateway.start();
});
afterEach(() => bucket.mend());
afterAll(async () => {
  await gateway.destroy();
  await bucket.close();
});

/** A picture of so many bytes: phones append what they like behind its end. */
async function pictureOf(bytes: number): Promise<File> {
  const image = await jpeg({ width: 1100, height: 700 });
  return new File([new Uint8Array(image), new Uint8Array(bytes - image.length).fill(7)], 'front.jpg');
}

const keysOf = async ({ id }: Applicant): Promise<string[]> => (await bucket.keys()).filter((key) => key.includes(id));
const passport = async ({ identityId }: Applicant, frontPhoto?: File) => ({ input: { identityId, selectedIdClass: 'PASSPORT' as const, frontPhoto: frontPhoto ?? (await photo()) } });

describe('documents in an S3 bucket', () => {
  it('a file of 15 MB is kept, read back whole and in parts, and goes when it is replaced', async () => {
    const person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { partner, documentId } = person;
    const replaced = await keysOf(person);
    const input = { documentId, selectedIdClass: 'PASSPORT' as const, frontPhoto: await pictureOf(MAXIMUM) };
    await partner.request(UPDATE_DOCUMENT, { input });
    await advance(partner, 0);
    const kept = await keysOf(person);
    expect(kept).toHaveLength(1);
    expect(kept).not.toEqual(replaced);
    const file = (await partner.request(READ_BACK, { documentId })).documents[0]!.fileUploads[0]!;
    expect(file.fileSize).toBe(MAXIMUM);
    const image = await jpeg({ width: 1100, height: 700 });
    const whole = Buffer.from(await (await fetch(file.url!)).arrayBuffer());
    expect(whole.equals(image)).toBe(true);
    const partial = await fetch(file.url!, { headers: { range: 'bytes=1000-1999' } });
    expect([partial.status, Buffer.from(await partial.arrayBuffer()).equals(image.subarray(1000, 2000))]).toEqual([206, true]);
  });

  it.skipIf(process.env['TEST_DATABASE'] !== 'postgresql')('a link that one replica gave is served by another', async () => {
    const { partner, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { url } = (await partner.request(READ_BACK, { documentId })).documents[0]!.fileUploads[0]!;
    const replica = await gateway.replica();
    try {
      const elsewhere = new URL(new URL(url!).pathname + new URL(url!).search, replica.client(null).url);
      const [here, there] = await Promise.all([url!, elsewhere].map(async (link) => Buffer.from(await (await fetch(link)).arrayBuffer())));
      expect([there!.equals(here!), there!.length > 1000]).toEqual([true, true]);
    } finally {
      await replica.stop();
    }
  });

  it('a refused file leaves nothing: one byte too many, no picture, a good one beside a bad one', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await keysOf(person);
    const bad = new File([new Uint8Array(zip())], 'back.jpg');
    expect((await person.partner.refusal(SUBMIT_DOCUMENT, await passport(person, await pictureOf(MAXIMUM + 1)))).code).toBe('PAYLOAD_TOO_LARGE');
    expect((await person.partner.refusal(SUBMIT_DOCUMENT, await passport(person, bad))).code).toBe('UNSUPPORTED_MEDIA_TYPE');
    const both = { input: { identityId: person.identityId, selectedIdClass: 'STATE_ID' as const, frontPhoto: await photo(), backPhoto: bad } };
    expect((await person.partner.refusal(SUBMIT_DOCUMENT, both)).code).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect(await keysOf(person)).toEqual(before);
  });

  it('an upload that is broken off after 11 MB leaves neither a file nor parts', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await keysOf(person);
    const request = halfUpload(person.partner, person.identityId, MAXIMUM, 11 * 1_048_576);
    await expect.poll(async () => (await keysOf(person)).filter((key) => key.startsWith('unfinished')), { timeout: 20_000 }).toHaveLength(1);
    request.destroy();
    await expect.poll(() => keysOf(person), { timeout: 20_000 }).toEqual(before);
  });

  it('what a killed process left is collected once it is old: files that no document names, and parts', async () => {
    const person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const kept = await bucket.keys();
    const of = (name: string) => ({ Bucket: bucket.name, Key: `documents/${person.id}/${name}` });
    await bucket.client.send(new PutObjectCommand({ ...of('fup_orphan'), Body: 'x' }));
    const { UploadId } = await bucket.client.send(new CreateMultipartUploadCommand(of('fup_torn')));
    await bucket.client.send(new UploadPartCommand({ ...of('fup_torn'), UploadId, PartNumber: 1, Body: new Uint8Array(5 * 1_048_576) }));
    await gateway.stop();
    await gateway.start();
    expect(await bucket.keys()).toHaveLength(kept.length + 2);
    await gateway.stop();
    ahead = 2 * HOURS;
    await gateway.start();
    await expect.poll(() => bucket.keys(), { timeout: 20_000 }).toEqual(kept);
    ahead = 0;
  });
});

describe('an S3 server that does not answer', () => {
  it('makes uploads SERVICE_UNAVAILABLE, spends and keeps nothing, and the same upload passes later', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = [await person.partner.request(SNAPSHOT, { id: person.customerId }), await keysOf(person)];
    bucket.cut();
    for (const file of [await photo(), await pictureOf(MAXIMUM)]) {
      const facts = await person.partner.refusal(SUBMIT_DOCUMENT, await passport(person, file));
      expect(facts).toMatchObject({ code: 'SERVICE_UNAVAILABLE', statusCode: 503, retryAfter: 5 });
    }
    bucket.mend();
    expect([await person.partner.request(SNAPSHOT, { id: person.customerId }), await keysOf(person)]).toEqual(before);
    await person.partner.request(SUBMIT_DOCUMENT, await passport(person));
  });

  it('makes reading back a 503, as JSON, and later the same link serves', async () => {
    const { partner, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { url } = (await partner.request(READ_BACK, { documentId })).documents[0]!.fileUploads[0]!;
    bucket.cut();
    const refused = await fetch(url!);
    expect([refused.status, await refused.json()]).toMatchObject([503, { errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 5 } }] }]);
    bucket.mend();
    expect((await fetch(url!)).status).toBe(200);
  });

  it('or has lost the bucket is as unavailable, and the next start says what is wrong', async () => {
    const other = await TestBucket.create();
    const alone = new TestGateway({ STORAGE_URL: other.url });
    await alone.create();
    await alone.start();
    const { partner } = await alone.organization();
    const identityId = await submit(partner, await newCustomer(partner), GERMAN);
    await advance(partner, EVALUATION);
    await other.remove();
    const refused = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    expect(refused).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 5 });
    await alone.stop();
    await expect(alone.start()).rejects.toThrow(new RegExp(`^STORAGE_URL names the bucket ${other.name}, which \\S+ does not have`));
    await alone.destroy();
    await other.close();
  });
});
