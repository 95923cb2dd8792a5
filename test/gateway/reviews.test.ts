import { describe, expect, it } from 'vitest';
import type { ReviewIdentityInput } from '../generated/graphql.js';
import { graphql } from '../generated/index.js';
import { advance, bringTo, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, sign, submit, submitPassport, type Applicant } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, PATCH_IDENTITY, REVIEW, SNAPSHOT, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, UPDATE_DOCUMENT } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { clientToken } from '../support/tokens.js';

const gateway = useGateway({}, { workers: false });
/** LIVE organizations have no sandbox clock: there things happen by themselves. */
const working = useGateway();

const NOTE = graphql(`
  query ReviewNote($id: ID!) {
    identity(id: $id) {
      reviewNote
    }
  }
`);

const INSTITUTIONAL = { transactionType: 'INSTITUTIONAL_INDIVIDUAL' } as const;

async function now({ reviewer, customerId }: Pick<Applicant, 'reviewer' | 'customerId'>) {
  return (await reviewer.request(CUSTOMER, { id: customerId })).customer!;
}

async function review({ reviewer, identityId }: Pick<Applicant, 'reviewer' | 'identityId'>, input: Omit<ReviewIdentityInput, 'identityId'>) {
  return (await reviewer.request(REVIEW, { input: { identityId, ...input } })).reviewIdentity.identity;
}

describe('a reviewer', () => {
  it('approves: on to the signatures; the sandbox, which comes later, changes nothing any more', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    expect(await review(person, { decision: 'APPROVE', note: 'Looks fine.' })).toMatchObject({ status: 'AWAITING_SIGNATURE', signaturesRequired: ['CSA', 'MPA', 'MIC'] });
    const before = await now(person);
    await advance(person.partner, REVIEWING);
    expect(await now(person)).toEqual(before);
  });

  it('declines: the message is shown to the applicant, the note to reviewers and administrators alone', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const declined = await review(person, { decision: 'DECLINE', message: 'We cannot take you on.', note: 'SECRET-NOTE' });
    expect(declined).toMatchObject({ status: 'DECLINED', errorDescription: 'We cannot take you on.' });
    const seen = await person.partner.request(SNAPSHOT, { id: person.customerId });
    expect(seen.customer?.status).toBe('REJECTED');
    expect(JSON.stringify(seen)).not.toContain('SECRET-NOTE');
    const admin = gateway.client(await gateway.key(person.id, 'ADMIN'));
    const applicant = gateway.client(await clientToken(person.partner, person.customerId));
    const notes = await Promise.all([person.reviewer, admin, person.partner, applicant].map(async (client) => (await client.request(NOTE, { id: person.identityId })).identity));
    expect(notes).toEqual([{ reviewNote: 'SECRET-NOTE' }, { reviewNote: 'SECRET-NOTE' }, { reviewNote: null }, { reviewNote: null }]);
  });

  it('asks for documents: only a new one of the wanted kind will do, and it comes back to review', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const { partner, identityId } = person;
    const asked = await review(person, { decision: 'REQUEST_INFORMATION', message: 'Where do you live?', requiredDocuments: ['UTILITY_BILL', 'LEASE_AGREEMENT'] });
    expect(asked).toMatchObject({ status: 'INCOMPLETE_VERIFICATIONS', errorDescription: 'Where do you live?', documentAttemptsRemaining: 1 });
    expect((await now(person)).requirements.filter(({ kind }) => kind === 'DOCUMENT')).toMatchObject([{ code: 'REENTER', acceptedDocuments: ['UTILITY_BILL', 'LEASE_AGREEMENT'] }]);
    const wrong = await partner.refusal(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    expect(wrong.code).toBe('BAD_USER_INPUT');
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'UTILITY_BILL', proofOfResidency: await photo('bill.jpg') } });
    await advance(partner, DOCUMENT_CHECK);
    expect(await now(person)).toMatchObject({ status: 'UNDER_REVIEW', identity: { status: 'IN_REVIEW' } });
  });

  it('asks for documents where no attempt is left: one is granted', async () => {
    const person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const { partner, identityId, documentId } = person;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await partner.request(UPDATE_DOCUMENT, { input: { documentId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
      await advance(partner, DOCUMENT_CHECK);
    }
    expect((await now(person)).identity).toMatchObject({ status: 'IN_REVIEW', documentAttemptsRemaining: 0 });
    expect(await review(person, { decision: 'REQUEST_INFORMATION', requiredDocuments: ['PASSPORT'] })).toMatchObject({ documentAttemptsRemaining: 1 });
    await submitPassport(partner, identityId);
  });

  it('asks for fields: they stand through other patches until they are entered, and then it is reviewed again', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const { partner, identityId } = person;
    const asked = await review(person, { decision: 'REQUEST_INFORMATION', message: 'Which city?', requiredFields: ['kycData.address.city', 'kycData.legalMiddleName'] });
    expect(asked).toMatchObject({ status: 'INPUT_ERROR', errorDescription: 'Which city?' });
    const open = async () => (await now(person)).requirements.filter(({ kind }) => kind === 'FIELD').map(({ field, code }) => [field, code]);
    expect(await open()).toEqual([['kycData.address.city', 'REENTER'], ['kycData.legalMiddleName', 'REENTER']]);
    await partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { legalMiddleName: 'Brewster' } } });
    await advance(partner, EVALUATION);
    expect((await now(person)).identity?.status).toBe('INPUT_ERROR');
    expect(await open()).toEqual([['kycData.address.city', 'REENTER']]);
    await partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { address: { city: CALIFORNIAN.address!.city! } } } });
    await advance(partner, EVALUATION);
    // Whoever was in review never passes by itself again.
    expect((await now(person)).identity?.status).toBe('IN_REVIEW');
    expect(await open()).toEqual([]);
  });

  it.each([
    ['neither documents nor fields', { decision: 'REQUEST_INFORMATION' }],
    ['both', { decision: 'REQUEST_INFORMATION', requiredDocuments: ['PASSPORT'], requiredFields: ['kycData.address.city'] }],
    ['empty lists', { decision: 'REQUEST_INFORMATION', requiredDocuments: [], requiredFields: [] }],
    ['a field that does not exist', { decision: 'REQUEST_INFORMATION', requiredFields: ['kycData.shoeSize'] }],
    ['an approval that asks for something', { decision: 'APPROVE', requiredDocuments: ['PASSPORT'] }],
    ['a blank message', { decision: 'DECLINE', message: ' ' }],
  ] satisfies [string, Omit<ReviewIdentityInput, 'identityId'>][])('with %s is refused, and changes nothing', async (_name, input) => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const before = await person.reviewer.request(SNAPSHOT, { id: person.customerId });
    expect((await person.reviewer.refusal(REVIEW, { input: { identityId: person.identityId, ...input } })).code).toBe('BAD_USER_INPUT');
    expect(await person.reviewer.request(SNAPSHOT, { id: person.customerId })).toEqual(before);
  });

  it('decides of the politically exposed, who never pass by themselves, even after taking it back', async () => {
    const organization = await gateway.organization();
    const customerId = await newCustomer(organization.partner);
    const identityId = await submit(organization.partner, customerId, { ...CALIFORNIAN, politicallyExposedPerson: true }, INSTITUTIONAL);
    await advance(organization.partner, EVALUATION);
    const person = { ...organization, customerId, identityId };
    expect((await now(person)).identity?.status).toBe('AWAITING_DOCUMENT_UPLOAD');
    await organization.partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { politicallyExposedPerson: false } } });
    await advance(organization.partner, EVALUATION);
    expect((await now(person)).identity?.status).toBe('IN_REVIEW');
  });
});

