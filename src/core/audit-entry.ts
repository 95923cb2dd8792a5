import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { Caller, Principal } from './caller.js';
import type { SealedRow, SealedTable } from './crypto/sealed-table.js';
import type { ErrorCode } from './errors.js';
import { newId } from './ids.js';
import type { RequestScope } from './request-scope.js';

/** What the audit trail tells apart, with what each is. */
export const AUDIT_KINDS = {
  COMMAND: 'Something was changed, or asked to be changed: by a caller, a job or the provider.',
  REFUSAL: 'A caller asked for what its role may not, or came with a key that is no longer valid. What repeats within a minute is counted in one entry.',
  REVEAL: 'Masked values were shown. `fields` says which, `reason` why.',
  FILE_READ: 'A file of a document was read by its link.',
  SEAL_BROKEN: 'Something that is stored encrypted did not open: it was changed or moved, by accident or by somebody. `subjects` says which row or file, `fields` of which table. What repeats within a minute is counted in one entry.',
  ERASURE: 'The personal data of a customer was destroyed: by eraseCustomer, or because policy keeps it no longer.',
  KEY_CHANGE: 'An API key was made or revoked, or data keys were wrapped under another key of KEY_RING: `subjects` names it, `count` says how many.',
  POLICY_CHANGE: 'The rules of the organization were changed. `fields` says which.',
} as const;
export type AuditKind = keyof typeof AUDIT_KINDS;

/** What a command says of itself for the trail, beside what is known anyway. Never a value of a person's. */
export interface AuditNote {
  /** Absent: COMMAND. */
  kind?: AuditKind;
  customerId?: string;
  /** Ids of what it is about, beside those of its events. */
  subjects?: readonly string[];
  /** Names of fields or rules, never their values. */
  fields?: readonly string[];
  code?: ErrorCode;
  /** How often it happened; absent: once. */
  count?: number;
  /** Absent: the root field that is being served. */
  operation?: string;
  /** In the caller's words. It is kept beside the trail and goes with the customer's data; the entry holds a commitment. */
  reason?: string | null;
}

/** Version of the form of entries, so that a verifier knows what it reads. */
const FORMAT = 1;
const SALT_BYTES = 32;
/** The hash before the first. */
export const GENESIS = '0'.repeat(64);

/** An entry as the chain holds it: `entry` is the canonical text that `hash` covers; the rest repeats it for look-ups. */
export interface AuditRow {
  organization_id: string;
  position: number;
  kind: AuditKind;
  actor: string;
  customer_id: string | null;
  occurred_at: string;
  entry: string;
  hash: string;
}

/** What opens the commitments of an entry. */
export interface AuditOpening {
  /** In hexadecimal. */
  salt: string | null;
  reason: string | null;
}

/**
 * An opening as it is kept: encrypted under the data key of the customer that the entry is about, so that it goes with the
 * customer's data; the chain holds without it. In the plain where the entry is about none, and until what was stored before
 * there was encryption has been encrypted.
 */
export interface AuditOpeningRow extends AuditOpening {
  organization_id: string;
  position: number;
  /** What the ciphertext is bound to: the id of the entry. */
  id: string;
  customer_id: string | null;
  sealed: Uint8Array | null;
}

/** How openings are encrypted. Their id is that of their entry. */
export const AUDIT_OPENING_TABLE: SealedTable = {
  table: 'audit_opening',
  entity: 'AuditOpening',
  owner: { column: 'customer_id' },
  fields: { salt: { plainColumn: 'salt', empty: () => null }, reason: { plainColumn: 'reason', empty: () => null } },
  unsealed: {},
  indexes: {},
};

/** An entry with its opening as that is kept, as they are read together; nulls where there is none, or no more. */
export interface EntryRow extends AuditRow, AuditOpening {
  sealed: Uint8Array | null;
  /** The customer under whose data key the opening is, by its own word, and the id that it is bound to. */
  opening_customer_id: string | null;
  opening_id: string | null;
}

