import { describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { EventSource } from '../support/event-source.js';
import { newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES, IDENTITY_CHANGES } from '../support/changes.js';
import { DEACTIVATE, EVENTS, REACTIVATE } from '../support/operations.js';

const DAY = 86_400_000;
const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
const gateway = useGateway({}, { clock });

/** Switches a customer off and on again: two changes. */
async function toggle(partner: Client, customerId: string): Promise<void> {
  await partner.request(DEACTIVATE, { input: { customerId, reason: 'A test' } });
  await partner.request(REACTIVATE, { input: { customerId } });
}

const WRITERS = 8;
const STATUSES = ['CREATED', 'DEACTIVATED', 'CREATED', 'DEACTIVATED', 'CREATED'];

describe('after', () => {
  it('brings the backlog first and then what happens, without gap or repeat', async () => {
    const { partner } = await gateway.organization();
    const live = await partner.subscribe(CUSTOMER_CHANGES, {});
    const customerId = await newCustomer(partner);
    await toggle(partner, customerId);
    const [created] = await live.take(3);
    const resumed = await partner.subscribe(CUSTOMER_CHANGES, { customerId, after: created!.customerStatusChanged.cursor });
    await toggle(partner, customerId);
    const all = await live.take(5);
    expect(all.map((each) => each.customerStatusChanged.newStatus)).toEqual(STATUSES);
    expect((await resumed.take(4)).map((each) => each.customerStatusChanged.id)).toEqual(all.slice(1).map((each) => each.customerStatusChanged.id));
    await Promise.all([live.close(), resumed.close()]);
  });

  it('is the same over WebSocket, SSE and Query.events', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await toggle(partner, customerId);
    const { events } = await partner.request(EVENTS, {});
    const after = events.edges[0]!.cursor;
    const socket = await partner.subscribe(CUSTOMER_CHANGES, { after });
    const stream = await EventSource.open(partner, CUSTOMER_CHANGES, { after });
    const polled = (await partner.request(EVENTS, { after })).events.nodes.map((event) => event.id);
    expect(polled).toHaveLength(2);
    expect((await socket.take(2)).map((each) => each.customerStatusChanged.id)).toEqual(polled);
    expect((await stream.take(2)).map((each) => each.data?.data?.customerStatusChanged.id)).toEqual(polled);
    stream.close();
    await socket.close();
  });

  it.each([
    ['nonsense', () => 'nonsense'],
    ['the cursor of another kind of list', () => Buffer.from('id:cus_01kb3v6k8pe2mvb5s3w3x0d2qz').toString('base64url')],
    ['a position that has never been', (own: string) => Buffer.from(`event:${own}:9999`).toString('base64url')],
    ['a second spelling of a cursor', (own: string) => `${Buffer.from(`event:${own}:0`).toString('base64url')}=`],
    ['an empty text', () => ''],
  ])('that is %s is BAD_USER_INPUT naming it', async (_name, make) => {
    const { id, partner } = await gateway.organization();
    const after = make(id);
    const failure = { code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] };
    expect(await partner.refusal(EVENTS, { after })).toMatchObject(failure);
    const subscription = await partner.subscribe(IDENTITY_CHANGES, { after });
    expect(await subscription.failure()).toMatchObject([{ extensions: failure }]);
    await subscription.close();
  });

  it('of another organization is BAD_USER_INPUT in the same words as a malformed one', async () => {
    const [own, other] = [await gateway.organization(), await gateway.organization()];
    await newCustomer(other.partner);
    const { events } = await other.partner.request(EVENTS, {});
    const foreign = await own.partner.refusal(EVENTS, { after: events.pageInfo.endCursor! });
    const malformed = await own.partner.refusal(EVENTS, { after: 'nonsense' });
    expect(foreign).toEqual({ ...malformed, requestId: foreign.requestId });
  });
});

