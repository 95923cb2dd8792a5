import { describe, expect, it } from 'vitest';
import { advance, bringTo, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, sign, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { DOCUMENT_CHANGES, IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, PATCH_IDENTITY, SUBMIT_DOCUMENT, UPDATE_DOCUMENT } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';

const gateway = useGateway({}, { workers: false });

const INSTITUTIONAL = { transactionType: 'INSTITUTIONAL_INDIVIDUAL' } as const;
/** Submissions of documents that the default policy allows. */
const ATTEMPTS = 3;

/** What each debugFailureReason shows (domain.md, Sandbox): a sentence of its own, or itself. */
const FAILURES = {
  expired: /expired/,
  cannot_verify_id: /could not be verified/,
  portrait_not_found: /portrait/,
  portrait_not_clear: /not clear/,
  face_mismatch: /face/,
  'Smudged by coffee': /^Smudged by coffee$/,
} as const;

describe('the institutional flow', () => {
  it('a US citizen signs without a document step, and each status is told once and in order', async () => {
    const { partner } = await gateway.organization();
    const changes = await partner.subscribe(IDENTITY_CHANGES, {});
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, CALIFORNIAN, { ...INSTITUTIONAL, enterpriseId: 'ent-1', userId: 'usr-1', programId: 'prg-1' });
    await advance(partner, EVALUATION);
    await sign(partner, identityId);
    await advance(partner, 0);
    const told = (await changes.take(5)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus);
    expect(told).toEqual(['INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_SIGNATURE', 'SIGNATURE_SUBMITTED', 'APPROVED']);
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    expect(customer).toMatchObject({ status: 'ACTIVE', kycStatus: 'VERIFIED', requirements: [], identity: { documents: [], documentAttemptsRemaining: ATTEMPTS } });
    await changes.close();
  });

  it('debugStatus FAILED asks a US citizen for a document, refuses it, and a re-upload after PASSED comes to APPROVED', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identities = await partner.subscribe(IDENTITY_CHANGES, { customerId });
    const documents = await partner.subscribe(DOCUMENT_CHANGES, {});
    const identityId = await submit(partner, customerId, CALIFORNIAN, { ...INSTITUTIONAL, debugStatus: 'FAILED', debugFailureReason: 'portrait_not_clear' });
    await advance(partner, EVALUATION);
    const asked = (await partner.request(CUSTOMER, { id: customerId })).customer!;
    expect(asked.status).toBe('NEEDS_ADDITIONAL_INFORMATION');
    expect(asked.requirements.map(({ kind, code }) => [kind, code])).toEqual([['DOCUMENT', 'REQUIRED'], ['SIGNATURE', 'REQUIRED'], ['SIGNATURE', 'REQUIRED'], ['SIGNATURE', 'REQUIRED']]);
    const documentId = await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK);

    const failed = (await partner.request(CUSTOMER, { id: customerId })).customer!;
    expect(failed).toMatchObject({ status: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED' });
    expect(failed.identity).toMatchObject({ status: 'INCOMPLETE_VERIFICATIONS', documentAttemptsRemaining: ATTEMPTS - 1, documents: [{ id: documentId, status: 'REJECTED' }] });
    expect(failed.identity?.errorDescription).toMatch(FAILURES.portrait_not_clear);
    expect(failed.identity?.documents[0]?.rejectionReason).toMatch(/not clear.*[Aa]nother/);
    expect(failed.requirements[0]).toMatchObject({ kind: 'DOCUMENT', code: 'REENTER' });

    const patched = await partner.request(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } });
    expect(patched.patchIdentity.identity).toMatchObject({ status: 'INCOMPLETE_VERIFICATIONS', documentAttemptsRemaining: ATTEMPTS - 1 });
    const again = await partner.request(UPDATE_DOCUMENT, {
      input: { documentId, selectedIdClass: 'DRIVERS_LICENSE', number: 'D1234567', frontPhoto: await photo(), backPhoto: await photo('back.jpg') },
    });
    expect(again.updateDocument.document).toMatchObject({ id: documentId, status: 'PENDING', selectedIdClass: 'DRIVERS_LICENSE', rejectionReason: null });
    expect(again.updateDocument.document.fileUploads.map(({ documentType }) => documentType)).toEqual(['FRONT_PHOTO', 'BACK_PHOTO']);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    await sign(partner, identityId);
    await advance(partner, 0);

    expect((await identities.take(10)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual([
      'INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS',
      'RECORDS_UPLOADED', 'IN_REVIEW', 'AWAITING_SIGNATURE', 'SIGNATURE_SUBMITTED', 'APPROVED',
    ]);
    expect((await documents.take(6)).map(({ documentStatusChanged }) => documentStatusChanged.newStatus)).toEqual(['PENDING', 'PROCESSING', 'REJECTED', 'PENDING', 'PROCESSING', 'APPROVED']);
    await Promise.all([identities.close(), documents.close()]);
  });

  it.each(Object.entries(FAILURES))('debugFailureReason %s is told as errorDescription', async (debugFailureReason, description) => {
    const { partner } = await gateway.organization();
    const changes = await partner.subscribe(IDENTITY_CHANGES, {});
    const identityId = await submit(partner, await newCustomer(partner), CALIFORNIAN, { ...INSTITUTIONAL, debugStatus: 'FAILED', debugFailureReason });
    await advance(partner, EVALUATION);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK);
    const failed = (await changes.take(5)).at(-1)?.identityStatusChanged;
    expect(failed?.newStatus).toBe('INCOMPLETE_VERIFICATIONS');
    expect(failed?.errorDescription).toMatch(description);
    await changes.close();
  });

  it('debugFailureReason beside debugStatus PASSED shows nothing and changes no status', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, CALIFORNIAN, { ...INSTITUTIONAL, debugStatus: 'PASSED', debugFailureReason: 'expired' });
    await advance(partner, EVALUATION);
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    expect(customer?.identity).toMatchObject({ status: 'AWAITING_SIGNATURE', errorDescription: null });
  });

  it('a blank debugFailureReason means none', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, CALIFORNIAN, { ...INSTITUTIONAL, debugFailureReason: '  ' });
    await advance(partner, EVALUATION);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity).toMatchObject({ status: 'AWAITING_SIGNATURE', errorDescription: null });
  });
});

