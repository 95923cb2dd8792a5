import { sql, type Kysely } from 'kysely';
import { systemPrincipal } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import type { EventRow, EventTables } from '../core/event-log.js';
import { newId } from '../core/ids.js';
import { WebhookEndpointEntity, type AttemptRecord, type DeliveryRow, type WebhookEndpoint } from './entity.js';
import { matchedTypes } from './patterns.js';
import { bodyOf } from './payload.js';
import { conclude } from './schedule.js';
import { signingSecrets } from './signing.js';

/** `number` is the database's to give. */
interface WebhookTables extends EventTables {
  webhook_delivery: Omit<DeliveryRow, 'number'>;
}

const ACTOR = 'webhook.deliver';
/** Events that are turned into deliveries in one transaction. */
const FAN_OUT_BATCH = 500;
/** Longer than an attempt can take with all that belongs to it. */
const LEASE_MILLISECONDS = 30_000;

/** A delivery that this process has taken on, with all that an attempt needs. */
export interface ClaimedDelivery {
  organizationId: string;
  endpointId: string;
  id: string;
  eventId: string;
  body: string;
  url: string;
  secrets: readonly string[];
}

export interface Claim {
  deliveries: ClaimedDelivery[];
  /** There are events left to be turned into deliveries. */
  more: boolean;
}

/** The deliveries' table within a command. */
export function tablesOf(unit: UnitOfWork): Kysely<WebhookTables> {
  return unit.transaction.builder as unknown as Kysely<WebhookTables>;
}

/** Locks an endpoint of the command's organization; null when there is none. */
export function lockEndpoint(unit: UnitOfWork, endpointId: string): Promise<WebhookEndpoint | null> {
  return unit.entities.findOne(WebhookEndpointEntity, { id: endpointId }, true);
}

/**
 * Turns the events after an endpoint's position into deliveries and leases up to `most` that are due: of each lane the
 * first alone, unless the endpoint takes them in parallel. `busy` are those that this process is at already.
 */
export function claim(core: Core, organizationId: string, endpointId: string, most: number, busy: readonly string[]): Promise<Claim> {
  return execute(core, systemPrincipal(organizationId, ACTOR), async (unit) => {
    // The lock lets one process at a time decide what goes out next.
    const endpoint = await lockEndpoint(unit, endpointId);
    if (endpoint?.state !== 'ENABLED') return { deliveries: [], more: false };
    const more = await fanOut(unit, endpoint);
    const secrets = signingSecrets(endpoint.secret, endpoint.retiringSecrets, unit.now);
    const rows = await leaseDue(unit, endpoint, most, busy);
    const { url } = endpoint;
    return { more, deliveries: rows.map(({ id, event_id: eventId, body }) => ({ organizationId, endpointId, id, eventId, body, url, secrets })) };
  });
}

/** Writes the deliveries of the next events. @returns whether there are more. */
async function fanOut(unit: UnitOfWork, endpoint: WebhookEndpoint): Promise<boolean> {
  const events = await tablesOf(unit)
    .selectFrom('event')
    .selectAll()
    .where('organization_id', '=', unit.organizationId)
    .where('position', '>', endpoint.position)
    .orderBy('position')
    .limit(FAN_OUT_BATCH)
    .execute();
  const last = events.at(-1);
  if (!last) return false;
  const wanted = new Set(matchedTypes(endpoint.events));
  await insertDeliveries(unit, endpoint.id, events.filter(({ type }) => wanted.has(type)).map((event) => deliveryOf(event)));
  endpoint.position = Number(last.position);
  return events.length === FAN_OUT_BATCH;
}

/** What differs from delivery to delivery. */
export type NewDelivery = Pick<DeliveryRow, 'lane' | 'event_id' | 'event_type' | 'body' | 'replay_of'>;

/** A delivery of an event. */
export function deliveryOf(event: EventRow, replayOf: string | null = null): NewDelivery {
  return { lane: event.customer_id, event_id: event.id, event_type: event.type, body: bodyOf(event), replay_of: replayOf };
}

/** Appends deliveries to an endpoint's, due at once. @returns their ids. */
export async function insertDeliveries(unit: UnitOfWork, endpointId: string, deliveries: readonly NewDelivery[]): Promise<string[]> {
  const now = unit.now.toISOString();
  const rows = deliveries.map((delivery) => ({
    ...delivery,
    id: newId('webhookDelivery'),
    organization_id: unit.organizationId,
    endpoint_id: endpointId,
    state: 'PENDING' as const,
    attempts: 0,
    attempt_log: '[]' as unknown as AttemptRecord[],
    started_at: now,
    next_attempt_at: now,
    leased_until: null,
    created_at: now,
    completed_at: null,
  }));
  if (rows.length > 0) await tablesOf(unit).insertInto('webhook_delivery').values(rows).execute();
  return rows.map(({ id }) => id);
}

