import { refusal } from './errors.js';
import { encodeEventCursor } from './event-cursor.js';
import type { EventRow } from './event-log.js';

/** A subscriber that lets more than this pile up is cut off: it resumes from its cursor when it can follow. */
export const BUFFER_LIMIT = 1_000;
const RETRY_AFTER_SECONDS = 1;
const NOTHING: readonly EventRow[] = [];

/** What a subscriber needs of the stream that it belongs to. */
export interface Source {
  organizationId: string;
  /** The newest position that has been handed to the subscribers of this organization. */
  handedOn(): number;
  /** The next of what this subscriber watches after a position, and how far that reaches. */
  readMissed(after: number): Promise<{ events: EventRow[]; scanned: number; more: boolean }>;
  leave(subscriber: Subscriber): void;
}

/**
 * The events of a watch as one subscriber takes them: first what it has missed, read in pieces as it asks, then what is
 * handed to it. So however far it is behind, it holds one piece and BUFFER_LIMIT events at most.
 */
export class Subscriber implements AsyncIterableIterator<EventRow> {
  #buffer: EventRow[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  #failure: unknown = null;
  #live: boolean;
  /** Everything up to this position has been read for this subscriber. */
  #scanned: number;
  /** Everything up to this position has been taken by its reader. */
  #taken: number;

  constructor(
    start: number,
    private readonly source: Source,
  ) {
    this.#scanned = start;
    this.#taken = start;
    this.#live = source.handedOn() <= start;
  }

  /**
   * Hands on an event that has just been committed. While the subscriber still catches up it reads the event itself.
   * @returns whether it is the first that its reader finds, and it is to be woken.
   */
  push(event: EventRow): boolean {
    if (!this.#live || this.#ended || event.position <= this.#scanned) return false;
    const waiting = this.#buffer.push(event);
    if (waiting > BUFFER_LIMIT) this.#cutOff();
    return waiting === 1;
  }

  /** Calls who waits for an arrival: once all that there is just now has been pushed, its reader takes it together. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether it has ended without its reader's wish: the next `take` throws why. */
  get isCutOff(): boolean {
    return this.#failure !== null;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#buffer = [];
    this.source.leave(this);
    this.wake();
  }

  async next(): Promise<IteratorResult<EventRow, undefined>> {
    for (;;) {
      const taken = this.take(1);
      if (!taken) return { done: true, value: undefined };
      const [event] = taken;
      if (event) return { done: false, value: event };
      await new Promise<void>((resolve) => this.arrival(resolve));
    }
  }

  /** The next events, so many at most; none where nothing has arrived yet, null once it has ended. Throws what cut it off, or why its backlog cannot be read. */
  take(most: number): readonly EventRow[] | null {
    if (this.#failure !== null) throw this.#failure;
    if (this.#ended) return null;
    const last = this.#buffer[Math.min(most, this.#buffer.length) - 1];
    if (!last) return NOTHING;
    this.#taken = last.position;
    if (this.#buffer.length > most) return this.#buffer.splice(0, most);
    const all = this.#buffer;
    this.#buffer = [];
    return all;
  }

  /** Calls back, once, when there may be something to take, and when it has ended: the last who asks alone. */
  arrival(then: () => void): void {
    if (this.#live) this.#wake = then;
    else void this.#catchUp().then(then);
  }

  return(): Promise<IteratorResult<EventRow, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #catchUp(): Promise<void> {
    try {
      const { events, scanned, more } = await this.source.readMissed(this.#scanned);
      if (this.#ended) return;
      this.#buffer.push(...events);
      this.#scanned = scanned;
      // Nothing is awaited between this comparison and being live, so no event can slip in between.
      this.#live = !more && this.source.handedOn() <= scanned;
    } catch (error) {
      this.#failure = error;
      this.end();
    }
  }

  #cutOff(): void {
    this.#failure = refusal('SERVICE_UNAVAILABLE', 'This subscription does not keep up with its events: subscribe again with `after: extensions.cursor`.', {
      retryAfter: RETRY_AFTER_SECONDS,
      cursor: encodeEventCursor(this.source.organizationId, this.#taken),
    });
    this.end();
  }
}