describe('attempts at documents', () => {
  it('the last one that fails leads to IN_REVIEW and from there, by itself, to DECLINED', async () => {
    const { partner, customerId, identityId, documentId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const changes = await partner.subscribe(IDENTITY_CHANGES, { identityId });
    await partner.request(UPDATE_DOCUMENT, { input: { documentId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    await advance(partner, DOCUMENT_CHECK);
    const { submitDocument } = await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    expect(submitDocument.identity.documentAttemptsRemaining).toBe(0);
    await advance(partner, DOCUMENT_CHECK);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe('IN_REVIEW');
    await advance(partner, REVIEWING);
    const told = (await changes.take(5)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus);
    expect(told).toEqual(['RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS', 'RECORDS_UPLOADED', 'IN_REVIEW', 'DECLINED']);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'REJECTED', kycStatus: 'FAILED', verifiedAt: null });
    await changes.close();
  });

  it('a patch keeps the documents that were accepted, and spends nothing', async () => {
    const { partner, reviewer, customerId, identityId } = await bringTo(gateway, 'IN_REVIEW');
    const before = (await reviewer.request(CUSTOMER, { id: customerId })).customer?.identity;
    await partner.refusal(PATCH_IDENTITY, { input: { identityId, kycData: { legalMiddleName: 'Brewster' } } });
    const after = (await reviewer.request(CUSTOMER, { id: customerId })).customer?.identity;
    expect(after).toEqual(before);
    expect(after?.documents.map(({ status }) => status)).toEqual(['REJECTED', 'APPROVED']);
  });

  it('a New Yorker is asked for a photo id by the rules, and passes with it', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const newYorker = { ...CALIFORNIAN, address: { ...CALIFORNIAN.address, city: 'New York', stateCode: 'NY', postalCode: '10001' } };
    const identityId = await submit(partner, customerId, newYorker, INSTITUTIONAL);
    await advance(partner, EVALUATION);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe('AWAITING_SIGNATURE');
  });
});
