import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { IdentityStatus, KycDataInput, TransactionType } from '../generated/graphql.js';
import { advance, bringTo, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, sign, signature, submit, WAITING, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, EVENTS, PATCH_CUSTOMER, PATCH_IDENTITY, REQUIRE_REVERIFICATION, REVIEW, SNAPSHOT, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';

const gateway = useGateway();
const INSTITUTIONAL = { transactionType: 'INSTITUTIONAL_INDIVIDUAL' } as const;
/** Seconds after which an attempt is stuck by the default policy. */
const STUCK = 72 * 3_600;

const UPDATE_POLICY = graphql(`
  mutation UpdatePolicyOf($input: UpdatePolicyInput!) {
    updatePolicy(input: $input) {
      organization {
        policy { documentAttempts minimumAge waitingExpiryDays reviewAfterPass idempotency contractsRequired { transactionType contracts } }
      }
    }
  }
`);

const CONTRACTS_ASKED = graphql(`
  query ContractsAsked($transactionType: TransactionType) {
    contracts(transactionType: $transactionType) { type version title text }
  }
`);

describe('a further attempt', () => {
  it.each(['DECLINED', 'EXPIRED'] as const)('after %s patchCustomer begins one from the data of the last', async (status) => {
    const { partner, customerId, identityId } = await bringTo(gateway, status);
    const { patchCustomer } = await partner.request(PATCH_CUSTOMER, { input: { customerId, kycData: { legalMiddleName: 'Brewster' } } });
    expect(patchCustomer.identity).toMatchObject({ status: 'INITIATING', documentAttemptsRemaining: 3 });
    expect(patchCustomer.identity?.id).not.toBe(identityId);
    const { customer } = await partner.request(SNAPSHOT, { id: customerId });
    expect(customer?.identities.nodes).toHaveLength(2);
    expect(customer?.identities.nodes[0]).toMatchObject({
      transactionType: 'INSTITUTIONAL_INDIVIDUAL',
      kycData: { legalFirstName: 'Grace', legalMiddleName: 'Brewster', nationalIdNumber: '***-**-6789' },
      documents: [],
    });
  });

  it('after APPROVED there is none, with verifiedAt in the refusal, until staff require it', async () => {
    const { partner, reviewer, customerId, identityId } = await bringTo(gateway, 'APPROVED');
    const refused = await partner.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: CALIFORNIAN } });
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    expect(refused).toMatchObject({ code: 'PATCH_NOT_ALLOWED', customerStatus: 'ACTIVE', identityStatus: 'APPROVED', verifiedAt: customer?.verifiedAt });
    expect(customer?.verifiedAt).not.toBeNull();
    expect((await partner.refusal(PATCH_CUSTOMER, { input: { customerId, kycData: { legalMiddleName: 'B' } } })).code).toBe('PATCH_NOT_ALLOWED');
    expect((await partner.refusal(REQUIRE_REVERIFICATION, { input: { customerId, reason: 'x' } })).code).toBe('FORBIDDEN');
    const { requireReverification } = await reviewer.request(REQUIRE_REVERIFICATION, { input: { customerId, reason: 'Documents have to be renewed.' } });
    expect(requireReverification).toMatchObject({
      identity: { id: identityId, status: 'EXPIRED', errorDescription: 'Documents have to be renewed.' },
      customer: { status: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED', verifiedAt: customer?.verifiedAt },
    });
    const next = await submit(partner, customerId, CALIFORNIAN, INSTITUTIONAL);
    await advance(partner, EVALUATION);
    await sign(partner, next);
    await advance(partner, 0);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'ACTIVE', kycStatus: 'VERIFIED' });
  });

  it.each(['INPUT_ERROR', 'SSN_ERROR', 'AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS', 'AWAITING_SIGNATURE'] as const)(
    'an attempt that waits in %s expires after the days of its policy, and not before',
    async (status) => {
      const { partner, customerId } = await bringTo(gateway, status);
      await advance(partner, WAITING - 60);
      expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe(status);
      await advance(partner, 60);
      expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED', identity: { status: 'EXPIRED' } });
    },
  );
});

