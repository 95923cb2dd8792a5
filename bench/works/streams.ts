import type { Bench, Work } from '../bench.ts';
import type { Telling } from '../contenders/frames.ts';
import type { Server } from '../contenders/server.ts';
import { processorTimes, spent } from '../machine/processes.ts';
import { figure, quantile, ratio, single } from '../measure/statistics.ts';
import type { Figure, Goal, Result, Section } from '../section.ts';
import type { Crowd } from '../streams/crowd.ts';
import type { Organization } from '../streams/organization.ts';
import { Stage, type Memory } from '../streams/stage.ts';
import type { Carriage, Subscription } from '../streams/subscribers.ts';

const CUSTOMER = '{ id status kycStatus version }';
const QUERY = `subscription Bench($customerId: ID, $after: String) {
  customerStatusChanged(customerId: $customerId, after: $after) { id cursor occurredAt oldStatus newStatus customer ${CUSTOMER} }
}`;
const CARRIAGES: readonly Carriage[] = ['graphql-ws', 'SSE'];
/** Subscribers of a change, in the full run and in the short one. */
const CROWDS = { full: [1_000, 5_000], short: [1_000] } as const;
/** Changes of a shot, one after the other: together they take longer than the clock's grain. */
const CHANGES = 5;
const WARM_UP = 60;

/** What one shot came to: processor time a delivery, and how long after the change subscribers had their frame. */
interface Shot {
  microseconds: number;
  p50: number;
  p99: number;
}

