import { execFile, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, pinned } from './processes.ts';

const run = promisify(execFile);

/** Where Debian keeps the programs of each version. */
const VERSIONS = '/usr/lib/postgresql';
const SUPERUSER = 'postgres';

/**
 * Settings of the cluster; what is not named is as PostgreSQL comes, so commits are durable. Memory for all of the rows, so that
 * the disk is not what is measured; connections for all contenders at once; a checkpoint does not fall into a shot.
 */
const SETTINGS = {
  shared_buffers: '2GB',
  max_connections: '300',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  track_io_timing: 'off',
} as const;

/** A PostgreSQL server of the benchmark's own, in a temporary directory. */
export interface Cluster {
  version: string;
  /** Of a database of the cluster, for its superuser. */
  url(database: string): string;
  /** The processes that it consists of just now. */
  processes(): Promise<number[]>;
  /** Runs SQL through psql; `input` is what COPY … FROM STDIN reads. */
  psql(database: string, sql: string): Promise<string>;
  psqlPath: string;
  /** Where the server writes its log. */
  logPath: string;
  /** Ends it and removes its files, as the end of this process does. */
  stop(): void;
}

/** The folder of the newest version's programs. Throws and names what is missing where there is none. */
async function programs(): Promise<string> {
  const versions = await readdir(VERSIONS).catch(() => []);
  const [newest] = versions.sort((left, right) => Number(right) - Number(left));
  if (!newest) throw new Error(`PostgreSQL is missing: the benchmarks make a server of their own with initdb and pg_ctl, looked for in ${VERSIONS}/*/bin. Install the package postgresql.`);
  return join(VERSIONS, newest, 'bin');
}

/** As PostgreSQL's own user where this process is root, which PostgreSQL does not run as. */
function asOwner(command: readonly string[]): string[] {
  return process.getuid?.() === 0 ? ['runuser', '-u', SUPERUSER, '--', ...command] : [...command];
}

async function runAsOwner(...command: string[]): Promise<void> {
  const [program = '', ...parameters] = asOwner(command);
  // A server that stays keeps the pipes open: it is not waited for.
  await run(program, parameters, { cwd: '/' });
}

/** Makes and starts a server on a port of its own. */
export async function startCluster(): Promise<Cluster> {
  const binaries = await programs();
  const directory = await mkdtemp(join(tmpdir(), 'kyc-bench-postgresql-'));
  if (process.getuid?.() === 0) await chown(directory, ...(await ownerIds()));
  const data = join(directory, 'data');
  const logPath = join(directory, 'log');
  const port = await freePort();
  const [program = '', ...parameters] = asOwner([join(binaries, 'pg_ctl'), '-D', data, '-m', 'immediate', 'stop']);
  const stop = (): void => {
    spawnSync(program, parameters, { cwd: '/' });
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', stop);
  const settings = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`).join(' ');
  await runAsOwner(join(binaries, 'initdb'), '-D', data, '-A', 'trust', '-U', SUPERUSER, '-E', 'UTF8', '--locale=C.UTF-8');
  await runAsOwner(...pinned('rest', [join(binaries, 'pg_ctl'), '-D', data, '-o', `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 ${settings}`, '-l', logPath, '-w', 'start']));
  const postmaster = Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const url = (database: string): string => `postgres://${SUPERUSER}@127.0.0.1:${port}/${database}`;
  const psqlPath = join(binaries, 'psql');
  const psql = async (database: string, sql: string): Promise<string> =>
    (await run(psqlPath, [url(database), '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', sql], { maxBuffer: 64 * 1_048_576 })).stdout.trim();
  return {
    version: await psql('postgres', 'show server_version'),
    url, psql, psqlPath, logPath,
    processes: async () => [postmaster, ...(await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)],
    stop: () => {
      process.off('exit', stop);
      stop();
    },
  };
}

async function ownerIds(): Promise<[number, number]> {
  const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, SUPERUSER])));
  return ids.map(({ stdout }) => Number(stdout)) as [number, number];
}