describe('a LIVE organization', () => {
  /** Submits somebody and waits for what the subscription tells. */
  async function submitted(organization: TestOrganization, kycData: typeof GERMAN, steps: number) {
    const { partner } = organization;
    const customerId = await newCustomer(partner);
    const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
    const identityId = await submit(partner, customerId, kycData, INSTITUTIONAL);
    await changes.take(steps);
    return { ...organization, customerId, identityId, changes };
  }

  it('sends whoever passes evaluation to a reviewer, who approves', async () => {
    const person = await submitted(await working.organization('LIVE'), CALIFORNIAN, 3);
    expect((await now(person)).identity?.status).toBe('IN_REVIEW');
    await review(person, { decision: 'APPROVE' });
    await sign(person.partner, person.identityId);
    expect((await person.changes.take(6)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual([
      'INITIATING', 'EVALUATING_SUBMISSION', 'IN_REVIEW', 'AWAITING_SIGNATURE', 'SIGNATURE_SUBMITTED', 'APPROVED',
    ]);
    await person.changes.close();
  });

  it('passes documents by its own checks to a reviewer, who declines', async () => {
    const person = await submitted(await working.organization('LIVE'), { ...GERMAN, politicallyExposedPerson: false }, 3);
    await submitPassport(person.partner, person.identityId);
    await person.changes.take(5);
    await review(person, { decision: 'DECLINE' });
    expect((await person.changes.take(6)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual([
      'INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'IN_REVIEW', 'DECLINED',
    ]);
    expect((await now(person)).identity?.documents).toMatchObject([{ status: 'APPROVED' }]);
    await person.changes.close();
  });

  it('refuses the debug fields with BAD_USER_INPUT, in a submission and in a patch, and changes nothing', async () => {
    const organization = await working.organization('LIVE');
    const { partner } = organization;
    const controls = { debugStatus: 'FAILED', debugFailureReason: 'expired' } as const;
    const faults = { code: 'BAD_USER_INPUT', fields: [{ path: 'debugStatus', code: 'sandbox_only' }, { path: 'debugFailureReason', code: 'sandbox_only' }] };
    const customerId = await newCustomer(partner);
    expect(await partner.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: CALIFORNIAN, ...controls } })).toMatchObject(faults);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'CREATED', version: 1, identity: null });
    const person = await submitted(organization, { ...GERMAN, politicallyExposedPerson: false }, 3);
    const before = await partner.request(SNAPSHOT, { id: person.customerId });
    expect(await partner.refusal(PATCH_IDENTITY, { input: { identityId: person.identityId, ...controls } })).toMatchObject(faults);
    expect(await partner.request(SNAPSHOT, { id: person.customerId })).toEqual(before);
    await person.changes.close();
  });

  it('knows no magic SSN and no test e-mail', async () => {
    const { partner } = await working.organization('LIVE');
    const customerId = await newCustomer(partner, { email: 'test-rejected@example.com' });
    // No authority ever gave this one out; 111-11-1111 is a number as any other.
    const refused = await partner.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: { ...CALIFORNIAN, nationalIdNumber: '000-00-0000' }, ...INSTITUTIONAL } });
    expect(refused).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'kycData.nationalIdNumber' }] });
    const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
    await submit(partner, customerId, { ...CALIFORNIAN, nationalIdNumber: '111-11-1111' }, INSTITUTIONAL);
    expect((await changes.take(3)).at(-1)?.identityStatusChanged.newStatus).toBe('IN_REVIEW');
    await changes.close();
  });
});
