import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as DatabaseClient } from 'pg';
import { afterAll, expect, it } from 'vitest';
import { graphql } from '../../generated/index.js';
import { Client, type Answer } from '../../support/client.js';
import { erase } from '../../support/erasing.js';
import { EventSource } from '../../support/event-source.js';
import { advance, bringTo, sign, type Applicant } from '../../support/flows.js';
import { newOrganization, OPERATOR_KEY, type TestOrganization } from '../../support/gateway.js';
import { halfUpload } from '../../support/half-upload.js';
import { CREATE_CUSTOMER, CREATE_KEY, CUSTOMER, EVENTS, IDENTITY_CHANGES, PATCH_CUSTOMER, REVIEW, SNAPSHOT } from '../../support/operations.js';
import { customerOf, Receiver } from '../../support/receiver.js';
import { newEndpoint } from '../../support/webhooks.js';
import { Cluster, hasPostgreSql } from '../support/cluster.js';
import { heldBy, type Held } from '../support/held.js';
import { ownDirectory, Program } from '../support/program.js';
import { scaled, told, until } from '../support/scale.js';

// Everything at once, for a while: what comes and goes must leave nothing behind.
const SOAK_MILLISECONDS = scaled(240_000, 16_000);
/** A leak is seen sooner than its absence. */
const CONTROL_MILLISECONDS = scaled(20_000, 4_000);
/** Code is compiled and caches fill before anything is measured. */
const WARM_MILLISECONDS = scaled(30_000, 12_000);
const LANES = 3;
const SAMPLES = scaled(8, 4);
const KIBIBYTE = 1_024;
/**
 * What a person's whole life of some twenty requests may add to the heap: caches that are filling, and while a short run lasts the
 * code that is still being compiled. The control keeps a thousand.
 */
const MOST_KIBIBYTES_A_LIFE = scaled(24, 200);
const FEWEST_LIVES = scaled(300, 12);
/** Connections that are kept alive for the next request are closed after some seconds, unused places of pools after ten. */
const LET_GO_MILLISECONDS = 30_000;

const FILE_LINKS = graphql(`
  query SoakFileLinks($documentId: ID!) {
    documents(documentId: $documentId) { fileUploads { url } }
  }
`);

interface Counts {
  requests: number;
  failures: number;
  lives: number;
}

/** Counts what it asks, and what is answered as the gateway's own fault. */
class CountingClient extends Client {
  constructor(url: string, key: Client['key'], private readonly counts: Counts) {
    super(url, key);
  }

  override async send<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables, headers?: Record<string, string>): Promise<Answer<Data>> {
    const answer = await super.send(document, variables, headers);
    this.counts.requests += 1;
    const failed = answer.errors?.some(({ extensions }) => Number(extensions?.['statusCode']) >= 500);
    if (failed || answer.status >= 500) this.counts.failures += 1;
    return answer;
  }
}

/** One person from the first request to erasure, with everybody who looks on. */
async function live(program: Program, organization: TestOrganization, admin: Client, number: number): Promise<string> {
  const person = await bringTo(program, 'IN_REVIEW', { organization });
  const { partner, reviewer, customerId, identityId, documentId } = person;
  const changes = await partner.subscribe(IDENTITY_CHANGES, { identityId });
  const stream = await EventSource.open(partner, IDENTITY_CHANGES, { identityId });
  const cut = halfUpload(partner, identityId, 200_000, 50_000);
  await partner.request(SNAPSHOT, { id: customerId });
  await readFiles(partner, documentId);
  await refuse(person, number);
  await reviewer.request(REVIEW, { input: { identityId, decision: number % 3 === 0 ? 'DECLINE' : 'APPROVE' } });
  if (number % 3 !== 0) {
    await sign(partner, identityId);
    await advance(partner, 0);
  }
  await Promise.all([changes.take(1), stream.take(1)]);
  await partner.request(EVENTS, { first: 20, filter: { customerId } });
  // Each is left in its own way.
  cut.destroy();
  stream.close();
  await changes.close();
  await erase(admin, customerId);
  return customerId;
}

async function readFiles(client: Client, documentId: string): Promise<void> {
  for (const { fileUploads } of (await client.request(FILE_LINKS, { documentId })).documents) {
    for (const { url } of fileUploads) {
      const answer = await fetch(url!);
      expect([answer.status, (await answer.arrayBuffer()).byteLength > 0]).toEqual([200, true]);
    }
  }
}

