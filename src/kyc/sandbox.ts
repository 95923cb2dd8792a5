import type { DebugStatus, Environment } from './vocabularies.js';

/**
 * The sandbox's controls as data (domain.md, Sandbox): what a person's e-mail address, tax number or debugStatus makes
 * the sandbox provider answer. The README's table is made from this file. A control stands for the provider's answer;
 * it never waives a requirement.
 */
export interface SandboxControl {
  /** What triggers it. */
  trigger: { email: string } | { nationalIdNumber: string } | { debugStatus: DebugStatus } | { otherwise: true };
  /** For the documentation: what follows, in words. */
  effect: string;
  /** What the provider answers to the first evaluation of an attempt. */
  first: SandboxAnswer;
  /** What it answers to later ones. */
  later: SandboxAnswer;
  /** Every check of documents fails. */
  failsDocuments?: true;
  /** The documents that came with the first evaluation fail their check; later ones pass. */
  failsFirstDocuments?: true;
}

/** The provider's answer to an evaluation. */
export interface SandboxAnswer {
  outcome: 'PASS' | 'SSN_MISMATCH' | 'FLAG' | 'DECLINE' | 'TIME_OUT';
  /** Documents that it wants beyond the rules. */
  documents?: readonly ('PHOTO_ID' | 'PROOF_OF_ADDRESS')[];
  /** How long it takes, in seconds of the sandbox's clock at SANDBOX_SPEED 1. */
  seconds?: number;
  /** Why, in words fit for the applicant. */
  errorDescription?: string;
}

/** What the debugFailureReason shows as errorDescription; any other text is shown as it is. */
export const FAILURE_REASONS: Readonly<Record<string, string>> = {
  expired: 'The document has expired.',
  cannot_verify_id: 'The document could not be verified.',
  portrait_not_found: 'No portrait was found on the document.',
  portrait_not_clear: 'The portrait on the document is not clear.',
  face_mismatch: 'The portrait does not match the face of the selfie.',
};

/** Seconds that each status lasts in the sandbox: together the 30 s that the Customer API promises. */
export const SANDBOX_SECONDS = { EVALUATING_SUBMISSION: 5, RECORDS_UPLOADED: 10, IN_REVIEW: 15 } as const;
/** test-delay@example.com: five minutes. */
const DELAYED_SECONDS = 300;

const PASS: SandboxAnswer = { outcome: 'PASS' };
const PASS_WITH_PHOTO_ID: SandboxAnswer = { outcome: 'PASS', documents: ['PHOTO_ID'] };
const PASS_WITH_BOTH: SandboxAnswer = { outcome: 'PASS', documents: ['PHOTO_ID', 'PROOF_OF_ADDRESS'] };
const FLAG: SandboxAnswer = { outcome: 'FLAG' };
const DECLINE: SandboxAnswer = { outcome: 'DECLINE', errorDescription: 'The identity could not be verified.' };
const MISMATCH: SandboxAnswer = { outcome: 'SSN_MISMATCH', errorDescription: 'The Social Security number does not match the records. Check it and enter it again.' };
const TIME_OUT: SandboxAnswer = { outcome: 'TIME_OUT', errorDescription: 'The verification could not be completed in time.' };
const DELAYED: SandboxAnswer = { outcome: 'PASS', seconds: DELAYED_SECONDS };