/** The openings of entries, as they are opened: each as that of its own entry, or it does not open. */
export function openingsOf(entries: readonly EntryRow[]): SealedRow[] {
  return entries.map(({ organization_id, position, entry, opening_id, opening_customer_id, sealed, salt, reason }) => {
    const place = `${organization_id}/${position}`;
    // What was made before openings bore their entry's id is bound to its place; a replica of that version writes none.
    const id = opening_id === null || opening_id === place ? place : idOf(entry);
    return { id, customer_id: opening_customer_id, sealed, salt, reason };
  });
}

/** The id in the text of an entry; empty where that is none. What else a text says is escaped. */
function idOf(entry: string): string {
  return /,"id":"([^"\\]*)"/.exec(entry)?.[1] ?? '';
}

/** An entry before it has its place in the chain, which the database gives it. */
export interface NewEntry {
  id: string;
  kind: AuditKind;
  actor: string;
  customerId: string | null;
  /** As its row says it. */
  occurredAt: string;
  /** Its canonical text but for its place: before its position, between that and the hash of the entry before, and after that. */
  text: readonly [beforePosition: string, beforePrevious: string, afterPrevious: string];
  /** What opens its commitments, and of whom it is kept; null where it has none. */
  opening: (AuditOpening & { salt: string; customerId: string | null }) | null;
}

/** Who acts. */
export type Actor = Pick<Principal | Caller, 'role' | 'actor'>;

/** Makes an entry, and what opens its commitments. */
export function auditEntry(organizationId: string, actor: Actor, scope: RequestScope | undefined, note: AuditNote, eventIds: readonly string[], at: Date): NewEntry {
  const isSystem = actor.role === 'SYSTEM';
  // What a job does on behalf of a request, and what only befalls it, has the request's id, but was not asked for in its words.
  const input = isSystem || note.kind === 'REFUSAL' || note.kind === 'SEAL_BROKEN' ? null : (scope?.input ?? null);
  const salt = input === null && note.reason == null ? null : randomBytes(SALT_BYTES).toString('hex');
  const kind = note.kind ?? 'COMMAND';
  const customerId = note.customerId ?? null;
  const body = {
    format: FORMAT,
    id: newId('auditEntry'),
    organizationId,
    at: at.toISOString(),
    kind,
    operation: note.operation ?? (isSystem ? actor.actor : (scope?.operations.at(-1) ?? actor.actor)),
    actor: actor.actor,
    role: actor.role,
    requestId: scope?.requestId ?? null,
    customerId,
    subjects: [...(note.subjects ?? [])],
    events: [...eventIds],
    fields: [...(note.fields ?? [])],
    code: note.code ?? null,
    count: note.count ?? 1,
    inputCommitment: salt === null || input === null ? null : commitment(salt, 'input', canonicalJson(input)),
    reasonCommitment: salt === null || note.reason == null ? null : commitment(salt, 'reason', note.reason),
  };
  return {
    id: body.id,
    kind,
    actor: actor.actor,
    customerId,
    occurredAt: body.at,
    text: aroundPlace(body),
    // Why data was erased is kept when the data is not.
    opening: salt === null ? null : { customerId: kind === 'ERASURE' ? null : customerId, salt, reason: note.reason ?? null },
  };
}

/** Canonical JSON of an object that is to have `position`, a number, and `previous`, a text, too: what is before, between and after their values. */
function aroundPlace(body: Readonly<Record<string, unknown>>): NewEntry['text'] {
  const members = Object.entries(body);
  const before = canonicalJson(Object.fromEntries(members.filter(([name]) => name < 'position')));
  const after = canonicalJson(Object.fromEntries(members.filter(([name]) => name > 'previous')));
  // No other name lies between the two.
  return [`${before.slice(0, -1)},"position":`, ',"previous":"', `",${after.slice(1)}`];
}

/** HMAC-SHA256 of `what`, a line feed and the text, under the salt: says nothing of the text once the salt is gone. */
export function commitment(salt: string, what: 'input' | 'reason', text: string): string {
  return createHmac('sha256', createSecretKey(salt, 'hex')).update(`${what}\n${text}`).digest('hex');
}

/**
 * JSON as RFC 8785 has it: the names of each object in the order of their UTF-16 code units, and no white space. Files,
 * and whatever else JSON has no form for, are null.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value);
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isPlain(value)) return 'null';
  const members = Object.keys(value).filter((name) => value[name] !== undefined).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
