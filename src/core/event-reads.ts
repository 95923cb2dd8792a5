import type { Database } from './database.js';
import { refusal } from './errors.js';
import { foreignCursor } from './event-cursor.js';
import type { EventRow, EventTables, EventType } from './event-log.js';
import { nameOf } from './statement-names.js';

/** Which events are read: those after a position, oldest first; what is absent does not narrow. */
export interface EventQuery {
  after: number;
  limit: number;
  types?: readonly EventType[] | null | undefined;
  customerId?: string | null | undefined;
  identityId?: string | null | undefined;
  documentId?: string | null | undefined;
}

/** The events that a query finds, and what the ledger said at that very moment. */
export interface EventsRead {
  events: EventRow[];
  /** The position of the organization's newest event. */
  position: number;
  /** The position of the newest event that retention has deleted. */
  deletedThrough: number;
}

/**
 * Reads events and ledger in one statement, so in one snapshot: what is not among the events has then not happened, or
 * `deletedThrough` says that it is no longer kept.
 */
export async function readEvents(database: Database, organizationId: string, query: EventQuery): Promise<EventsRead> {
  const rows = isNarrowed(query) ? await readNarrowed(database, organizationId, query) : await database.select<FoundRow>(organizationId, nameOf(AFTER), [organizationId, query.after, query.limit]);
  const ledger = rows[0];
  if (!ledger) throw new Error('The organization has no ledger');
  // A ledger without events is one row of nulls.
  const events = rows.filter((row) => row.id != null).map(({ newest: _newest, events_deleted_through: _deleted, ...row }) => eventRow(row as EventRow));
  return { events, position: Number(ledger.newest), deletedThrough: Number(ledger.events_deleted_through) };
}

/** A row of events, all null where there is none, beside what the ledger says. */
type FoundRow = Partial<EventRow> & { newest: number; events_deleted_through: number };

/** What each commit has the stream ask: all events after a position. */
const AFTER = `
  select found.*, ledger.position as newest, ledger.events_deleted_through from organization_ledger as ledger
  left join lateral (select event.* from event where event.organization_id = ledger.organization_id and event.position > $2 order by event.position limit $3) as found on true
  where ledger.organization_id = $1 order by found.position`;

function isNarrowed({ types, customerId, identityId, documentId }: EventQuery): boolean {
  return [types, customerId, identityId, documentId].some((condition) => condition != null);
}

function readNarrowed(database: Database, organizationId: string, query: EventQuery): Promise<FoundRow[]> {
  return database.read<EventTables, FoundRow[]>(organizationId, (reader) =>
    reader
      .selectFrom('organization_ledger as ledger')
      .leftJoinLateral(
        (builder) => {
          let events = builder.selectFrom('event').selectAll('event').whereRef('event.organization_id', '=', 'ledger.organization_id').where('event.position', '>', query.after);
          if (query.types) events = events.where('event.type', 'in', query.types);
          if (query.customerId != null) events = events.where('event.customer_id', '=', query.customerId);
          if (query.identityId != null) events = events.where('event.identity_id', '=', query.identityId);
          if (query.documentId != null) events = events.where('event.document_id', '=', query.documentId);
          return events.orderBy('event.position').limit(query.limit).as('found');
        },
        (join) => join.onTrue(),
      )
      .selectAll('found')
      .select(['ledger.position as newest', 'ledger.events_deleted_through'])
      .where('ledger.organization_id', '=', organizationId)
      .orderBy('found.position')
      .execute() as Promise<FoundRow[]>,
  );
}

/** Events by id; null for one that the organization does not have. */
export async function eventsById(database: Database, organizationId: string, ids: readonly string[]): Promise<(EventRow | null)[]> {
  const rows = await database.read<EventTables, EventRow[]>(organizationId, (reader) =>
    reader.selectFrom('event').selectAll().where('organization_id', '=', organizationId).where('id', 'in', ids).execute(),
  );
  const byId = new Map(rows.map((row) => [row.id, eventRow(row)]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Refuses to go on after a position of which something has been deleted since, or that has never been. */
export function assertContinuable(after: number, { position, deletedThrough }: Pick<EventsRead, 'position' | 'deletedThrough'>): void {
  if (after > position) throw foreignCursor();
  if (after < deletedThrough) throw refusal('CURSOR_EXPIRED', '`after` is older than the events that are kept: read the state, then subscribe anew.');
}

/** Drivers give a bigint as text. */
function eventRow(row: EventRow): EventRow {
  return { ...row, position: Number(row.position) };
}
