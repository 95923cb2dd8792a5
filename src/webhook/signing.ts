import { createHmac, randomBytes } from 'node:crypto';

/** Of the 24 to 64 bytes that Standard Webhooks wants. */
const SECRET_BYTES = 32;
const SECRET_PREFIX = 'whsec_';
const MILLISECONDS_PER_HOUR = 3_600_000;
/** How long an old secret goes on signing beside the new one, so that receivers change over without losing a delivery. */
export const OVERLAP_MILLISECONDS = 24 * MILLISECONDS_PER_HOUR;

/** A secret that has been replaced and still signs until a moment. */
export interface RetiringSecret {
  secret: string;
  until: string;
}

/** A new signing secret in the form of Standard Webhooks. */
export function mintSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** The secrets that sign at a moment, newest first. */
export function signingSecrets(current: string, retiring: readonly RetiringSecret[], now: Date): string[] {
  return [current, ...stillRetiring(retiring, now).map(({ secret }) => secret)];
}

/** The replaced secrets whose time has not come. */
export function stillRetiring(retiring: readonly RetiringSecret[], now: Date): RetiringSecret[] {
  return retiring.filter(({ until }) => new Date(until) > now);
}

/** The headers of Standard Webhooks: one signature for each secret over id, time and body. */
export function signedHeaders(secrets: readonly string[], id: string, now: Date, body: string): Record<string, string> {
  const timestamp = Math.floor(now.getTime() / 1_000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
