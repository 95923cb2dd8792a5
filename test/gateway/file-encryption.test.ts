import { randomInt } from 'node:crypto';
import { watch } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { print } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/core/ids.js';
import { withoutMetadata } from '../../src/document/metadata.js';
import { jpeg } from '../files.js';
import { graphql } from '../generated/index.js';
import { useFileServer } from '../support/file-server.js';
import { advance, bringTo, EVALUATION, newCustomer, submit, type Applicant } from '../support/flows.js';
import { TestGateway, useGateway } from '../support/gateway.js';
import { halfRequest, halfUpload } from '../support/half-upload.js';
import { SUBMIT_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';
import { kill, startProcess } from '../support/process.js';

const MEGABYTE = 1_048_576;
const CANARY = 'file-canary-4711';
const FILES = graphql(`
  query EncryptedFiles($identityId: ID, $documentId: ID) {
    documents(identityId: $identityId, documentId: $documentId) {
      id
      fileUploads {
        url
        fileSize
        uploadStatus
      }
    }
  }
`);
const INSPECT = graphql(`
  mutation InspectInPart($input: InspectFileInput!) {
    inspectFile(input: $input) {
      mimeType
    }
  }
`);
const BROKEN = graphql(`
  query BrokenSeals {
    auditTrail(filter: { kinds: [SEAL_BROKEN] }) {
      nodes {
        kind
        actor
        role
        customerId
        subjects
        fields
        count
        entry
        salt
      }
    }
  }
`);

/** A picture with a word behind its end, as phones append, which is found wherever the file lies in the plain. */
const picture = async (): Promise<Buffer> => Buffer.concat([await jpeg({ width: 1100, height: 700 }), Buffer.from(CANARY.repeat(10_000))]);
const fileOf = (bytes: Buffer, name: string): File => new File([new Uint8Array(bytes)], name);

/** Every file under a gateway's storage, by its path. */
async function stored({ dataDirectory }: TestGateway): Promise<Map<string, Buffer>> {
  const directory = join(dataDirectory, 'documents');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
}

describe('files', () => {
  const gateway = useGateway({ ALLOW_PRIVATE_URLS: 'true' });
  const server = useFileServer(async () => ({ '/passport.jpg': await picture() }));
  const plain = async (): Promise<string[]> => [...(await stored(gateway))].filter(([, bytes]) => bytes.includes(CANARY) || bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))).map(([path]) => path);

  it('uploaded, and fetched by URL, lie in the storage encrypted alone, and are read back as they were', async () => {
    const { partner } = await gateway.organization();
    const bytes = await picture();
    const fetched = await submit(partner, await newCustomer(partner), { ...GERMAN, documents: [{ type: 'PASSPORT', frontImageUrl: server.url('/passport.jpg') }] });
    const uploaded = await submit(partner, await newCustomer(partner), GERMAN);
    await advance(partner, EVALUATION);
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId: uploaded, selectedIdClass: 'STATE_ID', frontPhoto: fileOf(bytes, 'front.jpg'), backPhoto: fileOf(bytes, 'back.jpg') } });
    const documents = await Promise.all([fetched, uploaded].map(async (identityId) => (await partner.request(FILES, { identityId })).documents));
    const files = documents.flat().flatMap(({ fileUploads }) => fileUploads);
    expect(files.map(({ fileSize, uploadStatus }) => [fileSize, uploadStatus])).toEqual(Array.from({ length: 3 }, () => [bytes.length, 'UPLOADED']));
    for (const { url } of files) expect(Buffer.from(await (await fetch(url!)).arrayBuffer()).equals(withoutMetadata(bytes, 'image/jpeg'))).toBe(true);
    expect((await stored(gateway)).size).toBeGreaterThanOrEqual(3);
    expect(await plain()).toEqual([]);
  });

  it.each([
    ['submitted', ({ partner, identityId }: Applicant) => halfUpload(partner, identityId, 15 * MEGABYTE, 11 * MEGABYTE)],
    ['inspected', ({ partner }: Applicant) => halfRequest(partner, { query: print(INSPECT), variables: { input: { documentType: 'FRONT_PHOTO', file: null } } }, 'file', 15 * MEGABYTE, 11 * MEGABYTE)],
  ])('that are still arriving, to be %s, are encrypted too: no part of them ever lies there in the plain', async (_name, begin) => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const partial = async (): Promise<Buffer> => [...(await stored(gateway))].find(([path]) => path.includes(person.id) && path.endsWith('.partial'))?.[1] ?? Buffer.alloc(0);
    const request = begin(person);
    await expect.poll(async () => (await partial()).length, { timeout: 20_000 }).toBeGreaterThan(5 * MEGABYTE);
    const written = await partial();
    request.destroy();
    // It was sent as zeroes.
    expect(written.includes(Buffer.alloc(64))).toBe(false);
    await expect.poll(async () => (await partial()).length, { timeout: 20_000 }).toBe(0);
  });

  it('that were changed, cut, replaced or moved are INTERNAL_SERVER_ERROR with not a byte of them, and an entry of the audit trail', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const admin = gateway.client(await gateway.key(person.id, 'ADMIN'));
    const bytes = await picture();
    const { id: documentId } = (await person.partner.request(SUBMIT_DOCUMENT, { input: { identityId: person.identityId, selectedIdClass: 'STATE_ID', frontPhoto: fileOf(bytes, 'front.jpg'), backPhoto: fileOf(bytes, 'back.jpg') } })).submitDocument.document;
    const [front, back] = (await person.partner.request(FILES, { documentId })).documents[0]!.fileUploads.map(({ url }) => new URL(url!));
    const fileId = front!.pathname.split('/').at(-1)!;
    const path = join(gateway.dataDirectory, 'documents', person.id, fileId);
    const other = join(dirname(path), back!.pathname.split('/').at(-1)!);
    const whole = await readFile(path);
    const changes: (() => Promise<unknown>)[] = [
      ...[0, 5, 20, 45, 60, 65_536, 70_000, whole.length - 1].map((at) => () => writeFile(path, whole.with(at, whole[at]! ^ 1))),
      ...[0, 10, 64, 65_536, whole.length - 1].map((length) => () => writeFile(path, whole.subarray(0, length))),
      () => writeFile(path, Buffer.concat([whole, whole])),
      () => writeFile(path, Buffer.concat([whole.subarray(65_536), whole.subarray(0, 65_536)])),
      // In the plain, as it once was.
      () => writeFile(path, bytes),
      // Of the same customer, document and key.
      () => cp(other, path),
    ];
    for (const [index, change] of changes.entries()) {
      await change();
      const answer = await fetch(front!);
      const text = await answer.text();
      expect([index, answer.status, answer.headers.get('content-type')]).toEqual([index, 500, expect.stringContaining('application/json')]);
      expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
      expect(text).not.toMatch(/seal|cipher|decrypt/i);
    }
    await writeFile(path, whole);
    expect((await fetch(front!)).status).toBe(200);
    const [entry, ...more] = (await admin.request(BROKEN, {})).auditTrail.nodes;
    expect([entry, more]).toMatchObject([{ kind: 'SEAL_BROKEN', role: 'SYSTEM', actor: 'encryption', customerId: person.customerId, subjects: [fileId], fields: ['file_upload'], count: 1, salt: null }, []]);
    // What came again within the minute is counted at its end.
    await gateway.stop();
    await gateway.start();
    const counted = (await gateway.client(admin.key).request(BROKEN, {})).auditTrail.nodes;
    expect(counted.map(({ count }) => count)).toEqual([changes.length - 1, 1]);
  });

  it('do not open by the row of another file of the same customer either', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const bytes = await picture();
    await person.partner.request(SUBMIT_DOCUMENT, { input: { identityId: person.identityId, selectedIdClass: 'STATE_ID', frontPhoto: fileOf(bytes, 'front.jpg'), backPhoto: fileOf(bytes, 'back.jpg') } });
    const swap = (): Promise<unknown> =>
      gateway.behindItsBack((query) => query(`update file_upload as one set storage_key = other.storage_key from file_upload as other
        where one.customer_id = $1 and other.customer_id = $1 and one.document_id = other.document_id and one.id <> other.id and one.file_size = ${bytes.length}`, [person.customerId]));
    const statuses = async (): Promise<number[]> => {
      const { documents } = await gateway.client(person.partner.key).request(FILES, { identityId: person.identityId });
      return Promise.all(documents.at(-1)!.fileUploads.map(async ({ url }) => (await fetch(url!)).status));
    };
    expect(await statuses()).toEqual([200, 200]);
    await swap();
    expect(await statuses()).toEqual([500, 500]);
    await swap();
    expect(await statuses()).toEqual([200, 200]);
  });
});

