import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../machine/processes.ts';
import { busyPart, TIMEOUT_SECONDS, type Order, type Outcome } from './order.ts';

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));
/** Where an order has not been carried out by then, the rest of its requests have failed. */
const LONGEST_SECONDS = 120;
const MICROSECONDS_PER_MILLISECOND = 1_000;
const MILLISECONDS_PER_SECOND = 1_000;

/** The version of wrk here; null where it is not installed. */
export const WRK_VERSION = /(\d+\.[\d.]+)/.exec(spawnSync('wrk', ['-v'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? null;

/** Whether wrk can carry this out: single requests that are known before, all with the same headers. */
export function suitsWrk({ headers, flows }: Order): boolean {
  return WRK_VERSION !== null && headers.length === 1 && flows.every((flow) => flow.length === 1 && flow.every(({ body, keep }) => keep === undefined && !body.includes('{{')));
}

/** Has wrk do what is ordered, all connections taking the next request in turn. Rejects where that could not be tried. */
export async function runWrk(order: Order): Promise<Outcome> {
  const { url, headers, flows, connections, amount, isLookedAt } = order;
  const directory = await mkdtemp(join(tmpdir(), 'kyc-bench-'));
  try {
    const lines = Object.entries({ 'content-type': 'application/json', ...headers[0] }).map(([name, value]) => `${name}: ${value}`);
    const file = join(directory, 'requests');
    await writeFile(file, [...lines, '', ...flows.flat().map(({ body }) => body)].join('\n'));
    const options = ['-t', '1', '-c', String(connections), '-d', `${LONGEST_SECONDS}s`, '--timeout', `${TIMEOUT_SECONDS}s`, '-s', SCRIPT];
    return outcomeOf(order, await printed([...options, url, '--', file, String(amount), String(connections), String(busyPart(amount)), isLookedAt ? 'look' : 'count']));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function outcomeOf({ amount }: Order, { text, times }: Printed): Outcome {
  const [, answers, bytes, p50, p99, failed, failure = ''] = /^(\d+) (\d+) (\d+) (\d+) (\d+)\n(.*)/ms.exec(text) ?? [];
  if (answers === undefined) throw new Error(`wrk said nothing that is understood: ${text.slice(0, 1_000)}`);
  const [begun, busyUntil, ended] = [times.get('begun'), times.get('busy'), times.get('done')];
  if (begun === undefined || busyUntil === undefined || ended === undefined) throw new Error(`wrk did not come to its end: ${text.slice(-1_000)}`);
  const missing = amount - Number(answers);
  return {
    requests: Number(answers),
    seconds: (ended - begun) / MILLISECONDS_PER_SECOND,
    rate: (busyPart(amount) / (busyUntil - begun)) * MILLISECONDS_PER_SECOND,
    p50: Number(p50) / MICROSECONDS_PER_MILLISECOND,
    p99: Number(p99) / MICROSECONDS_PER_MILLISECOND,
    errors: Number(failed) + missing,
    firstError: failure.trim() || `${failed} by their status, ${missing} without an answer`,
    bytes: Number(bytes),
  };
}

/** What wrk has printed, and when its script said what, in milliseconds. */
interface Printed {
  text: string;
  times: ReadonlyMap<string, number>;
}

/** Runs wrk, which is asked to end once its script is done. */
function printed(parameters: readonly string[]): Promise<Printed> {
  const child = start('rest', ['wrk', ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  const times = new Map<string, number>();
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    for (const word of ['begun', 'busy', 'done']) if (!times.has(word) && text.includes(`${word}\n`)) times.set(word, performance.now());
    if (times.has('done')) child.kill('SIGINT');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve({ text, times }));
  });
}
