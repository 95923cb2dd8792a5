import type { Kysely } from 'kysely';
import type { Database } from './database.js';
import { refusal } from './errors.js';
import { EVENT_CHANNEL, type EventHint, type EventRow, type EventTables, type EventType } from './event-log.js';
import type { Listener } from './listener.js';
import { errorFacts, type Log } from './log.js';

/** What a subscriber wants to hear of: events of these types, of one object or (null) of the whole organization. */
export interface Watch {
  organizationId: string;
  types: readonly EventType[];
  subject: { kind: 'customer' | 'identity' | 'document'; id: string } | null;
}

/** Read at most this many events at once. */
const BATCH = 500;
/** A subscriber that lets more than this pile up is cut off: it resumes when it can follow. */
const BUFFER_LIMIT = 1_000;
/** Hints may be lost; the table is asked this often all the same. */
const SAFETY_POLL_MILLISECONDS = 2_000;

/** The events of a watch as one subscriber takes them: first what it has missed, read as it asks, then what is handed to it. */
class Subscriber implements AsyncIterableIterator<EventRow> {
  #buffer: EventRow[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  #failure: Error | null = null;
  #live = false;

  constructor(
    /** Everything up to this position has been read for this subscriber. */
    private scanned: number,
    private readonly channel: Channel,
    private readonly readMissed: (after: number) => Promise<{ events: EventRow[]; scanned: number; more: boolean }>,
    private readonly leave: (subscriber: Subscriber) => void,
  ) {
    this.#live = channel.position <= scanned;
  }

  /** Hands on an event that has just been committed. While the subscriber still catches up it reads the event itself. */
  push(event: EventRow): void {
    if (!this.#live || this.#ended || event.position <= this.scanned) return;
    this.#buffer.push(event);
    if (this.#buffer.length > BUFFER_LIMIT) {
      this.#failure = refusal('SERVICE_UNAVAILABLE', 'This subscription does not keep up with its events: read the state, then subscribe anew.', { retryAfter: 1 });
      this.end();
    }
    this.#wake?.();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#buffer = [];
    this.leave(this);
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<EventRow, undefined>> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return { done: true, value: undefined };
      const event = this.#buffer.shift();
      if (event) return { done: false, value: event };
      if (this.#live) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = null;
      } else {
        await this.#catchUp();
      }
    }
  }

  return(): Promise<IteratorResult<EventRow, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #catchUp(): Promise<void> {
    const { events, scanned, more } = await this.readMissed(this.scanned);
    this.#buffer.push(...events);
    this.scanned = scanned;
    // Nothing is awaited between this comparison and being live, so no event can slip in between.
    this.#live = !more && this.channel.position <= scanned;
  }
}

/** The subscribers of one organization in this process, by what they watch, and how far its events have been handed on. */
interface Channel {
  position: number;
  announced: number;
  pumping: boolean;
  subscribers: Map<string, Set<Subscriber>>;
  count: number;
}

/**
 * Hands the committed events of the event table to the subscribers of this process. A NOTIFY only says that there is
 * something to read; the rows are read in the order of their positions, so nothing is skipped and nothing repeated.
 */