describe('Server-Sent Events', () => {
  it('bear their cursor as id, and Last-Event-ID goes on from it', async () => {
    const { partner } = await gateway.organization();
    const first = await EventSource.open(partner, CUSTOMER_CHANGES, {});
    expect(first.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const customerId = await newCustomer(partner);
    const [created] = await first.take(1);
    expect(created).toMatchObject({ event: 'next', id: created!.data!.data!.customerStatusChanged.cursor });
    first.close();
    await toggle(partner, customerId);
    const second = await EventSource.open(partner, CUSTOMER_CHANGES, {}, { 'last-event-id': created!.id! });
    await toggle(partner, customerId);
    expect((await second.take(4)).map((each) => each.data?.data?.customerStatusChanged.newStatus)).toEqual(STATUSES.slice(1));
    second.close();
  });

  it('prefer Last-Event-ID to the after of an operation that is repeated as it was', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await toggle(partner, customerId);
    const { edges } = (await partner.request(EVENTS, {})).events;
    const stream = await EventSource.open(partner, CUSTOMER_CHANGES, { after: edges[0]!.cursor }, { 'last-event-id': edges[1]!.cursor });
    expect((await stream.take(1))[0]?.id).toBe(edges[2]!.cursor);
    stream.close();
  });

  it('refuse a Last-Event-ID that is no cursor as BAD_USER_INPUT naming after, and end', async () => {
    const { partner } = await gateway.organization();
    const stream = await EventSource.open(partner, CUSTOMER_CHANGES, {}, { 'last-event-id': '17' });
    expect((await stream.next())?.data?.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] });
    expect(await stream.next()).toMatchObject({ event: 'complete' });
    expect(await stream.next()).toBeNull();
  });

  it('are cut without complete when the gateway stops: the client comes again', async () => {
    const { partner } = await gateway.organization();
    const stream = await EventSource.open(partner, CUSTOMER_CHANGES, {});
    await newCustomer(partner);
    await stream.take(1);
    await gateway.stop();
    await expect(stream.next()).rejects.toThrow();
    await gateway.start();
  });

  it('refuse what is not an operation with a status of HTTP', async () => {
    const { partner } = await gateway.organization();
    const url = `${gateway.url}/graphql/stream`;
    const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(url, { method: 'POST', headers: { ...partner.headers, accept: 'text/event-stream', 'content-type': 'application/json', ...headers }, body });
    expect((await post('{ "query": "{ nothing }" }')).status).toBe(400);
    expect((await post('{ "variables": [] }')).status).toBe(400);
    expect((await post('{')).status).toBe(400);
    expect((await post('{ "query": "{ __typename }" }', { accept: 'text/html' })).status).toBe(406);
    expect((await post('{}', { authorization: 'Bearer nobody' })).status).toBe(401);
    expect((await fetch(url, { method: 'PUT', headers: partner.headers })).status).toBe(405);
    const got = await fetch(`${url}?query=${encodeURIComponent('{ __typename }')}`, { headers: { ...partner.headers, accept: 'text/event-stream' } });
    expect(await got.text()).toBe(':\n\nevent: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata:\n\n');
  });
});

describe('retention', () => {
  it('deletes events after ninety days: an older cursor is CURSOR_EXPIRED, and what is newer goes on', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await toggle(partner, customerId);
    const old = (await partner.request(EVENTS, {})).events.edges.map((edge) => edge.cursor);
    expect(old).toHaveLength(3);
    await gateway.stop();
    clock.ahead = 91 * DAY;
    await gateway.start();
    const { partner: again } = { partner: gateway.client(partner.key) };
    while ((await again.request(EVENTS, {})).events.nodes.length > 0);
    expect(await again.refusal(EVENTS, { after: old[0]! })).toMatchObject({ code: 'CURSOR_EXPIRED', statusCode: 400 });
    const expired = await again.subscribe(CUSTOMER_CHANGES, { after: old[1]! });
    expect(await expired.failure()).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
    // Nothing after the newest of them has been deleted.
    const kept = await again.subscribe(CUSTOMER_CHANGES, { after: old[2]! });
    await toggle(again, customerId);
    expect((await kept.take(2)).map((each) => each.customerStatusChanged.newStatus)).toEqual(['DEACTIVATED', 'CREATED']);
    await Promise.all([expired.close(), kept.close()]);
    clock.ahead = 0;
  });
});

describe('a second replica on the same database', () => {
  it.skipIf(process.env['TEST_DATABASE'] !== 'postgresql')('takes the same cursors and tells the same events', async () => {
    const replica = await gateway.replica();
    const { partner } = await gateway.organization();
    const elsewhere = replica.client(partner.key);
    const live = await elsewhere.subscribe(CUSTOMER_CHANGES, {});
    const customerId = await newCustomer(partner);
    const [created] = await live.take(1);
    await toggle(partner, customerId);
    const here = await partner.subscribe(CUSTOMER_CHANGES, { after: created!.customerStatusChanged.cursor });
    await toggle(elsewhere, customerId);
    const all = (await live.take(5)).map((each) => each.customerStatusChanged);
    expect(all.map((each) => each.newStatus)).toEqual(STATUSES);
    expect((await here.take(4)).map((each) => each.customerStatusChanged.id)).toEqual(all.slice(1).map((each) => each.id));
    await Promise.all([live.close(), here.close()]);
    await replica.stop();
  });

  it.skipIf(process.env['TEST_DATABASE'] !== 'postgresql')('that writes at the same time: at either, every event is told once, in the order of all, and alike', async () => {
    const replica = await gateway.replica();
    const { id, partner } = await gateway.organization();
    const clients = [partner, replica.client(partner.key)];
    const live = await Promise.all(clients.map((client) => client.subscribe(CUSTOMER_CHANGES, {})));
    await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
      const [here, elsewhere] = [clients[writer % 2]!, clients[(writer + 1) % 2]!];
      const customerId = await newCustomer(here);
      await toggle(elsewhere, customerId);
      await toggle(here, customerId);
    }));
    const { events } = await partner.request(EVENTS, {});
    expect(events.nodes).toHaveLength(WRITERS * STATUSES.length);
    const resumed = await partner.subscribe(CUSTOMER_CHANGES, { after: Buffer.from(`event:${id}:0`).toString('base64url') });
    const told = await Promise.all([...live, resumed].map(async (subscription) => (await subscription.take(events.nodes.length)).map(({ customerStatusChanged: { customer: _now, ...change } }) => change)));
    for (const changes of told) expect(changes.map(({ id }) => id)).toEqual(events.nodes.map(({ id }) => id));
    expect(told[0]).toEqual(told[2]);
    expect(told[1]).toEqual(told[2]);
    await Promise.all([...live, resumed].map((subscription) => subscription.close()));
    await replica.stop();
  });
});
