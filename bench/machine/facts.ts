import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../contenders/server.ts';
import { WRK_VERSION } from '../load/wrk.ts';
import { canPin } from './processes.ts';

const BYTES_PER_GIGABYTE = 1_073_741_824;
/** The contenders' packages, as the report names them. */
const PEERS = ['postgraphile', 'mercurius', 'graphql-yoga', '@apollo/server', 'graphql', 'pg'] as const;

/** The model of the machine's processors. */
export const PROCESSOR = cpus()[0]?.model ?? 'unknown';

/** What a run writes itself is no change of what it measures. */
const REPORT = [':!docs/performance.md', ':!docs/performance'] as const;

/** What git answers in this folder; null where it does not. */
function git(...parameters: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', parameters, { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/** The commit that is measured, and whether the tree differs from it; null without git. Looked for once, as the code is read once. */
const COMMIT = commit();

function commit(): string | null {
  const hash = git('rev-parse', '--short', 'HEAD');
  return hash === null ? null : `${hash}${git('status', '--porcelain', '--', '.', ...REPORT) === '' ? '' : ' + changes'}`;
}

/** What a report says of where it was made. */
export async function machineFacts(postgresVersion: string): Promise<Record<string, string>> {
  const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
  return {
    date: new Date().toISOString().slice(0, 10),
    ...(COMMIT === null ? {} : { commit: COMMIT }),
    machine: `${cpus().length} × ${PROCESSOR}, ${Math.round(totalmem() / BYTES_PER_GIGABYTE)} GB, Linux ${release()}`,
    processors: canPin ? 'the server under test on one; PostgreSQL and the load on the other' : 'not held to any: taskset is not there',
    load: WRK_VERSION === null ? 'autocannon; wrk is not installed' : `wrk ${WRK_VERSION}; autocannon where a request depends on an answer`,
    'Node’s flags, of every contender': `\`${NODE_FLAGS.join(' ')}\``,
    versions: [`Node ${process.version.slice(1)}`, `PostgreSQL ${postgresVersion.split(' ')[0]}`, ...PEERS.map((name) => `${name} ${dependencies[name]}`)].join(', '),
  };
}
