import { customerQuery, PAGE, PAGE_STATUS, pageQuery } from './contenders/fields.ts';
import { contenderFile, MAIN, MODULES, serveContender, serveGateway, type Server } from './contenders/server.ts';
import { generate, ROWS, type Dataset, type Organization } from './data/generate.ts';
import { sizesOf } from './data/sizes.ts';
import { Load } from './load/client.ts';
import { WRK_VERSION } from './load/wrk.ts';
import { startCluster, type Cluster } from './machine/postgres.ts';
import { READERS, type Range } from './measure/rounds.ts';
import type { Section } from './section.ts';

/** How much of everything a run does. */
export interface Extent {
  /** Divides the rows of the full set. */
  divisor: number;
  rounds: number;
  /** Length of a shot in seconds. */
  seconds: number;
  /** Multiplies the requests that contenders are warmed by. */
  warmth: number;
}

export const FULL: Extent = { divisor: 1, rounds: 9, seconds: 1, warmth: 1 };
export const SHORT: Extent = { divisor: 10, rounds: 5, seconds: 0.5, warmth: 1 };

/** One of the works of the report. */
export interface Work {
  /** As the command line names it. */
  name: string;
  run(bench: Bench): Promise<Section>;
}

/** The contenders by name: the gateway's build, or a file of contenders/. */
export type ContenderName = 'floor' | 'five-sql' | 'postgraphile' | 'mercurius' | 'yoga' | 'apollo' | 'by-hand' | 'gateway' | 'gateway-without-workers' | 'fast sandbox' | 'opening-loop' | 'pipe';

/** What the sandbox takes seconds for is due at once. */
const FASTEST_SANDBOX = '1000000';

/** Copies of the rows, for works that write. */
export const COPIES = ['commands', 'flows', 'files', 'small'] as const;

/** What works are run with: the rows, and servers that start when a work asks for them, and end with it. */
export class Bench {
  readonly #servers = new Map<string, Promise<Server>>();
  readonly cluster: Cluster;
  readonly dataset: Dataset;
  readonly extent: Extent;
  readonly load = new Load();

  private constructor(cluster: Cluster, dataset: Dataset, extent: Extent) {
    this.cluster = cluster;
    this.dataset = dataset;
    this.extent = extent;
  }

  /** Makes the cluster and its rows. `stop` removes all of it. */
  static async open(extent: Extent): Promise<Bench> {
    if (WRK_VERSION === null) say('Left out: wrk, which is not installed. autocannon asks in its place, and takes more of PostgreSQL’s processor.');
    say('PostgreSQL: a server of the benchmark’s own …');
    const cluster = await startCluster();
    try {
      const sizes = sizesOf(extent.divisor);
      say(`Rows: ${Object.entries(sizes).map(([name, count]) => `${count.toLocaleString('en')} ${name}`).join(', ')} …`);
      const dataset = await generate(cluster, sizes);
      for (const copy of COPIES) await cluster.psql('postgres', `create database ${copy} template ${ROWS} strategy file_copy`);
      // Contenders list by the order of ids as they are, for which the gateway's own indexes are not made (src/core/newest.ts).
      await cluster.psql(ROWS, 'create index customer_status_id on customer (organization_id, status, id desc)');
      return new Bench(cluster, dataset, extent);
    } catch (error) {
      cluster.stop();
      throw error;
    }
  }

  /** The organization whose list is long. */
  get largest(): Organization {
    const [largest] = this.dataset.organizations;
    if (!largest) throw new Error('There are no organizations');
    return largest;
  }

  /** What rounds are made with here; `warm` is for a full run. */
  range(warm: number, connections: number = READERS): Range {
    const { rounds, seconds, warmth } = this.extent;
    return { load: this.load, cluster: this.cluster, rounds, seconds, warm: Math.ceil(warm * warmth), connections };
  }

  /** A contender on a database, for the largest organization; `flags` are for the Node of a gateway. */
  server(name: ContenderName, database: string = ROWS, flags: readonly string[] = []): Promise<Server> {
    const key = `${name} ${database}`;
    const server = this.#servers.get(key) ?? this.#serve(name, this.cluster.url(database), flags);
    this.#servers.set(key, server);
    return server;
  }

  #serve(name: ContenderName, url: string, flags: readonly string[]): Promise<Server> {
    const { secrets } = this.dataset;
    // What is looked into runs from its modules: a profile tells more of them.
    const main = flags.length > 0 ? MODULES : MAIN;
    if (name === 'gateway') return serveGateway(url, secrets, this.largest.apiKey, { flags, main });
    if (name === 'fast sandbox') return serveGateway(url, secrets, this.largest.apiKey, { flags, main, environment: { SANDBOX_SPEED: FASTEST_SANDBOX } });
    if (name === 'gateway-without-workers') return serveGateway(url, secrets, this.largest.apiKey, { flags, main: contenderFile(name) });
    return serveContender(name, url, this.largest.id, { TOKEN_KEY: secrets.tokenKey, KEY_RING: secrets.keyRing });
  }

  /** Ends all servers: an idle one looks for jobs, and would be in the way of whoever is measured next. */
  async stopServers(): Promise<void> {
    const servers = await Promise.allSettled(this.#servers.values());
    this.#servers.clear();
    for (const server of servers) if (server.status === 'fulfilled') await server.value.stop();
  }

  async stop(): Promise<void> {
    await this.stopServers();
    await this.load.stop();
    this.cluster.stop();
  }
}

/** Tells who watches how far it is. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** How many different requests a contender is asked in turn. */
const BODIES = 500;

/** Q1 of customers from all over the list. */
export function customerBodies({ dataset }: Bench, query = customerQuery()): string[] {
  const step = Math.floor(dataset.listed.length / BODIES);
  return Array.from({ length: BODIES }, (_, number) => JSON.stringify({ query, variables: { id: dataset.listed[number * step] } }));
}

/** The id behind which a page of the list begins; the first page has none. */
export function pageStart({ dataset }: Bench, page: number): string | null {
  if (page === 1) return null;
  const id = dataset.listed[(page - 1) * PAGE - 1];
  if (id === undefined) throw new Error(`The list has no page ${page}`);
  return id;
}

/** Q2 of one page, as contenders without cursors take it: `after` is the id itself. */
export function pageBody(after: string | null, query = pageQuery()): string {
  return JSON.stringify({ query, variables: { after, status: PAGE_STATUS } });
}

/** The gateway's cursor of an object. */
export function cursorOf(id: string): string {
  return Buffer.from(`id:${id}`).toString('base64url');
}
