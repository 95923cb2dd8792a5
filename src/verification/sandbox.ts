import { PHOTO_ID_DEMAND, PROOF_OF_ADDRESS_DEMAND } from '../kyc/demands.js';
import { controlFor, FAILURE_REASONS, SANDBOX_SECONDS, type SandboxAnswer, type SandboxControl } from '../kyc/sandbox.js';
import type { DocumentVerdict, EvaluationVerdict, Provider, ProviderDocument, ProviderSubject } from './provider.js';

const DEMANDS = { PHOTO_ID: PHOTO_ID_DEMAND, PROOF_OF_ADDRESS: PROOF_OF_ADDRESS_DEMAND } as const;

const FAILURE_UNEXPLAINED = 'The document could not be verified.';
/** Where it went wrong is kept as the number whose control goes on deciding the attempt. */
const HELD_TO = 'heldTo';
/** Which submission of documents fails its check, though later ones pass. */
const FAILS_SUBMISSION = 'failsSubmission';

/** The provider of sandboxes: deterministic answers from the table of controls, on the sandbox's schedule. */
export function sandboxProvider(speed: number): Provider {
  return {
    decidesReviews: true,
    seconds: (step, subject) => (step === 'EVALUATING_SUBMISSION' ? (answerFor(subject).answer.seconds ?? SANDBOX_SECONDS[step]) : SANDBOX_SECONDS[step]) / speed,
    evaluate: (subject) => Promise.resolve(evaluate(subject)),
    checkDocuments: (subject, documents) => Promise.resolve(documents.map((document) => check(subject, document))),
  };
}

function answerFor(subject: ProviderSubject): { control: SandboxControl; answer: SandboxAnswer; heldTo: string | null } {
  const held = subject.state[HELD_TO];
  const heldTo = typeof held === 'string' ? held : null;
  const control = controlFor({ email: subject.email, nationalIdNumber: subject.kycData.nationalIdNumber ?? null, debugStatus: subject.debugStatus }, heldTo);
  // A number that was corrected once goes on with what follows the correction.
  const isFirst = 'nationalIdNumber' in control.trigger ? heldTo === null : subject.evaluations === 0;
  return { control, answer: isFirst ? control.first : control.later, heldTo };
}

function evaluate(subject: ProviderSubject): EvaluationVerdict {
  const { control, answer, heldTo } = answerFor(subject);
  const holds = answer.outcome === 'SSN_MISMATCH' && 'nationalIdNumber' in control.trigger ? control.trigger.nationalIdNumber : heldTo;
  return {
    outcome: answer.outcome,
    demands: (answer.documents ?? []).map((document) => DEMANDS[document]),
    errorDescription: debugFailure(subject) ?? answer.errorDescription ?? null,
    state: { ...(holds === null ? {} : { [HELD_TO]: holds }), ...(failsGivenDocuments(subject) ? { [FAILS_SUBMISSION]: subject.documentSubmissions } : {}) },
  };
}

/** Whether the documents that came with the first evaluation are to fail where later ones pass. */
function failsGivenDocuments(subject: ProviderSubject): boolean {
  return answerFor(subject).control.failsFirstDocuments === true && subject.evaluations === 0 && subject.documentSubmissions > 0;
}

function check(subject: ProviderSubject, document: ProviderDocument): DocumentVerdict {
  const fails = answerFor(subject).control.failsDocuments || subject.state[FAILS_SUBMISSION] === subject.documentSubmissions;
  if (!fails) return { documentId: document.id, reason: null };
  return { documentId: document.id, reason: debugFailure(subject) ?? FAILURE_UNEXPLAINED };
}

/** What debugFailureReason shows: nothing beside debugStatus PASSED. It changes no status. */
function debugFailure(subject: ProviderSubject): string | null {
  const given = subject.debugFailureReason;
  if (given === null || subject.debugStatus === 'PASSED') return null;
  // A text such as `constructor` is the applicant's, not the table's.
  return Object.hasOwn(FAILURE_REASONS, given) ? FAILURE_REASONS[given]! : given;
}
