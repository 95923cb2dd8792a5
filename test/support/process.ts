import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OPERATOR_KEY, type TestGateway } from './gateway.js';
import { ROOT } from './sources.js';
import { TOKEN_KEY } from './token-key.js';

/** The program itself, as `npm start` runs it, on the data of a test's gateway, which must be stopped. */
export async function startProcess({ databaseUrl, dataDirectory }: TestGateway, environment: Readonly<Record<string, string>> = {}): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'main.js')], {
    env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: dataDirectory, OPERATOR_KEY, TOKEN_KEY, LOG_LEVEL: 'silent', ...environment, ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /ready at (\S+)/.exec(line)?.[1];
    if (url) return { child, url };
  }
  throw new Error('The gateway did not start');
}

/** Ends a process without a word (kill -9). */
export async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
