import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Work } from '../bench.ts';
import { MAIN, NODE } from '../contenders/server.ts';
import { freePort, start, stop, untilReady } from '../machine/processes.ts';
import { figure } from '../measure/statistics.ts';

const STARTS = 5;

/** Starts the gateway on an embedded database. @returns the milliseconds until it was ready. */
async function startOn(directory: string): Promise<number> {
  const port = await freePort();
  const started = performance.now();
  const child = start('server', [...NODE, MAIN], { stdio: 'ignore', env: { PATH: process.env['PATH'], PORT: String(port), DATA_DIR: directory } });
  try {
    await untilReady(`http://127.0.0.1:${port}/health/ready`, child, 'gateway');
    return performance.now() - started;
  } finally {
    await stop(child);
  }
}

export const B1: Work = {
  name: 'B1',
  async run() {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-bench-'));
    try {
      const first = await startOn(directory);
      const later: number[] = [];
      for (let time = 0; time < STARTS; time += 1) later.push(await startOn(directory));
      const seconds = figure(later.map((milliseconds) => milliseconds / 1_000));
      return {
        name: 'B1',
        title: 'A start on an embedded database',
        about: 'From the start of the process until /health/ready says so.',
        rows: [
          { name: 'the first start, which makes the database', figures: { seconds: figure([first / 1_000]) } },
          { name: 'a later start', figures: { seconds } },
        ],
        goals: [{ name: 'B1: seconds of a later start', value: seconds, limit: 2, better: 'lower', isAbsolute: true }],
      };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};
