import type { Member } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput, notFound, type FieldFault } from '../core/errors.js';
import { kindOfId, newId } from '../core/ids.js';
import { outboundFault } from './outbound.js';
import { NOTE_MAX_LENGTH, validateText } from '../kyc/text.js';
import { WebhookEndpointEntity, type DeliveryRow, type WebhookEndpoint } from './entity.js';
import { matchedTypes, patternFaults } from './patterns.js';
import { TEST_EVENT, testBody } from './payload.js';
import { deliveryOf, insertDeliveries, lockEndpoint, tablesOf, type NewDelivery } from './queue.js';
import { mintSecret, OVERLAP_MILLISECONDS, stillRetiring } from './signing.js';

/** More would be a mistake: one endpoint can serve many kinds of events. */
const MOST_ENDPOINTS = 50;
/** Rows that one transaction can write in good time. */
const MOST_REPLAYED = 10_000;
/** Parameters of one statement are limited. */
const INSERTED_AT_ONCE = 500;

export interface NewEndpoint {
  url: string;
  events: readonly string[];
  parallel?: boolean | undefined;
  description?: string | null | undefined;
}

/** Absent or null keeps what is stored; a null description clears it. */
export interface EndpointChange {
  endpointId: string;
  url?: string | null | undefined;
  events?: readonly string[] | null | undefined;
  parallel?: boolean | null | undefined;
  description?: string | null | undefined;
  enabled?: boolean | null | undefined;
}

function checkEndpoint(input: Pick<EndpointChange, 'url' | 'events' | 'description'>, allowPrivate: boolean): { description: string | null | undefined; faults: FieldFault[] } {
  const description = validateText('description', input.description, { maxLength: NOTE_MAX_LENGTH });
  const urlFault = input.url == null ? null : outboundFault(input.url, allowPrivate);
  const faults: FieldFault[] = urlFault === null ? [] : [{ path: 'url', code: 'not_allowed', message: urlFault }];
  if (input.events != null) faults.push(...patternFaults(input.events));
  return { description: description.value, faults: [...faults, ...description.faults] };
}

/** Creates an endpoint: it is told of what happens from now on. The secret is returned this once. */
export async function createEndpoint(core: Core, caller: Member, input: NewEndpoint, allowPrivate: boolean): Promise<{ secret: string; endpoint: WebhookEndpoint }> {
  const { description, faults } = checkEndpoint(input, allowPrivate);
  if (faults.length > 0) throw badInput(faults);
  const secret = mintSecret();
  return execute(core, caller, async (unit) => {
    if ((await unit.entities.count(WebhookEndpointEntity, {})) >= MOST_ENDPOINTS) {
      throw badInput([{ path: 'url', code: 'too_many', message: `An organization has at most ${MOST_ENDPOINTS} endpoints.` }]);
    }
    const ledger = await tablesOf(unit).selectFrom('organization_ledger').select('position').where('organization_id', '=', unit.organizationId).executeTakeFirstOrThrow();
    const endpoint = unit.entities.create(WebhookEndpointEntity, {
      id: newId('webhookEndpoint'),
      organizationId: unit.organizationId,
      url: input.url,
      events: [...new Set(input.events)],
      parallel: input.parallel ?? false,
      description: description ?? null,
      secret,
      retiringSecrets: [],
      state: 'ENABLED',
      disabledReason: null,
      position: Number(ledger.position),
      failingSince: null,
      version: 1,
      createdAt: unit.now,
      updatedAt: unit.now,
    });
    return { secret, endpoint };
  });
}

/** Changes an endpoint. A new URL, and enabling it, give everything that is pending a fresh schedule that begins now. */
export async function updateEndpoint(core: Core, caller: Member, input: EndpointChange, allowPrivate: boolean): Promise<WebhookEndpoint> {
  const { description, faults } = checkEndpoint(input, allowPrivate);
  if (faults.length > 0) throw badInput(faults);
  return execute(core, caller, async (unit) => {
    const endpoint = await requireEndpoint(unit, input.endpointId);
    const begins = (input.url != null && input.url !== endpoint.url) || (input.enabled === true && endpoint.state === 'DISABLED');
    if (input.url != null) endpoint.url = input.url;
    if (input.events != null) endpoint.events = [...new Set(input.events)];
    if (input.parallel != null) endpoint.parallel = input.parallel;
    if (description !== undefined) endpoint.description = description;
    if (input.enabled != null && input.enabled !== (endpoint.state === 'ENABLED')) {
      endpoint.state = input.enabled ? 'ENABLED' : 'DISABLED';
      endpoint.disabledReason = input.enabled ? null : 'REQUESTED';
    }
    unit.touch(endpoint);
    if (begins) {
      endpoint.failingSince = null;
      await beginAnew(unit, endpoint);
    }
    return endpoint;
  });
}

async function beginAnew(unit: UnitOfWork, endpoint: WebhookEndpoint): Promise<void> {
  await tablesOf(unit)
    .updateTable('webhook_delivery')
    .set({ attempts: 0, next_attempt_at: unit.now.toISOString() })
    .where('organization_id', '=', unit.organizationId)
    .where('endpoint_id', '=', endpoint.id)
    .where('state', '=', 'PENDING')
    .execute();
}

