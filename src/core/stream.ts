import { AsyncResource } from 'node:async_hooks';
import { Announcer } from './announcer.js';
import type { OwnEvents } from './command.js';
import type { Database } from './database.js';
import { decodeEventCursor } from './event-cursor.js';
import { EVENT_CHANNEL, type EventHint, type EventRow, type EventType } from './event-log.js';
import { assertContinuable, readEvents, type EventQuery, type EventsRead } from './event-reads.js';
import type { Listener } from './listener.js';
import { errorFacts, type Log } from './log.js';
import { Rounds } from './rounds.js';
import { Subscriber } from './subscriber.js';
import { Turns } from './turns.js';

/** What a subscriber wants to hear of: events of these types, of one object or (null) of the whole organization. */
export interface Watch {
  organizationId: string;
  types: readonly EventType[];
  subject: { kind: 'customer' | 'identity' | 'document'; id: string } | null;
}

/** Read at most this many events at once. */
const BATCH = 500;
/** Hints may be lost; the table is asked this often all the same. */
const SAFETY_POLL_MILLISECONDS = 2_000;
/** However many subscribers begin or catch up at once, most connections of the pool are left to others. */
const READS_AT_ONCE = 4;

const NOBODY: readonly Subscriber[] = [];

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
 * something to read; the rows are read in the order of their positions, so nothing is skipped and nothing repeated. What this
 * process has committed itself, right behind what was handed on last, it need not read.
 */
export class EventStream implements OwnEvents {
  #channels = new Map<string, Channel>();
  #listener: Listener | null = null;
  #poll: NodeJS.Timeout | undefined;
  #stopped = false;
  /** What several subscribers ask of the history at once is read once. */
  #reads = new Rounds<EventsRead>();
  #turns = new Turns(READS_AT_ONCE);
  readonly #announcer: Announcer;

  constructor(
    private readonly database: Database,
    private readonly log: Log,
  ) {
    this.#announcer = new Announcer(database, log);
  }

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
    await this.#announcer.stop();
  }

  /**
   * Everything that a watch covers, in order: since the cursor `after`, or without it from the moment that this promise
   * resolves. Return the iterator to unsubscribe. Throws BAD_USER_INPUT or CURSOR_EXPIRED for a cursor that cannot be gone
   * on from; the iterator throws SERVICE_UNAVAILABLE, with the cursor to resume from, when its reader does not keep up.
   */
  async subscribe(watch: Watch, after: string | null = null): Promise<Subscriber> {
    const { organizationId } = watch;
    const asked = after === null ? null : decodeEventCursor(organizationId, after);
    const ledger = await this.#read(organizationId, { after: 0, limit: 0 });
    if (asked !== null) assertContinuable(asked, ledger);
    const channel = this.#channel(organizationId, ledger.position);
    const keys = watch.types.map((type) => keyOf(type, watch.subject));
    const subscriber = new Subscriber(asked ?? ledger.position, {
      organizationId,
      handedOn: () => channel.position,
      readMissed: (position) => this.#readMissed(watch, position),
      leave: (leaving) => this.#leave(organizationId, channel, keys, leaving),
    });
    for (const key of keys) channel.subscribers.set(key, (channel.subscribers.get(key) ?? new Set<Subscriber>()).add(subscriber));
    channel.count += 1;
    return subscriber;
  }

  #leave(organizationId: string, channel: Channel, keys: readonly string[], subscriber: Subscriber): void {
    for (const key of keys) {
      const group = channel.subscribers.get(key);
      group?.delete(subscriber);
      if (group?.size === 0) channel.subscribers.delete(key);
    }
    channel.count -= 1;
    if (channel.count === 0 && this.#channels.get(organizationId) === channel) this.#channels.delete(organizationId);
  }

  #channel(organizationId: string, position: number): Channel {
    let channel = this.#channels.get(organizationId);
    if (!channel) {
      channel = { position, announced: position, pumping: false, subscribers: new Map(), count: 0 };
      this.#channels.set(organizationId, channel);
    }
    return channel;
  }

  /** Events that a command of this process has committed. Apart from the request that has brought them about, which does not wait for it. */
  readonly committed = AsyncResource.bind((events: readonly EventRow[]): void => void setImmediate(() => {
    const { organization_id: organizationId, position } = events.at(-1)!;
    if (!this.#stopped) this.#announcer.announce({ organizationId, position });
    const channel = this.#channels.get(organizationId);
    if (!channel || this.#stopped) return;
    // Whatever was committed before them, and whoever reads just now, comes first.
    const isNext = !channel.pumping && events[0]?.position === channel.position + 1;
    if (!isNext) return void this.#pump(organizationId, position);
    try {
      this.#handOn(channel, events);
    } catch (error) {
      this.log.error(errorFacts(error), 'handing on events failed');
    }
  }));

  /** A command of this process may have committed events, or not. */
  uncertain(organizationId: string): void {
    void this.#pump(organizationId, Infinity);
  }

  #hear(payload: string): void {
    try {
      const { organizationId, position } = JSON.parse(payload) as EventHint;
      void this.#pump(organizationId, position);
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
        const isLook = channel.announced === Infinity;
        // What is announced while it looks counts all the same.
        if (isLook) channel.announced = channel.position;
        const { events } = await readEvents(this.database, organizationId, { after: channel.position, limit: BATCH });
        this.#handOn(channel, events);
        if (isLook && events.length === BATCH) channel.announced = Infinity;
      }
    } catch (error) {
      // The next hint or the safety poll reads on from the same position.
      channel.announced = channel.position;
      this.log.error(errorFacts(error), 'reading events failed');
    } finally {
      channel.pumping = false;
    }
  }

  /** Hands on all of these before anyone takes them: so they are told together. */
  #handOn(channel: Channel, events: readonly EventRow[]): void {
    const woken: Subscriber[] = [];
    for (const event of events) {
      channel.position = event.position;
      for (const key of keysOf(event)) {
        for (const subscriber of channel.subscribers.get(key) ?? NOBODY) if (subscriber.push(event)) woken.push(subscriber);
      }
    }
    for (const subscriber of woken) subscriber.wake();
  }

  #read(organizationId: string, query: EventQuery): Promise<EventsRead> {
    return this.#reads.join(`${organizationId} ${JSON.stringify(query)}`, () => this.#turns.take(() => readEvents(this.database, organizationId, query)));
  }

  /** The next batch of what a watch covers after a position, and how far that reaches. */
  async #readMissed(watch: Watch, after: number): Promise<{ events: EventRow[]; scanned: number; more: boolean }> {
    const { types, subject } = watch;
    const read = await this.#read(watch.organizationId, { after, limit: BATCH, types, ...(subject && { [`${subject.kind}Id`]: subject.id }) });
    // Retention may have overtaken a subscriber that has been reading a long backlog.
    assertContinuable(after, read);
    const last = read.events.at(-1);
    const more = read.events.length === BATCH;
    return { events: read.events, more, scanned: more && last ? last.position : read.position };
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
