import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import { EVENT_CHANNEL, type EventHint } from '../../src/core/event-log.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CREATE_CUSTOMER, EVENTS } from '../support/operations.js';

// What a gateway has committed itself it hands on without reading it. What becomes of a command may stay unknown, though.

/** When the next transaction of a command fails, and by nothing that it did. */
let fails: 'before its commit' | 'after its commit' | null = null;

function failing(database: Database): Database {
  return {
    ...database,
    forCustomer: (customerId) => failing(database.forCustomer(customerId)),
    transact: async (organizationId, body) => {
      const failure = fails;
      fails = null;
      const lost = new Error('Connection terminated unexpectedly');
      const result = await database.transact(organizationId, async (transaction, entities) => {
        const done = await body(transaction, entities);
        if (failure === 'before its commit') throw lost;
        return done;
      });
      if (failure === 'after its commit') throw lost;
      return result;
    },
  };
}

let opened: Database;
const gateway = useGateway({}, { workers: false, database: (database) => failing((opened = database)) });

describe('events of a command', () => {
  it('are announced to every process that listens once they have been committed, several at once by the newest alone', async () => {
    const { partner, id } = await gateway.organization();
    const heard: number[] = [];
    const listener = await opened.listen(EVENT_CHANNEL, (payload) => {
      const { organizationId, position } = JSON.parse(payload) as EventHint;
      if (organizationId === id) heard.push(position);
    }, () => undefined);
    await Promise.all(Array.from({ length: 10 }, () => newCustomer(partner)));
    // Positions have no gaps, so the last is how many there are.
    const { events } = await partner.request(EVENTS, {});
    await expect.poll(() => heard.at(-1)).toBe(events.nodes.length);
    expect(heard).toEqual([...new Set(heard)].sort((left, right) => left - right));
    await listener.close();
  });

  it('whose commit was never answered are told all the same, once and in their order', async () => {
    const { partner } = await gateway.organization();
    const live = await partner.subscribe(CUSTOMER_CHANGES, {});
    fails = 'after its commit';
    expect(await partner.refusal(CREATE_CUSTOMER, { input: { partnerUserId: 'lost' } })).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    const [first] = await live.take(1);
    const customerId = await newCustomer(partner);
    const [, second] = await live.take(2);
    expect(second!.customerStatusChanged.customer.id).toBe(customerId);
    const { events } = await partner.request(EVENTS, {});
    expect([first, second].map((told) => told!.customerStatusChanged.id)).toEqual(events.nodes.map(({ id }) => id));
    await live.close();
  });

  it('that was taken back at its end are told to nobody, and what follows is told once', async () => {
    const { partner } = await gateway.organization();
    const live = await partner.subscribe(CUSTOMER_CHANGES, {});
    fails = 'before its commit';
    expect(await partner.refusal(CREATE_CUSTOMER, { input: { partnerUserId: 'lost' } })).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    const customers = [await newCustomer(partner), await newCustomer(partner)];
    expect((await live.take(2)).map(({ customerStatusChanged: { customer } }) => customer.id)).toEqual(customers);
    const { events } = await partner.request(EVENTS, {});
    expect(live.received.map(({ customerStatusChanged: { id } }) => id)).toEqual(events.nodes.map(({ id }) => id));
    await live.close();
  });
});