/** The first that matches wins: e-mail address, then tax number, then debugStatus. The last always matches. */
export const SANDBOX_CONTROLS: readonly SandboxControl[] = [
  { trigger: { email: 'test-success@example.com' }, effect: 'Every check passes.', first: PASS, later: PASS },
  {
    trigger: { email: 'test-rfi@example.com' },
    effect: 'The first evaluation ends in INPUT_ERROR where a field is missing, else in AWAITING_DOCUMENT_UPLOAD (with documents: RECORDS_UPLOADED, then INCOMPLETE_VERIFICATIONS); later ones pass.',
    first: PASS_WITH_PHOTO_ID,
    later: PASS,
    failsFirstDocuments: true,
  },
  { trigger: { email: 'test-rejected@example.com' }, effect: 'DECLINED.', first: DECLINE, later: DECLINE },
  { trigger: { email: 'test-delay@example.com' }, effect: 'Every check passes; evaluation takes five minutes.', first: DELAYED, later: DELAYED },
  { trigger: { nationalIdNumber: '000-00-0000' }, effect: 'IN_REVIEW.', first: FLAG, later: FLAG },
  { trigger: { nationalIdNumber: '111-11-1111' }, effect: 'SSN_ERROR; the next evaluation of the attempt, whatever its SSN, asks for a government id.', first: MISMATCH, later: PASS_WITH_PHOTO_ID },
  { trigger: { nationalIdNumber: '222-22-2222' }, effect: 'A government id and a proof of address are asked for.', first: PASS_WITH_BOTH, later: PASS_WITH_BOTH },
  { trigger: { nationalIdNumber: '333-33-3333' }, effect: 'A government id is asked for.', first: PASS_WITH_PHOTO_ID, later: PASS_WITH_PHOTO_ID },
  { trigger: { nationalIdNumber: '444-44-4444' }, effect: 'SSN_ERROR; the next evaluation of the attempt asks for a government id and a proof of address.', first: MISMATCH, later: PASS_WITH_BOTH },
  { trigger: { nationalIdNumber: '888-88-8888' }, effect: 'EXPIRED: the vendor timed out.', first: TIME_OUT, later: TIME_OUT },
  {
    trigger: { debugStatus: 'FAILED' },
    effect: 'Every check of documents fails; a person with no document step is asked for documents. Attempts spent: IN_REVIEW, then DECLINED.',
    first: PASS_WITH_PHOTO_ID,
    later: PASS_WITH_PHOTO_ID,
    failsDocuments: true,
  },
  { trigger: { debugStatus: 'PASSED' }, effect: 'Every check passes.', first: PASS, later: PASS },
  { trigger: { otherwise: true }, effect: 'Every check passes.', first: PASS, later: PASS },
];

/** What holds beside the controls: the rest of the README's table. */
export const SANDBOX_RULES = [
  {
    name: 'FAILURE_REASON',
    sent: '`debugFailureReason`',
    effect: 'Changes no status. Beside `debugStatus: PASSED` it shows nothing; else `errorDescription` says it, in the words below.',
  },
  { name: 'NO_DOCUMENT_STEP', sent: 'with a transactionType, a US citizen who is not politically exposed and does not live in New York', effect: 'No document step.' },
  { name: 'TAG', sent: 'an e-mail of these with a tag, such as `test-rejected+7@example.com`, or in other case', effect: 'As without it.' },
  { name: 'FIRST_MATCH', sent: 'several of these', effect: 'The first that matches decides: e-mail, then SSN, then debugStatus.' },
  {
    name: 'NO_WAIVER',
    sent: 'any of these, and not all that is required',
    effect: 'What is required stays required: a missing field ends in INPUT_ERROR, a missing document in AWAITING_DOCUMENT_UPLOAD, and contracts have to be signed.',
  },
] as const satisfies readonly { name: string; sent: string; effect: string }[];

/** Numbers that no authority ever gave out and that the sandbox takes all the same. */
const SANDBOX_NATIONAL_IDS: ReadonlySet<string> = new Set(
  SANDBOX_CONTROLS.flatMap(({ trigger }) => ('nationalIdNumber' in trigger ? [trigger.nationalIdNumber] : [])),
);

/** The numbers that validation lets through as they are. */
export function acceptedNationalIds(environment: Environment): ReadonlySet<string> {
  return environment === 'SANDBOX' ? SANDBOX_NATIONAL_IDS : new Set();
}

/** What the controls look at. */
export interface SandboxPerson {
  email: string | null;
  nationalIdNumber: string | null;
  debugStatus: DebugStatus | null;
}

/** The control that a person triggers. `heldTo` names the number of an earlier SSN_ERROR, which goes on deciding. */
export function controlFor(person: SandboxPerson, heldTo: string | null): SandboxControl {
  const control = SANDBOX_CONTROLS.find(({ trigger }) => {
    if ('email' in trigger) return matchesEmail(person.email, trigger.email);
    if ('nationalIdNumber' in trigger) return trigger.nationalIdNumber === (heldTo ?? person.nationalIdNumber);
    return 'otherwise' in trigger || trigger.debugStatus === person.debugStatus;
  });
  if (!control) throw new Error('The last control of the sandbox always matches');
  return control;
}

/** Test addresses also match with a `+tag` and in any case. */
function matchesEmail(email: string | null, wanted: string): boolean {
  return email !== null && email.toLowerCase().replace(/\+[^@]*@/, '@') === wanted;
}
