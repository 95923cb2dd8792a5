import { decodeJwt } from 'jose';
import { print } from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import { graphql } from '../generated/index.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import type { Client, Subscription } from '../support/client.js';
import { EventSource } from '../support/event-source.js';
import { advance, EVALUATION, newCustomer, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { DEACTIVATE, REACTIVATE } from '../support/operations.js';
import { GERMAN } from '../support/people.js';
import { RawSocket } from '../support/raw-socket.js';
import { clientToken, EXCHANGE_CODE, linkCode } from '../support/tokens.js';

/** How often the database has been read for each organization. */
const reads = new Map<string, number>();
function count(organizationId: string): void {
  reads.set(organizationId, (reads.get(organizationId) ?? 0) + 1);
}
function counted(opened: Database): Database {
  return {
    ...opened,
    forCustomer: (customerId) => counted(opened.forCustomer(customerId)),
    read: (organizationId, query) => {
      count(organizationId);
      return opened.read(organizationId, query);
    },
    select: (organizationId, statement, parameters) => {
      count(organizationId);
      return opened.select(organizationId, statement, parameters);
    },
  };
}

const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
const gateway = useGateway({}, { clock, database: counted, workers: false });
const MINUTE = 60_000;
const MANY = 30;
/** What the stream itself may read meanwhile, asking for hints that were lost. */
const POLLS = 5;

const WHAT_ONE_SEES = graphql(`
  query WhatOneSees($id: ID!, $more: Boolean! = false) {
    customer(id: $id) {
      ...Seen
    }
  }

  fragment Seen on Customer {
    id
    status
    verificationLink
    allowedActions
    requirements {
      kind
      code
      field
      acceptedDocuments
    }
    partnerUserId @include(if: $more)
    identity {
      debugStatus
      documents {
        findings {
          code
        }
        fileUploads {
          url
        }
      }
    }
  }
`);

const CHANGES_AS_ONE_SEES = graphql(`
  subscription ChangesAsOneSees($customerId: ID, $after: String, $more: Boolean! = false) {
    customerStatusChanged(customerId: $customerId, after: $after) {
      id
      newStatus
      customer {
        ...Seen
      }
    }
  }
`);

const CHANGES_WITH_AN_ERROR = graphql(`
  subscription ChangesWithAnError {
    customerStatusChanged {
      id
      customer {
        events(first: 0) {
          nodes {
            id
          }
        }
      }
    }
  }
`);

const open: { close(): unknown }[] = [];
afterAll(async () => {
  for (const each of open) await each.close();
});

async function subscribe(client: Client, variables: Parameters<typeof client.subscribe<unknown, { customerId?: string; more?: boolean }>>[1] = {}) {
  const subscription = await client.subscribe(CHANGES_AS_ONE_SEES, variables);
  open.push(subscription);
  return subscription;
}

/** Switches a customer off and on again: two changes. */
async function toggle(partner: Client, customerId: string): Promise<void> {
  await partner.request(DEACTIVATE, { input: { customerId, reason: 'A test' } });
  await partner.request(REACTIVATE, { input: { customerId } });
}

/** What is shown, with links made comparable: whose right they are, and not the second in which they were made. */
function comparable(shown: unknown): unknown {
  return JSON.parse(JSON.stringify(shown), (key, value: unknown) => {
    if (typeof value !== 'string') return value;
    if (key === 'verificationLink') return decodeJwt(new URL(value).hash.slice(1))['key_id'];
    return key === 'url' ? new URL(value).searchParams.get('viewer') : value;
  });
}

/** A customer with a document, and everybody who may see it: by two keys of one role, by other roles, and by its own tokens of several kinds. */
async function viewers() {
  const { id, partner, reviewer } = await gateway.organization();
  const customerId = await newCustomer(partner, { email: 'ada@example.com', partnerUserId: 'ada' });
  const identityId = await submit(partner, customerId, GERMAN);
  await advance(partner, EVALUATION);
  await submitPassport(partner, identityId);
  const secondPartner = gateway.client(await gateway.key(id, 'PARTNER'));
  const code = gateway.client(await linkCode(partner, customerId));
  const hosted = (await code.request(EXCHANGE_CODE, { input: { code: code.key! } })).exchangeVerificationCode.token;
  const tokens = [await clientToken(partner, customerId), await clientToken(partner, customerId, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' }), await clientToken(secondPartner, customerId), hosted];
  const clients = [partner, secondPartner, reviewer, gateway.client(await gateway.key(id, 'ADMIN')), ...tokens.map((token) => gateway.client(token))];
  return { id, partner, customerId, clients };
}

describe('those who have subscribed to the same', () => {
  it('are each told what a query of their own shows them, whoever else is told of the same event', async () => {
    const { partner, customerId, clients } = await viewers();
    const subscriptions = await Promise.all(clients.map((client) => subscribe(client)));
    const streams = await Promise.all(clients.map((client) => EventSource.open(client, CHANGES_AS_ONE_SEES, {})));
    open.push(...streams);
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'A test' } });
    const seen: string[] = [];
    for (const [index, client] of clients.entries()) {
      const own = comparable((await client.request(WHAT_ONE_SEES, { id: customerId })).customer);
      expect(comparable((await subscriptions[index]!.take(1))[0]?.customerStatusChanged.customer)).toEqual(own);
      expect(comparable((await streams[index]!.take(1))[0]?.data?.data?.customerStatusChanged.customer)).toEqual(own);
      seen.push(JSON.stringify(own));
    }
    // Both partners by links of their own, reviewer and administrator apart, and the applicant otherwise than any of them.
    const differing = new Set(seen).size;
    console.log(`audiences: ${clients.length} viewers of one event, ${differing} different answers`);
    expect(differing).toBeGreaterThanOrEqual(5);
  });

  it('are told by whole frames, whichever form of length of RFC 6455 their ids make them need', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const socket = await RawSocket.connect(partner);
    open.push(socket.socket);
    const frames: Buffer[] = [];
    socket.socket.on('message', (frame: Buffer) => frames.push(frame));
    const withoutId = JSON.stringify({ id: '', type: 'next', payload: { data: { customerStatusChanged: { newStatus: 'DEACTIVATED' } } } }).length;
    const lengths = [125, 126, 65_535, 65_536];
    const ids = lengths.map((length) => 'i'.repeat(length - withoutId));
    for (const id of ids) socket.send({ id, type: 'subscribe', payload: { query: 'subscription { customerStatusChanged { newStatus } }' } });
    // What is answered to a query that follows tells that the subscriptions stand.
    socket.send({ id: 'query', type: 'subscribe', payload: { query: '{ __typename }' } });
    await socket.receive(1 + 2);
    frames.length = 0;
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'A test' } });
    const told = (await socket.receive(1 + 2 + lengths.length)).slice(-lengths.length);
    expect(told.map(({ id }) => id?.length)).toEqual(ids.map(({ length }) => length));
    expect(told.map(({ payload }) => payload)).toEqual(ids.map(() => ({ data: { customerStatusChanged: { newStatus: 'DEACTIVATED' } } })));
    expect(frames.map(({ length }) => length)).toEqual(lengths);
  });

  it('but with a token for another transaction type or by the hosted page are told their own requirements', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const types = [undefined, 'INSTITUTIONAL_INDIVIDUAL', 'EU_INDIVIDUAL'] as const;
    const tokens = await Promise.all(types.map((transactionType) => clientToken(partner, customerId, transactionType ? { transactionType } : {})));
    const clients = tokens.map((token) => gateway.client(token));
    const subscriptions = await Promise.all(clients.map((client) => subscribe(client)));
    await toggle(partner, customerId);
    const told = await Promise.all(subscriptions.map((subscription) => subscription.take(2)));
    for (const [index, client] of clients.entries()) {
      expect(told[index]?.[1]?.customerStatusChanged.customer).toEqual((await client.request(WHAT_ONE_SEES, { id: customerId })).customer);
    }
    expect(new Set(told.map((each) => JSON.stringify(each[1]))).size).toBeGreaterThan(1);
  });

  it('as another customer or another organization are told nothing of it', async () => {
    const [{ partner }, other] = [await gateway.organization(), await gateway.organization()];
    const [ada, grace] = [await newCustomer(partner), await newCustomer(partner, { email: 'grace@example.com' })];
    const foreigner = await newCustomer(other.partner);
    const tokens = await Promise.all([ada, grace].map((customerId) => clientToken(partner, customerId)));
    const subscriptions = await Promise.all([...tokens.map((token) => gateway.client(token)), other.partner].map((client) => subscribe(client)));
    for (const [customerId, by] of [[ada, partner], [grace, partner], [foreigner, other.partner]] as const) await toggle(by, customerId);
    for (const [index, customerId] of [ada, grace, foreigner].entries()) {
      const told = (await subscriptions[index]!.take(2)).map(({ customerStatusChanged }) => customerStatusChanged.customer.id);
      expect(told).toEqual([customerId, customerId]);
      expect(subscriptions[index]!.received).toHaveLength(2);
    }
  });

  it('with other variables are told what theirs select; what they watch makes no difference', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner, { email: 'ada@example.com', partnerUserId: 'ada' });
    const [less, more, narrow] = [await subscribe(partner), await subscribe(partner, { more: true }), await subscribe(partner, { customerId, more: true })];
    await toggle(partner, customerId);
    const shown = async (subscription: Subscription<{ customerStatusChanged: { customer: object } }>) => (await subscription.take(2)).map(({ customerStatusChanged }) => customerStatusChanged.customer);
    for (const each of await shown(less)) expect(each).not.toHaveProperty('partnerUserId');
    for (const each of [...(await shown(more)), ...(await shown(narrow))]) expect(each).toHaveProperty('partnerUserId', 'ada');
  });

  it('are told of errors with the requestId of their own connection', async () => {
    const { partner } = await gateway.organization();
    const sockets = [await partner.subscribe(CHANGES_WITH_AN_ERROR, {}), await partner.subscribe(CHANGES_WITH_AN_ERROR, {})];
    const stream = await EventSource.open(partner, CHANGES_WITH_AN_ERROR, {});
    open.push(...sockets, stream);
    await newCustomer(partner);
    const failures = [...(await Promise.all(sockets.map((socket) => socket.failure()))), (await stream.take(1))[0]?.data?.errors] as { extensions: Record<string, unknown> }[][];
    for (const [error] of failures) expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'first' }] });
    expect(new Set(failures.map(([error]) => error?.extensions['requestId'])).size).toBe(3);
    expect(failures[2]?.[0]?.extensions['requestId']).toBe(stream.response.headers.get('x-request-id'));
  });

  it('with tokens that end at different times are each told until its own has ended', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const [short, long] = [await clientToken(partner, customerId, { expiresInSeconds: 60 }), await clientToken(partner, customerId, { expiresInSeconds: 3_600 })];
    const [ending, staying] = [await RawSocket.connect(gateway.client(short)), await subscribe(gateway.client(long))];
    ending.send({ type: 'subscribe', id: 'events', payload: { query: print(CHANGES_AS_ONE_SEES) } });
    ending.send({ type: 'subscribe', id: 'marker', payload: { query: '{ __typename }' } });
    await ending.receive(3);
    await toggle(partner, customerId);
    await staying.take(2);
    await ending.receive(5);
    clock.ahead = 2 * MINUTE;
    await toggle(partner, customerId);
    await staying.take(4);
    await ending.closed;
    expect(ending.messages.filter(({ id, type }) => id === 'events' && type === 'next')).toHaveLength(2);
    clock.ahead = 0;
  });
});