describe('a policy', () => {
  it('stands once for its organization, however many attempts begin under it, and beside the one that it was changed into', async () => {
    const { id, partner } = await gateway.organization();
    const kept = () => gateway.behindItsBack((query) => query('select id from policy where organization_id = $1', [id]));
    for (let attempt = 0; attempt < 3; attempt += 1) await submit(partner, await newCustomer(partner), CALIFORNIAN, INSTITUTIONAL);
    expect(await kept()).toHaveLength(1);
    for (const minimumAge of [21, 18, 21]) await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: { minimumAge } } });
    expect(await kept()).toHaveLength(2);
  });
});

describe('no dead end', () => {
  it('documents that are wanted when no attempt is left go to a person', async () => {
    const { id, partner, reviewer } = await gateway.organization();
    await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: { documentAttempts: 1 } } });
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, CALIFORNIAN, { ...INSTITUTIONAL, debugStatus: 'FAILED' });
    await advance(partner, EVALUATION);
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    await advance(partner, DOCUMENT_CHECK);
    await reviewer.request(REVIEW, { input: { identityId, decision: 'REQUEST_INFORMATION', requiredFields: ['kycData.legalFirstName'] } });
    await partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { legalFirstName: 'Grace' } } });
    await advance(partner, EVALUATION);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe('IN_REVIEW');
  });

  it('the data that a further attempt carries over is judged by the policy that it begins under', async () => {
    const { id, partner, reviewer } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, { ...CALIFORNIAN, nationalIdNumber: '000-00-0000' }, INSTITUTIONAL);
    await advance(partner, EVALUATION);
    await reviewer.request(REVIEW, { input: { identityId, decision: 'DECLINE' } });
    await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: { minimumAge: 90 } } });
    const facts = await partner.refusal(PATCH_CUSTOMER, { input: { customerId, kycData: { legalMiddleName: 'B' } } });
    expect(facts.fields?.map(({ path, code }) => ({ path, code }))).toEqual([{ path: 'kycData.dateOfBirth', code: 'too_young' }]);
  });

  it('after SSN_ERROR the next evaluation goes on whatever was patched', async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'SSN_ERROR');
    await partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { legalMiddleName: 'B' } } });
    await advance(partner, EVALUATION);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe('AWAITING_DOCUMENT_UPLOAD');
  });
});

describe('the rest of the patch', () => {
  it('email, names and partnerUserId alone start or move no attempt', async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'INPUT_ERROR');
    const { patchCustomer } = await partner.request(PATCH_CUSTOMER, { input: { customerId, email: 'grace@example.com', firstName: 'Grace', partnerUserId: 'u-1' } });
    expect(patchCustomer.identity).toMatchObject({ id: identityId, status: 'INPUT_ERROR' });
    const fresh = await newCustomer(partner);
    expect((await partner.request(PATCH_CUSTOMER, { input: { customerId: fresh, firstName: 'Ada' } })).patchCustomer).toMatchObject({ identity: null, customer: { status: 'CREATED', version: 2 } });
  });

  it('ids, debug fields and the signer alone move nothing', async () => {
    const { partner, identityId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const input = { identityId, enterpriseId: 'e-1', userId: 'u-1', debugStatus: 'PASSED', signer: { contractSignerNameFull: 'Grace Hopper' } } as const;
    expect((await partner.request(PATCH_IDENTITY, { input })).patchIdentity.identity.status).toBe('INCOMPLETE_VERIFICATIONS');
  });

  it('debug fields where no documents are awaited are refused by their name, with the statuses that they are for', async () => {
    const { partner, identityId } = await bringTo(gateway, 'INPUT_ERROR');
    const { errors } = await partner.send(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } });
    expect(errors?.[0]?.message).toMatch(/^PATCH_IDENTITY with debugStatus or debugFailureReason is not allowed while/);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'PATCH_NOT_ALLOWED', allowedStatuses: ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS'] });
  });

  it("what a signature leaves out comes from the signer; what neither gives is named", async () => {
    const { partner, identityId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const signer = { contractSignerNameFull: 'Grace Hopper', contractSignedIPAddress: '192.0.2.7', contractVersion: '1.0', userAgreesToTerms: true };
    await partner.request(PATCH_IDENTITY, { input: { identityId, signer, debugStatus: 'PASSED' } });
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    const missing = await partner.refusal(SUBMIT_SIGNATURES, { input: { identityId, signatures: [{ contractType: 'CSA' }] } });
    expect(missing.fields?.map(({ path, code }) => ({ path, code }))).toEqual([{ path: 'signatures.0.contractSignedDate', code: 'required' }]);
    const { submitSignatures } = await partner.request(SUBMIT_SIGNATURES, { input: { identityId, signatures: [{ contractType: 'CSA', contractSignedDate: '2026-01-31', contractSignerNameFull: 'Another' }] } });
    expect(submitSignatures.signatures[0]).toMatchObject({ contractSignerNameFull: 'Another', contractSignedIPAddress: '192.0.2.7', contractVersion: '1.0', contractSignedDate: '2026-01-31T00:00:00.000Z' });
  });
});

