import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';

// Each child and the cluster listen for the end of this process.
process.setMaxListeners(0);

/** What is pinned to which processor: servers have one to themselves; PostgreSQL and the load share the other. */
const PROCESSORS = { server: 0, rest: 1 } as const;
export type Place = keyof typeof PROCESSORS;

/** Whether processes can be held to a processor here. */
export const canPin = spawnSync('taskset', ['-c', String(PROCESSORS.rest), 'true']).status === 0;

/** The command line that runs a program at its place. */
export function pinned(place: Place, command: readonly string[]): string[] {
  return canPin ? ['taskset', '-c', String(PROCESSORS[place]), ...command] : [...command];
}

/** Starts a program at its place. It runs under its own number: taskset becomes it. It does not outlive this process. */
export function start(place: Place, command: readonly string[], options: SpawnOptions): ChildProcess {
  const [program = '', ...parameters] = pinned(place, command);
  const child = spawn(program, parameters, options);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

/** Seconds that a process may take to end before it is killed. */
const STOP_SECONDS = 10;

/** Asks a process to end, and waits until it has. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1_000);
  child.kill('SIGTERM');
  await exit;
  clearTimeout(killer);
}

/** Milliseconds between two looks at whether a server answers. */
const LOOK = 100;
const START_SECONDS = 60;

/** Waits until a server answers 200. Throws when its process ends before, or it takes too long. */
export async function untilReady(url: string, child: ChildProcess, name: string): Promise<void> {
  const deadline = Date.now() + START_SECONDS * 1_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} instead of starting`);
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  throw new Error(`${name} did not start within ${START_SECONDS} seconds`);
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const NANOSECONDS_PER_MICROSECOND = 1_000;

/** Microseconds of processor time that each of these processes, with all its threads, has had. One that has ended is left out. */
export async function processorTimes(pids: readonly number[]): Promise<Map<number, number>> {
  const times = await Promise.all(pids.map(async (pid) => [pid, await processorTime(pid)] as const));
  return new Map(times.flatMap(([pid, time]) => (time === null ? [] : [[pid, time]])));
}

async function processorTime(pid: number): Promise<number | null> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => null);
  if (threads === null) return null;
  const times = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')));
  return times.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / NANOSECONDS_PER_MICROSECOND;
}

/** Microseconds that processes had between two looks; what has begun in between counts whole. */
export function spent(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  return [...after].reduce((sum, [pid, time]) => sum + time - (before.get(pid) ?? 0), 0);
}

/** Resident megabytes of a process. */
export async function residentMegabytes(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}
