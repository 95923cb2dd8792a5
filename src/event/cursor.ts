/** Tells a cursor of events from other base64. */
const PREFIX = 'event';

/** A place in the order of an organization's events; opaque to its holder. */
export function encodeEventCursor(organizationId: string, position: number): string {
  return Buffer.from(`${PREFIX}:${organizationId}:${position}`).toString('base64url');
}
