import { newId } from './ids.js';

/** Names of events, as subscriptions, webhooks and the timeline know them (domain.md, Events). */
export const EVENT_TYPES = [
  'customer.created',
  'customer.state_changed',
  'customer.erased',
  'identity.status_changed',
  'identity.stuck',
  'document.status_changed',
  'signature.submitted',
  'kyc.verification.submitted',
  'kyc.verification.under_review',
  'kyc.verification.document_required',
  'kyc.verification.reenter_information',
  'kyc.verification.success',
  'kyc.verification.failure',
  'kyc.verification.timeout',
  'kyc.verification.error',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** One change as a command records it. It never holds KYC data. */
export interface NewEvent {
  type: EventType;
  customerId: string;
  identityId?: string;
  documentId?: string;
  signatureId?: string;
  oldStatus?: string | null;
  newStatus?: string;
  /** The version of the changed object once the command has committed. */
  version: number;
  details?: EventDetails;
}

/** What an event says beside ids and statuses. */
export interface EventDetails {
  /** Why, in words fit for the applicant. */
  reason?: string | null;
  errorDescription?: string | null;
  requiredDocuments?: readonly string[];
  fieldsToReenter?: readonly string[];
  kycStatus?: string;
}

/** A row of the event table. `position` is the place in its organization's order, without gaps and never going back. */
export interface EventRow {
  organization_id: string;
  position: number;
  id: string;
  type: EventType;
  customer_id: string;
  identity_id: string | null;
  document_id: string | null;
  signature_id: string | null;
  old_status: string | null;
  new_status: string | null;
  version: number;
  details: EventDetails;
  actor: string;
  occurred_at: string;
}

/**
 * One row an organization: the positions of its newest event and of the newest that is no longer kept, the head of its
 * audit trail, and how far its sandbox clock runs ahead.
 */
export interface LedgerRow {
  organization_id: string;
  position: number;
  events_deleted_through: number;
  audit_position: number;
  audit_hash: string;
  clock_offset_milliseconds: number;
}

export interface EventTables {
  event: EventRow;
  organization_ledger: LedgerRow;
}

/** The channel of NOTIFY on which positions are announced: a hint, the rows are the truth. */
export const EVENT_CHANNEL = 'kyc_gateway_event';

/** What a hint says: which organization has events up to which position. */
export interface EventHint {
  organizationId: string;
  position: number;
}

/** What rows of events have of their own; organization, actor and time are their command's, and the ledger gives them their positions. */
export type NewEventRow = Omit<EventRow, 'organization_id' | 'actor' | 'occurred_at' | 'position'>;

/** Events as rows, in their order. */
export function eventRows(events: readonly NewEvent[]): NewEventRow[] {
  return events.map((event) => ({
    id: newId('event'),
    type: event.type,
    customer_id: event.customerId,
    identity_id: event.identityId ?? null,
    document_id: event.documentId ?? null,
    signature_id: event.signatureId ?? null,
    old_status: event.oldStatus ?? null,
    new_status: event.newStatus ?? null,
    version: event.version,
    details: event.details ?? {},
  }));
}
