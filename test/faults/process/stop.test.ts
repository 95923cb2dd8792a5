import type { ServerResponse } from 'node:http';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { jpeg } from '../../files.js';
import type { Client } from '../../support/client.js';
import { useFileServer } from '../../support/file-server.js';
import { newCustomer, submit } from '../../support/flows.js';
import { CREATE_CUSTOMER, CUSTOMER } from '../../support/operations.js';
import { GERMAN } from '../../support/people.js';
import { Cluster, hasPostgreSql } from '../support/cluster.js';
import { ownDirectory, Program, type Ending } from '../support/program.js';
import { scaled, told, until } from '../support/scale.js';

// A stop in order: what is under way finishes, and sockets are told to come again.
const TIMES = scaled(10, 2);
const LONGEST_STOP_MILLISECONDS = 10_000;
const AT_ONCE = 20;
/** RFC 6455, 7.4.1: going away. */
const GOING_AWAY = 1001;
/** Of all requests: who connects while the door closes may find it closed in their face. */
const MOST_CUT = 0.1;
/** Until what went back to the queue has been taken up and done. */
const DONE_MILLISECONDS = 30_000;
/** The sandbox's delays are not what is waited for here. */
const SANDBOX_SPEED = '100';

const held: ServerResponse[] = [];
let isHolding = true;
const server = useFileServer(async () => {
  const picture = await jpeg({ width: 1100, height: 700 });
  return { '/passport.jpg': (_request, response) => void (isHolding ? held.push(response) : response.end(picture)) };
});

let program: Program;
let key: string;

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

describe.each(hasPostgreSql ? ['PGlite', 'PostgreSQL'] : ['PGlite'])('on %s', (name) => {
  const undo: (() => Promise<unknown>)[] = [];
  let cluster: Cluster | null = null;
  beforeAll(async () => {
    const directory = await ownDirectory();
    undo.push(directory.remove);
    const environment: Record<string, string> = { ALLOW_PRIVATE_URLS: 'true', SANDBOX_SPEED };
    if (name === 'PostgreSQL') {
      cluster = await Cluster.create();
      undo.push(() => cluster!.remove());
      environment['DATABASE_URL'] = (await cluster.database('stopped'))();
    }
    program = new Program(directory.path, environment);
    undo.push(() => program.end('SIGKILL'));
    await program.start();
    key = (await program.organization()).partner.key!;
  });
  afterAll(async () => {
    for (const step of undo.toReversed()) await step();
  });

  it('a stop under load answers what was begun, tells sockets why, loses nothing, and takes ten seconds at most', async () => {
    const stops: Stop[] = [];
    for (let time = 0; time < TIMES; time += 1) stops.push(await endUnderLoad('SIGTERM'));
    const acknowledged = stops.flatMap((stop) => stop.acknowledged);
    const client = program.client(key);
    const lost: string[] = [];
    for (const id of acknowledged) if ((await client.request(CUSTOMER, { id })).customer?.id !== id) lost.push(id);
    const slowest = Math.max(...stops.map(({ milliseconds }) => milliseconds));
    const cut = stops.reduce((sum, stop) => sum + stop.cut, 0);
    told(`stop under load on ${name}`, { times: TIMES, 'writes acknowledged': acknowledged.length, lost: lost.length, 'requests cut': cut, 'sockets told': stops.filter(({ close }) => close.code === GOING_AWAY).length, 'ms at most': Math.round(slowest) });
    for (const { ending, close, acknowledged: some } of stops) {
      expect([ending.code, ending.said, close.code, close.reason.length > 0]).toEqual([0, '', GOING_AWAY, true]);
      expect(some.length).toBeGreaterThan(0);
    }
    expect(lost).toEqual([]);
    expect(cut).toBeLessThanOrEqual(TIMES * AT_ONCE * MOST_CUT);
    expect(slowest).toBeLessThan(LONGEST_STOP_MILLISECONDS);
  });

  it('a job that takes longer than a stop may goes back to the queue, and the next process does it', async () => {
    isHolding = true;
    const asked = server.asked.length;
    const partner = program.client(key);
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, { ...GERMAN, documents: [{ type: 'PASSPORT', number: 'C01X00T47', frontImageUrl: server.url('/passport.jpg') }] });
    await until('the job', DONE_MILLISECONDS, () => Promise.resolve(server.asked.length > asked));
    const began = performance.now();
    const ending = await program.end('SIGTERM');
    const milliseconds = performance.now() - began;
    const active = cluster && (await cluster.ask<{ count: number }>('stopped', "select count(*)::int as count from pgboss.job where state = 'active'"));
    isHolding = false;
    for (const response of held.splice(0)) response.destroy();
    await program.start();
    const status = async (): Promise<unknown> => (await program.client(key).request(CUSTOMER, { id: customerId })).customer?.status;
    const done = await until('the job that went back', DONE_MILLISECONDS, async () => (await status()) === 'ACTIVE');
    told(`stop with a job under way on ${name}`, { 'ms to end': Math.round(milliseconds), ...(active ? { 'jobs left active': active[0]!.count } : {}), 'ms until it was done': Math.round(done) });
    expect([ending.code, ending.said]).toEqual([0, '']);
    expect(milliseconds).toBeLessThan(LONGEST_STOP_MILLISECONDS);
    expect(active?.[0]?.count ?? 0).toBe(0);
  });

  it('control: a kill in its place tells no socket, and cuts requests', async () => {
    const { ending, close, cut } = await endUnderLoad('SIGKILL');
    expect([ending.signal, close.code === GOING_AWAY, cut > AT_ONCE * MOST_CUT]).toEqual(['SIGKILL', false, true]);
  });
});
