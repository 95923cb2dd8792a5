import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { decodeEventCursor } from '../../src/core/event-cursor.js';
import type { EventRow } from '../../src/core/event-log.js';
import { BUFFER_LIMIT, Subscriber, type Source } from '../../src/core/subscriber.js';

const ORGANIZATION = 'org_01kb3v6k8pe2mvb5s3w3x0d2qz';

function event(position: number): EventRow {
  return { organization_id: ORGANIZATION, position } as EventRow;
}

/** A log that grows, and hands on what it is told to. */
class Log implements Source {
  organizationId = ORGANIZATION;
  events: EventRow[] = [];
  position = 0;
  left = 0;
  reads = 0;

  handedOn(): number {
    return this.position;
  }

  async readMissed(after: number) {
    this.reads += 1;
    const missed = this.events.filter(({ position }) => position > after).slice(0, 500);
    return Promise.resolve({ events: missed, more: missed.length === 500, scanned: missed.length === 500 ? missed.at(-1)!.position : this.events.length });
  }

  leave(): void {
    this.left += 1;
  }

  commit(count: number, subscribers: readonly Subscriber[]): void {
    for (let index = 0; index < count; index += 1) {
      const next = event(this.events.length + 1);
      this.events.push(next);
      this.position = next.position;
      for (const subscriber of subscribers) subscriber.push(next);
    }
    for (const subscriber of subscribers) subscriber.wake();
  }
}

async function positions(subscriber: Subscriber, count: number): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) taken.push((await subscriber.next()).value!.position);
  return taken;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_each, index) => from + index);

describe('a subscriber', () => {
  it('that does not keep up holds a bounded number of events, and is told the cursor from which nothing is lost', async () => {
    const log = new Log();
    const slow = new Subscriber(0, log);
    log.commit(3, [slow]);
    expect(await positions(slow, 3)).toEqual([1, 2, 3]);
    log.commit(BUFFER_LIMIT + 1, [slow]);
    const failure = await slow.next().then(() => null, (error: unknown) => error);
    expect(failure).toBeInstanceOf(GraphQLError);
    const { extensions } = failure as GraphQLError;
    expect(extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
    expect(log.left).toBe(1);
    const resumed = new Subscriber(decodeEventCursor(ORGANIZATION, String(extensions['cursor'])), log);
    expect(await positions(resumed, BUFFER_LIMIT + 1)).toEqual(range(4, BUFFER_LIMIT + 4));
  });

  it('that is far behind reads in pieces, however much is committed meanwhile, and is not cut off for it', async () => {
    const log = new Log();
    log.commit(4_000, []);
    const behind = new Subscriber(0, log);
    log.commit(2_000, [behind]);
    expect(await positions(behind, 6_000)).toEqual(range(1, 6_000));
    expect(log.reads).toBeGreaterThanOrEqual(12);
    log.commit(2, [behind]);
    expect(await positions(behind, 2)).toEqual([6_001, 6_002]);
  });

  it('takes what is committed while it reads its backlog once', async () => {
    const log = new Log();
    log.commit(10, []);
    const subscriber = new Subscriber(5, log);
    const reading = positions(subscriber, 8);
    log.commit(3, [subscriber]);
    expect(await reading).toEqual(range(6, 13));
  });

  it('is woken once for all that is handed to it together, and takes it as one piece', async () => {
    const log = new Log();
    const subscriber = new Subscriber(0, log);
    let woken = 0;
    subscriber.arrival(() => (woken += 1));
    log.commit(3, [subscriber]);
    expect(woken).toBe(1);
    expect(subscriber.take(100)?.map(({ position }) => position)).toEqual([1, 2, 3]);
    log.commit(1, [subscriber]);
    expect(woken).toBe(1);
  });

  it('that unsubscribes while it waits is let go at once', async () => {
    const log = new Log();
    const subscriber = new Subscriber(0, log);
    const waiting = subscriber.next();
    await subscriber.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(log.left).toBe(1);
  });
});
