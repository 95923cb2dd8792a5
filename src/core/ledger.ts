import { sql, type Kysely, type QueryCreator } from 'kysely';
import { AUDIT_OPENING_TABLE, auditEntry, openingId, type Actor, type AuditNote, type AuditOpeningRow, type AuditRow } from './audit-entry.js';
import { seal } from './crypto/cipher.js';
import { SEALED_COLUMN, textOf } from './crypto/sealed-table.js';
import type { Vault } from './crypto/vault.js';
import { EVENT_CHANNEL, type EventHint, type EventTables, type NewEvent, eventRows } from './event-log.js';
import { requestScope } from './request-scope.js';

/** The data keys that are at hand. */
type HeldKeys = Pick<Vault, 'heldKey'>;

/** What an organization's ledger row orders: its events and its audit trail. */
export interface LedgerTables extends EventTables {
  audit_entry: AuditRow;
  audit_opening: AuditOpeningRow;
}

/**
 * Appends a command's events and its entry of the audit trail, and announces the events at the commit. The ledger's row is
 * locked here, last in the command, and until the commit: so positions become visible in their order, no later commit shows
 * up behind a position already read, and each entry knows the hash of the one before. Two statements, whatever there is.
 * Throws Unprepared where the data key that the opening is to be encrypted under is not at hand.
 */
export async function appendToLedger(transaction: Kysely<LedgerTables>, vault: HeldKeys, organizationId: string, actor: Actor, at: Date, note: AuditNote, events: readonly NewEvent[]): Promise<void> {
  const ledger = await transaction
    .updateTable('organization_ledger')
    .set({ position: sql<number>`position + ${events.length}`, audit_position: sql<number>`audit_position + 1` })
    .where('organization_id', '=', organizationId)
    .returning(['position', 'audit_position', 'audit_hash'])
    .executeTakeFirstOrThrow();
  const last = Number(ledger.position);
  const rows = eventRows(organizationId, actor.actor, events, last - events.length + 1, at);
  const place = { organizationId, position: Number(ledger.audit_position), previous: ledger.audit_hash };
  const { row, opening: plain } = auditEntry(place, actor, requestScope.getStore(), note, rows.map(({ id }) => id), at);
  const opening = plain && sealedOpening(vault, plain);
  let statement = transaction.with('entry', (insert) => insert.insertInto('audit_entry').values(row)) as unknown as QueryCreator<LedgerTables>;
  if (opening) statement = statement.with('opening', (insert) => insert.insertInto('audit_opening').values(opening)) as unknown as QueryCreator<LedgerTables>;
  if (rows.length > 0) statement = statement.with('events', (insert) => insert.insertInto('event').values(rows)) as unknown as QueryCreator<LedgerTables>;
  const hint: EventHint = { organizationId, position: last };
  await statement
    .updateTable('organization_ledger')
    .set({ audit_hash: row.hash })
    .where('organization_id', '=', organizationId)
    .$if(rows.length > 0, (query) => query.returning(sql`pg_notify(${EVENT_CHANNEL}, ${JSON.stringify(hint)})`.as('announced')))
    .execute();
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
