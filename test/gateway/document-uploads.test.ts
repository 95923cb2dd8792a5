import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { heic, jpeg, other, pdf, png, pngChunk, zip } from '../files.js';
import type { SubmitDocumentInput } from '../generated/graphql.js';
import { advance, bringTo, photo, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { halfUpload } from '../support/half-upload.js';
import { CUSTOMER, SNAPSHOT, SUBMIT_DOCUMENT, UPDATE_DOCUMENT } from '../support/operations.js';

const gateway = useGateway({}, { workers: false });

/** domain.md, Documents: 15 × 1,048,576 bytes. */
const LARGEST = 15 * 1_048_576;

/** The files that are kept of an organization's documents. */
async function stored({ id }: Pick<Applicant, 'id'>): Promise<string[]> {
  return (await readdir(join(gateway.dataDirectory, 'documents', id)).catch(() => [])).toSorted();
}

/** Under a name and a type that say nothing of what is in it. */
function file(bytes: Uint8Array, name = 'scan.jpg'): File {
  return new File([new Uint8Array(bytes)], name, { type: 'image/jpeg' });
}

/** A true PNG of exactly so many bytes: the rest is in a chunk that readers pass over. */
async function pngOf(size: number): Promise<Buffer> {
  const picture = await png({ width: 320, height: 240 });
  const [body, end] = [picture.subarray(0, -12), picture.subarray(-12)];
  return Buffer.concat([body, pngChunk('prVt', Buffer.alloc(size - picture.length - 12, 0x41)), end]);
}

interface Refused {
  input: () => Promise<Omit<SubmitDocumentInput, 'identityId'>> | Omit<SubmitDocumentInput, 'identityId'>;
  code: string;
  paths: string[];
}

const passport = (frontPhoto: File): Omit<SubmitDocumentInput, 'identityId'> => ({ selectedIdClass: 'PASSPORT', frontPhoto });

/** Submissions that are refused, why, and at which field. */
const REFUSED: Record<string, Refused> = {
  'one byte more than 15 MB': { input: async () => passport(file(await pngOf(LARGEST + 1))), code: 'PAYLOAD_TOO_LARGE', paths: ['frontPhoto'] },
  'five bytes of text': { input: () => passport(file(Buffer.from('hello'))), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['frontPhoto'] },
  'an empty file': { input: () => passport(file(Buffer.alloc(0))), code: 'BAD_USER_INPUT', paths: ['frontPhoto'] },
  'a GIF called JPEG': { input: async () => passport(file(await other('gif'))), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['frontPhoto'] },
  'a WebP called JPEG': { input: async () => passport(file(await other('webp'))), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['frontPhoto'] },
  'a HEIC called JPEG': { input: () => passport(file(heic())), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['frontPhoto'] },
  'a ZIP called JPEG': { input: () => passport(file(zip())), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['frontPhoto'] },
  '199 × 200 pixels': { input: async () => passport(file(await jpeg({ width: 199, height: 200 }))), code: 'BAD_USER_INPUT', paths: ['frontPhoto'] },
  'a JPEG cut off in the middle': { input: async () => passport(file((await jpeg({ width: 320, height: 240 })).subarray(0, 4_000))), code: 'BAD_USER_INPUT', paths: ['frontPhoto'] },
  'an encrypted PDF': { input: () => passport(file(pdf({ encryption: 'password' }))), code: 'BAD_USER_INPUT', paths: ['frontPhoto'] },
  'a PDF of eleven pages': { input: () => passport(file(pdf({ pages: 11 }))), code: 'BAD_USER_INPUT', paths: ['frontPhoto'] },
  'a driver’s license without its back': { input: async () => ({ selectedIdClass: 'DRIVERS_LICENSE', frontPhoto: await photo() }), code: 'BAD_USER_INPUT', paths: ['backPhoto'] },
  'a utility bill where a photo id is asked for': { input: async () => ({ selectedIdClass: 'UTILITY_BILL', proofOfResidency: await photo() }), code: 'BAD_USER_INPUT', paths: ['selectedIdClass'] },
  'a passport that has expired': { input: async () => ({ ...passport(await photo()), expirationDate: '2020-01-31' }), code: 'BAD_USER_INPUT', paths: ['expirationDate'] },
  'no file': { input: () => ({ selectedIdClass: 'PASSPORT' }), code: 'BAD_USER_INPUT', paths: ['frontPhoto'] },
  'a good front and a bad back': { input: async () => ({ selectedIdClass: 'STATE_ID', frontPhoto: await photo(), backPhoto: file(zip()) }), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['backPhoto'] },
  'a bad front and a bad back, both told of': { input: () => ({ selectedIdClass: 'STATE_ID', frontPhoto: file(zip()), backPhoto: file(zip()) }), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['frontPhoto', 'backPhoto'] },
  'a selfie that is a PDF': { input: async () => ({ ...passport(await photo()), selfie: file(pdf()) }), code: 'UNSUPPORTED_MEDIA_TYPE', paths: ['selfie'] },
};

describe('files that are refused', () => {
  it(`${Object.keys(REFUSED).join('; ')}: each says why and where, nothing is kept, no attempt is spent`, async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = [await person.partner.request(SNAPSHOT, { id: person.customerId }), await stored(person)];
    for (const [name, { input, code, paths }] of Object.entries(REFUSED)) {
      const refused = await person.partner.refusal(SUBMIT_DOCUMENT, { input: { identityId: person.identityId, ...(await input()) } });
      expect([name, refused.code]).toEqual([name, code]);
      expect([name, refused.fields?.map(({ path }) => path)]).toEqual([name, paths]);
      expect([await person.partner.request(SNAPSHOT, { id: person.customerId }), await stored(person)], name).toEqual(before);
    }
    console.log(`uploads: ${Object.keys(REFUSED).length} refused`);
    expect(Object.keys(REFUSED).length).toBeGreaterThanOrEqual(18);
  });

  it('a state that does not allow it is answered before the file has been sent', async () => {
    const person = await bringTo(gateway, 'INITIATING');
    const request = halfUpload(person.partner, person.identityId, LARGEST, 0);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const answer = await text(response);
    // The file itself never came.
    request.destroy();
    expect(answer).toContain('PATCH_NOT_ALLOWED');
    expect(await stored(person)).toHaveLength(1);
  });
});

