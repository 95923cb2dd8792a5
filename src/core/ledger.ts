import { AUDIT_OPENING_TABLE, auditEntry, type Actor, type AuditNote, type AuditOpeningRow, type AuditRow, type NewEntry } from './audit-entry.js';
import { seal } from './crypto/cipher.js';
import { SEALED_COLUMN, textOf } from './crypto/sealed-table.js';
import type { Vault } from './crypto/vault.js';
import { eventRows, type EventRow, type EventTables, type NewEvent } from './event-log.js';
import { requestScope } from './request-scope.js';
import type { Statements } from './statement.js';

/** The data keys that are at hand. */
type HeldKeys = Pick<Vault, 'heldKey'>;

/** What an organization's ledger row orders: its events and its audit trail. */
export interface LedgerTables extends EventTables {
  audit_entry: AuditRow;
  audit_opening: AuditOpeningRow;
}

/**
 * Whatever a command has to append: an entry, an opening or none, and as many events as there are. Where there is no ledger the entry has
 * no position, and the statement fails. It writes the ledger's row once: of a second version in one transaction PostgreSQL would check the foreign keys.
 */
const APPEND = `
  with ledger as materialized (
    select position, audit_position + 1 as place, audit_hash as previous from organization_ledger where organization_id = $1 for no key update
  ), entered as materialized (
    select position, place, $2::text || place || $3::text || previous || $4::text as entry from ledger
  ), head as materialized (
    select position, place, entry, encode(sha256(convert_to(entry, 'UTF8')), 'hex') as hash from entered
  ), entry as (
    insert into audit_entry (organization_id, position, kind, actor, customer_id, occurred_at, entry, hash)
    select $1::text, head.place, $5::text, $6::text, $7::text, $8::timestamptz, head.entry, head.hash from (select) as always left join head on true
  ), opening as (
    insert into audit_opening (organization_id, position, id, customer_id, salt, reason, sealed)
    select $1::text, head.place, $9::text, $10::text, $11::text, $12::text, $13::bytea from head where $14::boolean
  ), events as (
    insert into event (organization_id, position, id, type, customer_id, identity_id, document_id, signature_id, old_status, new_status, version, details, actor, occurred_at)
    select $1::text, head.position + new.ordinal, new.id, new.type, new.customer_id, new.identity_id, new.document_id, new.signature_id, new.old_status, new.new_status, new.version, new.details, $6::text, $8::timestamptz
    from head, rows from (jsonb_to_recordset($15::jsonb) as (
      id text, type text, customer_id text, identity_id text, document_id text, signature_id text, old_status text, new_status text, version integer, details jsonb
    )) with ordinality as new (id, type, customer_id, identity_id, document_id, signature_id, old_status, new_status, version, details, ordinal)
  )
  update organization_ledger as ledger set position = head.position + $16::integer, audit_position = head.place, audit_hash = head.hash
  from head where ledger.organization_id = $1
  returning ledger.position`;

/**
 * Appends a command's events and its entry of the audit trail in one statement. The ledger's row is locked here, last in the command, and
 * until the commit: so positions become visible in their order, no later commit shows up behind a position already read, and each entry
 * holds the hash of the one before. The database puts the entry in its place and hashes it: were that done here, all commands of an
 * organization would wait for the trip, one after another. Throws Unprepared where the data key that the opening is to be encrypted under is not at hand.
 * @returns the events as they are read once the command has committed. To await them before would cost a round trip.
 */
export function appendToLedger(transaction: Statements, vault: HeldKeys, organizationId: string, actor: Actor, at: Date, note: AuditNote, events: readonly NewEvent[]): Promise<EventRow[]> {
  const rows = eventRows(events);
  const entry = auditEntry(organizationId, actor, requestScope.getStore(), note, rows.map(({ id }) => id), at);
  const opening = openingRow(vault, organizationId, entry);
  const answer = transaction.later<{ position: number | string }>(APPEND, [
    organizationId, ...entry.text, entry.kind, entry.actor, entry.customerId, entry.occurredAt,
    opening?.id ?? null, opening?.customer_id ?? null, opening?.salt ?? null, opening?.reason ?? null, opening?.sealed ?? null, opening !== null,
    JSON.stringify(rows), rows.length,
  ]);
  const appended = answer.then(([ledger]) => {
    const before = Number(ledger?.position) - rows.length;
    return rows.map((row, index) => ({ ...row, organization_id: organizationId, position: before + 1 + index, actor: entry.actor, occurred_at: entry.occurredAt }));
  });
  // The end of the transaction tells of what has failed.
  appended.catch(() => undefined);
  return appended;
}

/** What opens an entry, as it is stored; null where it has no commitments, and where the customer's data key has been destroyed, and nothing is to be kept. */
function openingRow(vault: HeldKeys, organizationId: string, { id, opening }: NewEntry): Omit<AuditOpeningRow, 'organization_id' | 'position'> | null {
  if (!opening) return null;
  const { customerId, salt, reason } = opening;
  if (customerId === null) return { id, customer_id: null, salt, reason, sealed: null };
  const key = vault.heldKey(customerId);
  if (key === null) return null;
  const place = { organizationId, table: AUDIT_OPENING_TABLE.table, column: SEALED_COLUMN, rowId: id };
  return { id, customer_id: customerId, salt: null, reason: null, sealed: seal(key, place, Buffer.from(textOf(AUDIT_OPENING_TABLE, { salt, reason }))) };
}
