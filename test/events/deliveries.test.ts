import 'reflect-metadata';
import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { decodeEventCursor, encodeEventCursor } from '../../src/core/event-cursor.js';
import type { EventRow } from '../../src/core/event-log.js';
import { BUFFER_LIMIT, Subscriber } from '../../src/core/subscriber.js';
import { Told, type Audience, type Hearer } from '../../src/graphql/audiences.js';
import { Deliveries } from '../../src/graphql/deliveries.js';

const ORGANIZATION = 'org_01kb3v6k8pe2mvb5s3w3x0d2qz';
const at = (position: number): EventRow => ({ organization_id: ORGANIZATION, position }) as EventRow;

/** Deliveries whose audience takes as long as the test wants to find out what is to be told. */
function delivering() {
  const source = { organizationId: ORGANIZATION, handedOn: () => 0, readMissed: () => Promise.reject(new Error('Nothing was missed')), leave: () => undefined };
  const subscriber = new Subscriber(0, source);
  const waiting: (() => void)[] = [];
  const tell = (events: readonly EventRow[], hearer: Hearer): void => {
    waiting.push(() => hearer.hear(events.map(({ position }) => new Told(encodeEventCursor(ORGANIZATION, position), { data: {} }))));
  };
  const deliveries = new Deliveries(subscriber, { most: 100, tell } as unknown as Audience, () => undefined, { isAuthorized: () => true });
  const sent: number[] = [];
  const over = deliveries.tell((piece) => void sent.push(...piece.map(({ cursor }) => decodeEventCursor(ORGANIZATION, cursor)))).then(() => null, (error: unknown) => error as GraphQLError);
  const push = (position: number): void => {
    subscriber.push(at(position));
    subscriber.wake();
  };
  return { deliveries, push, sent, over, find: () => waiting.shift()?.() };
}

describe('a subscription', () => {
  it('that is cut off while its events are looked at is told those and then why, with the cursor behind them', async () => {
    const { push, sent, over, find } = delivering();
    push(1);
    for (let position = 2; position <= BUFFER_LIMIT + 2; position += 1) push(position);
    find();
    const error = await over;
    expect(sent).toEqual([1]);
    expect(error?.extensions['code']).toBe('SERVICE_UNAVAILABLE');
    expect(decodeEventCursor(ORGANIZATION, String(error?.extensions['cursor']))).toBe(1);
  });

  it('that its client ends while its events are looked at is told nothing more', async () => {
    const { deliveries, push, sent, over, find } = delivering();
    push(1);
    deliveries.end();
    find();
    expect(await over).toBeNull();
    expect(sent).toEqual([]);
  });
});