/** What callers do wrong leaves nothing either. */
async function refuse({ partner, customerId }: Applicant, number: number): Promise<void> {
  const key = { 'idempotency-key': `${customerId} ${number}` };
  const twice = await Promise.all([1, 2].map(() => partner.send(CREATE_CUSTOMER, { input: { email: 'twice@example.com' } }, key)));
  expect(twice.some(({ data }) => data)).toBe(true);
  await partner.refusal(PATCH_CUSTOMER, { input: { customerId, kycData: { legalFirstName: 'Late' } } });
  await partner.refusal(CUSTOMER, { id: 'nobody' });
  expect((await partner.post('{')).status).toBe(400);
}

/** Runs lanes of lives for a while. @returns the heap after each part of it, in bytes, beside the lives so far. */
async function soak(program: Program, counts: Counts, lanes: readonly Lane[], milliseconds: number, samples: number): Promise<{ lives: number; bytes: number }[]> {
  const heaps: { lives: number; bytes: number }[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const end = performance.now() + milliseconds / samples;
    await Promise.all(lanes.map(async (lane) => {
      do {
        lane.customers.push(await live(program, lane.organization, lane.admin, counts.lives));
        counts.lives += 1;
      } while (performance.now() < end);
    }));
    heaps.push({ lives: counts.lives, bytes: (await program.memory()).heapUsed });
  }
  return heaps;
}

interface Lane {
  organization: TestOrganization;
  admin: Client;
  customers: string[];
}

async function newLane(clientOf: (key: string) => Client, receiver: Receiver): Promise<Lane> {
  const organization = await newOrganization(clientOf);
  const created = await clientOf(OPERATOR_KEY).request(CREATE_KEY, { input: { organizationId: organization.id, role: 'ADMIN', name: 'Soak' } });
  await newEndpoint(organization.partner, receiver.url());
  return { organization, admin: clientOf(created.createApiKey.secret), customers: [] };
}

/** By how much the heap grew with each life: the slope of the line through the samples (Theil and Sen: the median of all pairs, which no single sample bends). */
function kibibytesALife(heaps: readonly { lives: number; bytes: number }[]): number {
  const slopes = heaps.flatMap((one, index) => heaps.slice(index + 1).map((other) => (other.bytes - one.bytes) / (other.lives - one.lives))).toSorted((left, right) => left - right);
  return slopes[Math.floor(slopes.length / 2)]! / KIBIBYTE;
}

interface Outcome {
  counts: Counts;
  growth: number;
  before: Held;
  after: () => Promise<Held>;
  temporary: () => Promise<number>;
}

/** A gateway with a temporary directory of its own, under load for a while. `use` sees what it holds once its callers have gone. */
async function soaked(milliseconds: number, environment: Record<string, string>, flags: readonly string[], databasePort: number | null, use: (outcome: Outcome, program: Program, lanes: readonly Lane[]) => Promise<void>): Promise<void> {
  const data = await ownDirectory();
  const temporary = await ownDirectory();
  const receiver = await Receiver.start();
  const probe = new URL('../../../bench/streams/probe.ts', import.meta.url).href;
  const program = new Program(data.path, { ALLOW_PRIVATE_URLS: 'true', TMPDIR: temporary.path, RATE_LIMIT_PER_KEY: '1000000', RATE_LIMIT_PER_ADDRESS: '1000000', ...environment }, ['--expose-gc', '--import', probe, ...flags]);
  try {
    await program.start();
    const counts: Counts = { requests: 0, failures: 0, lives: 0 };
    const clientOf = (key: string): Client => new CountingClient(program.url, key, counts);
    const lanes = await Promise.all(Array.from({ length: LANES }, () => newLane(clientOf, receiver)));
    // Not before: a gateway that says that it is ready may still have a file open that it starts with.
    const before = await heldBy(program.pid, databasePort);
    await soak(program, counts, lanes, WARM_MILLISECONDS, 1);
    const heaps = await soak(program, counts, lanes, milliseconds, SAMPLES);
    const everybody = lanes.flatMap(({ customers }) => customers);
    const heard = (): Set<string> => new Set(receiver.taken.filter(({ event }) => event.type === 'customer.created').flatMap(({ event }) => customerOf(event) ?? []));
    await until('the webhooks', LET_GO_MILLISECONDS, () => Promise.resolve(everybody.every((id) => heard().has(id))));
    await use({ counts, growth: kibibytesALife(heaps), before, after: () => heldBy(program.pid, databasePort), temporary: async () => (await readdir(temporary.path)).length }, program, lanes);
  } finally {
    await program.end('SIGKILL');
    await receiver.stop();
    await data.remove();
    await temporary.remove();
  }
}

/** What the process opens for good, once: the thread of the inspection and its pipes. */
const MOST_OTHERS = 10;
const isLetGo = ({ sockets, files, others }: Held, before: Held): boolean => sockets === 0 && files <= before.files && others <= before.others + MOST_OTHERS;

