import { checkPageSize, type Connection } from '../core/connections.js';
import type { BatchRead } from '../core/context.js';
import type { Database } from '../core/database.js';
import { badInput } from '../core/errors.js';
import { decodeEventCursor, encodeEventCursor } from '../core/event-cursor.js';
import { EVENT_TYPES, type EventRow, type EventType } from '../core/event-log.js';
import { assertContinuable, eventsById, readEvents } from '../core/event-reads.js';

/** Which events a list is to hold; what is absent or null does not narrow it. */
export interface EventFilter {
  types?: readonly string[] | null | undefined;
  customerId?: string | null | undefined;
  identityId?: string | null | undefined;
}

/** Events by id; null for one that the organization does not have, or no longer. */
export const eventById: BatchRead<string, EventRow | null> = eventsById;

/** A page of an organization's events, oldest first. Its cursors are those of the subscriptions. */
export async function eventPage<Node>(
  database: Database,
  organizationId: string,
  page: { first: number; after: string | null | undefined },
  filter: EventFilter,
  toNode: (event: EventRow) => Node,
): Promise<Connection<Node>> {
  checkPageSize(page.first);
  const types = filter.types == null ? null : checkedTypes(filter.types);
  const after = page.after == null ? null : decodeEventCursor(organizationId, page.after);
  // Nothing is of none of the types: `in ()` is not SQL.
  const limit = types?.length === 0 ? 0 : page.first + 1;
  const read = await readEvents(database, organizationId, { ...filter, types: limit === 0 ? null : types, after: after ?? 0, limit });
  if (after !== null) assertContinuable(after, read);
  const edges = read.events.slice(0, page.first).map((event) => ({ cursor: encodeEventCursor(organizationId, event.position), node: toNode(event) }));
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: { hasNextPage: read.events.length > page.first, hasPreviousPage: after !== null, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
  };
}

function checkedTypes(types: readonly string[]): readonly EventType[] {
  const faults = types.flatMap((type, index) =>
    (EVENT_TYPES as readonly string[]).includes(type) ? [] : [{ path: `filter.types.${index}`, code: 'unknown', message: `There is no such type of event; there are ${EVENT_TYPES.join(', ')}.` }],
  );
  if (faults.length > 0) throw badInput(faults);
  return types as readonly EventType[];
}