describe('policy', () => {
  it('a change holds for the attempts that begin after it, not for those under way', async () => {
    const { id, partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const before = await submit(partner, customerId, CALIFORNIAN, { ...INSTITUTIONAL, debugStatus: 'FAILED' });
    const contracts = [{ type: 'WVR', version: '2.1', title: 'Waiver', text: 'I waive.' }] as const;
    const policy = { documentAttempts: 1, contracts: [...contracts], contractsRequired: [{ transactionType: 'INSTITUTIONAL_INDIVIDUAL', contracts: ['WVR'] }] } as const;
    const updated = await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: { ...policy, contracts: [...policy.contracts], contractsRequired: [{ transactionType: 'INSTITUTIONAL_INDIVIDUAL', contracts: ['WVR'] }] } } });
    expect(updated.updatePolicy.organization.policy.documentAttempts).toBe(1);
    expect((await partner.request(CONTRACTS_ASKED, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' })).contracts).toEqual(contracts);
    const other = await newCustomer(partner);
    const after = await submit(partner, other, CALIFORNIAN, INSTITUTIONAL);
    const attempts = async (customer: string) => (await partner.request(CUSTOMER, { id: customer })).customer?.identity;
    expect(await attempts(customerId)).toMatchObject({ id: before, documentAttemptsRemaining: 3 });
    expect(await attempts(other)).toMatchObject({ id: after, documentAttemptsRemaining: 1 });
    await advance(partner, EVALUATION);
    expect(await attempts(other)).toMatchObject({ status: 'AWAITING_SIGNATURE', signaturesRequired: ['WVR'] });
    expect((await partner.refusal(SUBMIT_SIGNATURES, { input: { identityId: after, signatures: [signature('WVR')] } })).fields?.[0]).toMatchObject({ path: 'signatures.0.contractVersion', code: 'not_in_force' });
    await partner.request(SUBMIT_SIGNATURES, { input: { identityId: after, signatures: [signature('WVR', { contractVersion: '2.1' })] } });
  });

  it('every fault of a policy is named at once, and a partner may not change it', async () => {
    const { id, partner } = await gateway.organization();
    const policy = { documentAttempts: 0, minimumAge: 5, waitingExpiryDays: 9999 };
    const facts = await gateway.operator.refusal(UPDATE_POLICY, { input: { organizationId: id, policy } });
    expect(facts.fields?.map(({ path }) => path).sort()).toEqual(['policy.documentAttempts', 'policy.minimumAge', 'policy.waitingExpiryDays']);
    const contract = { type: 'CSA', version: ' ', title: 'Agreement', text: 'I agree.' } as const;
    const twice = await gateway.operator.refusal(UPDATE_POLICY, { input: { organizationId: id, policy: { contracts: [contract, { ...contract, version: '2.0' }] } } });
    expect(twice.fields?.map(({ path, code: fault }) => `${path} ${fault}`)).toEqual(['policy.contracts.1.type duplicate', 'policy.contracts.0.version blank']);
    expect((await partner.refusal(UPDATE_POLICY, { input: { policy: {} } })).code).toBe('FORBIDDEN');
  });

  it('says how a repeated Idempotency-Key is answered: null brings back the default', async () => {
    const { id } = await gateway.organization();
    for (const [given, kept] of [[undefined, 'REPLAY'], ['STRICT', 'STRICT'], [undefined, 'STRICT'], [null, 'REPLAY']] as const) {
      const { updatePolicy } = await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: given === undefined ? {} : { idempotency: given } } });
      expect(updatePolicy.organization.policy.idempotency).toBe(kept);
    }
  });

  it('reviewAfterPass sends a pass to a person', async () => {
    const { id, partner } = await gateway.organization();
    await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: { reviewAfterPass: true } } });
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, CALIFORNIAN, INSTITUTIONAL);
    await advance(partner, EVALUATION);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe('IN_REVIEW');
  });
});