const undo: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

/** Locks that are held, and transactions that are open and idle. */
async function locksOf(cluster: Cluster, database: string): Promise<number> {
  const [row] = await cluster.ask<{ held: number }>(database, `
    select (select count(*)::int from pg_locks l join pg_database d on d.oid = l.database where d.datname = '${database}' and pid <> pg_backend_pid())
      + (select count(*)::int from pg_stat_activity where datname = '${database}' and state like 'idle in transaction%') as held`);
  return row!.held;
}

interface Place {
  name: string;
  environment: Record<string, string>;
  port: number | null;
  locks: (() => Promise<number>) | null;
}

async function embedded(): Promise<Place> {
  return Promise.resolve({ name: 'PGlite', environment: {}, port: null, locks: null });
}

async function onServer(): Promise<Place> {
  const cluster = await Cluster.create();
  undo.push(() => cluster.remove());
  const url = (await cluster.database('soaked'))();
  return { name: 'PostgreSQL', environment: { DATABASE_URL: url }, port: cluster.port, locks: () => locksOf(cluster, 'soaked') };
}

for (const [title, place, isThere] of [['PGlite', embedded, true], ['PostgreSQL', onServer, hasPostgreSql]] as const) {
  it.skipIf(!isThere)(`mixed load on ${title}: nothing fails, memory stays, and no socket, file or lock is left`, async () => {
    const { name, environment, port, locks } = await place();
    await soaked(SOAK_MILLISECONDS, environment, [], port, async ({ counts, growth, before, after, temporary }, program, lanes) => {
      let left: Held = before;
      const released = await until('everything to be let go of', LET_GO_MILLISECONDS, async () => isLetGo((left = await after()), before)).catch(() => null);
      let held = 0;
      if (locks) await until('the locks', LET_GO_MILLISECONDS, async () => (held = await locks()) === 0).catch(() => null);
      const documents = await until('the files of the erased', LET_GO_MILLISECONDS, async () => (await filesIn(join(program.dataDirectory, 'documents'))) === 0).catch(() => null);
      const { rss } = await program.memory();
      told(`soak on ${name}`, {
        seconds: SOAK_MILLISECONDS / 1_000, requests: counts.requests, lives: counts.lives, '5xx': counts.failures, 'KiB of heap a life': growth.toFixed(1), 'MiB resident': Math.round(rss / KIBIBYTE ** 2),
        'sockets left': left.sockets, 'files left': left.files - before.files, 'temporary files left': await temporary(), ...(locks ? { 'locks left': held } : {}),
      });
      expect(counts.failures).toBe(0);
      expect(growth).toBeLessThan(MOST_KIBIBYTES_A_LIFE);
      expect({ left, before, released: released !== null, held, temporary: await temporary(), documents: documents !== null }).toMatchObject({ released: true, held: 0, temporary: 0, documents: true });
      expect(counts.lives).toBeGreaterThanOrEqual(FEWEST_LIVES);
      expect(lanes.flatMap(({ customers }) => customers)).toHaveLength(counts.lives);
      expect((await program.end('SIGTERM')).code).toBe(0);
    });
  });
}

async function filesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}

it('control: memory, a socket and a file that are kept are found by the same measure', async () => {
  const leak = new URL('../support/leak.ts', import.meta.url).href;
  await soaked(CONTROL_MILLISECONDS, {}, ['--import', leak], null, async ({ growth, before, after, temporary }) => {
    const leaks = await temporary();
    let left = await after();
    // Those of callers go, what is kept stays: both ends of a connection each time.
    await until('the callers to have gone', LET_GO_MILLISECONDS, async () => (left = await after()).sockets === 2 * leaks);
    told('soak, control', { 'KiB of heap a life': growth.toFixed(1), 'sockets left': left.sockets, 'files left': left.files - before.files, 'temporary files left': leaks });
    expect(growth).toBeGreaterThan(MOST_KIBIBYTES_A_LIFE);
    expect(leaks).toBeGreaterThan(0);
    expect([left.files - before.files, isLetGo(left, before)]).toEqual([leaks, false]);
  });
});

it.skipIf(!hasPostgreSql)('control: a lock that is kept is found', async () => {
  const cluster = await Cluster.create();
  undo.push(() => cluster.remove());
  const url = (await cluster.database('locked'))();
  const client = new DatabaseClient({ connectionString: url });
  await client.connect();
  expect(await locksOf(cluster, 'locked')).toBe(0);
  await client.query('begin');
  await client.query('create table held ()');
  expect(await locksOf(cluster, 'locked')).toBeGreaterThan(0);
  await client.end();
});
