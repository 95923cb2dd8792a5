import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EventType } from '../core/event-log.js';
import type { TEST_EVENT } from './payload.js';
import type { RetiringSecret } from './signing.js';

export type EndpointState = 'ENABLED' | 'DISABLED';
export type DisabledReason = 'GONE' | 'FAILING' | 'REQUESTED';
export type DeliveryState = 'PENDING' | 'SUCCEEDED' | 'FAILED';

/** Where an organization is told of its events. */
export const WebhookEndpointEntity = defineEntity({
  name: 'WebhookEndpoint',
  tableName: 'webhook_endpoint',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    url: p.string(),
    events: p.json<string[]>(),
    parallel: p.boolean(),
    description: p.string().nullable(),
    secret: p.string(),
    retiringSecrets: p.json<RetiringSecret[]>(),
    state: p.string().$type<EndpointState>(),
    disabledReason: p.string().$type<DisabledReason>().nullable(),
    /** Every event up to here has its delivery, or is none of the endpoint's. */
    position: p.bigint('number'),
    /** Since when no attempt has arrived. */
    failingSince: p.datetime().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});
export type WebhookEndpoint = InferEntity<typeof WebhookEndpointEntity>;

/** One attempt as the log keeps it. */
export interface AttemptRecord {
  at: string;
  url: string;
  responseStatus: number | null;
  responseBody: string | null;
  latencyMilliseconds: number;
  error: string | null;
}

/** An event on its way to one endpoint. Deliveries are written by statements, many at once: there is no entity. */
export interface DeliveryRow {
  id: string;
  organization_id: string;
  endpoint_id: string;
  /** Deliveries of one lane go out in this order. Given by the database. */
  number: number;
  /** The customer whom the event is about: what happened to one person is told in its order. */
  lane: string;
  event_id: string;
  event_type: EventType | typeof TEST_EVENT;
  replay_of: string | null;
  body: string;
  state: DeliveryState;
  /** Attempts of the present schedule. */
  attempts: number;
  attempt_log: AttemptRecord[];
  /** The first attempt of the present schedule. */
  started_at: string | Date;
  next_attempt_at: string | Date | null;
  /** A process that takes longer than this has died: another takes over. */
  leased_until: string | Date | null;
  created_at: string | Date;
  completed_at: string | Date | null;
}