describe('what a reviewer asked for', () => {
  it('stands as REENTER through patches, until it is met', async () => {
    const { partner, reviewer, customerId, identityId } = await bringTo(gateway, 'IN_REVIEW');
    await reviewer.request(REVIEW, { input: { identityId, decision: 'REQUEST_INFORMATION', requiredFields: ['kycData.address.addressLine1', 'kycData.legalFirstName'], message: 'Enter them again.' } });
    const listed = async () => (await partner.request(CUSTOMER, { id: customerId })).customer?.requirements.filter(({ code }) => code === 'REENTER').map(({ field }) => field);
    expect(await listed()).toEqual(['kycData.address.addressLine1', 'kycData.legalFirstName']);
    await partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { legalFirstName: 'Grace' } } });
    await advance(partner, EVALUATION);
    expect(await listed()).toEqual(['kycData.address.addressLine1']);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe('INPUT_ERROR');
    await partner.request(PATCH_IDENTITY, { input: { identityId, kycData: { address: { addressLine1: '1 Market Street' } } } });
    await advance(partner, EVALUATION);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ identity: { status: 'IN_REVIEW' } });
  });

  it('an attempt that was in review or declared exposure never passes without a person, whatever is tried', { timeout: 300_000 }, async () => {
    type Try = (applicant: Applicant, kycData: KycDataInput) => Promise<unknown>;
    const patching = (kycData: KycDataInput): Try => ({ partner, identityId }) => partner.send(PATCH_IDENTITY, { input: { identityId, kycData } });
    const actions: Readonly<Record<string, Try>> = {
      deny: patching({ politicallyExposedPerson: false }),
      clear: patching({ politicallyExposedPerson: null }),
      move: patching({ nationality: 'US', nationalIdType: 'SSN', nationalIdNumber: '123-45-6789', nationalIdIssuingCountry: 'US', countryOfResidence: 'US', address: CALIFORNIAN.address! }),
      patch: ({ partner, customerId }) => partner.send(PATCH_CUSTOMER, { input: { customerId, kycData: { address: { addressLine2: 'Flat 2' } }, email: 'test-success@example.com' } }),
      reenter: ({ partner, identityId }, { legalFirstName, nationalIdNumber }) => partner.send(PATCH_IDENTITY, { input: { identityId, kycData: { legalFirstName, nationalIdNumber } } }),
      pass: ({ partner, identityId }) => partner.send(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } }),
      upload: async ({ partner, identityId }) => partner.send(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo(), proofOfResidency: await photo() } }),
      sign: ({ partner, identityId }) => partner.send(SUBMIT_SIGNATURES, { input: { identityId, signatures: [signature('CSA'), signature('MPA'), signature('MIC')] } }),
      again: ({ partner, customerId }, kycData) => partner.send(SUBMIT_IDENTITY, { input: { customerId, kycData } }),
      wait: ({ partner }) => advance(partner, EVALUATION),
      wait_longer: ({ partner }) => advance(partner, DOCUMENT_CHECK),
      request_fields: ({ reviewer, identityId }) => reviewer.send(REVIEW, { input: { identityId, decision: 'REQUEST_INFORMATION', requiredFields: ['kycData.legalFirstName'] } }),
      request_documents: ({ reviewer, identityId }) => reviewer.send(REVIEW, { input: { identityId, decision: 'REQUEST_INFORMATION', requiredDocuments: ['PASSPORT'] } }),
    };
    /** Why a person has to look: each by itself. */
    const reasons = {
      exposed: { data: { politicallyExposedPerson: true } },
      flagged: { data: { nationalIdType: 'SSN', nationalIdNumber: '000-00-0000', nationalIdIssuingCountry: 'US' } },
      spent: { options: { debugStatus: 'FAILED' } },
      policy: { policy: { reviewAfterPass: true } },
    } as const satisfies Record<string, { data?: KycDataInput; options?: { debugStatus: 'FAILED' }; policy?: { reviewAfterPass: true } }>;
    const people = { german: { ...GERMAN, politicallyExposedPerson: false }, californian: { ...GERMAN, ...CALIFORNIAN, nationalIdIssuingCountry: 'US', address: { ...CALIFORNIAN.address, locale: 'en-US' } } } as const satisfies Record<string, KycDataInput>;
    /** Chance alone seldom leads to a decision: these do, so that there is always something that passed. */
    const STRAIGHT_WAYS: [TransactionType, keyof typeof people, keyof typeof reasons, string[]][] = [
      ['INSTITUTIONAL_INDIVIDUAL', 'californian', 'policy', ['wait_longer', 'wait_longer', 'sign', 'wait']],
      ['INSTITUTIONAL_INDIVIDUAL', 'californian', 'flagged', ['wait_longer', 'wait_longer', 'wait', 'wait']],
      ['EU_INDIVIDUAL', 'german', 'exposed', ['upload', 'wait_longer', 'wait_longer', 'wait_longer']],
    ];
    const PASSED: readonly IdentityStatus[] = ['AWAITING_SIGNATURE', 'APPROVED'];
    const walked = new Map<string, number>();
    let tried = 0;
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('INSTITUTIONAL_INDIVIDUAL' as const, 'EU_INDIVIDUAL' as const, null), fc.constantFrom(...Object.keys(people) as (keyof typeof people)[]), fc.constantFrom(...Object.keys(reasons) as (keyof typeof reasons)[]),
        fc.array(fc.constantFrom(...Object.keys(actions)), { minLength: 4, maxLength: 12 }),
        async (transactionType, who, why, sequence) => {
          const reason: { data?: KycDataInput; options?: { debugStatus: 'FAILED' }; policy?: { reviewAfterPass: true } } = reasons[why];
          const organization = await gateway.organization();
          const { partner } = organization;
          if (reason.policy) await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: organization.id, policy: reason.policy } });
          const customerId = await newCustomer(partner);
          const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
          const kycData = { ...people[who], ...reason.data };
          // A German's SSN is one only where the German lives in the United States.
          const resident = why === 'flagged' ? { ...kycData, countryOfResidence: 'US' } : kycData;
          const identityId = await submit(partner, customerId, resident, { ...(transactionType ? { transactionType } : {}), ...reason.options });
          for (const action of ['wait', ...sequence]) await actions[action]!({ ...organization, customerId, identityId, documentId: '' }, resident);
          const { customer } = await partner.request(CUSTOMER, { id: customerId });
          while (changes.received.at(-1)?.identityStatusChanged.newStatus !== customer?.identity?.status) await changes.take(changes.received.length + 1);
          await changes.close();
          // A provider's flag, or documents that all fail, are a reason from the moment that a person is asked.
          let needsPerson = why === 'exposed' || why === 'policy';
          for (const { identityStatusChanged: change } of changes.received) {
            if (change.newStatus === 'IN_REVIEW') needsPerson = true;
            if (!PASSED.includes(change.newStatus) || PASSED.includes(change.oldStatus!) || change.oldStatus === 'SIGNATURE_SUBMITTED') continue;
            if (needsPerson) expect([who, why, change.oldStatus]).toEqual([who, why, 'IN_REVIEW']);
            passed += 1;
          }
          const way = `${transactionType ?? 'none'} ${who} ${why}`;
          walked.set(way, (walked.get(way) ?? 0) + 1);
          tried += sequence.length;
        },
      ),
      { numRuns: 60, examples: STRAIGHT_WAYS },
    );
    console.log(`Actions tried to get past a person: ${tried}, on ${walked.size} kinds of attempt; ${passed} passed by a decision`);
    expect(tried).toBeGreaterThanOrEqual(240);
    expect(walked.size).toBeGreaterThanOrEqual(12);
    expect(passed).toBeGreaterThanOrEqual(STRAIGHT_WAYS.length);
  });
});

