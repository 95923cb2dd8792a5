import type { Role } from '../core/caller.js';
import type { EventType } from '../core/event-log.js';
import type { Action, CustomerStatus, IdentityStatus, KycStatus } from '../kyc/vocabularies.js';

/** How an attempt's status shows on its customer, and what the bank's webhook hears when it is reached. */
export interface Projection {
  customerStatus: CustomerStatus;
  kycStatus: KycStatus;
  bankEvent: EventType | null;
}

/** The customer's view of each status of its current attempt (domain.md, Projections). */
export const PROJECTIONS: Readonly<Record<IdentityStatus, Projection>> = {
  INITIATING: { customerStatus: 'UNDER_REVIEW', kycStatus: 'PENDING', bankEvent: 'kyc.verification.submitted' },
  EVALUATING_SUBMISSION: { customerStatus: 'UNDER_REVIEW', kycStatus: 'PENDING', bankEvent: null },
  RECORDS_UPLOADED: { customerStatus: 'UNDER_REVIEW', kycStatus: 'PENDING', bankEvent: null },
  SIGNATURE_SUBMITTED: { customerStatus: 'UNDER_REVIEW', kycStatus: 'PENDING', bankEvent: null },
  IN_REVIEW: { customerStatus: 'UNDER_REVIEW', kycStatus: 'PENDING', bankEvent: 'kyc.verification.under_review' },
  AWAITING_SIGNATURE: { customerStatus: 'UNDER_REVIEW', kycStatus: 'PENDING', bankEvent: null },
  AWAITING_DOCUMENT_UPLOAD: { customerStatus: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'PENDING', bankEvent: 'kyc.verification.document_required' },
  INCOMPLETE_VERIFICATIONS: { customerStatus: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED', bankEvent: 'kyc.verification.document_required' },
  INPUT_ERROR: { customerStatus: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED', bankEvent: 'kyc.verification.reenter_information' },
  SSN_ERROR: { customerStatus: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED', bankEvent: 'kyc.verification.reenter_information' },
  APPROVED: { customerStatus: 'ACTIVE', kycStatus: 'VERIFIED', bankEvent: 'kyc.verification.success' },
  DECLINED: { customerStatus: 'REJECTED', kycStatus: 'FAILED', bankEvent: 'kyc.verification.failure' },
  EXPIRED: { customerStatus: 'NEEDS_ADDITIONAL_INFORMATION', kycStatus: 'FAILED', bankEvent: 'kyc.verification.timeout' },
};

/** The customer's view before there is any attempt. */
const UNTRIED = { customerStatus: 'CREATED', kycStatus: 'NOT_STARTED' } as const;

/** The customer's view while it is deactivated, whatever the attempt does. */
const DEACTIVATED = { customerStatus: 'DEACTIVATED', kycStatus: 'FAILED' } as const;

/** What a customer's statuses follow from. */
export function project(identityStatus: IdentityStatus | null, deactivated: boolean): Pick<Projection, 'customerStatus' | 'kycStatus'> {
  if (deactivated) return DEACTIVATED;
  return identityStatus === null ? UNTRIED : PROJECTIONS[identityStatus];
}

/** Whether nothing goes on with a customer until somebody begins anew: it was switched off, declined, or let its attempt expire. */
export function isClosed(identityStatus: IdentityStatus | null, deactivated: boolean): boolean {
  return deactivated || identityStatus === 'DECLINED' || identityStatus === 'EXPIRED';
}

/** Where a customer stands: all that decides what may be asked of it. */
export interface Standing {
  customerStatus: CustomerStatus;
  identityStatus: IdentityStatus | null;
  documentAttemptsRemaining: number | null;
  /** Whether the current attempt has a document that could be replaced. */
  hasDocuments: boolean;
  /** Whether its personal data has been destroyed. */
  isErased: boolean;
}

/** When an action is allowed, and to whom. */
export interface ActionRule {
  /** Statuses of the customer that allow it. */
  customer: readonly CustomerStatus[];
  /** Statuses of the current attempt that allow it. */
  identity: readonly IdentityStatus[];
  /** Documents may only be submitted while attempts are left. */
  spendsDocumentAttempt?: true;
  /** There has to be a document to replace. */
  replacesDocument?: true;
  roles: readonly Role[];
}

const PARTNER_ROLES: readonly Role[] = ['PARTNER'];
/** What a customer may do about its own attempt: the partner for it, or it by its client token. */
const APPLICANT_ROLES: readonly Role[] = ['PARTNER', 'APPLICANT'];
const REVIEWER_ROLES: readonly Role[] = ['REVIEWER', 'ADMIN'];

/**
 * Who may change what, when (domain.md). A status of either list allows the action; while the customer is deactivated
 * only what names DEACTIVATED is allowed, and nothing once its data has been erased. The mutations obey this table and `allowedActions` is computed from it.
 */
export const ACTIONS: Readonly<Record<Action, ActionRule>> = {
  SUBMIT_IDENTITY: { customer: ['CREATED', 'REJECTED'], identity: ['EXPIRED'], roles: APPLICANT_ROLES },
  PATCH_CUSTOMER: { customer: ['CREATED', 'NEEDS_ADDITIONAL_INFORMATION', 'REJECTED'], identity: [], roles: APPLICANT_ROLES },
  PATCH_IDENTITY: { customer: [], identity: ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS', 'INPUT_ERROR', 'SSN_ERROR'], roles: APPLICANT_ROLES },
  SUBMIT_DOCUMENT: { customer: [], identity: ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS'], spendsDocumentAttempt: true, roles: APPLICANT_ROLES },
  UPDATE_DOCUMENT: { customer: [], identity: ['INCOMPLETE_VERIFICATIONS'], spendsDocumentAttempt: true, replacesDocument: true, roles: APPLICANT_ROLES },
  SUBMIT_SIGNATURES: { customer: [], identity: ['AWAITING_SIGNATURE'], roles: APPLICANT_ROLES },
  DEACTIVATE: { customer: ['CREATED', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'ACTIVE', 'REJECTED'], identity: [], roles: PARTNER_ROLES },
  REACTIVATE: { customer: ['DEACTIVATED'], identity: [], roles: PARTNER_ROLES },
  REVIEW: { customer: [], identity: ['IN_REVIEW'], roles: REVIEWER_ROLES },
  REQUIRE_REVERIFICATION: { customer: [], identity: ['APPROVED'], roles: REVIEWER_ROLES },
};

/** Whether the state allows an action, whoever asks. */
export function allows(action: Action, standing: Standing): boolean {
  if (standing.isErased) return false;
  const rule = ACTIONS[action];
  if (rule.spendsDocumentAttempt && !((standing.documentAttemptsRemaining ?? 0) > 0)) return false;
  if (rule.replacesDocument && !standing.hasDocuments) return false;
  if (rule.customer.includes(standing.customerStatus)) return true;
  if (standing.customerStatus === 'DEACTIVATED') return false;
  return standing.identityStatus !== null && rule.identity.includes(standing.identityStatus);
}

/** What a role may ask of a customer now, in the order of the table. */
export function allowedActions(standing: Standing, role: Role | 'SYSTEM'): Action[] {
  return (Object.keys(ACTIONS) as Action[]).filter((action) => (role === 'SYSTEM' || ACTIONS[action].roles.includes(role)) && allows(action, standing));
}
