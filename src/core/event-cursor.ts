import { badInput } from './errors.js';
import { ID_PREFIXES } from './ids.js';

/** Tells a cursor of events from other base64. */
const PREFIX = 'event';
const FORM = new RegExp(`^${PREFIX}:(${ID_PREFIXES.organization}_[0-9a-z]{26}):(0|[1-9][0-9]{0,15})$`);

/** A place in the order of an organization's events; opaque to its holder. */
export function encodeEventCursor(organizationId: string, position: number): string {
  return Buffer.from(`${PREFIX}:${organizationId}:${position}`).toString('base64url');
}

/** The position that a cursor of this organization names. Throws BAD_USER_INPUT in the same words for a malformed and a foreign one. */
export function decodeEventCursor(organizationId: string, cursor: string): number {
  const [, owner, digits] = FORM.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const position = Number(digits);
  // Base64 has more than one spelling of the same bytes; a cursor has one.
  if (owner !== organizationId || !Number.isSafeInteger(position) || encodeEventCursor(organizationId, position) !== cursor) throw foreignCursor();
  return position;
}

/** BAD_USER_INPUT for an `after` that this organization was never given. */
export function foreignCursor(): Error {
  return badInput([{ path: 'after', code: 'invalid', message: "This is not a cursor of your organization's events: pass the cursor of an event, or endCursor of a page of events." }]);
}
