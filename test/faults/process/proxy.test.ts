import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import type { Client } from '../../support/client.js';
import type { TestOrganization } from '../../support/gateway.js';
import { CREATE_CUSTOMER } from '../../support/operations.js';
import { Cluster, hasPostgreSql } from '../support/cluster.js';
import { ownDirectory, Program } from '../support/program.js';
import { Proxy, type Weather } from '../support/proxy.js';
import { scaled, told, until } from '../support/scale.js';

// What a network and a server between the gateway and its rows can do. PGlite is in the process: it is left out.
const LONGEST_ANSWER_MILLISECONDS = 10_000;
const RECOVERY_MILLISECONDS = 5_000;
/** More than the pool has places: a connection that is lost must not take its place with it. */
const REPEATS = scaled(50, 25);

let cluster: Cluster;
let proxy: Proxy;
let program: Program;
let organization: TestOrganization;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (!hasPostgreSql) return;
  cluster = await Cluster.create();
  undo.push(() => cluster.remove());
  proxy = await Proxy.before(cluster.port);
  undo.push(() => proxy.close());
  const directory = await ownDirectory();
  undo.push(directory.remove);
  const url = await cluster.database('proxied');
  program = new Program(directory.path, { DATABASE_URL: url(proxy.port) });
  undo.push(() => program.end('SIGKILL'));
  await program.start();
  organization = await program.organization();
});
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

interface Answered {
  milliseconds: number;
  code: string | null;
  retryAfter: unknown;
}

async function create(client: Client, key: string = randomUUID(), email = `${key}@example.com`): Promise<Answered> {
  const began = performance.now();
  const { errors } = await client.send(CREATE_CUSTOMER, { input: { email } }, { 'idempotency-key': key });
  const facts = errors?.[0]?.extensions as { code?: string; retryAfter?: unknown } | undefined;
  return { milliseconds: performance.now() - began, code: facts?.code ?? null, retryAfter: facts?.retryAfter };
}

/** Holds what a failed request may say: it is nobody's fault, and when to come again. */
function expectExcused(answers: readonly Answered[]): void {
  for (const { code, retryAfter, milliseconds } of answers) {
    expect(milliseconds).toBeLessThan(LONGEST_ANSWER_MILLISECONDS);
    if (code !== null) expect([code, retryAfter]).toEqual(['SERVICE_UNAVAILABLE', 1]);
  }
}

async function recovers(): Promise<number> {
  return until('recovery', RECOVERY_MILLISECONDS, async () => (await fetch(`${program.url}/health/ready`)).status === 200 && (await create(organization.partner)).code === null);
}

