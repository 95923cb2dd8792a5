import { LRUCache } from 'lru-cache';
import { sql, type Kysely } from 'kysely';
import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY } from '../core/clock.js';
import type { Core } from '../core/command.js';
import { EVENT_CHANNEL, type EventHint } from '../core/event-log.js';
import type { Listener } from '../core/listener.js';
import { errorFacts } from '../core/log.js';
import type { Outbound } from './outbound.js';
import { attemptDelivery } from './delivery.js';
import { claim, recordAttempt, release, type ClaimedDelivery } from './queue.js';

interface EndpointKey {
  id: string;
  organization_id: string;
}

/** Attempts to one endpoint at a time. Each endpoint has its own, so a slow one delays nobody else's. */
const CONCURRENCY_PER_ENDPOINT = 8;
/** Hints may be lost, and retries fall due without one: the tables are asked this often. */
const SWEEP_MILLISECONDS = 1_000;
/** Organizations whose endpoints are held for that long at most. */
const MOST_KNOWN = 10_000;
/** What is under way at a stop may end within this; what does not is interrupted, and sent again after the next start. */
const STOP_GRACE_MILLISECONDS = 2_000;
/** As long as events themselves are kept. */
const LOG_KEPT_DAYS = 90;
const LOG_SWEEP_MILLISECONDS = 3_600 * MILLISECONDS_PER_SECOND;
/** A deletion that does not hold anything up. */
const LOG_BATCH = 1_000;

/**
 * Sends the events of the event table to the endpoints. All that it knows stands in the database: what was due when a
 * process ended, however it ended, is due for the next one. So every event arrives at least once.
 */
export class WebhookDispatcher {
  /** By endpoint, the deliveries that this process is at. */
  #busy = new Map<string, Set<string>>();
  /** By endpoint that is being pumped, whether it has to be looked at once more. */
  #pumps = new Map<string, boolean>();
  /** The enabled endpoints of organizations, as they were looked up within the last sweep: one that another process has enabled since the next sweep finds. */
  #known = new LRUCache<string, EndpointKey[]>({ max: MOST_KNOWN, ttl: SWEEP_MILLISECONDS });
  #running = new Set<Promise<void>>();
  #interruption = new AbortController();
  #listener: Listener | null = null;
  #timers: NodeJS.Timeout[] = [];
  #isSweeping = false;
  #isWorking = false;

  constructor(
    private readonly core: Core,
    private readonly outbound: Outbound,
    private readonly timeoutMilliseconds: number,
  ) {}

  /** Begins to send, on every commit of any replica. */
  async start(): Promise<void> {
    this.#isWorking = true;
    this.#listener = await this.core.database.listen(EVENT_CHANNEL, (payload) => this.#hear(payload), () => this.#track(this.#sweep()));
    this.#track(this.#sweepLog());
    this.#timers = [setInterval(() => this.#track(this.#sweep()), SWEEP_MILLISECONDS), setInterval(() => this.#track(this.#sweepLog()), LOG_SWEEP_MILLISECONDS)];
  }