/** Deletes an endpoint with its log. What is pending is not sent any more. */
export async function deleteEndpoint(core: Core, caller: Member, endpointId: string): Promise<string> {
  return execute(core, caller, async (unit) => {
    unit.entities.remove(WebhookEndpointEntity, await requireEndpoint(unit, endpointId));
    return endpointId;
  });
}

/** Gives an endpoint a new secret, returned this once. The old one signs beside it until the overlap has passed. */
export async function rotateSecret(core: Core, caller: Member, endpointId: string): Promise<{ secret: string; endpoint: WebhookEndpoint }> {
  const secret = mintSecret();
  return execute(core, caller, async (unit) => {
    const endpoint = await requireEndpoint(unit, endpointId);
    const until = new Date(unit.now.getTime() + OVERLAP_MILLISECONDS).toISOString();
    endpoint.retiringSecrets = [{ secret: endpoint.secret, until }, ...stillRetiring(endpoint.retiringSecrets, unit.now)];
    endpoint.secret = secret;
    unit.touch(endpoint);
    return { secret, endpoint };
  });
}

/** Sends an endpoint an event about nobody. @returns the delivery's id. */
export async function sendTestEvent(core: Core, caller: Member, endpointId: string): Promise<string> {
  return execute(core, caller, async (unit) => {
    const endpoint = await requireEnabled(unit, endpointId);
    const eventId = newId('event');
    // A lane of its own: it waits for nothing.
    return enqueueOne(unit, endpoint.id, { lane: eventId, event_id: eventId, event_type: TEST_EVENT, body: testBody(eventId, unit.now), replay_of: null });
  });
}

/** Sends once more what was sent, under the same event id: a new delivery, the log of the old one stays. @returns its id. */
export async function replayDelivery(core: Core, caller: Member, deliveryId: string): Promise<string> {
  return execute(core, caller, async (unit) => {
    if (kindOfId(deliveryId) !== 'webhookDelivery') throw notFound('webhook delivery');
    const original = await tablesOf(unit).selectFrom('webhook_delivery').selectAll().where('organization_id', '=', unit.organizationId).where('id', '=', deliveryId).executeTakeFirst();
    if (!original) throw notFound('webhook delivery');
    const { endpoint_id, lane, event_id, event_type, body } = original as DeliveryRow;
    await requireEnabled(unit, endpoint_id, 'deliveryId');
    return enqueueOne(unit, endpoint_id, { lane, event_id, event_type, body, replay_of: deliveryId });
  });
}

async function enqueueOne(unit: UnitOfWork, endpointId: string, delivery: NewDelivery): Promise<string> {
  const [id] = await insertDeliveries(unit, endpointId, [delivery]);
  if (id === undefined) throw new Error('A delivery was not written');
  return id;
}

/** Sends once more every event between two moments that the endpoint's patterns name, in order. @returns how many. */
export async function replayEvents(core: Core, caller: Member, input: { endpointId: string; after: Date; before: Date }): Promise<number> {
  if (input.after >= input.before) throw badInput([{ path: 'before', code: 'out_of_range', message: '`before` has to be later than `after`.' }]);
  return execute(core, caller, async (unit) => {
    const endpoint = await requireEnabled(unit, input.endpointId);
    const events = await tablesOf(unit)
      .selectFrom('event')
      .selectAll()
      .where('organization_id', '=', unit.organizationId)
      .where('occurred_at', '>', input.after.toISOString())
      .where('occurred_at', '<', input.before.toISOString())
      .where('type', 'in', matchedTypes(endpoint.events))
      // What is newer is on its way for the first time.
      .where('position', '<=', endpoint.position)
      .orderBy('position')
      .limit(MOST_REPLAYED + 1)
      .execute();
    if (events.length > MOST_REPLAYED) throw badInput([{ path: 'after', code: 'out_of_range', message: `At most ${MOST_REPLAYED} events are replayed at once: give a shorter time.` }]);
    for (let start = 0; start < events.length; start += INSERTED_AT_ONCE) {
      await insertDeliveries(unit, endpoint.id, events.slice(start, start + INSERTED_AT_ONCE).map((event) => deliveryOf(event)));
    }
    return events.length;
  });
}

async function requireEndpoint(unit: UnitOfWork, endpointId: string): Promise<WebhookEndpoint> {
  const endpoint = kindOfId(endpointId) === 'webhookEndpoint' ? await lockEndpoint(unit, endpointId) : null;
  if (!endpoint) throw notFound('webhook endpoint');
  return endpoint;
}

async function requireEnabled(unit: UnitOfWork, endpointId: string, path = 'endpointId'): Promise<WebhookEndpoint> {
  const endpoint = await requireEndpoint(unit, endpointId);
  if (endpoint.state !== 'ENABLED') throw badInput([{ path, code: 'disabled', message: 'The endpoint is disabled: enable it with updateWebhookEndpoint first.' }]);
  return endpoint;
}
