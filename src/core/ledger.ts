import { AUDIT_OPENING_TABLE, auditEntry, openingId, type Actor, type AuditNote, type AuditOpeningRow, type AuditRow } from './audit-entry.js';
import { seal } from './crypto/cipher.js';
import { SEALED_COLUMN, textOf } from './crypto/sealed-table.js';
import type { Vault } from './crypto/vault.js';
import { EVENT_CHANNEL, type EventHint, type EventRow, type EventTables, eventRows, type LedgerRow, type NewEvent } from './event-log.js';
import { requestScope } from './request-scope.js';
import type { Statements } from './statement.js';

/** The data keys that are at hand. */
type HeldKeys = Pick<Vault, 'heldKey'>;

/** What an organization's ledger row orders: its events and its audit trail. */
export interface LedgerTables extends EventTables {
  audit_entry: AuditRow;
  audit_opening: AuditOpeningRow;
}

const LOCK = 'select position, audit_position, audit_hash from organization_ledger where organization_id = $1 for no key update';
/** Whatever a command has to append: an opening or none, and as many events as there are. It writes the ledger's row once: of a second version in one transaction PostgreSQL would check the foreign keys. */
const APPEND = `
  with entry as (
    insert into audit_entry (organization_id, position, kind, actor, customer_id, occurred_at, entry, hash) values ($1, $2, $3, $4, $5, $6, $7, $8)
  ), opening as (
    insert into audit_opening (organization_id, position, customer_id, salt, reason, sealed)
    select $1::text, $2::bigint, $9::text, $10::text, $11::text, $12::bytea where $13::boolean
  ), events as (
    insert into event (organization_id, position, id, type, customer_id, identity_id, document_id, signature_id, old_status, new_status, version, details, actor, occurred_at)
    select $1::text, new.position, new.id, new.type, new.customer_id, new.identity_id, new.document_id, new.signature_id, new.old_status, new.new_status, new.version, new.details, $4::text, $6::timestamptz
    from jsonb_to_recordset($14::jsonb) as new (
      position bigint, id text, type text, customer_id text, identity_id text, document_id text, signature_id text, old_status text, new_status text, version integer, details jsonb
    )
  )
  update organization_ledger set position = $15, audit_position = $2, audit_hash = $8 where organization_id = $1
  returning (select pg_notify('${EVENT_CHANNEL}', $16::text) where $16::text is not null)`;

/**
 * Appends a command's events and its entry of the audit trail, and announces the events at the commit. The ledger's row is
 * locked here, last in the command, and until the commit: so positions become visible in their order, no later commit shows
 * up behind a position already read, and each entry knows the hash of the one before. Two statements, whatever there is.
 * Throws Unprepared where the data key that the opening is to be encrypted under is not at hand.
 * @returns the events as they are read once the command has committed.
 */
export async function appendToLedger(transaction: Statements, vault: HeldKeys, organizationId: string, actor: Actor, at: Date, note: AuditNote, events: readonly NewEvent[]): Promise<EventRow[]> {
  const [ledger] = await transaction.run<Pick<LedgerRow, 'position' | 'audit_position' | 'audit_hash'>>(LOCK, [organizationId]);
  if (!ledger) throw new Error('An organization has no ledger');
  const before = Number(ledger.position);
  const last = before + events.length;
  const rows = eventRows(events, before + 1);
  const place = { organizationId, position: Number(ledger.audit_position) + 1, previous: ledger.audit_hash };
  const { row, opening: plain } = auditEntry(place, actor, requestScope.getStore(), note, rows.map(({ id }) => id), at);
  const opening = plain && sealedOpening(vault, plain);
  const hint: EventHint = { organizationId, position: last };
  transaction.send(APPEND, [
    organizationId, place.position, row.kind, row.actor, row.customer_id, row.occurred_at, row.entry, row.hash,
    opening?.customer_id ?? null, opening?.salt ?? null, opening?.reason ?? null, opening?.sealed ?? null, opening !== null,
    JSON.stringify(rows), last, rows.length > 0 ? JSON.stringify(hint) : null,
  ]);
  return rows.map((event) => ({ ...event, organization_id: organizationId, actor: row.actor, occurred_at: row.occurred_at }));
}

/** An opening as it is stored; null where the customer's data key has been destroyed, and nothing is to be kept. */
function sealedOpening(vault: HeldKeys, opening: Omit<AuditOpeningRow, 'sealed'>): AuditOpeningRow | null {
  const { organization_id: organizationId, position, customer_id: customerId } = opening;
  if (customerId === null) return { ...opening, sealed: null };
  const key = vault.heldKey(customerId);
  if (key === null) return null;
  const place = { organizationId, table: AUDIT_OPENING_TABLE.table, column: SEALED_COLUMN, rowId: openingId(organizationId, position) };
  return { ...opening, salt: null, reason: null, sealed: seal(key, place, Buffer.from(textOf(AUDIT_OPENING_TABLE, opening))) };
}
