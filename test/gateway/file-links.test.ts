import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createInspector } from '../../src/document/inspection.js';
import { jpeg, pdf, pdfStream, pngChunk, png } from '../files.js';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { bringTo, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { PATCH_IDENTITY, REVOKE_API_KEY, UPDATE_DOCUMENT } from '../support/operations.js';

let ahead = 0;
const gateway = useGateway({}, { clock: { now: () => new Date(Date.now() + ahead) } });

const FILES = graphql(`
  query Files($documentId: ID!) {
    documents(documentId: $documentId) { fileUploads { url fileName mimeType fileSize reads { reader readAt } } }
  }
`);

/** A place in Berlin, and a word that a camera might have written. */
const GPS = { IFD0: { Make: 'TelltaleCamera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 0/1', GPSLongitudeRef: 'E', GPSLongitude: '13/1 24/1 0/1' } };

async function withFile(file: Buffer, name: string): Promise<Applicant> {
  const applicant = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
  const { partner, documentId, identityId } = applicant;
  await partner.request(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } });
  await partner.request(UPDATE_DOCUMENT, { input: { documentId, selectedIdClass: 'PASSPORT', frontPhoto: new File([new Uint8Array(file)], name) } });
  return applicant;
}

async function fileOf(client: Client, documentId: string) {
  const file = (await client.request(FILES, { documentId })).documents[0]!.fileUploads[0]!;
  return { ...file, url: file.url! };
}

