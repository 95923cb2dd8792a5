import { randomUUID } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import type { Client } from '../../support/client.js';
import { advance } from '../../support/flows.js';
import { CREATE_CUSTOMER, CUSTOMER, SUBMIT_IDENTITY } from '../../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../../support/people.js';
import { customerOf, Receiver } from '../../support/receiver.js';
import { newEndpoint } from '../../support/webhooks.js';
import { Cluster, hasPostgreSql } from '../support/cluster.js';
import { brokenBy, historyOf } from '../support/history.js';
import { ownDirectory, Program } from '../support/program.js';
import { inLanes, scaled, told, until } from '../support/scale.js';

// kill -9 of the gateway under load, again and again on the same data.
const KILLS = scaled(50, 3);
/** Or twice what an orderly start takes, where the machine is busy with something else. */
const READY_MILLISECONDS = 5_000;
const WRITERS = 6;
/** Some for each life, and never the same moment. */
const ACKNOWLEDGED_PER_LIFE = 15;
/** Every job that a process died with has been taken up again by then, and every delivery whose lease it held (30 s). */
const SETTLED_MILLISECONDS = 60_000;

interface Written {
  customers: string[];
  attempts: { customerId: string; identityId: string }[];
}

/** Writes until the gateway dies. What is not answered is repeated under its key by the next life. */
async function write(client: Client, written: Written, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    try {
      const key = randomUUID();
      const created = await client.send(CREATE_CUSTOMER, { input: { email: `${key}@example.com` } }, { 'idempotency-key': `create ${key}` });
      if (!created.data) continue;
      const customerId = created.data.createCustomer.customer.id;
      written.customers.push(customerId);
      const needsDocument = written.customers.length % 2 === 0;
      const submitted = await client.send(SUBMIT_IDENTITY, { input: { customerId, kycData: needsDocument ? GERMAN : CALIFORNIAN, transactionType: 'INSTITUTIONAL_INDIVIDUAL' } }, { 'idempotency-key': `submit ${key}` });
      if (submitted.data) written.attempts.push({ customerId, identityId: submitted.data.submitIdentity.identity.id });
    } catch {
      // The process is gone: nothing was acknowledged.
    }
  }
}

async function killAgainAndAgain(database: string, program: Program): Promise<void> {
  const receiver = await Receiver.start();
  try {
    await program.start();
    await program.end('SIGTERM');
    const orderly = await program.start();
    const organization = await program.organization();
    await newEndpoint(organization.partner, receiver.url());
    const written: Written = { customers: [], attempts: [] };
    const starts: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      let over = false;
      const client = program.client(organization.partner.key!);
      const before = written.customers.length;
      const writers = Promise.all(Array.from({ length: WRITERS }, () => write(client, written, () => over)));
      await until('writes', 60_000, () => Promise.resolve(written.customers.length >= before + ACKNOWLEDGED_PER_LIFE));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
      await program.end('SIGKILL');
      over = true;
      await writers;
      starts.push(await program.start());
    }
    const partner = program.client(organization.partner.key!);
    const lost = await missing(partner, written.customers);
    // Jobs: every attempt is led on, out of the statuses that the gateway leaves by itself.
    await until('the jobs', SETTLED_MILLISECONDS, async () => {
      await advance(partner, 60);
      return (await stuck(partner, written)).length === 0;
    });
    const broken: string[] = [];
    await inLanes(written.attempts, WRITERS, async ({ customerId }) => void broken.push(...brokenBy(await historyOf(partner, customerId))));
    const arrived = (): Set<string> => new Set(receiver.taken.filter(({ event }) => event.type === 'customer.created').flatMap(({ event }) => customerOf(event) ?? []));
    await until('the webhooks', SETTLED_MILLISECONDS, () => Promise.resolve(written.customers.every((id) => arrived().has(id))));
    const slowest = Math.max(...starts);
    told(`kill -9 on ${database}`, { kills: KILLS, 'writes acknowledged': written.customers.length + written.attempts.length, lost: lost.length, 'half transitions': broken.length, 'webhooks lost': 0, 'ms to be ready at most': Math.round(slowest), 'ms after an orderly end': Math.round(orderly) });
    expect([lost, broken]).toEqual([[], []]);
    expect(slowest).toBeLessThan(Math.max(READY_MILLISECONDS, 2 * orderly));
    expect(written.customers.length).toBeGreaterThanOrEqual(KILLS * ACKNOWLEDGED_PER_LIFE);
    // Control: what was never written is found missing.
    expect(await missing(partner, [...written.customers.slice(0, 1), 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz'])).toHaveLength(1);
  } finally {
    await program.end('SIGKILL');
    await receiver.stop();
  }
}

async function missing(partner: Client, customers: readonly string[]): Promise<string[]> {
  const lost: string[] = [];
  await inLanes(customers, WRITERS, async (id) => {
    if ((await partner.send(CUSTOMER, { id })).errors) lost.push(id);
  });
  return lost;
}

async function stuck(partner: Client, { attempts }: Written): Promise<string[]> {
  const found: string[] = [];
  await inLanes(attempts, WRITERS, async ({ customerId }) => {
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    if (['INITIATING', 'EVALUATING_SUBMISSION'].includes(customer!.identity!.status)) found.push(customerId);
  });
  return found;
}

const undo: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

it('kill -9 under load on PGlite: nothing that was acknowledged is lost, and nothing is half done', async () => {
  const directory = await ownDirectory();
  undo.push(directory.remove);
  await killAgainAndAgain('PGlite', new Program(directory.path, { ALLOW_PRIVATE_URLS: 'true' }));
});

it.skipIf(!hasPostgreSql)('kill -9 under load on PostgreSQL: nothing that was acknowledged is lost, and nothing is half done', async () => {
  const cluster = await Cluster.create();
  undo.push(() => cluster.remove());
  const directory = await ownDirectory();
  undo.push(directory.remove);
  const url = await cluster.database('killed');
  await killAgainAndAgain('PostgreSQL', new Program(directory.path, { ALLOW_PRIVATE_URLS: 'true', DATABASE_URL: url() }));
});
