import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config.js';

/** Who holds the directory. `startedAt` tells a living holder from a later process with the same number. */
interface Holder {
  pid: number;
  startedAt: string | null;
}

const LOCK_FILE = 'gateway.lock';
/** After this many lost races against other starters the directory counts as taken. */
const ATTEMPTS = 5;
/** Position of `starttime` in /proc/<pid>/stat, counted behind the parenthesised command name (proc(5)). */
const START_TIME_FIELD = 19;

/**
 * Takes the data directory for this process; PGlite does not, and a second process would destroy its files.
 * A lock whose holder is dead (kill -9, a restarted container) is reaped. Throws ConfigError while the holder lives.
 * @returns a function that gives the directory back.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, LOCK_FILE);
  const own = JSON.stringify({ pid: process.pid, startedAt: startTime(process.pid) } satisfies Holder);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await create(path, own)) return () => release(path, own);
    const content = await readFile(path, 'utf8').catch(() => null);
    if (content === null) continue;
    const holder = parse(content);
    if (holder && isAlive(holder)) {
      throw new ConfigError(`DATA_DIR ${directory} is in use by another gateway (process ${holder.pid}): stop it first, or choose another DATA_DIR.`);
    }
    await reap(path, content);
  }
  throw new ConfigError(`DATA_DIR ${directory} is being taken by another gateway: stop it first, or choose another DATA_DIR.`);
}

/** Creates the lock complete with its content, so that nobody ever reads half of it. */
async function create(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, content, { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

/** Removes a dead holder's lock. If another starter has replaced it meanwhile, the other's is put back. */
async function reap(path: string, content: string): Promise<void> {
  const aside = `${path}.reaped.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== content) await link(aside, path).catch(() => undefined);
  await unlink(aside);
}

async function release(path: string, own: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => null)) === own) await unlink(path);
}

function parse(content: string): Holder | null {
  try {
    const holder = JSON.parse(content) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, startedAt: holder.startedAt ?? null } : null;
  } catch {
    return null;
  }
}

function isAlive(holder: Holder): boolean {
  const current = startTime(holder.pid);
  if (holder.startedAt !== null && current !== null) return current === holder.startedAt;
  if (holder.startedAt !== null && process.platform === 'linux') return false;
  try {
    process.kill(holder.pid, 0);
    return holder.pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process of this machine began, in a form that no later process shares; null where the system does not tell. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended: only its parent has not yet noticed.
    if (fields[0] === 'Z') return null;
    return `${boot}/${fields[START_TIME_FIELD]}`;
  } catch {
    return null;
  }
}