describe('a file is read back by its link', () => {
  it('with its type, under a name of its own, kept by nobody, and without the place where it was taken', async () => {
    const original = await sharp(await jpeg({ width: 1100, height: 700 })).withExif(GPS).withMetadata({ orientation: 6 }).withExifMerge(GPS).jpeg({ quality: 92 }).toBuffer();
    const image = Buffer.concat([original, Buffer.from('TelltaleTrailer')]);
    expect((await sharp(image).metadata()).exif?.includes('TelltaleCamera')).toBe(true);
    const { partner, reviewer, documentId } = await withFile(image, 'Päss (1).jpg');
    const answers: { answer: Response; served: Buffer }[] = [];
    for (const client of [partner, reviewer]) {
      const answer = await fetch((await fileOf(client, documentId)).url);
      answers.push({ answer, served: Buffer.from(await answer.arrayBuffer()) });
    }
    for (const { answer, served } of answers) {
      expect(answer.status).toBe(200);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'image/jpeg', 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-store', 'accept-ranges': 'bytes',
        'content-disposition': `attachment; filename="P_ss (1).jpg"; filename*=UTF-8''P%C3%A4ss%20%281%29.jpg`,
      });
      expect(served.includes('Telltale')).toBe(false);
      const { exif, orientation, width, height } = await sharp(served).metadata();
      expect({ orientation, width, height, tiny: (exif?.length ?? 0) < 64 }).toEqual({ orientation: 6, width: 1100, height: 700, tiny: true });
      expect(await sharp(served).raw().toBuffer()).toEqual(await sharp(image).raw().toBuffer());
    }
  });

  it('a PNG too, pixel by pixel and without its texts', async () => {
    const plain = await png({ width: 1100, height: 700 });
    const image = Buffer.concat([plain.subarray(0, 33), pngChunk('tEXt', Buffer.from('Comment\0Telltale')), plain.subarray(33)]);
    const { partner, documentId } = await withFile(image, 'front.png');
    const served = Buffer.from(await (await fetch((await fileOf(partner, documentId)).url)).arrayBuffer());
    expect(served.includes('Telltale')).toBe(false);
    expect(await sharp(served).raw().toBuffer()).toEqual(await sharp(image).raw().toBuffer());
  });

  it('a PDF too, without the places in the photographs in it and in its own metadata, every byte where it was', async () => {
    const photograph = await sharp(await jpeg({ width: 300, height: 300 })).withExif(GPS).jpeg().toBuffer();
    expect(photograph.includes('TelltaleCamera')).toBe(true);
    const xmp = '<?xpacket begin="" id="W5M0"?><x:xmpmeta><exif:GPSLatitude>52,31.0N</exif:GPSLatitude>Telltale</x:xmpmeta><?xpacket end="w"?>';
    const objects = [
      pdfStream('/Type /XObject /Subtype /Image /Width 300 /Height 300 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode', photograph),
      pdfStream('/Type /Metadata /Subtype /XML', Buffer.from(xmp)),
    ];
    const file = pdf({ objects });
    const { partner, documentId } = await withFile(file, 'scan.pdf');
    const served = Buffer.from(await (await fetch((await fileOf(partner, documentId)).url)).arrayBuffer());
    expect(served.length).toBe(file.length);
    expect([served.includes('Telltale'), served.includes('GPSLatitude')]).toEqual([false, false]);
    const at = served.indexOf(photograph.subarray(0, 4));
    const shown = served.subarray(at, at + photograph.length);
    expect(await sharp(shown).raw().toBuffer()).toEqual(await sharp(photograph).raw().toBuffer());
    const inspector = createInspector();
    expect(await inspector.inspect(served, { minimumPixels: 200, maximumPixels: 1e8, maximumPdfPages: 10 })).toMatchObject({ ok: true });
    await inspector.close();
    const plain = pdf();
    const other = await withFile(plain, 'bill.pdf');
    const answer = await fetch((await fileOf(other.partner, other.documentId)).url);
    expect([answer.headers.get('content-type'), Buffer.from(await answer.arrayBuffer()).equals(plain)]).toEqual(['application/pdf', true]);
  });

  it('in parts: ranges from the start, the middle and the end; none behind the end', async () => {
    const { partner, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { url } = await fileOf(partner, documentId);
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    const size = whole.length;
    for (const [range, from, to] of [['bytes=0-99', 0, 99], ['bytes=100-', 100, size - 1], ['bytes=-10', size - 10, size - 1]] as const) {
      const answer = await fetch(url, { headers: { range } });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to}/${size}`]);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(whole.subarray(from, to + 1));
    }
    const beyond = await fetch(url, { headers: { range: `bytes=${size}-` } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    expect((await fetch(url, { method: 'HEAD' })).headers.get('content-length')).toBe(String(size));
  });

  it('every read is recorded with who and when, and a refused one is not', async () => {
    const { partner, reviewer, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const [mine, theirs] = [await fileOf(partner, documentId), await fileOf(reviewer, documentId)];
    for (const { url } of [mine, theirs, theirs]) await (await fetch(url)).arrayBuffer();
    await fetch(`${mine.url}x`);
    const { reads } = await fileOf(reviewer, documentId);
    const viewers = [mine, theirs, theirs].map(({ url }) => new URL(url).searchParams.get('viewer'));
    expect(reads.map(({ reader }) => reader)).toEqual(viewers);
    for (const { readAt } of reads) expect(Math.abs(new Date(readAt).getTime() - Date.now())).toBeLessThan(60_000);
    expect((await fileOf(partner, documentId)).reads).toEqual([]);
  });
});

describe('a link is refused, as JSON', () => {
  it.each([
    ['forged', (url: URL) => url.searchParams.set('signature', 'A'.repeat(43))],
    ['of another file', (url: URL) => (url.pathname = url.pathname.replace(/.$/, (last) => (last === '0' ? '1' : '0')))],
    ['of another viewer', (url: URL) => url.searchParams.set('viewer', 'key_01kb3v6k8pe2mvb5s3w3x0d2qz')],
    ['made to last', (url: URL) => url.searchParams.set('expires', '99999999999')],
    ['without a signature', (url: URL) => url.searchParams.delete('signature')],
  ])('when it is %s', async (_name, change) => {
    const { partner, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const url = new URL((await fileOf(partner, documentId)).url);
    change(url);
    const answer = await fetch(url);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  });

  it('when it has expired', async () => {
    const { partner, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { url } = await fileOf(partner, documentId);
    ahead = 299_000;
    expect((await fetch(url)).status).toBe(200);
    ahead = 301_000;
    expect((await fetch(url)).status).toBe(403);
    ahead = 0;
  });

  it('when the viewer\'s key was revoked, and only then', async () => {
    const { id, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const viewer = gateway.client(await gateway.key(id, 'REVIEWER'));
    const { url } = await fileOf(viewer, documentId);
    expect((await fetch(url)).status).toBe(200);
    await gateway.operator.request(REVOKE_API_KEY, { input: { apiKeyId: new URL(url).searchParams.get('viewer')! } });
    expect((await fetch(url)).status).toBe(403);
  });

  it('when its file was replaced: 404', async () => {
    const { partner, documentId, identityId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { url } = await fileOf(partner, documentId);
    await partner.request(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } });
    await partner.request(UPDATE_DOCUMENT, { input: { documentId, selectedIdClass: 'PASSPORT', frontPhoto: new File([new Uint8Array(await jpeg())], 'new.jpg') } });
    expect((await fetch(url)).status).toBe(404);
  });
});