async function shoot(server: Server, crowd: Crowd, subscribers: number, change: () => Promise<number>, changes = CHANGES): Promise<Shot> {
  const latencies: number[] = [];
  const before = await processorTimes([server.pid]);
  for (let count = 0; count < changes; count += 1) {
    const { at, times } = await crowd.hear(change);
    latencies.push(...times.map((time) => time - at));
  }
  const microseconds = spent(before, await processorTimes([server.pid])) / (changes * subscribers);
  return { microseconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

/** Subscriptions to changes, each of customers or of all that its variables name. */
export function watching(organization: Organization, carriage: Carriage, variables: readonly Subscription['variables'][]): Subscription[] {
  return variables.map((each, index) => ({ carriage, authorization: organization.authorization(index), query: QUERY, variables: each }));
}

/** The floor's frame says as much as the gateway's. */
async function tellingOf(gateway: Server, organization: Organization): Promise<Telling> {
  const cursor = Buffer.from(`event:${organization.id}:100`).toString('base64url');
  const customer = await organization.shown(gateway.url, CUSTOMER);
  const change = { id: 'evt_01kb3v6k8pe2mvb5s3w3x0d2qz', cursor, occurredAt: new Date(0).toISOString(), oldStatus: 'CREATED', newStatus: 'CREATED', customer };
  return { payload: JSON.stringify({ data: { customerStatusChanged: change } }), cursor };
}

/** One change to so many subscribers, beside the same of the floor. */
async function fanOut(bench: Bench, carriage: Carriage, subscribers: number): Promise<{ rows: Result[]; goals: Goal[] }> {
  const stage = await Stage.open(bench);
  try {
    const { gateway } = stage;
    const [floor, organization] = [await stage.floor(), await stage.organization(subscribers, 1)];
    const [ours, bare] = [await stage.crowd(), await stage.crowd()];
    const subscriptions = watching(organization, carriage, Array.from({ length: subscribers }, () => ({})));
    const memory = await stage.fill(gateway, ours, subscriptions);
    const floorMemory = await stage.fill(floor, bare, subscriptions);
    const telling = await tellingOf(gateway, organization);
    const change = (): Promise<number> => organization.change(organization.customers[0] ?? '');
    const write = (): Promise<number> => {
      const at = Number(process.hrtime.bigint()) / 1e6;
      floor.child.send(telling);
      return Promise.resolve(at);
    };
    await shoot(gateway, ours, subscribers, change, WARM_UP);
    await shoot(floor, bare, subscribers, write, WARM_UP);
    const [mine, theirs]: [Shot[], Shot[]] = [[], []];
    for (let round = 0; round < bench.extent.rounds; round += 1) {
      theirs.push(await shoot(floor, bare, subscribers, write));
      mine.push(await shoot(gateway, ours, subscribers, change));
    }
    const work = `S1: ${carriage}, ${subscribers.toLocaleString('en')} subscribers`;
    const against = (of: keyof Shot): Figure => ratio(mine.map((shot) => shot[of]), theirs.map((shot) => shot[of]));
    return {
      rows: [resultOf(`${work}, gateway`, mine, memory), resultOf(`${work}, prebuilt frame`, theirs, floorMemory)],
      goals: [
        { name: `${work}: server CPU of gateway ÷ prebuilt frame`, value: against('microseconds'), limit: 2.5, better: 'lower' },
        { name: `${work}: p99 of gateway ÷ prebuilt frame`, value: against('p99'), limit: 3, better: 'lower', isTiming: true },
        { name: `${work}: KiB an idle subscriber`, value: single(memory.held), limit: 30, better: 'lower', isAbsolute: true },
      ],
    };
  } finally {
    await stage.close();
  }
}

function resultOf(name: string, shots: readonly Shot[], { heapUsed, held, rss }: Memory): Result {
  const of = (column: keyof Shot): Figure => figure(shots.map((shot) => shot[column]));
  return {
    name,
    figures: { 'server CPU µs a delivery': of('microseconds'), 'p50 ms': of('p50'), 'p99 ms': of('p99'), 'KiB a subscriber': single(held), 'heap KiB a subscriber': single(heapUsed), 'resident KiB a subscriber': single(rss) },
  };
}

export const S1: Work = {
  name: 'S1',
  async run(bench): Promise<Section> {
    const parts = [];
    const crowds = bench.extent.divisor === 1 ? CROWDS.full : CROWDS.short;
    for (const carriage of CARRIAGES) for (const subscribers of crowds) parts.push(await fanOut(bench, carriage, subscribers));
    return {
      name: 'S1',
      title: 'One change to thousands of subscribers',
      about:
        'Each subscriber has a connection of its own, and a key that a thousand of them share; all watch the organization. The change is committed straight into the database. Beside it a bare server that writes one prebuilt frame to every socket. Memory is what remains after garbage has been collected: what is in use of the heap, and what is resident beside it.',
      rows: parts.flatMap(({ rows }) => rows),
      chart: 'server CPU µs a delivery',
      goals: parts.flatMap(({ goals }) => goals),
    };
  },
};

/** Few and many subscribers of a customer each, and changes of one customer that are timed. */
const NARROW = { few: 100, many: 5_000, changes: 20 } as const;

export const S2: Work = {
  name: 'S2',
  async run(bench): Promise<Section> {
    const stage = await Stage.open(bench);
    try {
      const sets = [];
      for (const size of [NARROW.few, NARROW.many]) {
        const organization = await stage.organization(size, size);
        const [first, ...rest] = watching(organization, 'graphql-ws', organization.customers.map((customerId) => ({ customerId })));
        const [one, others] = [await stage.crowd(), await stage.crowd()];
        await others.open(stage.gateway.url, rest);
        await one.open(stage.gateway.url, first ? [first] : []);
        sets.push({ size, times: [] as number[], shoot: () => shoot(stage.gateway, one, 1, () => organization.change(organization.customers[0] ?? ''), NARROW.changes) });
      }
      for (const { shoot: warm } of sets) await warm();
      for (let round = 0; round < bench.extent.rounds; round += 1) for (const { shoot: timed, times } of sets) times.push((await timed()).p50);
      const [few, many] = sets.map(({ times }) => times);
      return {
        name: 'S2',
        title: 'One change among subscribers of as many customers',
        about: 'Every subscriber watches a customer of its own over graphql-ws, and one of the customers changes: the time from the commit to the frame.',
        rows: sets.map(({ size, times }) => ({ name: `${size.toLocaleString('en')} subscribers`, figures: { 'commit to frame ms': figure(times) } })),
        goals: [{ name: 'S2: commit to frame with 5,000 subscribers ÷ with 100', value: ratio(many ?? [], few ?? []), limit: 1.5, better: 'lower', isTiming: true }],
      };
    } finally {
      await stage.close();
    }
  },
};

const RECONNECTS = 1_000;
const MISSED = 100;
const CAUGHT_UP_MILLISECONDS = 2_000;

export const S3: Work = {
  name: 'S3',
  async run(bench): Promise<Section> {
    const stage = await Stage.open(bench);
    try {
      const rows: Result[] = [];
      const goals: Goal[] = [];
      for (const carriage of CARRIAGES) {
        // Keys for two rounds: the connections of one may still be closing when the next begins.
        const organization = await stage.organization(2 * RECONNECTS, 1);
        const times: number[] = [];
        // The first warms up.
        for (let round = 0; round <= bench.extent.rounds; round += 1) {
          const crowd = await stage.crowd();
          const after = await organization.backlog(organization.customers[0] ?? '', MISSED);
          const began = Number(process.hrtime.bigint()) / 1e6;
          const authorization = organization.authorization(round);
          const reconnects = Array.from({ length: RECONNECTS }, () => ({ carriage, authorization, query: QUERY, variables: { after } }));
          const caughtUp = await crowd.catchUp(stage.gateway.url, reconnects, MISSED);
          if (round > 0) times.push(Math.max(...caughtUp) - began);
          await crowd.stop();
        }
        rows.push({ name: carriage, figures: { 'all caught up ms': figure(times) } });
        goals.push({ name: `S3: ${carriage}, all caught up, ms`, value: figure(times), limit: CAUGHT_UP_MILLISECONDS, better: 'lower', isAbsolute: true });
      }
      return {
        name: 'S3',
        title: 'A thousand reconnects at once, a hundred events behind',
        about: 'From the first connection that is begun, handshake and authentication included, until the last subscriber has the last of the events since its cursor.',
        rows,
        goals,
      };
    } finally {
      await stage.close();
    }
  },
};