async function leaseDue(unit: UnitOfWork, endpoint: WebhookEndpoint, most: number, busy: readonly string[]): Promise<Pick<DeliveryRow, 'id' | 'event_id' | 'body'>[]> {
  const now = unit.now.toISOString();
  const { rows } = await sql<Pick<DeliveryRow, 'id' | 'event_id' | 'body'>>`
    select id, event_id, body from webhook_delivery as due
    where organization_id = ${unit.organizationId} and endpoint_id = ${endpoint.id} and state = 'PENDING'
      and next_attempt_at <= ${now} and (leased_until is null or leased_until <= ${now})
      and not (id = any(${[...busy]}::text[]))
      and (${endpoint.parallel} or not exists (
        select 1 from webhook_delivery as earlier
        where earlier.endpoint_id = due.endpoint_id and earlier.lane = due.lane and earlier.state = 'PENDING' and earlier.number < due.number
      ))
    order by number limit ${most}
  `.execute(tablesOf(unit));
  if (rows.length > 0) {
    const leasedUntil = new Date(unit.now.getTime() + LEASE_MILLISECONDS).toISOString();
    await tablesOf(unit).updateTable('webhook_delivery').set({ leased_until: leasedUntil }).where('id', 'in', rows.map(({ id }) => id)).execute();
  }
  return rows;
}

/** Gives a delivery back whose attempt was not carried through: it is due as before. */
export async function release(core: Core, delivery: ClaimedDelivery): Promise<void> {
  await execute(core, systemPrincipal(delivery.organizationId, ACTOR), (unit) =>
    tablesOf(unit).updateTable('webhook_delivery').set({ leased_until: null }).where('organization_id', '=', unit.organizationId).where('id', '=', delivery.id).execute(),
  );
}

/** Writes an attempt into the log and what comes of it. A delivery or endpoint that is gone meanwhile is left alone. */
export async function recordAttempt(core: Core, delivery: ClaimedDelivery, attempt: AttemptRecord, retryAfter: string | null): Promise<void> {
  await execute(core, systemPrincipal(delivery.organizationId, ACTOR), async (unit) => {
    const endpoint = await lockEndpoint(unit, delivery.endpointId);
    const row = await tablesOf(unit).selectFrom('webhook_delivery').selectAll().where('organization_id', '=', unit.organizationId).where('id', '=', delivery.id).executeTakeFirst();
    if (!endpoint || row?.state !== 'PENDING') return;
    const attempts = row.attempts + 1;
    const at = new Date(attempt.at);
    const startedAt = attempts === 1 ? at : new Date(row.started_at);
    // Attempts that run side by side end in any order: the earliest of them is when it began to fail.
    const failingSince = endpoint.failingSince && endpoint.failingSince < at ? endpoint.failingSince : at;
    const conclusion = conclude({ status: attempt.responseStatus, retryAfter }, { attempts, now: unit.now, startedAt, failingSince, random: Math.random() });
    endpoint.failingSince = conclusion.next === 'SUCCEED' ? null : failingSince;
    if (conclusion.next === 'DISABLE' && endpoint.state === 'ENABLED') disable(core, unit, endpoint, conclusion.reason);
    const isOver = conclusion.next === 'SUCCEED' || conclusion.next === 'GIVE_UP';
    const nextAttemptAt = conclusion.next === 'RETRY' ? conclusion.at : isOver ? null : unit.now;
    await tablesOf(unit)
      .updateTable('webhook_delivery')
      .set({
        state: conclusion.next === 'SUCCEED' ? 'SUCCEEDED' : isOver ? 'FAILED' : 'PENDING',
        attempts,
        started_at: startedAt.toISOString(),
        attempt_log: JSON.stringify([...row.attempt_log, attempt]) as unknown as AttemptRecord[],
        next_attempt_at: nextAttemptAt?.toISOString() ?? null,
        completed_at: isOver ? unit.now.toISOString() : null,
        leased_until: null,
      })
      .where('organization_id', '=', unit.organizationId)
      .where('id', '=', delivery.id)
      .execute();
  });
}

/** Stops telling an endpoint; what is pending waits for it to be enabled again. */
function disable(core: Core, unit: UnitOfWork, endpoint: WebhookEndpoint, reason: 'GONE' | 'FAILING'): void {
  endpoint.state = 'DISABLED';
  endpoint.disabledReason = reason;
  unit.touch(endpoint);
  core.log.warn({ organizationId: unit.organizationId, webhookEndpointId: endpoint.id, reason }, 'webhook endpoint disabled');
}
