import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { canPin } from './processes.ts';

const BYTES_PER_GIGABYTE = 1_073_741_824;
/** The contenders' packages, as the report names them. */
const PEERS = ['postgraphile', 'mercurius', 'graphql-yoga', '@apollo/server', 'graphql', 'pg'] as const;

/** The model of the machine's processors. */
export const PROCESSOR = cpus()[0]?.model ?? 'unknown';

/** What a report says of where it was made. */
export async function machineFacts(postgresVersion: string): Promise<Record<string, string>> {
  const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${PROCESSOR}, ${Math.round(totalmem() / BYTES_PER_GIGABYTE)} GB, Linux ${release()}`,
    processors: canPin ? 'the server under test on one; PostgreSQL and the load on the other' : 'not held to any: taskset is not there',
    versions: [`Node ${process.version.slice(1)}`, `PostgreSQL ${postgresVersion.split(' ')[0]}`, ...PEERS.map((name) => `${name} ${dependencies[name]}`)].join(', '),
  };
}
