import { describe, expect, it } from 'vitest';
import { jpeg, pdf } from '../files.js';
import { graphql } from '../generated/index.js';
import type { KycDataInput, KycDocumentInput } from '../generated/graphql.js';
import { useFileServer } from '../support/file-server.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, REVIEWING, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, PATCH_CUSTOMER, PATCH_IDENTITY, SUBMIT_IDENTITY } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import type { Client } from '../support/client.js';

const open = useGateway({ ALLOW_PRIVATE_URLS: 'true' });
const closed = useGateway();
const server = useFileServer(async () => ({
  '/passport.jpg': await jpeg({ width: 1100, height: 700 }),
  '/bill.pdf': pdf(),
  '/page.html': Buffer.from('<html>Sign in</html>'),
}));

const DOCUMENTS = graphql(`
  query DocumentsByUrl($identityId: ID!) {
    identity(id: $identityId) { status documentAttemptsRemaining requirements { kind acceptedDocuments } }
    documents(identityId: $identityId) {
      selectedIdClass number status rejectionReason
      fileUploads { documentType fileName fileSize mimeType sha256 uploadStatus }
    }
  }
`);
const DRY_RUN = graphql(`
  query DryRunWithDocuments($kycData: KycDataInput!) {
    requirements(kycData: $kycData) { kind }
  }
`);

const read = (client: Client, identityId: string) => client.request(DOCUMENTS, { identityId });
const passport = (path = '/passport.jpg'): KycDocumentInput => ({ type: 'PASSPORT', number: 'C01X00T47', frontImageUrl: server.url(path) });
const german = (...documents: KycDocumentInput[]): KycDataInput => ({ ...GERMAN, documents });

