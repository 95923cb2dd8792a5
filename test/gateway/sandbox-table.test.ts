import { afterAll, describe, expect, it } from 'vitest';
import { FAILURE_REASONS, SANDBOX_CONTROLS, SANDBOX_RULES, type SandboxControl } from '../../src/kyc/sandbox.js';
import type { IdentityStatus, KycDataInput, SubmitIdentityInput } from '../generated/graphql.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, submit, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER, PATCH_IDENTITY, SUBMIT_DOCUMENT } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';

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

const INSTITUTIONAL = { transactionType: 'INSTITUTIONAL_INDIVIDUAL' } as const;

interface Walk {
  email?: string;
  kycData?: KycDataInput;
  options?: Omit<SubmitIdentityInput, 'customerId' | 'kycData'>;
  steps: readonly Step[];
  statuses: readonly IdentityStatus[];
}

/** Walks somebody through the API. @returns each status that was told of, and why the last was come to. */
async function walk({ email = 'ada@example.com', kycData = CALIFORNIAN, options = INSTITUTIONAL, steps, statuses }: Walk): Promise<{ statuses: IdentityStatus[]; errorDescription: string | null }> {
  const organization = await gateway.organization();
  const { partner } = organization;
  const customerId = await newCustomer(partner, { email });
  const changes = await partner.subscribe(IDENTITY_CHANGES, { customerId });
  const identityId = await submit(partner, customerId, kycData, options);
  for (const step of steps) await step({ ...organization, customerId, identityId, documentId: '' });
  const received = await changes.take(statuses.length);
  // Nothing more has come than is expected.
  const { customer } = await partner.request(CUSTOMER, { id: customerId });
  await changes.close();
  expect(customer?.identity?.status).toBe(statuses.at(-1));
  return { statuses: received.map(({ identityStatusChanged }) => identityStatusChanged.newStatus), errorDescription: customer?.identity?.errorDescription ?? null };
}

/** The walk that shows a row of the table. */
function walkOf(control: SandboxControl): Walk {
  const { trigger } = control;
  return {
    ...EXPECTED[nameOf(control)]!,
    ...('email' in trigger ? { email: trigger.email } : {}),
    ...('nationalIdNumber' in trigger ? { kycData: { ...CALIFORNIAN, nationalIdNumber: trigger.nationalIdNumber } } : {}),
    ...('debugStatus' in trigger ? { options: { ...INSTITUTIONAL, debugStatus: trigger.debugStatus } } : {}),
  };
}

function controlOf(name: string): SandboxControl {
  return SANDBOX_CONTROLS.find((control) => nameOf(control) === name)!;
}

const AWAITS_DOCUMENT = { steps: [wait(EVALUATION)], statuses: [...EVALUATED, 'AWAITING_DOCUMENT_UPLOAD'] } as const;
const INCOMPLETE = { steps: [wait(EVALUATION)], statuses: [...EVALUATED, 'INPUT_ERROR'] } as const;

/** What shows each of the other rows. */
const RULES: Readonly<Record<(typeof SANDBOX_RULES)[number]['name'], readonly (Walk & { errorDescription?: string | null })[]>> = {
  FAILURE_REASON: [
    ...[...Object.entries(FAILURE_REASONS), ['Torn in two', 'Torn in two'], ['constructor', 'constructor']].map(([debugFailureReason, errorDescription]) => ({
      options: { ...INSTITUTIONAL, debugStatus: 'FAILED', debugFailureReason: debugFailureReason! } as const,
      steps: [wait(EVALUATION), ...failedCheck],
      statuses: [...AWAITS_DOCUMENT.statuses, 'RECORDS_UPLOADED', 'INCOMPLETE_VERIFICATIONS'] as const,
      errorDescription: errorDescription!,
    })),
    { ...passesAtOnce, options: { ...INSTITUTIONAL, debugStatus: 'PASSED', debugFailureReason: 'expired' }, errorDescription: null },
  ],
  NO_DOCUMENT_STEP: [
    passesAtOnce,
    { ...AWAITS_DOCUMENT, kycData: { ...CALIFORNIAN, address: { ...CALIFORNIAN.address, city: 'New York', stateCode: 'NY', postalCode: '10001' } } },
    { ...AWAITS_DOCUMENT, kycData: { ...CALIFORNIAN, politicallyExposedPerson: true } },
    { ...AWAITS_DOCUMENT, kycData: { ...CALIFORNIAN, nationality: 'DE' } },
    { ...AWAITS_DOCUMENT, kycData: GERMAN, options: {} },
  ],
  TAG: SANDBOX_CONTROLS.flatMap((control) =>
    'email' in control.trigger ? [{ ...walkOf(control), email: control.trigger.email.replace('@', '+7@').replace('test', 'Test').replace('example', 'Example') }] : [],
  ),
  FIRST_MATCH: [
    { ...passesAtOnce, email: 'test-success@example.com', kycData: { ...CALIFORNIAN, nationalIdNumber: '888-88-8888' }, options: { ...INSTITUTIONAL, debugStatus: 'FAILED' } },
    { ...walkOf(controlOf('888-88-8888')), options: { ...INSTITUTIONAL, debugStatus: 'FAILED' } },
  ],
  NO_WAIVER: [
    { ...INCOMPLETE, email: 'test-success@example.com', kycData: { ...CALIFORNIAN, legalLastName: null } },
    { ...INCOMPLETE, email: 'test-rfi@example.com', kycData: { ...CALIFORNIAN, legalLastName: null } },
    { ...INCOMPLETE, kycData: { ...CALIFORNIAN, nationalIdNumber: '000-00-0000', address: { ...CALIFORNIAN.address, postalCode: null } } },
    { ...INCOMPLETE, kycData: { ...CALIFORNIAN, dateOfBirth: null }, options: { ...INSTITUTIONAL, debugStatus: 'PASSED' } },
    { ...AWAITS_DOCUMENT, email: 'test-success@example.com', kycData: GERMAN, options: { debugStatus: 'PASSED' } },
  ],
};

/** Why those end who are sent back or turned away. */
const ENDINGS: readonly IdentityStatus[] = ['SSN_ERROR', 'DECLINED', 'EXPIRED'];

describe('the sandbox answers as its table says', () => {
  let walked = 0;
  afterAll(() => {
    console.log(`Walks through the API that the rows of the sandbox table were shown by: ${walked}`);
    expect(walked).toBeGreaterThanOrEqual(36);
  });

  it.each(SANDBOX_CONTROLS.map((control) => [nameOf(control), control] as const))('%s', async (_name, control) => {
    const expected = walkOf(control);
    const { statuses, errorDescription } = await walk(expected);
    expect(statuses).toEqual(expected.statuses);
    if (ENDINGS.includes(statuses.at(-1)!)) expect(errorDescription).toMatch(/^[A-Z].*\.$/);
    walked += 1;
  });

  it.each(SANDBOX_RULES)('$sent: $effect', async ({ name }) => {
    for (const { errorDescription, ...expected } of RULES[name]) {
      const come = await walk(expected);
      expect(come.statuses).toEqual(expected.statuses);
      if (errorDescription !== undefined) expect(come.errorDescription).toBe(errorDescription);
      walked += 1;
    }
  });
});
