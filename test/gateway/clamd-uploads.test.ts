import { describe, expect, it } from 'vitest';
import { jpeg, withJpegComment } from '../files.js';
import { bringTo } from '../support/flows.js';
import { storedFiles, useGateway } from '../support/gateway.js';
import { SNAPSHOT, SUBMIT_DOCUMENT } from '../support/operations.js';

const gateway = useGateway({ CLAMD_URL: process.env['TEST_CLAMD_URL'] ?? '' }, { workers: false });
/** The test file that all scanners agree on, in two parts, so that none finds it here. */
const EICAR = String.raw`X5O!P%@AP[4\PZX54(P^)7CC)7}` + '$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*';

const picture = (): Promise<Buffer> => jpeg({ width: 320, height: 240 });
const INFECTED: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  'the test file itself': () => Buffer.from(EICAR),
  'a picture with it in a comment': async () => withJpegComment(await picture(), EICAR),
  'a picture with it behind its end': async () => Buffer.concat([await picture(), Buffer.from(EICAR)]),
  'a picture with it in its fifteenth megabyte': async () => Buffer.concat([await picture(), Buffer.alloc(14 * 1_048_576), Buffer.from(EICAR)]),
};
const asFile = (bytes: Uint8Array): File => new File([new Uint8Array(bytes)], 'front.jpg');

describe('files that ClamAV scans', () => {
  it(`${Object.keys(INFECTED).join('; ')}: refused at their field, nothing is kept, no attempt is spent`, async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = [await partner.request(SNAPSHOT, { id: customerId }), await storedFiles(gateway)];
    for (const [name, make] of Object.entries(INFECTED)) {
      const facts = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'STATE_ID', frontPhoto: asFile(await picture()), backPhoto: asFile(await make()) } });
      expect(facts, name).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'backPhoto', code: 'infected' }] });
    }
    expect([await partner.request(SNAPSHOT, { id: customerId }), await storedFiles(gateway)]).toEqual(before);
    console.log(`infected files refused: ${Object.keys(INFECTED).length}`);
  });

  it('a clean file of 15 MB passes', async () => {
    const { partner, identityId } = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const image = await picture();
    const frontPhoto = asFile(Buffer.concat([image, Buffer.alloc(15 * 1_048_576 - image.length)]));
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto } });
  });
});