export class EventStream {
  #channels = new Map<string, Channel>();
  #listener: Listener | null = null;
  #poll: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly database: Database,
    private readonly log: Log,
  ) {}

  /** Begins to listen for commits of any replica. */
  async start(): Promise<void> {
    const pollAll = (): void => {
      for (const organizationId of this.#channels.keys()) void this.#pump(organizationId, Infinity);
    };
    this.#listener = await this.database.listen(EVENT_CHANNEL, (payload) => this.#hear(payload), pollAll);
    this.#poll = setInterval(pollAll, SAFETY_POLL_MILLISECONDS);
  }

  /** Ends every subscription and stops listening. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#poll);
    for (const channel of this.#channels.values()) {
      for (const group of channel.subscribers.values()) for (const subscriber of [...group]) subscriber.end();
    }
    await this.#listener?.close();
  }

  /**
   * Everything that a watch covers from the moment that this promise resolves, in order. Return the iterator to
   * unsubscribe. It throws SERVICE_UNAVAILABLE when its reader does not keep up.
   */
  async subscribe(watch: Watch): Promise<AsyncIterableIterator<EventRow>> {
    const start = await this.#currentPosition(watch.organizationId);
    const channel = this.#channel(watch.organizationId, start);
    const keys = watch.types.map((type) => keyOf(type, watch.subject));
    const leave = (subscriber: Subscriber): void => {
      for (const key of keys) {
        const group = channel.subscribers.get(key);
        group?.delete(subscriber);
        if (group?.size === 0) channel.subscribers.delete(key);
      }
      channel.count -= 1;
      if (channel.count === 0) this.#channels.delete(watch.organizationId);
    };
    const subscriber = new Subscriber(start, channel, (after) => this.#readMissed(watch, after), leave);
    for (const key of keys) channel.subscribers.set(key, (channel.subscribers.get(key) ?? new Set<Subscriber>()).add(subscriber));
    channel.count += 1;
    return subscriber;
  }

  #channel(organizationId: string, position: number): Channel {
    let channel = this.#channels.get(organizationId);
    if (!channel) {
      channel = { position, announced: position, pumping: false, subscribers: new Map(), count: 0 };
      this.#channels.set(organizationId, channel);
    }
    return channel;
  }

  #hear(payload: string): void {
    try {
      const hint = JSON.parse(payload) as EventHint;
      void this.#pump(hint.organizationId, hint.position);
    } catch (error) {
      this.log.warn(errorFacts(error), 'unreadable hint');
    }
  }

  /** Reads on until everything announced has been handed on; one reader an organization. */
  async #pump(organizationId: string, announced: number): Promise<void> {
    const channel = this.#channels.get(organizationId);
    if (!channel || announced <= channel.position) return;
    channel.announced = Math.max(channel.announced, announced);
    if (channel.pumping) return;
    channel.pumping = true;
    try {
      while (!this.#stopped && channel.count > 0 && channel.announced > channel.position) {
        const events = await this.#read(organizationId, channel.position);
        for (const event of events) {
          channel.position = event.position;
          for (const key of keysOf(event)) channel.subscribers.get(key)?.forEach((subscriber) => subscriber.push(event));
        }
        if (events.length < BATCH && channel.announced === Infinity) channel.announced = channel.position;
      }
    } catch (error) {
      // The next hint or the safety poll reads on from the same position.
      channel.announced = channel.position;
      this.log.error(errorFacts(error), 'reading events failed');
    } finally {
      channel.pumping = false;
    }
  }

  async #read(organizationId: string, after: number): Promise<EventRow[]> {
    const rows = await this.database.read<EventTables, EventRow[]>(organizationId, (reader) =>
      reader.selectFrom('event').selectAll().where('organization_id', '=', organizationId).where('position', '>', after).orderBy('position').limit(BATCH).execute(),
    );
    return rows.map((row) => ({ ...row, position: Number(row.position) }));
  }

  /** The next batch of what a watch covers after a position, and how far that reaches. */
  async #readMissed(watch: Watch, after: number): Promise<{ events: EventRow[]; scanned: number; more: boolean }> {
    const until = await this.#currentPosition(watch.organizationId);
    const rows = await this.database.read<EventTables, EventRow[]>(watch.organizationId, (reader) => {
      let query = reader.selectFrom('event').selectAll().where('organization_id', '=', watch.organizationId);
      query = query.where('position', '>', after).where('position', '<=', until).where('type', 'in', watch.types);
      if (watch.subject) query = query.where(`${watch.subject.kind}_id`, '=', watch.subject.id);
      return query.orderBy('position').limit(BATCH).execute();
    });
    const events = rows.map((row) => ({ ...row, position: Number(row.position) }));
    const last = events.at(-1);
    const more = events.length === BATCH;
    return { events, more, scanned: more && last ? last.position : until };
  }

  async #currentPosition(organizationId: string): Promise<number> {
    const reader = this.database.owner().getKysely() as unknown as Kysely<EventTables>;
    const ledger = await reader.selectFrom('organization_ledger').select('position').where('organization_id', '=', organizationId).executeTakeFirstOrThrow();
    return Number(ledger.position);
  }
}

function keyOf(type: EventType, subject: Watch['subject']): string {
  return subject === null ? type : `${type} ${subject.kind} ${subject.id}`;
}

function keysOf(event: EventRow): string[] {
  const keys = [keyOf(event.type, null), keyOf(event.type, { kind: 'customer', id: event.customer_id })];
  if (event.identity_id !== null) keys.push(keyOf(event.type, { kind: 'identity', id: event.identity_id }));
  if (event.document_id !== null) keys.push(keyOf(event.type, { kind: 'document', id: event.document_id }));
  return keys;
}
