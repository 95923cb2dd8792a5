import { describe, expect, it } from 'vitest';
import type { CustomerStatus, IdentityStatus, KycDataInput } from '../generated/graphql.js';
import type { Client } from '../support/client.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES, IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, PATCH_CUSTOMER, SUBMIT_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

const gateway = useGateway();
/** Runs a hundred times as fast as the schedule says, so that it can be lived through. */
const fast = useGateway({ SANDBOX_SPEED: '100' });

/** test-delay@example.com: seconds that its evaluation takes. */
const DELAY = 300;

/** What a partner does that follows one customer over the subscriptions. */
async function follow(partner: Client, email: string) {
  const customers = await partner.subscribe(CUSTOMER_CHANGES, {});
  const identities = await partner.subscribe(IDENTITY_CHANGES, {});
  const customerId = await newCustomer(partner, { email });
  const sequence = async <Change>(changes: Promise<Change[]>, statuses: (change: Change) => readonly [string | null | undefined, string]): Promise<string[]> => {
    const steps = (await changes).map(statuses);
    // Each change begins where the one before has ended.
    for (const [index, [oldStatus]] of steps.entries()) expect(oldStatus ?? null).toBe(steps[index - 1]?.[1] ?? null);
    return steps.map(([, newStatus]) => newStatus);
  };
  return {
    customerId,
    patch: async (kycData: KycDataInput): Promise<string> => {
      const { patchCustomer } = await partner.request(PATCH_CUSTOMER, { input: { customerId, kycData } });
      expect(patchCustomer.identity?.status).toBe('INITIATING');
      expect(patchCustomer.customer.status).toBe('UNDER_REVIEW');
      return patchCustomer.identity!.id;
    },
    /** The whole sequence: it is exact because what follows it is known to have been told, and would show. */
    customerWas: async (...expected: CustomerStatus[]): Promise<void> => {
      const told = sequence(customers.take(expected.length), ({ customerStatusChanged: { oldStatus, newStatus } }) => [oldStatus, newStatus] as const);
      expect(await told).toEqual(expected);
      expect(customers.received).toHaveLength(expected.length);
    },
    identityWas: async (...expected: IdentityStatus[]): Promise<void> => {
      const told = sequence(identities.take(expected.length), ({ identityStatusChanged: { oldStatus, newStatus } }) => [oldStatus, newStatus] as const);
      expect(await told).toEqual(expected);
      expect(identities.received).toHaveLength(expected.length);
    },
    now: async () => (await partner.request(CUSTOMER, { id: customerId })).customer!,
    end: () => Promise.all([customers.close(), identities.close()]),
  };
}

describe('the Customer API flow', () => {
  it('a German with a photo id comes to ACTIVE, and each status is told once and in order', async () => {
    const { partner } = await gateway.organization();
    const ada = await follow(partner, 'ada@example.com');
    expect(await ada.now()).toMatchObject({ status: 'CREATED', kycStatus: 'NOT_STARTED', identity: null });
    const identityId = await ada.patch(GERMAN);
    await advance(partner, EVALUATION);
    expect(await ada.now()).toMatchObject({ status: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'PENDING', requirements: [{ kind: 'DOCUMENT', code: 'REQUIRED' }] });
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    const done = await ada.now();
    expect(done).toMatchObject({ status: 'ACTIVE', kycStatus: 'VERIFIED', requirements: [], identity: { status: 'APPROVED', documents: [{ status: 'APPROVED' }] } });
    expect(done.verifiedAt).not.toBeNull();
    await ada.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'IN_REVIEW', 'APPROVED');
    await ada.customerWas('CREATED', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'UNDER_REVIEW', 'ACTIVE');
    await ada.end();
  });

  it('with nobody touching the clock the same statuses come by themselves, on the schedule', async () => {
    const { partner } = await fast.organization();
    const ada = await follow(partner, 'ada@example.com');
    const identityId = await ada.patch(GERMAN);
    await ada.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'NATIONAL_ID_CARD', frontPhoto: await photo(), backPhoto: await photo('back.jpg') } });
    await ada.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'IN_REVIEW', 'APPROVED');
    await ada.customerWas('CREATED', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'UNDER_REVIEW', 'ACTIVE');
    await ada.end();
  });

  it('data that comes piece by piece leads to INPUT_ERROR with all that is missing, and on once it is there', async () => {
    const { partner } = await gateway.organization();
    const ada = await follow(partner, 'ada@example.com');
    const { phoneNumber, isIntermediary, ...rest } = GERMAN;
    await ada.patch(rest);
    await advance(partner, EVALUATION);
    const missing = (await ada.now()).requirements;
    expect(missing.filter(({ kind }) => kind === 'FIELD').map(({ field }) => field)).toEqual(['kycData.phoneNumber', 'kycData.isIntermediary']);
    expect(missing.filter(({ kind }) => kind === 'DOCUMENT')).toHaveLength(1);
    await ada.patch({ phoneNumber: phoneNumber!, isIntermediary: isIntermediary! });
    await advance(partner, EVALUATION);
    await ada.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'INPUT_ERROR', 'INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    await ada.customerWas('CREATED', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION');
    await ada.end();
  });
});

