import type { Clock } from '../core/clock.js';
import { OutboundError, type Outbound } from './outbound.js';
import type { AttemptRecord } from './entity.js';
import type { ClaimedDelivery } from './queue.js';
import { signedHeaders } from './signing.js';

/** A receiver that takes longer does its work before it answers, and is told again. */
export const ATTEMPT_TIMEOUT_MILLISECONDS = 10_000;
/** Of an answer's body, what the log keeps. */
const KEPT_BYTES = 1_024;
const USER_AGENT = 'kyc-gateway-webhooks';

export interface Attempt {
  record: AttemptRecord;
  retryAfter: string | null;
}

/** Sends a delivery once. Null when it was interrupted from this side: that says nothing of the receiver. */
export async function attemptDelivery(outbound: Outbound, clock: Clock, delivery: ClaimedDelivery, timeoutMilliseconds: number, signal: AbortSignal): Promise<Attempt | null> {
  const { url, body, eventId, secrets } = delivery;
  const now = clock.now();
  const began = performance.now();
  const record = (facts: Pick<AttemptRecord, 'responseStatus' | 'responseBody' | 'error'>): AttemptRecord => ({
    at: now.toISOString(),
    url,
    latencyMilliseconds: Math.round(performance.now() - began),
    ...facts,
  });
  const headers = { 'content-type': 'application/json', 'user-agent': USER_AGENT, ...signedHeaders(secrets, eventId, now, body) };
  try {
    const answer = await outbound.guardedFetch(url, { method: 'POST', headers, body, timeoutMilliseconds, keepBytes: KEPT_BYTES, signal });
    const retryAfter = answer.headers['retry-after'];
    const error = answer.status >= 300 && answer.status < 400 ? 'Redirects are not followed: give the URL itself.' : null;
    return {
      record: record({ responseStatus: answer.status, responseBody: storable(answer.body), error }),
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
    };
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    if (error.failure === 'INTERRUPTED') return null;
    return { record: record({ responseStatus: null, responseBody: null, error: error.message }), retryAfter: null };
  }
}

/** Bytes of anybody's choosing as text that the database takes. */
function storable(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\u0000', '\uFFFD');
}
