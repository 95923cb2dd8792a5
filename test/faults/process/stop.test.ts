import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Client } from '../../support/client.js';
import { CREATE_CUSTOMER, CUSTOMER } from '../../support/operations.js';
import { ownDirectory, Program, type Ending } from '../support/program.js';
import { scaled, told, until } from '../support/scale.js';

// A stop in order: what is under way finishes, and sockets are told to come again.
const TIMES = scaled(10, 2);
const LONGEST_STOP_MILLISECONDS = 10_000;
const AT_ONCE = 20;
/** RFC 6455, 7.4.1: going away. */
const GOING_AWAY = 1001;

let directory: Awaited<ReturnType<typeof ownDirectory>>;
let program: Program;
let key: string;
beforeAll(async () => {
  directory = await ownDirectory();
  program = new Program(directory.path);
  await program.start();
  key = (await program.organization()).partner.key!;
});
afterAll(async () => {
  await program.end('SIGKILL');
  await directory.remove();
});

interface Stop {
  ending: Ending;
  milliseconds: number;
  acknowledged: string[];
  /** Requests whose connection was cut under them. */
  cut: number;
  close: { code: number; reason: string };
}

/** Ends the program while a socket is open and requests are under way, the first of them answered; then starts it again. */
async function endUnderLoad(signal: NodeJS.Signals): Promise<Stop> {
  const client = program.client(key);
  const close = await closeOf(client);
  const acknowledged: string[] = [];
  let cut = 0;
  const requests = Promise.all(Array.from({ length: AT_ONCE }, (_item, index) =>
    client.send(CREATE_CUSTOMER, { input: { email: `s${index}@example.com` } }).then(
      ({ data }) => void (data && acknowledged.push(data.createCustomer.customer.id)),
      (error: Error & { cause?: { code?: string } }) => void (error.cause?.code === 'ECONNREFUSED' || (cut += 1)),
    ),
  ));
  await until('an answer', LONGEST_STOP_MILLISECONDS, () => Promise.resolve(acknowledged.length > 0));
  const began = performance.now();
  const ending = await program.end(signal);
  const milliseconds = performance.now() - began;
  await requests;
  await program.start();
  return { ending, milliseconds, acknowledged, cut, close: await close.closed };
}

/** How a socket that is opened now will be closed. */
async function closeOf({ url, headers }: Client): Promise<{ closed: Promise<{ code: number; reason: string }> }> {
  const socket = createClient({ url: `${url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0, onNonLazyError: () => undefined, connectionParams: headers });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.on('closed', (event) => resolve(event as { code: number; reason: string })));
  await new Promise<void>((resolve) => socket.on('connected', () => resolve()));
  return { closed };
}

it('a stop under load answers what was begun, tells sockets why, loses nothing, and takes ten seconds at most', async () => {
  const stops: Stop[] = [];
  for (let time = 0; time < TIMES; time += 1) stops.push(await endUnderLoad('SIGTERM'));
  const acknowledged = stops.flatMap((stop) => stop.acknowledged);
  const client = program.client(key);
  for (const id of acknowledged) expect((await client.request(CUSTOMER, { id })).customer?.id).toBe(id);
  const slowest = Math.max(...stops.map(({ milliseconds }) => milliseconds));
  told('stop under load', { times: TIMES, 'writes acknowledged': acknowledged.length, lost: 0, 'requests cut': stops.reduce((sum, { cut }) => sum + cut, 0), 'sockets told': stops.filter(({ close }) => close.code === GOING_AWAY).length, 'ms at most': Math.round(slowest) });
  for (const { ending, close, acknowledged: some } of stops) {
    expect([ending.code, ending.said, close.code, close.reason.length > 0]).toEqual([0, '', GOING_AWAY, true]);
    expect(some.length).toBeGreaterThan(0);
  }
  expect(slowest).toBeLessThan(LONGEST_STOP_MILLISECONDS);
});

it('control: a kill in its place tells no socket, and cuts requests', async () => {
  const { ending, close, cut } = await endUnderLoad('SIGKILL');
  expect([ending.signal, close.code === GOING_AWAY, cut > 0]).toEqual(['SIGKILL', false, true]);
});