describe('one event', () => {
  it('is read once for all whom one key has told of it, however many they are, over WebSocket and Server-Sent Events', async () => {
    const { id, partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const sockets = [await partner.subscribe(CUSTOMER_CHANGES, {})];
    const streams: EventSource<unknown>[] = [];
    open.push(...sockets);
    const cost = async (): Promise<number> => {
      const before = reads.get(id)!;
      const [sooner] = sockets;
      const had = sooner!.received.length;
      await partner.request(DEACTIVATE, { input: { customerId, reason: 'A test' } });
      await Promise.all([...sockets.map((socket) => socket.take(socket === sooner ? had + 1 : 1)), ...streams.map((stream) => stream.take(1))]);
      return reads.get(id)! - before;
    };
    const one = await cost();
    await partner.request(REACTIVATE, { input: { customerId } });
    await sockets[0]!.take(2);
    while (sockets.length < MANY) sockets.push(await partner.subscribe(CUSTOMER_CHANGES, {}));
    while (streams.length < MANY) streams.push(await EventSource.open(partner, CUSTOMER_CHANGES, {}));
    open.push(...sockets, ...streams);
    const many = await cost();
    console.log(`audiences: ${one} reads tell 1 subscriber of an event, ${many} tell ${2 * MANY}`);
    expect(many).toBeLessThanOrEqual(one + POLLS);
  });

  it.each([[1], [MANY]])('of a backlog is read once for all who go on from the same cursor at once: %i', async (count) => {
    const { id, partner } = await gateway.organization();
    const customerId = await newCustomer(partner, { email: 'ada@example.com' });
    const live = await partner.subscribe(CUSTOMER_CHANGES, {});
    open.push(live);
    await toggle(partner, customerId);
    const after = (await live.take(2))[0]!.customerStatusChanged.cursor;
    for (let turn = 0; turn < 5; turn += 1) await toggle(partner, customerId);
    const expected = (await live.take(12)).slice(1);
    const sockets = await Promise.all(Array.from({ length: count }, () => RawSocket.connect(partner)));
    const before = reads.get(id)!;
    for (const socket of sockets) socket.send({ type: 'subscribe', id: 'resumed', payload: { query: print(CUSTOMER_CHANGES), variables: { after } } });
    for (const socket of sockets) {
      const told = (await socket.receive(1 + expected.length)).slice(1).map(({ payload }) => (payload as { data: unknown }).data);
      expect(told.map((each) => (each as (typeof expected)[number]).customerStatusChanged.id)).toEqual(expected.map(({ customerStatusChanged }) => customerStatusChanged.id));
      socket.socket.terminate();
    }
    const spent = reads.get(id)! - before;
    console.log(`audiences: ${spent} reads bring ${count} up to date`);
    expect(spent).toBeLessThan(MANY);
  });
});
