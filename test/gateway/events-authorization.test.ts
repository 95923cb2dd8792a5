import { describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { EventSource } from '../support/event-source.js';
import { newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { CREATE_KEY, REVOKE_API_KEY } from '../support/operations.js';
import { RawSocket } from '../support/raw-socket.js';

const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
const gateway = useGateway({}, { clock });
const WITHIN_MILLISECONDS = 1_000;
const FORBIDDEN = 4403;
const WATCH = { query: 'subscription { customerStatusChanged { id } }' };

/** An organization, and one more key of it that can be taken away. */
async function withKey(expiresAt: string | null = null) {
  const organization = await gateway.organization();
  const { createApiKey } = await gateway.operator.request(CREATE_KEY, { input: { organizationId: organization.id, role: 'PARTNER', name: 'For a test', expiresAt } });
  const revoke = () => gateway.operator.request(REVOKE_API_KEY, { input: { apiKeyId: createApiKey.apiKey.id } });
  return { ...organization, doomed: gateway.client(createApiKey.secret), revoke };
}

/** Subscribes on a socket of its own, and waits until the subscription stands. */
async function subscribed(client: Client): Promise<RawSocket> {
  const raw = await RawSocket.connect(client);
  raw.send({ type: 'subscribe', id: 'events', payload: WATCH });
  raw.send({ type: 'subscribe', id: 'marker', payload: { query: '{ __typename }' } });
  await raw.receive(3);
  return raw;
}

describe('a revoked key', () => {
  it('closes its sockets with 4403 within a second, and they hear nothing more; others go on', async () => {
    const { doomed, partner, revoke } = await withKey();
    const [ending, other] = [await subscribed(doomed), await partner.subscribe(CUSTOMER_CHANGES, {})];
    await newCustomer(partner);
    await ending.receive(4);
    await revoke();
    const revoked = performance.now();
    await newCustomer(partner);
    expect(await ending.closed).toBe(FORBIDDEN);
    expect(performance.now() - revoked).toBeLessThan(WITHIN_MILLISECONDS);
    await other.take(2);
    expect(ending.messages.filter(({ type }) => type === 'next')).toHaveLength(2);
    await other.close();
    const again = await RawSocket.open(doomed);
    again.send({ type: 'connection_init', payload: doomed.headers });
    expect(await again.closed).toBe(FORBIDDEN);
  });

  it('ends its event streams with UNAUTHENTICATED within a second', async () => {
    const { doomed, partner, revoke } = await withKey();
    const stream = await EventSource.open(doomed, CUSTOMER_CHANGES, {});
    await newCustomer(partner);
    await stream.take(1);
    await revoke();
    const revoked = performance.now();
    expect((await stream.next())?.data?.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', statusCode: 401 });
    expect(performance.now() - revoked).toBeLessThan(WITHIN_MILLISECONDS);
    expect(await stream.next()).toMatchObject({ event: 'complete' });
    expect(await stream.next()).toBeNull();
  });

  it.skipIf(process.env['TEST_DATABASE'] !== 'postgresql')('closes its sockets at every replica', async () => {
    const replica = await gateway.replica();
    const { doomed, revoke } = await withKey();
    const elsewhere = await subscribed(replica.client(doomed.key));
    await revoke();
    const revoked = performance.now();
    expect(await elsewhere.closed).toBe(FORBIDDEN);
    expect(performance.now() - revoked).toBeLessThan(WITHIN_MILLISECONDS);
    await replica.stop();
  });
});

describe('a key that expires', () => {
  it('closes its sockets with 4403 and ends its streams, within a second', async () => {
    const { doomed } = await withKey(new Date(Date.now() + 3_600_000).toISOString());
    const [socket, stream] = [await subscribed(doomed), await EventSource.open(doomed, CUSTOMER_CHANGES, {})];
    clock.ahead = 3_600_000;
    const expired = performance.now();
    expect(await socket.closed).toBe(FORBIDDEN);
    expect((await stream.next())?.data?.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(performance.now() - expired).toBeLessThan(WITHIN_MILLISECONDS);
    clock.ahead = 0;
  });
});

describe('frames that break graphql-transport-ws', () => {
  const subscribe = { type: 'subscribe', id: 'one', payload: WATCH };
  const init = { type: 'connection_init' };
  const acknowledged = (frames: unknown[]) => async (client: Client): Promise<RawSocket> => {
    const raw = await RawSocket.connect(client);
    for (const frame of frames) raw.send(frame);
    return raw;
  };
  const opened = (frames: unknown[], protocol?: string) => async (client: Client): Promise<RawSocket> => {
    const raw = await RawSocket.open(client, protocol);
    for (const frame of frames) raw.send(frame);
    return raw;
  };
  it.each<[string, number, (client: Client) => Promise<RawSocket>]>([
    ['no JSON', 4400, opened(['{'])],
    ['an unknown type', 4400, opened([{ type: 'start' }])],
    ['a message that only a server sends', 4400, acknowledged([{ type: 'next', id: 'one', payload: { data: {} } }])],
    ['a binary frame', 4400, acknowledged([Buffer.from(JSON.stringify(subscribe))])],
    ['a subscribe without an id', 4400, acknowledged([{ type: 'subscribe', payload: WATCH }])],
    ['variables that are no object', 4400, acknowledged([{ ...subscribe, payload: { ...WATCH, variables: [] } }])],
    ['a subscribe before the connection was acknowledged', 4401, opened([subscribe])],
    ['an id that is taken', 4409, acknowledged([subscribe, subscribe])],
    ['a second connection_init', 4429, acknowledged([init])],
    ['a connection_init without a key', 4403, opened([init])],
    ['an oversized frame', 1009, acknowledged(['x'.repeat(1_100_000)])],
    ['no connection_init at all', 4408, opened([])],
  ])('%s: closes that socket with %i and harms nobody else', async (_name, code, misbehave) => {
    const { partner } = await gateway.organization();
    const other = await partner.subscribe(CUSTOMER_CHANGES, {});
    expect(await (await misbehave(partner)).closed).toBe(code);
    await newCustomer(partner);
    await other.take(1);
    await other.close();
  });

  it('another subprotocol is closed with 4406', async () => {
    const { partner } = await gateway.organization();
    const raw = new Promise<number>((resolve) => {
      void import('ws').then(({ WebSocket }) => {
        const socket = new WebSocket(`${partner.url.replace(/^http/, 'ws')}/graphql`);
        socket.once('close', resolve);
      });
    });
    expect(await raw).toBe(4406);
  });
});