describe('files that are accepted', () => {
  it('of exactly 15 MB, by its bytes and not by its name', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const { submitDocument } = await person.partner.request(SUBMIT_DOCUMENT, {
      input: { identityId: person.identityId, selectedIdClass: 'PASSPORT', frontPhoto: file(await pngOf(LARGEST), 'résumé.exe') },
    });
    expect(submitDocument.document.fileUploads).toMatchObject([{ fileSize: LARGEST, mimeType: 'image/png', width: 320, height: 240, fileName: 'résumé.exe', uploadStatus: 'UPLOADED' }]);
    expect(await stored(person)).toHaveLength(2);
  });

  it('JPEG, PNG and a PDF of ten pages, more files than were asked for, and details that are shown masked', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const { submitDocument } = await person.partner.request(SUBMIT_DOCUMENT, {
      input: {
        identityId: person.identityId, selectedIdClass: 'RESIDENCE_PERMIT', number: 'C01X00T47', issuingCountry: 'DEU', issueDate: '2020-01-31', expirationDate: '2199-01-31',
        frontPhoto: await photo(), backPhoto: file(await png({ width: 320, height: 240 })), proofOfResidency: file(pdf({ pages: 10 })), selfie: await photo('me.jpg'),
      },
    });
    expect(submitDocument.document.fileUploads.map(({ documentType, mimeType }) => `${documentType} ${mimeType}`).toSorted()).toEqual([
      'BACK_PHOTO image/png', 'FRONT_PHOTO image/jpeg', 'PROOF_OF_RESIDENCY application/pdf', 'SELFIE image/jpeg',
    ]);
    expect(submitDocument.document).toMatchObject({ issuingCountry: 'DE', issueDate: '2020-01-31', expirationDate: '2199-01-31' });
    expect(submitDocument.document.number).not.toContain('C01X00');
  });

  it('of two submissions at the same moment one is accepted, and nothing of the other is kept', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await stored(person);
    const input = { identityId: person.identityId, selectedIdClass: 'PASSPORT' as const };
    const answers = await Promise.all(Array.from({ length: 4 }, async () => person.partner.send(SUBMIT_DOCUMENT, { input: { ...input, frontPhoto: await photo() } })));
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions?.['code'] ?? 'accepted').toSorted();
    expect(codes).toEqual(['PATCH_NOT_ALLOWED', 'PATCH_NOT_ALLOWED', 'PATCH_NOT_ALLOWED', 'accepted']);
    expect(await stored(person)).toHaveLength(before.length + 1);
    const { customer } = await person.partner.request(CUSTOMER, { id: person.customerId });
    expect(customer?.identity).toMatchObject({ documentAttemptsRemaining: 1, status: 'RECORDS_UPLOADED' });
    expect(customer?.identity?.documents).toHaveLength(2);
  });

  it('updateDocument keeps the id and takes the old files out of the storage', async () => {
    const person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const before = await stored(person);
    const { updateDocument } = await person.partner.request(UPDATE_DOCUMENT, {
      input: { documentId: person.documentId, selectedIdClass: 'STATE_ID', frontPhoto: await photo('new-front.jpg'), backPhoto: await photo('new-back.jpg') },
    });
    expect(updateDocument.document.id).toBe(person.documentId);
    expect(updateDocument.document.fileUploads.map(({ fileName }) => fileName).toSorted()).toEqual(['new-back.jpg', 'new-front.jpg']);
    await advance(person.partner, 0);
    const after = await stored(person);
    expect(after).toHaveLength(2);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
  });

  it('updateDocument that is refused keeps the old files and the old document', async () => {
    const person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const before = [await person.partner.request(SNAPSHOT, { id: person.customerId }), await stored(person)];
    await person.partner.refusal(UPDATE_DOCUMENT, { input: { documentId: person.documentId, selectedIdClass: 'PASSPORT', frontPhoto: file(zip()) } });
    await advance(person.partner, 0);
    expect([await person.partner.request(SNAPSHOT, { id: person.customerId }), await stored(person)]).toEqual(before);
  });
});