  /** Looks at the endpoints of an organization now: something became due. */
  wake(organizationId: string): void {
    this.#known.delete(organizationId);
    if (this.#isWorking) this.#track(this.#pumpOrganization(organizationId));
  }

  /** Takes on nothing more, lets attempts end for a while, interrupts the rest. */
  async stop(): Promise<void> {
    this.#isWorking = false;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#listener?.close();
    const grace = setTimeout(() => this.#interruption.abort(), STOP_GRACE_MILLISECONDS);
    while (this.#running.size > 0) await Promise.all(this.#running);
    clearTimeout(grace);
    await this.outbound.close();
  }

  #hear(payload: string): void {
    try {
      const { organizationId } = JSON.parse(payload) as EventHint;
      if (this.#isWorking) this.#track(this.#pumpOrganization(organizationId));
    } catch (error) {
      this.core.log.warn(errorFacts(error), 'unreadable hint');
    }
  }

  /** Keeps hold of work that nobody awaits, so that a stop can. */
  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.core.log.error(errorFacts(error), 'webhook dispatch failed'))
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  async #pumpOrganization(organizationId: string): Promise<void> {
    const endpoints = this.#known.get(organizationId) ?? (await this.#enabled(organizationId));
    for (const endpoint of endpoints) this.#track(this.#pump(endpoint));
  }

  async #enabled(organizationId: string): Promise<EndpointKey[]> {
    const { rows } = await sql<EndpointKey>`
      select id, organization_id from webhook_endpoint where organization_id = ${organizationId} and state = 'ENABLED'
    `.execute(this.#reader());
    this.#known.set(organizationId, rows);
    return rows;
  }

  /** Finds every endpoint that has something to do. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping || !this.#isWorking) return;
    this.#isSweeping = true;
    try {
      const now = this.core.clock.now().toISOString();
      const { rows } = await sql<EndpointKey>`
        select endpoint.id, endpoint.organization_id
        from webhook_endpoint as endpoint join organization_ledger as ledger using (organization_id)
        where endpoint.state = 'ENABLED' and (endpoint.position < ledger.position or exists (
          select 1 from webhook_delivery as due
          where due.endpoint_id = endpoint.id and due.state = 'PENDING' and due.next_attempt_at <= ${now}
            and (due.leased_until is null or due.leased_until <= ${now})
        ))
      `.execute(this.#reader());
      for (const endpoint of rows) this.#track(this.#pump(endpoint));
    } finally {
      this.#isSweeping = false;
    }
  }

  /** Deletes what the log has kept for long enough. What is pending stays. */
  async #sweepLog(): Promise<void> {
    const horizon = new Date(this.core.clock.now().getTime() - LOG_KEPT_DAYS * SECONDS_PER_DAY * MILLISECONDS_PER_SECOND).toISOString();
    while (this.#isWorking) {
      const { numAffectedRows } = await sql`
        delete from webhook_delivery where id in (select id from webhook_delivery where completed_at < ${horizon} limit ${LOG_BATCH})
      `.execute(this.#reader());
      if (Number(numAffectedRows ?? 0) < LOG_BATCH) return;
    }
  }

  #reader(): Kysely<unknown> {
    return this.core.database.owner().getKysely() as unknown as Kysely<unknown>;
  }

  /** Takes on what is due for an endpoint until there is nothing more, or it is busy enough. One pump an endpoint. */
  async #pump(endpoint: EndpointKey): Promise<void> {
    if (this.#pumps.has(endpoint.id)) {
      this.#pumps.set(endpoint.id, true);
      return;
    }
    try {
      do {
        this.#pumps.set(endpoint.id, false);
        const busy = this.#busy.get(endpoint.id) ?? new Set<string>();
        const free = CONCURRENCY_PER_ENDPOINT - busy.size;
        // Each attempt that ends comes back here.
        if (free === 0 || !this.#isWorking) return;
        this.#busy.set(endpoint.id, busy);
        const { deliveries, more } = await claim(this.core, endpoint.organization_id, endpoint.id, free, [...busy]);
        for (const delivery of deliveries) {
          busy.add(delivery.id);
          this.#track(this.#attempt(endpoint, delivery, busy));
        }
        if (more) this.#pumps.set(endpoint.id, true);
      } while (this.#pumps.get(endpoint.id));
    } finally {
      this.#pumps.delete(endpoint.id);
      if (this.#busy.get(endpoint.id)?.size === 0) this.#busy.delete(endpoint.id);
    }
  }

  async #attempt(endpoint: EndpointKey, delivery: ClaimedDelivery, busy: Set<string>): Promise<void> {
    try {
      const attempt = await attemptDelivery(this.outbound, this.core.clock, delivery, this.timeoutMilliseconds, this.#interruption.signal);
      if (attempt) await recordAttempt(this.core, delivery, attempt.record, attempt.retryAfter);
      else await release(this.core, delivery);
    } finally {
      busy.delete(delivery.id);
      if (this.#isWorking) this.#track(this.#pump(endpoint));
    }
  }
}
