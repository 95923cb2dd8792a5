import { createClient } from 'graphql-ws';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CREATE_CUSTOMER, CUSTOMER } from '../../support/operations.js';
import { ownDirectory, Program } from '../support/program.js';
import { scaled, told } from '../support/scale.js';

// A stop in order: what is under way finishes, and sockets are told to come again.
const TIMES = scaled(10, 2);
const LONGEST_STOP_MILLISECONDS = 10_000;
/** RFC 6455, 7.4.1: going away. */
const GOING_AWAY = 1001;

it('a stop under load answers what was begun, tells sockets why, loses nothing, and takes ten seconds at most', async () => {
  const directory = await ownDirectory();
  const program = new Program(directory.path);
  const acknowledged: string[] = [];
  let slowest = 0;
  const closes: [number, string][] = [];
  try {
    await program.start();
    const { partner } = await program.organization();
    for (let time = 0; time < TIMES; time += 1) {
      const client = program.client(partner.key!);
      const socket = createClient({ url: `${program.url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0, onNonLazyError: () => undefined, connectionParams: client.headers });
      const closed = new Promise<void>((resolve) => socket.on('closed', (event) => {
        const { code, reason } = event as { code: number; reason: string };
        closes.push([code, reason]);
        resolve();
      }));
      await new Promise<void>((resolve) => socket.on('connected', () => resolve()));
      const requests = Promise.all(
        Array.from({ length: 20 }, (_item, index) => client.send(CREATE_CUSTOMER, { input: { email: `s${time}-${index}@example.com` } }).then(({ data }) => data && acknowledged.push(data.createCustomer.customer.id), () => undefined)),
      );
      const began = performance.now();
      const ending = await program.end('SIGTERM');
      slowest = Math.max(slowest, performance.now() - began);
      expect([ending.code, ending.said]).toEqual([0, '']);
      await Promise.all([requests, closed]);
      await program.start();
    }
    const client = program.client(partner.key!);
    for (const id of acknowledged) expect((await client.request(CUSTOMER, { id })).customer?.id).toBe(id);
    told('stop under load', { times: TIMES, 'writes acknowledged': acknowledged.length, lost: 0, 'sockets told': closes.length, 'ms at most': Math.round(slowest) });
    expect(closes.every(([code, reason]) => code === GOING_AWAY && reason.length > 0)).toBe(true);
    expect(slowest).toBeLessThan(LONGEST_STOP_MILLISECONDS);
  } finally {
    await program.end('SIGKILL');
    await directory.remove();
  }
});