describe('documents by URL', () => {
  it('given with the submission lead to RECORDS_UPLOADED and on to ACTIVE, without another request', async () => {
    const { partner } = await open.organization();
    const customerId = await newCustomer(partner);
    const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
    const bill: KycDocumentInput = { type: 'UTILITY_BILL', frontImageUrl: server.url('/bill.pdf'), backImageUrl: server.url('/passport.jpg') };
    const identityId = await submit(partner, customerId, german(passport(), bill));
    expect((await read(partner, identityId)).identity).toMatchObject({ documentAttemptsRemaining: 2, requirements: [] });
    await advance(partner, EVALUATION);
    const { identity, documents } = await read(partner, identityId);
    expect(identity).toMatchObject({ documentAttemptsRemaining: 2, requirements: [] });
    expect(documents).toMatchObject([
      { selectedIdClass: 'PASSPORT', number: '*****0T47', fileUploads: [{ documentType: 'FRONT_PHOTO', fileName: 'passport.jpg', mimeType: 'image/jpeg', uploadStatus: 'UPLOADED' }] },
      { selectedIdClass: 'UTILITY_BILL', fileUploads: [{ documentType: 'PROOF_OF_RESIDENCY', mimeType: 'application/pdf' }, { documentType: 'PROOF_OF_RESIDENCY', mimeType: 'image/jpeg' }] },
    ]);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'ACTIVE' });
    const statuses = (await changes.take(5)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus);
    await changes.close();
    expect(statuses).toEqual(['INITIATING', 'EVALUATING_SUBMISSION', 'RECORDS_UPLOADED', 'IN_REVIEW', 'APPROVED']);
  });

  it.each([
    ['/missing.jpg', 'status 404'],
    ['/page.html', 'Only JPEG, PNG and PDF'],
  ])('one that cannot be fetched (%s) is REJECTED with the reason, spends the attempt and leaves the requirement open', async (path, reason) => {
    const { partner } = await open.organization();
    const identityId = await submit(partner, await newCustomer(partner), german(passport(path)));
    await advance(partner, EVALUATION);
    const { identity, documents } = await read(partner, identityId);
    expect(identity).toMatchObject({ status: 'AWAITING_DOCUMENT_UPLOAD', documentAttemptsRemaining: 2 });
    expect(documents).toMatchObject([{ status: 'REJECTED', rejectionReason: expect.stringContaining(reason), fileUploads: [{ uploadStatus: 'FAILED', fileSize: null, sha256: null, mimeType: null }] }]);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    expect((await read(partner, identityId)).identity).toMatchObject({ status: 'APPROVED' });
  });

  it('a patch appends them and spends one attempt; when none is left it is refused, and changes nothing', async () => {
    const { partner } = await open.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    for (const left of [2, 1, 0]) {
      await advance(partner, EVALUATION);
      const input = { identityId, kycData: { documents: [passport('/missing.jpg')] } };
      expect((await partner.request(PATCH_IDENTITY, { input })).patchIdentity.identity).toMatchObject({ status: 'INITIATING', documentAttemptsRemaining: left });
    }
    await advance(partner, EVALUATION);
    // Nobody could submit anything any more: a person decides.
    expect((await read(partner, identityId)).documents).toHaveLength(3);
    expect((await read(partner, identityId)).identity?.status).toBe('IN_REVIEW');
    expect((await partner.refusal(PATCH_CUSTOMER, { input: { customerId, kycData: { documents: [passport()] } } })).code).toBe('PATCH_NOT_ALLOWED');
  });

  it('test-rfi with documents: RECORDS_UPLOADED, INCOMPLETE_VERIFICATIONS, and then it passes', async () => {
    const { partner } = await open.organization();
    const customerId = await newCustomer(partner, { email: 'test-rfi@example.com' });
    const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
    const identityId = await submit(partner, customerId, { ...CALIFORNIAN, documents: [passport()] }, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
    await advance(partner, EVALUATION + DOCUMENT_CHECK);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    const statuses = (await changes.take(7)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus);
    await changes.close();
    expect(statuses).toEqual(['INITIATING', 'EVALUATING_SUBMISSION', 'RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS', 'RECORDS_UPLOADED', 'IN_REVIEW', 'AWAITING_SIGNATURE']);
  });

  it('are waited for also where what began the evaluation is done once more, as after a process that ended; then the provider is asked', async () => {
    const { partner } = await open.organization();
    const identityId = await submit(partner, await newCustomer(partner), german(passport()));
    await advance(partner, 0);
    const again = (uploadStatus: 'PENDING' | 'UPLOADED') => open.behindItsBack(async (query) => {
      await query(`delete from pgboss.job where name = 'verification.conclude' and data->>'identityId' = $1`, [identityId]);
      await query('update file_upload set upload_status = $2 where document_id in (select id from document where identity_id = $1)', [identityId, uploadStatus]);
      expect(await query(`update pgboss.job set state = 'created', completed_on = null where name = 'verification.continue' and data->>'identityId' = $1 returning id`, [identityId])).toHaveLength(1);
    });
    const jobs = (name: string, state: string) => open.behindItsBack((query) => query(`select id from pgboss.job where name = $2 and state = $3 and data->>'identityId' = $1`, [identityId, name, state]));
    for (const [uploadStatus, conclusions] of [['PENDING', 0], ['UPLOADED', 1]] as const) {
      await again(uploadStatus);
      await advance(open.client(partner.key!), 0);
      expect(await jobs('verification.continue', 'completed')).toHaveLength(1);
      expect(await jobs('verification.conclude', 'created')).toHaveLength(conclusions);
    }
    await advance(open.client(partner.key!), EVALUATION + DOCUMENT_CHECK);
    expect((await read(open.client(partner.key!), identityId)).identity?.status).toBe('IN_REVIEW');
  });

  it('every fault of them is named at once by its path, and nothing is stored', async () => {
    const { partner } = await open.organization();
    const customerId = await newCustomer(partner);
    const documents: KycDocumentInput[] = [
      { type: 'DRIVERS_LICENSE', expirationDate: '2001-01-01', frontImageUrl: 'ftp://example.com/x' },
      { type: 'PASSPORT', number: '***-1', frontImageUrl: server.url('/passport.jpg') },
    ];
    const facts = await partner.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: german(...documents) } });
    expect(facts.fields?.map(({ path }) => path).sort()).toEqual([
      'kycData.documents.0.backImageUrl', 'kycData.documents.0.expirationDate', 'kycData.documents.0.frontImageUrl', 'kycData.documents.1.number',
    ]);
    const unmet = await partner.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: german({ type: 'UTILITY_BILL', frontImageUrl: server.url('/bill.pdf') }) } });
    expect(unmet.fields).toMatchObject([{ path: 'kycData.documents', code: 'required', message: expect.stringContaining('PASSPORT') }]);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'CREATED', identity: null });
  });

  it('the dry run counts them', async () => {
    const { partner } = await open.organization();
    expect((await partner.request(DRY_RUN, { kycData: GERMAN })).requirements).toEqual([{ kind: 'DOCUMENT' }]);
    expect((await partner.request(DRY_RUN, { kycData: german(passport()) })).requirements).toEqual([]);
  });
});

/** One machine in many spellings. */
const LOOPBACK = [
  '127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '127.255.255.254', '%31%32%37.0.0.1', '127。0。0。1', '１２７.0.0.1', '0.0.0.0',
  '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]',
];

describe('a gateway on the internet', () => {
  it(`refuses http, private addresses and loopback in ${LOOPBACK.length} spellings at the door, and asks nobody`, async () => {
    const { partner } = await closed.organization();
    const customerId = await newCustomer(partner);
    const before = server.asked.length;
    const urls = [server.url('/passport.jpg'), 'https://169.254.169.254/x', 'https://10.0.0.1/x', ...LOOPBACK.map((host) => `https://${host}/x`)];
    for (const frontImageUrl of urls) {
      const facts = await partner.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: german({ type: 'PASSPORT', frontImageUrl }) } });
      expect(facts, frontImageUrl).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'kycData.documents.0.frontImageUrl' }] });
    }
    console.log(`loopback refused by URL in ${LOOPBACK.length} spellings`);
    expect(LOOPBACK.length).toBeGreaterThanOrEqual(15);
    expect(server.asked).toHaveLength(before);
  });

  it('rejects a document whose name leads to an address that is not public', async () => {
    const { partner } = await closed.organization();
    const identityId = await submit(partner, await newCustomer(partner), german({ type: 'PASSPORT', frontImageUrl: 'https://localhost/passport.jpg' }));
    await advance(partner, EVALUATION);
    expect((await read(partner, identityId)).documents).toMatchObject([{ status: 'REJECTED', rejectionReason: 'The URL leads to an address that is not public.' }]);
  });
});
