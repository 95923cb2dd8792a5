// The lifecycle of domain.md once more, written from the page and not from the code: it imports nothing.

export type Status =
  | 'INITIATING' | 'EVALUATING_SUBMISSION' | 'INPUT_ERROR' | 'SSN_ERROR' | 'AWAITING_DOCUMENT_UPLOAD' | 'RECORDS_UPLOADED' | 'INCOMPLETE_VERIFICATIONS'
  | 'IN_REVIEW' | 'AWAITING_SIGNATURE' | 'SIGNATURE_SUBMITTED' | 'APPROVED' | 'DECLINED' | 'EXPIRED';

/** "from: event to, …", as the page has it. */
const PAGE = `
INITIATING: evaluate EVALUATING_SUBMISSION
EVALUATING_SUBMISSION: reject_input INPUT_ERROR, reject_ssn SSN_ERROR, require_documents AWAITING_DOCUMENT_UPLOAD, receive_documents RECORDS_UPLOADED, flag IN_REVIEW, time_out EXPIRED, pass AWAITING_SIGNATURE, pass_unsigned APPROVED, decline DECLINED
INPUT_ERROR: patch INITIATING, expire EXPIRED
SSN_ERROR: patch INITIATING, expire EXPIRED
AWAITING_DOCUMENT_UPLOAD: receive_documents RECORDS_UPLOADED, patch INITIATING, expire EXPIRED
RECORDS_UPLOADED: pass_documents IN_REVIEW, fail_documents INCOMPLETE_VERIFICATIONS, exhaust_attempts IN_REVIEW, flag IN_REVIEW
INCOMPLETE_VERIFICATIONS: receive_documents RECORDS_UPLOADED, patch INITIATING, expire EXPIRED
IN_REVIEW: approve AWAITING_SIGNATURE, approve_unsigned APPROVED, decline DECLINED, request_information INCOMPLETE_VERIFICATIONS, request_correction INPUT_ERROR
AWAITING_SIGNATURE: sign AWAITING_SIGNATURE, complete_signatures SIGNATURE_SUBMITTED, expire EXPIRED
SIGNATURE_SUBMITTED: finish APPROVED
APPROVED: require_reverification EXPIRED
DECLINED:
EXPIRED:`;

const steps = new Map<string, Status>();
export const STATUSES: Status[] = [];
for (const line of PAGE.trim().split('\n')) {
  const [from, events = ''] = line.split(':').map((part) => part.trim());
  STATUSES.push(from as Status);
  for (const each of events.split(',').filter(Boolean)) {
    const [event, to] = each.trim().split(' ');
    steps.set(`${from} ${event}`, to as Status);
  }
}
export const EVENTS: readonly string[] = [...new Set([...steps.keys()].map((step) => step.split(' ')[1]!))];
export const STEPS: readonly { from: Status; event: string; to: Status }[] = [...steps].map(([step, to]) => ({ from: step.split(' ')[0] as Status, event: step.split(' ')[1]!, to }));

/** Where somebody stands by the page. */
export interface Model {
  status: Status | null;
  deactivated: boolean;
}

/** What an event leads to; null where the page has none. */
export function next(status: Status, event: string): Status | null {
  return steps.get(`${status} ${event}`) ?? null;
}

export function customerStatus({ status, deactivated }: Model): string {
  if (deactivated) return 'DEACTIVATED';
  if (status === null) return 'CREATED';
  if (status === 'APPROVED') return 'ACTIVE';
  if (status === 'DECLINED') return 'REJECTED';
  return ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS', 'INPUT_ERROR', 'SSN_ERROR', 'EXPIRED'].includes(status) ? 'NEEDS_ADDITIONAL_INFORMATION' : 'UNDER_REVIEW';
}

export function kycStatus({ status, deactivated }: Model): string {
  if (deactivated) return 'FAILED';
  if (status === null) return 'NOT_STARTED';
  if (status === 'APPROVED') return 'VERIFIED';
  return ['INCOMPLETE_VERIFICATIONS', 'INPUT_ERROR', 'SSN_ERROR', 'DECLINED', 'EXPIRED'].includes(status) ? 'FAILED' : 'PENDING';
}

const PATCHABLE: readonly (Status | null)[] = ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS', 'INPUT_ERROR', 'SSN_ERROR'];

/** "Who may change what, when": whether the page allows a mutation. */
export const MAY: Readonly<Record<string, (model: Model) => boolean>> = {
  SUBMIT_IDENTITY: ({ status, deactivated }) => !deactivated && (status === null || status === 'DECLINED' || status === 'EXPIRED'),
  PATCH_CUSTOMER: (model) => ['CREATED', 'NEEDS_ADDITIONAL_INFORMATION', 'REJECTED'].includes(customerStatus(model)),
  PATCH_IDENTITY: ({ status, deactivated }) => !deactivated && PATCHABLE.includes(status),
  SUBMIT_DOCUMENT: ({ status, deactivated }) => !deactivated && (status === 'AWAITING_DOCUMENT_UPLOAD' || status === 'INCOMPLETE_VERIFICATIONS'),
  UPDATE_DOCUMENT: ({ status, deactivated }) => !deactivated && status === 'INCOMPLETE_VERIFICATIONS',
  SUBMIT_SIGNATURES: ({ status, deactivated }) => !deactivated && status === 'AWAITING_SIGNATURE',
  REVIEW: ({ status, deactivated }) => !deactivated && status === 'IN_REVIEW',
  REQUIRE_REVERIFICATION: ({ status, deactivated }) => !deactivated && status === 'APPROVED',
  DEACTIVATE: ({ deactivated }) => !deactivated,
  REACTIVATE: ({ deactivated }) => deactivated,
};
