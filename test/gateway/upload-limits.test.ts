import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jpeg, pngBomb } from '../files.js';
import { Client } from '../support/client.js';
import { advance, EVALUATION, newCustomer, submit, submitPassport } from '../support/flows.js';
import { storedFiles, TestGateway, useGateway } from '../support/gateway.js';
import { halfUpload } from '../support/half-upload.js';
import { CUSTOMER, SUBMIT_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';
import { kill, startProcess } from '../support/process.js';

const gateway = useGateway();
const MAXIMUM = 15 * 1_048_576;

async function awaiting(of: TestGateway) {
  const { partner } = await of.organization();
  const customerId = await newCustomer(partner);
  const identityId = await submit(partner, customerId, GERMAN);
  await advance(partner, EVALUATION);
  return { partner, customerId, identityId };
}

/** A picture of so many bytes: phones append what they like behind its end. */
async function pictureOf(bytes: number): Promise<File> {
  const image = await jpeg({ width: 1100, height: 700 });
  return new File([new Uint8Array(image), new Uint8Array(bytes - image.length)], 'front.jpg');
}

describe('the limits of an upload', () => {
  it('a file of exactly 15 MB passes, and one byte more is PAYLOAD_TOO_LARGE and leaves nothing', async () => {
    const { partner, customerId, identityId } = await awaiting(gateway);
    const before = await storedFiles(gateway);
    const large = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await pictureOf(MAXIMUM + 1) } });
    expect(large).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', statusCode: 413, fields: [{ path: 'frontPhoto', code: 'too_large' }] });
    expect(await storedFiles(gateway)).toEqual(before);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity).toMatchObject({ status: 'AWAITING_DOCUMENT_UPLOAD', documentAttemptsRemaining: 3 });
    const { submitDocument } = await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await pictureOf(MAXIMUM) } });
    expect(submitDocument.document.fileUploads).toMatchObject([{ fileSize: MAXIMUM }]);
  });

  it.each([
    ['an empty file', () => Promise.resolve(Buffer.alloc(0)), 'BAD_USER_INPUT'],
    ['half a picture', async () => (await jpeg({ width: 1100, height: 700 })).subarray(0, 50_000), 'BAD_USER_INPUT'],
    ['a picture of 65,535² pixels in 300 kB', () => Promise.resolve(pngBomb(65_535, 65_535)), 'PAYLOAD_TOO_LARGE'],
    ['a page', () => Promise.resolve(Buffer.from('<svg onload="alert(1)"/>')), 'UNSUPPORTED_MEDIA_TYPE'],
  ])('%s is refused with the reason at its field, spends nothing and leaves nothing', async (_name, file, code) => {
    const { partner, customerId, identityId } = await awaiting(gateway);
    const before = await storedFiles(gateway);
    const facts = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: new File([new Uint8Array(await file())], 'front.jpg') } });
    expect(facts).toMatchObject({ code, fields: [{ path: 'frontPhoto' }] });
    expect(await storedFiles(gateway)).toEqual(before);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.documentAttemptsRemaining).toBe(3);
  });
});

describe('what a kill -9 leaves', () => {
  const killed = new TestGateway();
  beforeAll(async () => {
    await killed.create();
    await killed.start();
  });
  afterAll(() => killed.destroy());

  it('in the middle of an upload is one unfinished file, which the sweep collects once it is old', async () => {
    const { partner, identityId } = await awaiting(killed);
    const before = await storedFiles(killed);
    await killed.stop();
    const { child, url } = await startProcess(killed);
    const request = halfUpload(new Client(url, partner.key), identityId, MAXIMUM, 5 * 1_048_576);
    const unfinished = async (): Promise<string[]> => (await storedFiles(killed)).filter((name) => !before.includes(name));
    await expect.poll(unfinished, { timeout: 20_000 }).toEqual([expect.stringMatching(/^fup_.*\.partial$/)]);
    await kill(child);
    request.destroy();
    const old = new Date(Date.now() - 2 * 3_600_000);
    expect(await unfinished()).toHaveLength(1);
    const entries = await readdir(join(killed.dataDirectory, 'documents'), { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.name.endsWith('.partial')) await utimes(join(entry.parentPath, entry.name), old, old);
    await killed.start();
    await expect.poll(unfinished, { timeout: 20_000 }).toEqual([]);
    expect(await storedFiles(killed)).toEqual(before);
  });

  it('is collected by the next start: files that no document names, unless they are young', async () => {
    const { partner, identityId } = await awaiting(killed);
    await submitPassport(partner, identityId);
    const kept = await storedFiles(killed);
    await killed.stop();
    const organization = join(killed.dataDirectory, 'documents', 'org_01kb3v6k8pe2mvb5s3w3x0d2qz');
    await mkdir(organization, { recursive: true });
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const name of ['fup_orphan', 'fup_unfinished.partial', 'fup_young']) {
      await writeFile(join(organization, name), 'x');
      if (name !== 'fup_young') await utimes(join(organization, name), old, old);
    }
    // What a document names stays, however old.
    const entries = await readdir(join(killed.dataDirectory, 'documents'), { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.isFile() && kept.includes(entry.name)) await utimes(join(entry.parentPath, entry.name), old, old);
    await killed.start();
    await expect.poll(() => storedFiles(killed), { timeout: 10_000 }).toEqual(expect.not.arrayContaining(['fup_orphan', 'fup_unfinished.partial']));
    await expect.poll(async () => (await storedFiles(killed)).sort(), { timeout: 10_000 }).toEqual([...kept, 'fup_young'].sort());
  });
});
