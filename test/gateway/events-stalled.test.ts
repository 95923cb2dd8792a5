import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { EVENTS } from '../support/operations.js';
import { RawSocket } from '../support/raw-socket.js';

// What is asked of it here is more than the standard limits let through.
const gateway = useGateway({}, { limits: { aliases: 300 } });
const sockets: { destroy(): void }[] = [];
afterAll(() => {
  for (const socket of sockets) socket.destroy();
});

/** More than a subscriber's buffer, and than what sockets take in before they push back. */
const CHANGES = 1_800;
const CHANGES_PER_REQUEST = 60;
/** Each event is asked for so often that it is some 20 kB on the wire: the sockets' own buffers are soon full. */
const REPEATED = 250;
const STALLED = 4;
/** Unbounded, what the stalled clients do not read would take several times as much. */
const MOST_GROWTH_BYTES = 80 * 1_048_576;

const fields = Array.from({ length: REPEATED }, (_each, index) => `c${index}: cursor`).join(' ');
const QUERY = `subscription Stalled($after: String) { customerStatusChanged(after: $after) { id cursor ${fields} } }`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Switches a customer off and on. */
async function pour(partner: Client, customerId: string, changes: number): Promise<void> {
  for (let done = 0; done < changes; done += CHANGES_PER_REQUEST) {
    const id = JSON.stringify(customerId);
    const mutations = Array.from({ length: CHANGES_PER_REQUEST }, (_each, index) =>
      index % 2 === 0 ? `c${index}: deactivateCustomer(input: { customerId: ${id}, reason: "A test" }) { customer { id } }` : `c${index}: reactivateCustomer(input: { customerId: ${id} }) { customer { id } }`,
    );
    expect((await partner.post({ query: `mutation { ${mutations.join(' ')} }` })).json.errors).toBeUndefined();
  }
}

/** Everything that has happened to customers of an organization. */
async function happened(partner: Client): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null | undefined = null, more = true; more; ) {
    const { events }: { events: { nodes: { id: string }[]; pageInfo: { endCursor?: string | null; hasNextPage: boolean } } } = await partner.request(EVENTS, { after });
    ids.push(...events.nodes.map(({ id }) => id));
    after = events.pageInfo.endCursor;
    more = events.pageInfo.hasNextPage;
  }
  return ids;
}

interface Change {
  id: string;
  cursor: string;
}

/** Reads on, by a new subscription, until everything up to `last` has come. */
async function resume(partner: Client, after: string, last: string): Promise<string[]> {
  const socket = await RawSocket.connect(partner);
  socket.send({ id: '1', type: 'subscribe', payload: { query: 'subscription Resumed($after: String) { customerStatusChanged(after: $after) { id cursor } }', variables: { after } } });
  const ids: string[] = [];
  for (let count = 2; ids.at(-1) !== last; count += 1) {
    const message = (await socket.receive(count))[count - 1]!;
    ids.push((message.payload as { data: { customerStatusChanged: Change } }).data.customerStatusChanged.id);
  }
  socket.socket.terminate();
  return ids;
}

