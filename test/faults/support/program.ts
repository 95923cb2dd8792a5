import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '../../support/client.js';
import { OPERATOR_KEY, newOrganization, type TestOrganization } from '../../support/gateway.js';
import { ROOT } from '../../support/sources.js';
import { KEY_RING } from '../../support/key-ring.js';
import { TOKEN_KEY } from '../../support/token-key.js';

/** How it ended, and what it said on standard error. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  said: string;
}

/** The program itself, as `npm start` runs it: a process that can be killed. */
export class Program {
  url = '';
  #child: ChildProcess | null = null;
  #said = '';

  constructor(
    readonly dataDirectory: string,
    private readonly environment: Readonly<Record<string, string>> = {},
    /** Of Node. With `--expose-gc` and the probe it can be asked what it holds. */
    private readonly flags: readonly string[] = [],
  ) {}

  get pid(): number {
    return this.#child!.pid!;
  }

  client(key: string): Client {
    return new Client(this.url, key);
  }

  organization(): Promise<TestOrganization> {
    return newOrganization((key) => this.client(key));
  }

  /** Starts it and waits until it serves. @returns the milliseconds that took. */
  async start(): Promise<number> {
    const began = performance.now();
    const child = spawn(process.execPath, [...this.flags, join(ROOT, 'dist', 'main.js')], {
      env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: this.dataDirectory, OPERATOR_KEY, TOKEN_KEY, KEY_RING, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent', ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#said = '';
    child.stderr!.on('data', (chunk: Buffer) => (this.#said += String(chunk)));
    for await (const line of createInterface({ input: child.stdout! })) {
      const url = /ready at (\S+)/.exec(line)?.[1];
      if (url === undefined) continue;
      child.stdout!.resume();
      this.url = url;
      return performance.now() - began;
    }
    throw new Error(`The gateway did not start: ${this.#said}`);
  }

  /** Asks the probe that was loaded into it. */
  async memory(): Promise<{ rss: number; heapUsed: number }> {
    const answer = once(this.#child!, 'message');
    this.#child!.send({ probe: 'memory' });
    return (await answer)[0] as { rss: number; heapUsed: number };
  }

  /** Waits for its end. */
  async ended(): Promise<Ending> {
    const child = this.#child!;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return { code: child.exitCode, signal: child.signalCode, said: this.#said };
  }

  async end(signal: NodeJS.Signals): Promise<Ending> {
    if (this.#child === null) return { code: null, signal: null, said: '' };
    const ended = this.ended();
    this.#child.kill(signal);
    return ended;
  }
}

/** A directory of a test's own. */
export async function ownDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'kyc-faults-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
