import type { Load } from '../load/client.ts';
import type { Outcome, Step } from '../load/order.ts';
import type { Cluster } from '../machine/postgres.ts';
import { processorTimes, spent } from '../machine/processes.ts';
import type { Server } from '../contenders/server.ts';
import type { Result } from '../section.ts';
import { figure } from './statistics.ts';

/** What is asked of one server. */
export interface Shot {
  name: string;
  server: Server;
  /** Requests, taken in turn; or flows of several, which then count as one. */
  bodies: readonly (string | readonly Step[])[];
  /** Beside the server's own; where there are several, each flow takes one of them. */
  headers?: readonly Readonly<Record<string, string>>[];
  /** Brings an answer of another form into the common one, for the comparison. */
  normalise?: (answer: unknown) => unknown;
}

/** What one shot came to. */
export interface Sample {
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Microseconds of processor time a request, or a flow. */
  serverCpu: number;
  databaseCpu: number;
}

export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** What the rounds are made with. */
export interface Range {
  load: Load;
  cluster: Cluster;
  rounds: number;
  /** Length of a shot: it is made of as many requests as take about that long, and ends when all are answered. */
  seconds: number;
  /** Requests of each contender before the first round, by count: a slow one has to be as warm as a fast one. */
  warm: number;
  connections: number;
}

/** Connections of what reads: enough that PostgreSQL seldom waits for the server. With half as many its processor is idle for 12 % of Q1’s time, with these for 7. */
export const READERS = 32;
/** Connections of what writes: as many commands as the gateway has under way at once. Of more, some would wait within it. */
export const WRITERS = 16;
/** A server that is slow to warm is left at about this. */
const LONGEST_WARM_SECONDS = 40;
const WARM_PARTS = 5;

/**
 * Measures contenders in interleaved rounds, A B C A B C, every other round the other way round: what disturbs the machine
 * for a while disturbs all. Throws where a single request fails.
 */
export async function rounds({ load, cluster, rounds: count, seconds, warm, connections }: Range, shots: readonly Shot[]): Promise<Samples> {
  const samples = new Map<string, Sample[]>(shots.map(({ name }) => [name, []]));
  const warmest = new Map<Shot, Outcome>();
  for (const shot of shots) warmest.set(shot, await warmed(load, { ...shot, connections }, warm));
  for (let round = 0; round < count; round += 1) {
    for (const shot of round % 2 === 0 ? shots : shots.toReversed()) {
      const look = async () => [await processorTimes([shot.server.pid]), await processorTimes(await cluster.processes())] as const;
      const [server, database] = await look();
      const outcome = await asWarm(load, { ...shot, connections }, warmest.get(shot)!, seconds);
      const [serverAfter, databaseAfter] = await look();
      samples.get(shot.name)?.push({
        requestsPerSecond: outcome.rate,
        p50: outcome.p50,
        p99: outcome.p99,
        serverCpu: spent(server, serverAfter) / outcome.requests,
        databaseCpu: spent(database, databaseAfter) / outcome.requests,
      });
    }
  }
  return samples;
}

/** A shot with the connections that it is asked over. */
type Aimed = Shot & Pick<Range, 'connections'>;

/** Warms a server, looking at every answer. @returns what the last part of it came to. */
async function warmed(load: Load, shot: Aimed, amount: number): Promise<Outcome> {
  const part = wholeTurns(shot, amount / WARM_PARTS);
  let outcome = await checked(load, shot, part, true);
  for (let [done, seconds] = [part, outcome.seconds]; done < amount && seconds < LONGEST_WARM_SECONDS; done += part, seconds += outcome.seconds) {
    outcome = await checked(load, shot, part, true);
  }
  return outcome;
}

/**
 * As many requests as a warm server answers in so many seconds. Nobody looks at each answer, which would cost wrk the more the more
 * headers it has. All of them together have the length of those that were looked at, or it throws.
 */
async function asWarm(load: Load, shot: Aimed, warmest: Outcome, seconds: number): Promise<Outcome> {
  const outcome = await checked(load, shot, wholeTurns(shot, warmest.rate * seconds), false);
  const [length, looked] = [outcome, warmest].map(({ bytes, requests }) => (bytes ?? 0) / requests);
  if (length !== looked) throw new Error(`${shot.name}: ${length} bytes an answer, where it was ${looked} when each was looked at`);
  return outcome;
}

/** About so many requests: each body as often as the others. */
function wholeTurns({ bodies, connections }: Aimed, amount: number): number {
  return Math.ceil(Math.max(connections, amount) / bodies.length) * bodies.length;
}

async function checked(load: Load, { name, server, bodies, headers = [{}], connections }: Aimed, amount: number, isLookedAt: boolean): Promise<Outcome> {
  const flows = bodies.map((body) => (typeof body === 'string' ? [{ body }] : body));
  const outcome = await load.run({ url: server.url, headers: headers.map((own) => ({ ...server.headers, ...own })), flows, connections, amount, isLookedAt });
  if (outcome.errors > 0 || outcome.requests === 0) throw new Error(`${name}: ${outcome.errors} of ${outcome.requests} requests failed, first with ${outcome.firstError}`);
  return outcome;
}

/** One column of the samples of a contender. */
export function column(samples: Samples, name: string, of: keyof Sample): number[] {
  const found = samples.get(name);
  if (!found) throw new Error(`${name} was not measured`);
  return found.map((sample) => sample[of]);
}

/** The samples as the lines of a table. */
export function resultsOf(samples: Samples): Result[] {
  return [...samples.keys()].map((name) => ({
    name,
    figures: {
      'requests/s': figure(column(samples, name, 'requestsPerSecond')),
      'server CPU µs': figure(column(samples, name, 'serverCpu')),
      'database CPU µs': figure(column(samples, name, 'databaseCpu')),
      'p50 ms': figure(column(samples, name, 'p50')),
      'p99 ms': figure(column(samples, name, 'p99')),
    },
  }));
}