describe('files that were stored before files were encrypted', () => {
  const ORGANIZATION = 'org_01m80npamsfvpvwa1pscks8fv6';
  const [DOCUMENT, FILE] = ['doc_01m80npbfffvpvwa4rdj9y7h11', 'fup_01m80npb96fvpvwa4hcd4rbavz'];
  const MORE = 15;
  const KILLS = 3;
  const overrides = { workers: false };
  const gateway = new TestGateway({}, overrides);
  const directory = (): string => join(gateway.dataDirectory, 'documents', ORGANIZATION);
  let original: Buffer;
  let key: string;

  beforeAll(async () => {
    await gateway.createFrom(await readFile(new URL('../fixtures/before-encryption.sql', import.meta.url), 'utf8'));
    original = await readFile(new URL('../fixtures/before-encryption.jpg', import.meta.url));
    await mkdir(directory(), { recursive: true });
    await writeFile(join(directory(), FILE), original);
    await gateway.start();
    key = await gateway.key(ORGANIZATION, 'PARTNER');
    // Many of them, so that there is a middle to be killed in.
    await gateway.behindItsBack(async (query) => {
      for (let index = 0; index < MORE; index += 1) {
        const id = newId('file');
        await writeFile(join(directory(), id), original);
        await query(`insert into file_upload (id, organization_id, document_id, document_type, file_name, file_size, mime_type, width, height, sha256, upload_status, storage_key, warnings, created_at)
          select $1, organization_id, document_id, document_type, file_name, file_size, mime_type, width, height, sha256, upload_status, $2, warnings, created_at from file_upload where id = $3`, [id, `${ORGANIZATION}/${id}`, FILE]);
      }
    });
  });
  afterAll(() => gateway.destroy());

  const isPlain = (bytes: Buffer): boolean => bytes.equals(original);
  /** Opens every one by its link. */
  async function readAll(): Promise<number> {
    const { documents } = await gateway.client(key).request(FILES, { documentId: DOCUMENT });
    const shown = withoutMetadata(original, 'image/jpeg');
    for (const { url } of documents[0]!.fileUploads) expect(Buffer.from(await (await fetch(url!)).arrayBuffer()).equals(shown)).toBe(true);
    return documents[0]!.fileUploads.length;
  }
  /** How many rows say that their file is encrypted; each names a file that is as its row says. */
  const encrypted = (): Promise<number> =>
    gateway.behindItsBack(async (query) => {
      const rows = await query('select storage_key, encrypted from file_upload');
      expect(rows).toHaveLength(MORE + 1);
      for (const row of rows) expect([row['storage_key'], isPlain(await readFile(join(directory(), '..', row['storage_key'] as string)))]).toEqual([row['storage_key'], row['encrypted'] === false]);
      return rows.filter((row) => row['encrypted']).length;
    });

  it('are read as they were', async () => {
    expect(await readAll()).toBe(MORE + 1);
    expect(await encrypted()).toBe(0);
  });

  it(`are each whole, as it was or encrypted, wherever the gateway is killed while it encrypts them: ${KILLS} times`, async () => {
    await gateway.stop();
    const done: number[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      let left = randomInt(8, 20);
      const enough = Promise.withResolvers<void>();
      const watcher = watch(directory(), () => --left === 0 && enough.resolve());
      const { child } = await startProcess(gateway);
      await enough.promise;
      await kill(child);
      watcher.close();
      done.push(await encrypted());
      await gateway.stop();
    }
    console.log(`files of before: killed ${KILLS} times while they were encrypted, after ${done.join(', ')} of ${MORE + 1}; none was lost`);
    expect(done.at(-1)).toBeGreaterThan(0);
    expect(done.at(-1)).toBeLessThan(MORE + 1);
  }, 180_000);

  it('are encrypted to the last while the gateway serves, and nothing is left of them in the plain', async () => {
    overrides.workers = true;
    await gateway.stop();
    await gateway.start();
    for (let round = 0; round < 3; round += 1) expect(await readAll()).toBe(MORE + 1);
    await expect.poll(encrypted, { timeout: 60_000, interval: 500 }).toBe(MORE + 1);
    expect(await readAll()).toBe(MORE + 1);
    await advance(gateway.client(key), 61);
    expect([...(await stored(gateway)).values()].filter(isPlain)).toEqual([]);
    expect(await readAll()).toBe(MORE + 1);
  }, 180_000);
});