describe('the Customer API', () => {
  it('a German with a photo id comes to ACTIVE in thirty seconds of the sandbox clock', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'ACTIVE', requirements: [] });
  });
});

/** Somebody who is to sign. */
async function toSign() {
  const { partner } = await gateway.organization();
  const customerId = await newCustomer(partner);
  const identityId = await submit(partner, customerId, CALIFORNIAN, INSTITUTIONAL);
  await advance(partner, EVALUATION);
  return { partner, customerId, identityId };
}

/** The jobs that wait to look at an attempt. */
const looks = (identityId: string) =>
  gateway.behindItsBack((query) => query(`select name from pgboss.job where name in ('identity.expire', 'identity.stuck') and state = 'created' and data->>'identityId' = $1`, [identityId]));

describe('an attempt that nobody takes further', () => {
  it('is told of as identity.stuck after the hours of its policy, once for the status that it is held in, and goes on from there', async () => {
    const { id, partner, reviewer } = await gateway.organization();
    // Reviews are left to people; the clock can be moved all the same.
    await gateway.operator.request(UPDATE_POLICY, { input: { organizationId: id, policy: { provider: 'MANUAL', stuckAfterHours: 2 } } });
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, CALIFORNIAN, INSTITUTIONAL);
    await advance(partner, 0);
    const told = async () => (await partner.request(EVENTS, { filter: { types: ['identity.stuck'] } })).events.nodes;
    await advance(partner, 2 * 3_600 - 60);
    expect(await told()).toEqual([]);
    await advance(partner, 60);
    expect(await told()).toMatchObject([{ type: 'identity.stuck', customerId, identityId, oldStatus: 'IN_REVIEW', newStatus: 'IN_REVIEW' }]);
    await advance(partner, 24 * 3_600);
    expect(await told()).toHaveLength(1);
    await reviewer.request(REVIEW, { input: { identityId, decision: 'APPROVE' } });
    await sign(partner, identityId);
    await advance(partner, WAITING);
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'ACTIVE', identity: { status: 'APPROVED' } });
    expect(await told()).toHaveLength(1);
  });

  it('expires when its customer has been waited for as long as policy says, also where a job has looked before', async () => {
    const { partner, customerId } = await toSign();
    const status = async () => (await partner.request(CUSTOMER, { id: customerId })).customer?.identity?.status;
    await advance(partner, WAITING - 60);
    expect(await status()).toBe('AWAITING_SIGNATURE');
    await advance(partner, 60);
    expect(await status()).toBe('EXPIRED');
  });

  it('leaves one job behind that looks at it, whatever statuses it has been through', async () => {
    const { identityId } = await toSign();
    expect(await looks(identityId)).toMatchObject([{ name: 'identity.stuck' }]);
  });

  it.each([[0, 'EXPIRED'], [1, 'AWAITING_SIGNATURE']] as const)('that is of before expires by the job of its step, not by one of %i steps earlier', async (earlier, status) => {
    const { partner, customerId, identityId } = await toSign();
    await gateway.behindItsBack(async (query) => {
      await query('update identity set deadline_at = null, looks_at = null where id = $1', [identityId]);
      await query(`update pgboss.job set data = data || jsonb_build_object('step', (select step from identity where id = $1) - $2::int) where name = 'identity.stuck' and data->>'identityId' = $1`, [identityId, earlier]);
    });
    const client = gateway.client(partner.key!);
    await advance(client, STUCK);
    expect((await client.request(CUSTOMER, { id: customerId })).customer?.identity?.status).toBe(status);
  });

  it('is not told of while it is its customer who is waited for: then it expires', async () => {
    const { partner } = await bringTo(gateway, 'EXPIRED');
    expect((await partner.request(EVENTS, { filter: { types: ['identity.stuck'] } })).events.nodes).toEqual([]);
  });
});
