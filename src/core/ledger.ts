import { sql, type Kysely, type QueryCreator } from 'kysely';
import { auditEntry, type Actor, type AuditNote, type AuditOpeningRow, type AuditRow } from './audit-entry.js';
import { EVENT_CHANNEL, type EventHint, type EventTables, type NewEvent, eventRows } from './event-log.js';
import { requestScope } from './request-scope.js';

/** What an organization's ledger row orders: its events and its audit trail. */
export interface LedgerTables extends EventTables {
  audit_entry: AuditRow;
  audit_opening: AuditOpeningRow;
}

/**
 * Appends a command's events and its entry of the audit trail, and announces the events at the commit. The ledger's row is
 * locked here, last in the command, and until the commit: so positions become visible in their order, no later commit shows
 * up behind a position already read, and each entry knows the hash of the one before. Two statements, whatever there is.
 */
export async function appendToLedger(transaction: Kysely<LedgerTables>, organizationId: string, actor: Actor, at: Date, note: AuditNote, events: readonly NewEvent[]): Promise<void> {
  const ledger = await transaction
    .updateTable('organization_ledger')
    .set({ position: sql<number>`position + ${events.length}`, audit_position: sql<number>`audit_position + 1` })
    .where('organization_id', '=', organizationId)
    .returning(['position', 'audit_position', 'audit_hash'])
    .executeTakeFirstOrThrow();
  const last = Number(ledger.position);
  const rows = eventRows(organizationId, actor.actor, events, last - events.length + 1, at);
  const place = { organizationId, position: Number(ledger.audit_position), previous: ledger.audit_hash };
  const { row, opening } = auditEntry(place, actor, requestScope.getStore(), note, rows.map(({ id }) => id), at);
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