describe.skipIf(!hasPostgreSql)('between the gateway and PostgreSQL', () => {
  it.each<[string, Weather, number, 'none succeeds' | 'most succeed' | 'some succeed']>([
    ['connections are refused', { kind: 'refuse' }, 30, 'none succeeds'],
    ['connections are reset', { kind: 'reset' }, 30, 'none succeeds'],
    ['everything is swallowed', { kind: 'black hole' }, 30, 'none succeeds'],
    ['each way takes 20 ms', { kind: 'latency', milliseconds: 20 }, 8, 'most succeed'],
    ['each way takes 100 ms', { kind: 'latency', milliseconds: 100 }, 30, 'some succeed'],
    ['each way takes 3 s', { kind: 'latency', milliseconds: 3_000 }, 30, 'none succeeds'],
    ['answers come drop by drop', { kind: 'drip', bytes: 16 }, 30, 'some succeed'],
  ])('while %s every request ends in time with the right code, and then it recovers by itself', async (name, weather, requests, outcome) => {
    proxy.weather = weather;
    const health = fetch(`${program.url}/health/ready`).then(({ status }) => status);
    const answers = await Promise.all(Array.from({ length: requests }, () => create(organization.partner)));
    const status = await health;
    proxy.weather = { kind: 'clear' };
    const recovered = await recovers();
    const slowest = Math.max(...answers.map(({ milliseconds }) => milliseconds));
    told(`proxy, ${name}`, { requests: answers.length, unavailable: answers.filter(({ code }) => code !== null).length, 'ms the slowest': Math.round(slowest), 'ms to recover': Math.round(recovered) });
    expectExcused(answers);
    if (outcome === 'none succeeds') expect([answers.every(({ code }) => code !== null), status]).toEqual([true, 503]);
    if (outcome === 'most succeed') expect(answers.filter(({ code }) => code === null).length).toBeGreaterThan(requests / 2);
  });

  it.each([
    ['of BEGIN', /^(begin|start transaction)/i],
    ['of a statement', /insert into customer /i],
    ['of the COMMIT', /^commit/i],
  ])('when the reply %s is lost, a repeat with the same key has one effect', async (name, statement) => {
    let refused = 0;
    for (let time = 0; time < REPEATS; time += 1) {
      const key = `${name} ${time}`;
      proxy.weather = { kind: 'lose reply', statement };
      const first = await create(organization.partner, key, `lost${time}@example.com`);
      proxy.weather = { kind: 'clear' };
      expectExcused([first]);
      if (first.code !== null) refused += 1;
      await until('the repeat', RECOVERY_MILLISECONDS, async () => (await create(organization.partner, key, `lost${time}@example.com`)).code === null);
    }
    const [row] = await cluster.ask<{ customers: number; keys: number }>(
      'proxied',
      `select (select count(*)::int from idempotency_key where key like '${name} %') as keys,
        (select count(distinct outcome->'ids'->>0)::int from idempotency_key where key like '${name} %') as customers`,
    );
    told(`proxy, the reply ${name} is lost`, { repeats: REPEATS, 'answers lost': proxy.lost, 'requests told so': refused, effects: row!.customers });
    expect(row).toEqual({ keys: REPEATS, customers: REPEATS });
    expect(refused).toBeGreaterThan(0);
  });

  it('control: without a key, the repeat after a lost COMMIT is a second effect', async () => {
    const before = await cluster.ask<{ count: number }>('proxied', 'select count(*)::int as count from customer');
    proxy.weather = { kind: 'lose reply', statement: /^commit/i };
    await organization.partner.send(CREATE_CUSTOMER, { input: { email: 'twice@example.com' } });
    proxy.weather = { kind: 'clear' };
    await until('the repeat', RECOVERY_MILLISECONDS, async () => !(await organization.partner.send(CREATE_CUSTOMER, { input: { email: 'twice@example.com' } })).errors);
    const after = await cluster.ask<{ count: number }>('proxied', 'select count(*)::int as count from customer');
    expect(after[0]!.count - before[0]!.count).toBe(2);
  });

  it('a server that crashes (pg_ctl stop -m immediate) and comes again loses nothing that was acknowledged', async () => {
    const times = scaled(10, 2);
    const acknowledged: string[] = [];
    let failed = 0;
    const recoveries: number[] = [];
    for (let time = 0; time < times; time += 1) {
      let running = true;
      const load = Promise.all(
        Array.from({ length: 8 }, async () => {
          while (running) {
            const key = randomUUID();
            const answer = await create(organization.partner, key);
            expectExcused([answer]);
            if (answer.code === null) acknowledged.push(key);
            else failed += 1;
          }
        }),
      );
      await until('load', 10_000, () => Promise.resolve(acknowledged.length >= 20 * (time + 1)));
      await cluster.stop('immediate');
      expect((await fetch(`${program.url}/health/ready`)).status).toBe(503);
      await cluster.start();
      recoveries.push(await recovers());
      running = false;
      await load;
    }
    const kept = await cluster.ask<{ key: string }>('proxied', 'select key from idempotency_key');
    const keys = new Set(kept.map(({ key }) => key));
    const lost = acknowledged.filter((key) => !keys.has(key));
    told('pg_ctl stop -m immediate', { times, acknowledged: acknowledged.length, lost: lost.length, 'failed meanwhile': failed, 'ms to recover at most': Math.round(Math.max(...recoveries)) });
    expect(lost).toEqual([]);
    // Control: what nobody was told of is found missing.
    expect([...acknowledged, randomUUID()].filter((key) => !keys.has(key))).toHaveLength(1);
  });
});