describe('a client that reads nothing while events pour', () => {
  it('over WebSocket costs a bounded amount of memory; it is told the cursor to go on from or cut off, and loses nothing', { timeout: 300_000 }, async () => {
    const { partner } = await gateway.organization();
    const stalled = await Promise.all(
      Array.from({ length: STALLED }, async () => {
        const socket = await RawSocket.connect(partner);
        sockets.push({ destroy: () => socket.socket.terminate() });
        socket.send({ id: '1', type: 'subscribe', payload: { query: QUERY } });
        // The answer to a query that is sent later comes once the subscription stands.
        socket.send({ id: '2', type: 'subscribe', payload: { query: '{ __typename }' } });
        await socket.receive(3);
        socket.socket.pause();
        return socket;
      }),
    );
    const customerId = await newCustomer(partner);
    const before = heldBytes();
    await pour(partner, customerId, CHANGES);
    const growth = heldBytes() - before;
    const all = await happened(partner);
    for (const socket of stalled) {
      socket.socket.resume();
      let isClosed = false;
      void socket.closed.then(() => (isClosed = true));
      // Where the pouring takes longer than the gateway waits for an answer to its ping, the client is cut off before it is told.
      while (!isClosed && !socket.messages.some(({ type }) => type === 'error')) await Promise.race([socket.receive(socket.messages.length + 1), socket.closed]);
      const seen = socket.messages.flatMap(({ id, type, payload }) => (id === '1' && type === 'next' ? [(payload as { data: { customerStatusChanged: Change } }).data.customerStatusChanged] : []));
      const error = socket.messages.find(({ type }) => type === 'error');
      if (error) {
        const [{ message, extensions }] = error.payload as [{ message: string; extensions: Record<string, unknown> }];
        expect(extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', statusCode: 503, retryAfter: 1, cursor: seen.at(-1)!.cursor });
        expect(message).toContain('extensions.cursor');
      }
      expect(seen.length).toBeLessThan(all.length);
      expect([...seen.map(({ id }) => id), ...(await resume(partner, seen.at(-1)!.cursor, all.at(-1)!))]).toEqual(all);
    }
    console.log(`WebSocket: ${STALLED} stalled clients, ${all.length} events, ${(growth / 1_048_576).toFixed(1)} MB held; each resumed without gap or repeat`);
    expect(growth).toBeLessThan(MOST_GROWTH_BYTES);
  });

  it('over Server-Sent Events costs a bounded amount of memory; it is told the cursor or cut off, and loses nothing by Last-Event-ID', { timeout: 300_000 }, async () => {
    const { partner } = await gateway.organization();
    const open = (): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(partner.url);
        const headers = { ...partner.headers, accept: 'text/event-stream', 'content-type': 'application/json' };
        const asked = request({ hostname, port, path: '/graphql/stream', method: 'POST', headers }, resolve);
        asked.on('error', reject);
        asked.end(JSON.stringify({ query: QUERY }));
        sockets.push(asked);
      });
    const warnings: string[] = [];
    const warn = ({ name, message }: Error): unknown => warnings.push(`${name}: ${message}`);
    process.on('warning', warn);
    const responses = await Promise.all(Array.from({ length: STALLED }, open));
    const customerId = await newCustomer(partner);
    const before = heldBytes();
    await pour(partner, customerId, CHANGES);
    const growth = heldBytes() - before;
    const all = await happened(partner);
    for (const response of responses) {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      // Whether it ends with a last word or is cut off, what its client has is what it goes on from.
      await Promise.race([once(response, 'end'), once(response, 'close'), once(response, 'error')]).catch(() => undefined);
      const frames = text.split('\n\n').slice(0, -1).filter((frame) => frame.includes('event: next'));
      const told = frames.filter((frame) => frame.startsWith('id: '));
      const failure = frames.find((frame) => !frame.startsWith('id: '));
      const seen = told.map((frame) => (JSON.parse(/^data: (.*)$/m.exec(frame)![1]!) as { data: { customerStatusChanged: Change } }).data.customerStatusChanged.id);
      const lastEventId = /^id: (.*)$/m.exec(told.at(-1)!)![1]!;
      if (failure) {
        const [error] = (JSON.parse(/^data: (.*)$/m.exec(failure)![1]!) as { errors: { extensions: Record<string, unknown> }[] }).errors;
        expect(error?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', cursor: lastEventId });
      }
      expect(seen.length).toBeLessThan(all.length);
      expect([...seen, ...(await resume(partner, lastEventId, all.at(-1)!))]).toEqual(all);
    }
    process.off('warning', warn);
    expect(warnings).toEqual([]);
    console.log(`Server-Sent Events: ${STALLED} stalled clients, ${all.length} events, ${(growth / 1_048_576).toFixed(1)} MB held; each resumed without gap or repeat`);
    expect(growth).toBeLessThan(MOST_GROWTH_BYTES);
  });
});