describe('the four test e-mails', () => {
  it.each(['test-success@example.com', 'Test-Success+17@Example.com'])('%s passes, documents and all', async (email) => {
    const { partner } = await gateway.organization();
    const customer = await follow(partner, email);
    const identityId = await customer.patch(GERMAN);
    await advance(partner, EVALUATION);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    await customer.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'IN_REVIEW', 'APPROVED');
    await customer.end();
  });

  it('test-rfi ends its first evaluation in INPUT_ERROR where a field is missing, and later ones go on as test-success', async () => {
    const { partner } = await gateway.organization();
    const customer = await follow(partner, 'test-rfi@example.com');
    await customer.patch({ ...GERMAN, phoneNumber: null });
    await advance(partner, EVALUATION);
    const identityId = await customer.patch({ phoneNumber: GERMAN.phoneNumber! });
    await advance(partner, EVALUATION);
    await submitPassport(partner, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    await customer.identityWas(
      'INITIATING', 'EVALUATING_SUBMISSION', 'INPUT_ERROR', 'INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD',
      'RECORDS_UPLOADED', 'IN_REVIEW', 'APPROVED',
    );
    await customer.end();
  });

  it('test-rfi+tag ends its first evaluation in AWAITING_DOCUMENT_UPLOAD where no field is missing', async () => {
    const { partner } = await gateway.organization();
    const customer = await follow(partner, 'test-rfi+a@example.com');
    await customer.patch(GERMAN);
    await advance(partner, EVALUATION);
    await customer.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    await customer.end();
  });

  it('test-rejected is DECLINED, and a patch afterwards begins another attempt', async () => {
    const { partner } = await gateway.organization();
    const customer = await follow(partner, 'test-rejected@example.com');
    const first = await customer.patch(GERMAN);
    await advance(partner, EVALUATION);
    expect(await customer.now()).toMatchObject({ status: 'REJECTED', kycStatus: 'FAILED' });
    await customer.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'DECLINED');
    await customer.customerWas('CREATED', 'UNDER_REVIEW', 'REJECTED');
    expect(await customer.patch({ legalMiddleName: 'King' })).not.toBe(first);
    await customer.end();
  });

  it('test-delay is still evaluated a second before five minutes are over, and then goes on', async () => {
    const { partner } = await gateway.organization();
    const customer = await follow(partner, 'test-delay@example.com');
    await customer.patch(GERMAN);
    await advance(partner, 0);
    // A minute of slack for the time that really passes meanwhile.
    await advance(partner, DELAY - 60);
    expect(await customer.now()).toMatchObject({ identity: { status: 'EVALUATING_SUBMISSION' } });
    await advance(partner, 60);
    await customer.identityWas('INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_DOCUMENT_UPLOAD');
    await customer.end();
  });
});
