import { sql } from 'kysely';
import { AUDIT_OPENING_TABLE, openingsOf, type AuditKind, type AuditOpening, type EntryRow } from '../core/audit-entry.js';
import { checkPageSize, type Connection } from '../core/connections.js';
import type { BatchRead } from '../core/context.js';
import type { Database } from '../core/database.js';
import { badInput } from '../core/errors.js';
import type { LedgerTables } from '../core/ledger.js';

/** Which entries a list is to hold; what is absent or null does not narrow it. */
export interface AuditFilter {
  kinds?: readonly AuditKind[] | null | undefined;
  customerId?: string | null | undefined;
  actor?: string | null | undefined;
  occurredAfter?: Date | null | undefined;
  occurredBefore?: Date | null | undefined;
}

/** What opens the commitments of entries: opened together, and only when it is asked. */
export const auditOpening: BatchRead<EntryRow, AuditOpening> = (database, organizationId, entries) =>
  database.vault.open(AUDIT_OPENING_TABLE, organizationId, openingsOf(entries));

/** Tells a cursor of this list from others. */
const CURSOR_PREFIX = 'audit:';

/** A page of an organization's audit trail, newest first. */
export async function auditPage<Node>(
  database: Database,
  organizationId: string,
  page: { first: number; after: string | null | undefined },
  filter: AuditFilter,
  toNode: (entry: EntryRow) => Node,
): Promise<Connection<Node>> {
  checkPageSize(page.first);
  const before = page.after == null ? null : decodeCursor(page.after);
  const rows = await database.read<LedgerTables, EntryRow[]>(organizationId, async (reader) => {
    let query = reader
      .selectFrom('audit_entry as entry')
      .leftJoin('audit_opening as opening', (join) => join.onRef('opening.organization_id', '=', 'entry.organization_id').onRef('opening.position', '=', 'entry.position'))
      .selectAll('entry')
      .select(['opening.salt', 'opening.reason', 'opening.sealed', 'opening.customer_id as opening_customer_id', 'opening.id as opening_id'])
      .where('entry.organization_id', '=', organizationId);
    if (before !== null) query = query.where('entry.position', '<', before);
    // `in ()` is not SQL: nothing is of none of the kinds.
    if (filter.kinds) query = filter.kinds.length === 0 ? query.where(sql<boolean>`false`) : query.where('entry.kind', 'in', filter.kinds);
    if (filter.customerId != null) query = query.where('entry.customer_id', '=', filter.customerId);
    if (filter.actor != null) query = query.where('entry.actor', '=', filter.actor);
    if (filter.occurredAfter != null) query = query.where('entry.occurred_at', '>=', filter.occurredAfter.toISOString());
    if (filter.occurredBefore != null) query = query.where('entry.occurred_at', '<', filter.occurredBefore.toISOString());
    return (await query.orderBy('entry.position', 'desc').limit(page.first + 1).execute()) as EntryRow[];
  });
  const edges = rows.slice(0, page.first).map((row) => ({ cursor: encodeCursor(Number(row.position)), node: toNode(row) }));
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: { hasNextPage: rows.length > page.first, hasPreviousPage: before !== null, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
  };
}

function encodeCursor(position: number): string {
  return Buffer.from(CURSOR_PREFIX + position).toString('base64url');
}

function decodeCursor(cursor: string): number {
  const position = /^audit:([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (position === undefined) throw badInput([{ path: 'after', code: 'invalid', message: 'This is not a cursor of this list: pass endCursor of the page before.' }]);
  return Number(position);
}
