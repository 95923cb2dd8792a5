import { afterAll, describe, expect, it } from 'vitest';
import { SANDBOX_CONTROLS, type SandboxControl } from '../../src/kyc/sandbox.js';
import type { IdentityStatus, KycDataInput } from '../generated/graphql.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, submit, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { PATCH_IDENTITY, SUBMIT_DOCUMENT } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';

const gateway = useGateway();

type Step = (applicant: Applicant) => Promise<unknown>;

const wait = (seconds: number): Step => ({ partner }) => advance(partner, seconds);
const patch = (kycData: KycDataInput): Step => ({ partner, identityId }) => partner.request(PATCH_IDENTITY, { input: { identityId, kycData } });
const upload = (withProof: boolean): Step => async ({ partner, identityId }) => {
  const files = { frontPhoto: await photo(), ...(withProof ? { proofOfResidency: await photo() } : {}) };
  await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', ...files } });
};
const EVALUATED: IdentityStatus[] = ['INITIATING', 'EVALUATING_SUBMISSION'];
const CHECKED: IdentityStatus[] = ['RECORDS_UPLOADED', 'IN_REVIEW', 'AWAITING_SIGNATURE'];
const correctNumber = patch({ nationalIdNumber: '123-45-6789' });
const passesAtOnce = { steps: [wait(EVALUATION)], statuses: [...EVALUATED, 'AWAITING_SIGNATURE'] } as const;
const failedCheck = [upload(false), wait(DOCUMENT_CHECK)];

/** What domain.md says of each control, walked by a US citizen of an institution, who has no document step otherwise. */
const EXPECTED: Readonly<Record<string, { steps: readonly Step[]; statuses: readonly IdentityStatus[] }>> = {
  'test-success@example.com': passesAtOnce,
  'test-rfi@example.com': {
    steps: [wait(EVALUATION), patch({ address: { city: 'Oakland' } }), wait(EVALUATION)],
    statuses: [...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD', ...EVALUATED, 'AWAITING_SIGNATURE'],
  },
  'test-rejected@example.com': { steps: [wait(EVALUATION)], statuses: [...EVALUATED, 'DECLINED'] },
  'test-delay@example.com': { steps: [wait(299), wait(1)], statuses: [...EVALUATED, 'AWAITING_SIGNATURE'] },
  '000-00-0000': { steps: [wait(EVALUATION), wait(REVIEWING)], statuses: [...EVALUATED, 'IN_REVIEW', 'AWAITING_SIGNATURE'] },
  '111-11-1111': {
    steps: [wait(EVALUATION), correctNumber, wait(EVALUATION), upload(false), wait(DOCUMENT_CHECK + REVIEWING)],
    statuses: [...EVALUATED, 'SSN_ERROR', ...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD', ...CHECKED],
  },
  '222-22-2222': { steps: [wait(EVALUATION), upload(true), wait(DOCUMENT_CHECK + REVIEWING)], statuses: [...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD', ...CHECKED] },
  '333-33-3333': { steps: [wait(EVALUATION), upload(false), wait(DOCUMENT_CHECK + REVIEWING)], statuses: [...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD', ...CHECKED] },
  '444-44-4444': {
    steps: [wait(EVALUATION), correctNumber, wait(EVALUATION), upload(true), wait(DOCUMENT_CHECK + REVIEWING)],
    statuses: [...EVALUATED, 'SSN_ERROR', ...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD', ...CHECKED],
  },
  '888-88-8888': { steps: [wait(EVALUATION)], statuses: [...EVALUATED, 'EXPIRED'] },
  FAILED: {
    steps: [wait(EVALUATION), ...failedCheck, ...failedCheck, ...failedCheck, wait(REVIEWING)],
    statuses: [
      ...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD', 'RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS', 'RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS', 'RECORDS_UPLOADED',
      'IN_REVIEW', 'DECLINED',
    ],
  },
  PASSED: passesAtOnce,
  otherwise: passesAtOnce,
};

function nameOf({ trigger }: SandboxControl): string {
  if ('email' in trigger) return trigger.email;
  if ('nationalIdNumber' in trigger) return trigger.nationalIdNumber;
  return 'debugStatus' in trigger ? trigger.debugStatus : 'otherwise';
}

async function walk(control: SandboxControl, email: string): Promise<IdentityStatus[]> {
  const { trigger } = control;
  const organization = await gateway.organization();
  const { partner } = organization;
  const customerId = await newCustomer(partner, { email });
  const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
  const kycData = 'nationalIdNumber' in trigger ? { ...CALIFORNIAN, nationalIdNumber: trigger.nationalIdNumber } : CALIFORNIAN;
  const debug = 'debugStatus' in trigger ? { debugStatus: trigger.debugStatus } : {};
  const identityId = await submit(partner, customerId, kycData, { transactionType: 'INSTITUTIONAL_INDIVIDUAL', ...debug });
  const { steps, statuses } = EXPECTED[nameOf(control)]!;
  for (const step of steps) await step({ ...organization, customerId, identityId, documentId: '' });
  const received = await changes.take(statuses.length);
  await changes.close();
  return received.map(({ identityStatusChanged }) => identityStatusChanged.newStatus);
}

describe('the sandbox answers as its table says', () => {
  let walked = 0;
  afterAll(() => {
    console.log(`Rows of the sandbox table walked through the API: ${walked}`);
    expect(walked).toBeGreaterThanOrEqual(15);
  });

  it.each(SANDBOX_CONTROLS.map((control) => [nameOf(control), control] as const))('%s', async (name, control) => {
    expect(await walk(control, 'email' in control.trigger ? name : 'ada@example.com')).toEqual(EXPECTED[name]?.statuses);
    walked += 1;
  });

  it('a test address also matches with a tag and in any case', async () => {
    const control = SANDBOX_CONTROLS.find((each) => nameOf(each) === 'test-rejected@example.com')!;
    expect(await walk(control, 'Test-Rejected+7@Example.com')).toEqual(EXPECTED['test-rejected@example.com']?.statuses);
    walked += 1;
  });

  it('the first match wins: an address over a number over debugStatus', async () => {
    const control = SANDBOX_CONTROLS.find((each) => nameOf(each) === '888-88-8888')!;
    const success = EXPECTED['test-success@example.com']!.statuses;
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner, { email: 'test-success@example.com' });
    const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
    await submit(partner, customerId, { ...CALIFORNIAN, nationalIdNumber: nameOf(control) }, { transactionType: 'INSTITUTIONAL_INDIVIDUAL', debugStatus: 'FAILED' });
    await advance(partner, EVALUATION);
    const received = await changes.take(success.length);
    await changes.close();
    expect(received.map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual(success);
    walked += 1;
  });
});
