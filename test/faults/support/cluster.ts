import { execFile } from 'node:child_process';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);
const isRoot = userInfo().uid === 0;

/** Where the programs of a PostgreSQL server are; null where there is none. */
async function binaries(): Promise<string | null> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const newest = versions.toSorted((left, right) => Number(left) - Number(right)).at(-1);
  return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`;
}

export const hasPostgreSql = (await binaries()) !== null;
if (!hasPostgreSql) console.log('Left out: the faults of PostgreSQL (this machine has no programs of a server).');

/** A PostgreSQL server of a test's own, which it may crash. */
export class Cluster {
  private constructor(
    private readonly programs: string,
    /** Where all of it lies: data, write-ahead log and the server's own log. */
    readonly directory: string,
    readonly port: number,
  ) {}

  static async create(): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-cluster-'));
    if (isRoot) {
      const { stdout } = await run('id', ['-u', 'postgres']);
      await chown(directory, Number(stdout), -1);
    }
    const cluster = new Cluster((await binaries())!, directory, await freePort());
    await cluster.#run('initdb', '-D', cluster.#data, '-A', 'trust', '-U', 'postgres');
    await cluster.start();
    return cluster;
  }

  get #data(): string {
    return join(this.directory, 'data');
  }

  /** PostgreSQL refuses to run as root. */
  async #run(program: string, ...parameters: string[]): Promise<void> {
    const command = [join(this.programs, program), ...parameters];
    await (isRoot ? run('su', ['postgres', '-c', command.map((part) => `'${part}'`).join(' ')]) : run(command[0]!, command.slice(1)));
  }

  async start(): Promise<void> {
    await this.#run('pg_ctl', '-D', this.#data, '-l', join(this.directory, 'log'), '-o', `-p ${this.port} -k ${this.directory} -c listen_addresses=127.0.0.1 -c max_connections=60`, '-w', 'start');
  }

  /** As a crash: nothing is finished, the log is played back at the next start. */
  stop(mode: 'immediate' | 'fast' = 'immediate'): Promise<void> {
    return this.#run('pg_ctl', '-D', this.#data, '-m', mode, '-w', 'stop');
  }

  /** A new database. @returns its URL, by another port where a proxy stands before the server. */
  async database(name: string): Promise<(port?: number) => string> {
    await this.ask('postgres', `create database ${name}`);
    return (port = this.port) => `postgres://postgres@127.0.0.1:${port}/${name}`;
  }

  async ask<Row extends object>(database: string, statement: string): Promise<Row[]> {
    const client = new Client({ host: '127.0.0.1', port: this.port, user: 'postgres', database });
    await client.connect();
    try {
      return (await client.query<Row>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => undefined);
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
