import { afterAll, describe, expect, it } from 'vitest';
import { pdf } from '../files.js';
import { graphql } from '../generated/index.js';
import type { IdentityStatus, KycDataInput } from '../generated/graphql.js';
import type { Subscription } from '../support/client.js';
import { newCustomer, photo, submit } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';
import { ADA, passportZone } from '../support/mrz.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, REVIEW, SUBMIT_DOCUMENT, UPDATE_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

const gateway = useGateway();

const FINDINGS = graphql(`
  query Findings($identityId: ID!) {
    identity(id: $identityId) { status errorDescription documentAttemptsRemaining }
    documents(identityId: $identityId) { id status rejectionReason summary findings { code field severity message } }
  }
`);

type Changes = Subscription<{ identityStatusChanged: { newStatus: IdentityStatus } }>;
const open: Changes[] = [];
afterAll(async () => {
  for (const changes of open) await changes.close();
});

/** A person of a LIVE organization, whose changes are followed: there is no clock to move. */
async function applicant(kycData: KycDataInput = GERMAN) {
  const organization: TestOrganization = await gateway.organization('LIVE');
  const { partner } = organization;
  const customerId = await newCustomer(partner);
  const changes = (await partner.subscribe(IDENTITY_CHANGES, { customerId })) as Changes;
  open.push(changes);
  const identityId = await submit(partner, customerId, kycData);
  const passed: IdentityStatus[] = [];
  /** Waits for the next changes of status. */
  const next = async (...statuses: IdentityStatus[]): Promise<void> => {
    passed.push(...statuses);
    expect((await changes.take(passed.length)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual(passed);
  };
  return { ...organization, customerId, identityId, next };
}

const TRUE_ZONE = passportZone(ADA);
const FALSE_ZONE = passportZone({ ...ADA, lastName: 'BABBAGE' });

describe('a LIVE organization', () => {
  it.each([
    ['APPROVE', 'APPROVED', 'ACTIVE'],
    ['DECLINE', 'DECLINED', 'REJECTED'],
  ] as const)('from createCustomer to a reviewer\'s %s: %s', async (decision, identityStatus, status) => {
    const { partner, reviewer, customerId, identityId, next } = await applicant();
    await next('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', number: ADA.number, mrz: TRUE_ZONE, frontPhoto: await photo() } });
    await next('RECORDS_UPLOADED', 'IN_REVIEW');
    expect(await partner.request(FINDINGS, { identityId })).toMatchObject({ documents: [{ status: 'APPROVED', findings: [] }] });
    expect((await partner.refusal(REVIEW, { input: { identityId, decision } })).code).toBe('FORBIDDEN');
    await reviewer.request(REVIEW, { input: { identityId, decision } });
    await next(identityStatus);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status, identity: { status: identityStatus } });
  });

  it('a document that its own zone contradicts is rejected, with the findings, until the attempts are spent; then a person decides', async () => {
    const { partner, reviewer, identityId, next } = await applicant();
    await next('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    const files = { selectedIdClass: 'PASSPORT', mrz: FALSE_ZONE } as const;
    const { submitDocument } = await partner.request(SUBMIT_DOCUMENT, { input: { identityId, ...files, frontPhoto: await photo() } });
    await next('RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS');
    for (const client of [partner, reviewer]) {
      const { identity, documents } = await client.request(FINDINGS, { identityId });
      expect(identity).toMatchObject({ documentAttemptsRemaining: 2, errorDescription: 'The name on the document differs from the one given.' });
      expect(documents).toMatchObject([{
        status: 'REJECTED', rejectionReason: expect.stringContaining('Another class of document'),
        findings: [{ code: 'mrz_name_mismatch', field: 'legalLastName', severity: 'ERROR' }],
        summary: expect.stringMatching(/^The document was not accepted\. It differs from what was entered in: last name\. .*300 DPI/),
      }]);
    }
    const documentId = submitDocument.document.id;
    await partner.request(UPDATE_DOCUMENT, { input: { documentId, ...files, frontPhoto: await photo() } });
    await next('RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS');
    await partner.request(UPDATE_DOCUMENT, { input: { documentId, ...files, frontPhoto: await photo() } });
    await next('RECORDS_UPLOADED', 'IN_REVIEW');
    expect((await partner.request(FINDINGS, { identityId })).identity?.documentAttemptsRemaining).toBe(0);
    await reviewer.request(REVIEW, { input: { identityId, decision: 'DECLINE' } });
    await next('DECLINED');
  });

  it('the zone that a PDF shows in its text is read, and compared', async () => {
    const { partner, identityId, next } = await applicant();
    await next('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    const [upper = '', lower = ''] = FALSE_ZONE.split('\n');
    const frontPhoto = new File([pdf({ text: `${upper}) Tj 0 -20 Td (${lower}` })], 'passport.pdf');
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto } });
    await next('RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS');
    expect((await partner.request(FINDINGS, { identityId })).documents[0]?.findings.map(({ code }) => code)).toEqual(['mrz_name_mismatch']);
  });

  it('a zone that is none is refused at its field, and nothing is spent', async () => {
    const { partner, identityId, next } = await applicant();
    await next('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    const facts = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', mrz: 'not a zone', frontPhoto: await photo() } });
    expect(facts).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'mrz', code: 'invalid' }] });
    expect((await partner.request(FINDINGS, { identityId })).identity).toMatchObject({ status: 'AWAITING_DOCUMENT_UPLOAD', documentAttemptsRemaining: 3 });
  });
});
