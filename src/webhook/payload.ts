import type { EventRow } from '../core/event-log.js';

/** The type of the event that sendTestEvent sends. */
export const TEST_EVENT = 'webhook.test';

/** What a payload says in words that somebody chose. */
const EXPLANATIONS: readonly string[] = ['reason', 'errorDescription'];

/** What is sent for an event (domain.md, Events): its vocabulary, and nothing else. The text is what is signed. */
export function bodyOf(event: EventRow): string {
  const occurredAt = new Date(event.occurred_at).toISOString();
  const sequence = Number(event.position);
  if (event.type.startsWith('kyc.verification.')) {
    const { kycStatus = null } = event.details;
    return JSON.stringify({ id: event.id, event: event.type, customer_id: event.customer_id, kyc_status: kycStatus, occurred_at: occurredAt, sequence });
  }
  return JSON.stringify({ id: event.id, type: event.type, occurredAt, version: event.version, sequence, payload: payloadOf(event) });
}

/** What is sent as a test: in the common form, about nobody. */
export function testBody(id: string, now: Date): string {
  return JSON.stringify({ id, type: TEST_EVENT, occurredAt: now.toISOString(), version: 1, sequence: 0, payload: {} });
}

/** The same, without the words that explain it: what is sent of a customer once its data has been erased. */
export function withoutExplanations(body: string): string {
  const { payload, ...rest } = JSON.parse(body) as { payload?: Record<string, unknown> };
  if (!payload) return body;
  return JSON.stringify({ ...rest, payload: Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, EXPLANATIONS.includes(name) ? null : value])) });
}

function payloadOf(event: EventRow): Record<string, unknown> {
  const { details } = event;
  const change = { oldStatus: event.old_status, newStatus: event.new_status };
  const attempt = { identityId: event.identity_id, customerId: event.customer_id };
  switch (event.type.split('.')[0]) {
    case 'customer':
      return {
        customerId: event.customer_id,
        ...change,
        requiredDocuments: details.requiredDocuments ?? [],
        fieldsToReenter: details.fieldsToReenter ?? [],
        reason: details.reason ?? null,
      };
    case 'identity':
      return { ...attempt, ...change, errorDescription: details.errorDescription ?? null };
    case 'document':
      return { documentId: event.document_id, ...attempt, ...change, errorDescription: details.errorDescription ?? details.reason ?? null };
    default:
      return { signatureId: event.signature_id, ...attempt };
  }
}
