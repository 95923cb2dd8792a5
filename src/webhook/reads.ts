import { sql } from 'kysely';
import type { PageRequest } from '../core/connections.js';
import type { BatchRead } from '../core/context.js';
import { inOrder } from '../core/context.js';
import type { Database } from '../core/database.js';
import { kindOfId } from '../core/ids.js';
import { NEWEST_ORDER } from '../core/newest.js';
import type { DeliveryRow, DeliveryState, DisabledReason, EndpointState, WebhookEndpoint } from './entity.js';

/** An endpoint as it is shown: never with its secrets. */
export interface EndpointRow {
  id: string;
  url: string;
  events: string[];
  parallel: boolean;
  description: string | null;
  state: EndpointState;
  disabled_reason: DisabledReason | null;
  failing_since: string | Date | null;
  version: number;
  created_at: string | Date;
  updated_at: string | Date;
}

interface WebhookTables {
  webhook_endpoint: EndpointRow & { organization_id: string };
  webhook_delivery: DeliveryRow;
}

const SHOWN = ['id', 'url', 'events', 'parallel', 'description', 'state', 'disabled_reason', 'failing_since', 'version', 'created_at', 'updated_at'] as const;

/** An endpoint as a command has left it. */
export function endpointRow(endpoint: WebhookEndpoint): EndpointRow {
  return {
    id: endpoint.id,
    url: endpoint.url,
    events: endpoint.events,
    parallel: endpoint.parallel,
    description: endpoint.description ?? null,
    state: endpoint.state,
    disabled_reason: endpoint.disabledReason ?? null,
    failing_since: endpoint.failingSince ?? null,
    version: endpoint.version,
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
  };
}

/** An organization's endpoints, oldest first. */
export async function endpointsOf(database: Database, organizationId: string): Promise<EndpointRow[]> {
  return database.read<WebhookTables, EndpointRow[]>(organizationId, (reader) =>
    reader.selectFrom('webhook_endpoint').select(SHOWN).where('organization_id', '=', organizationId).orderBy('id').execute(),
  );
}

/** Endpoints by id; null for one that the organization does not have. */
export const endpointById: BatchRead<string, EndpointRow | null> = async (database, organizationId, ids) => {
  const rows = await endpointsOf(database, organizationId);
  return inOrder(ids, rows, (row) => row.id);
};

/** Deliveries by id; null for one that the organization does not have. */
export const deliveryById: BatchRead<string, DeliveryRow | null> = async (database, organizationId, ids) => {
  const rows = await database.read<WebhookTables, DeliveryRow[]>(organizationId, (reader) =>
    reader.selectFrom('webhook_delivery').selectAll().where('organization_id', '=', organizationId).where('id', 'in', ids).execute(),
  );
  return inOrder(ids, rows, (row) => row.id);
};

/** Which deliveries a list is to hold; what is absent or null does not narrow it. */
export interface DeliveryFilter {
  endpointId?: string | null;
  eventId?: string | null;
  status?: readonly DeliveryState[] | null;
}

/** A page of an organization's deliveries, newest first. */
export async function deliveryPage(database: Database, organizationId: string, page: PageRequest, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const { endpointId, eventId } = filter;
  // What is no id names nothing, and may be what the database does not take.
  if ((endpointId != null && kindOfId(endpointId) !== 'webhookEndpoint') || (eventId != null && kindOfId(eventId) !== 'event')) return [];
  return database.read<WebhookTables, DeliveryRow[]>(organizationId, (reader) => {
    let query = reader.selectFrom('webhook_delivery').selectAll().where('organization_id', '=', organizationId);
    const newest = sql.raw<string>(NEWEST_ORDER);
    if (page.beforeId !== null) query = query.where(newest, '<', page.beforeId);
    if (endpointId != null) query = query.where('endpoint_id', '=', endpointId);
    if (eventId != null) query = query.where('event_id', '=', eventId);
    if (filter.status?.length) query = query.where('state', 'in', filter.status);
    return query.orderBy(newest, 'desc').limit(page.limit).execute();
  });
}
