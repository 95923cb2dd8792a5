import { ACTIONS, PROJECTIONS } from '../customer/lifecycle.js';
import type { IdentityStatus } from '../kyc/vocabularies.js';

/** What can happen to an attempt. */
export type IdentityEvent =
  | 'submit' | 'evaluate' | 'patch' | 'expire'
  | 'reject_input' | 'reject_ssn' | 'require_documents' | 'receive_documents' | 'flag' | 'time_out' | 'pass' | 'pass_unsigned' | 'decline'
  | 'pass_documents' | 'fail_documents' | 'exhaust_attempts'
  | 'approve' | 'approve_unsigned' | 'request_information' | 'request_correction'
  | 'sign' | 'complete_signatures' | 'finish' | 'require_reverification';

type Table = Readonly<Record<IdentityStatus, Partial<Readonly<Record<IdentityEvent, IdentityStatus>>>>>;

/** The event that makes an attempt, and the status it begins in. */
export const FIRST = { event: 'submit', to: 'INITIATING' } as const;

/**
 * The identity lifecycle (domain.md): from each status, what each event leads to. The only producer of a status:
 * mutations, `allowedActions`, `Query.lifecycle` and the README's diagram all come from it.
 */
export const LIFECYCLE: Table = {
  INITIATING: { evaluate: 'EVALUATING_SUBMISSION' },
  EVALUATING_SUBMISSION: {
    reject_input: 'INPUT_ERROR',
    reject_ssn: 'SSN_ERROR',
    require_documents: 'AWAITING_DOCUMENT_UPLOAD',
    receive_documents: 'RECORDS_UPLOADED',
    flag: 'IN_REVIEW',
    time_out: 'EXPIRED',
    pass: 'AWAITING_SIGNATURE',
    pass_unsigned: 'APPROVED',
    decline: 'DECLINED',
  },
  INPUT_ERROR: { patch: 'INITIATING', expire: 'EXPIRED' },
  SSN_ERROR: { patch: 'INITIATING', expire: 'EXPIRED' },
  AWAITING_DOCUMENT_UPLOAD: { receive_documents: 'RECORDS_UPLOADED', patch: 'INITIATING', expire: 'EXPIRED' },
  RECORDS_UPLOADED: {
    pass_documents: 'IN_REVIEW',
    fail_documents: 'INCOMPLETE_VERIFICATIONS',
    exhaust_attempts: 'IN_REVIEW',
    flag: 'IN_REVIEW',
  },
  INCOMPLETE_VERIFICATIONS: { receive_documents: 'RECORDS_UPLOADED', patch: 'INITIATING', expire: 'EXPIRED' },
  IN_REVIEW: {
    approve: 'AWAITING_SIGNATURE',
    approve_unsigned: 'APPROVED',
    decline: 'DECLINED',
    request_information: 'INCOMPLETE_VERIFICATIONS',
    request_correction: 'INPUT_ERROR',
  },
  AWAITING_SIGNATURE: { sign: 'AWAITING_SIGNATURE', complete_signatures: 'SIGNATURE_SUBMITTED', expire: 'EXPIRED' },
  SIGNATURE_SUBMITTED: { finish: 'APPROVED' },
  APPROVED: { require_reverification: 'EXPIRED' },
  DECLINED: {},
  EXPIRED: {},
};

/** One row of the table. `from` is null for the first. */
export interface Transition {
  from: IdentityStatus | null;
  event: IdentityEvent;
  to: IdentityStatus;
}

/** Every transition there is, in the order of the table. */
export const TRANSITIONS: readonly Transition[] = [
  { from: null, ...FIRST },
  ...(Object.keys(LIFECYCLE) as IdentityStatus[]).flatMap((from) =>
    (Object.entries(LIFECYCLE[from]) as [IdentityEvent, IdentityStatus][]).map(([event, to]) => ({ from, event, to })),
  ),
];

/** What a user's action does to the attempt; an action without an event changes no attempt or begins one. */
const EVENT_OF_ACTION = {
  PATCH_IDENTITY: 'patch',
  SUBMIT_DOCUMENT: 'receive_documents',
  UPDATE_DOCUMENT: 'receive_documents',
  SUBMIT_SIGNATURES: 'complete_signatures',
  REVIEW: 'decline',
  REQUIRE_REVERIFICATION: 'require_reverification',
} as const satisfies Partial<Record<keyof typeof ACTIONS, IdentityEvent>>;

/** The status that an event leads to. Throws when the table has no such step: a defect, since callers ask `allows` first. */
export function step(from: IdentityStatus, event: IdentityEvent): IdentityStatus {
  const to = LIFECYCLE[from][event];
  if (to === undefined) throw new Error(`The lifecycle has no event ${event} in ${from}`);
  return to;
}

/** Whether an attempt in this status can still change. */
export function isFinal(status: IdentityStatus): boolean {
  return Object.keys(LIFECYCLE[status]).length === 0;
}

/** Whether an attempt in this status waits for the customer, and so expires. */
export function isWaiting(status: IdentityStatus): boolean {
  return LIFECYCLE[status].expire !== undefined;
}

/** Whether it is for the gateway or for a reviewer to leave this status: who is verified can do nothing meanwhile. */
export function isInOurHands(status: IdentityStatus): boolean {
  return PROJECTIONS[status].customerStatus === 'UNDER_REVIEW' && !isWaiting(status);
}

/** Statuses that the gateway leaves by itself, at once. */
export const MOVES_ON_AT_ONCE: readonly IdentityStatus[] = ['INITIATING', 'RECORDS_UPLOADED', 'SIGNATURE_SUBMITTED'];

/** Fails on a table that names unknown statuses, leaves one unreachable, or offers an action that it has no event for. */
export function checkLifecycle(table: Table): void {
  const reached = new Set<IdentityStatus>([FIRST.to]);
  for (const status of reached) {
    if (!(status in table) || !(status in PROJECTIONS)) throw new Error(`The lifecycle names an unknown status: ${status}`);
    for (const to of Object.values(table[status])) reached.add(to);
  }
  for (const status of Object.keys(table) as IdentityStatus[]) {
    if (!reached.has(status)) throw new Error(`The lifecycle never reaches ${status}`);
  }
  for (const [action, event] of Object.entries(EVENT_OF_ACTION)) {
    for (const status of ACTIONS[action as keyof typeof EVENT_OF_ACTION].identity) {
      if (table[status][event] === undefined) throw new Error(`${action} is offered in ${status}, where ${event} leads nowhere`);
    }
  }
}

checkLifecycle(LIFECYCLE);
