import type { ChildProcess } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, start, stop, untilReady } from '../machine/processes.ts';

/** A contender that serves. */
export interface Server {
  /** Where it is asked. */
  url: string;
  /** What every request bears. */
  headers: Readonly<Record<string, string>>;
  pid: number;
  /** The process itself: to speak to what was loaded into it. */
  child: ChildProcess;
  stop(): Promise<void>;
}

/** What a process is started with. */
interface Program {
  name: string;
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** A path that answers 200 once it is ready. */
  readiness: string;
}

/** Starts a program that listens on PORT. What it prints goes to a file, as it would in production, and is shown where it does not start. */
export async function serve({ name, command, environment, headers = {}, readiness }: Program): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'kyc-bench-'));
  const port = await freePort();
  const log = await open(join(directory, 'output'), 'w');
  const child = start('server', command, { stdio: ['ignore', log.fd, log.fd, 'ipc'], env: { PATH: process.env['PATH'], ...environment, PORT: String(port), DATA_DIR: directory } });
  const end = async (): Promise<void> => {
    await stop(child);
    await log.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await untilReady(`http://127.0.0.1:${port}${readiness}`, child, name);
  } catch (error) {
    const output = await readFile(join(directory, 'output'), 'utf8');
    await end();
    throw new Error(`${(error as Error).message}: ${output.slice(-2_000)}`);
  }
  return { url: `http://127.0.0.1:${port}/graphql`, headers, pid: child.pid ?? 0, child, stop: end };
}

/** The file of a contender of this folder. */
export function contenderFile(name: string): string {
  return fileURLToPath(new URL(`${name}.ts`, import.meta.url));
}

/** What `npm start` tells Node. */
export const NODE_FLAGS = await flagsOfStart();

/** The Node of every contender: a heap that grows as the gateway's may is none's advantage. */
export const NODE: readonly string[] = [process.execPath, ...NODE_FLAGS];

async function flagsOfStart(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { scripts: { start: string } };
  const flags = / node ((?:--\S+ )*)dist\/main\.js$/.exec(scripts.start)?.[1];
  if (flags === undefined) throw new Error(`npm start is not understood: ${scripts.start}`);
  return flags.split(' ').filter(Boolean);
}

/** Starts a contender of this folder. */
export function serveContender(name: string, databaseUrl: string, organizationId: string, secrets: Readonly<Record<string, string>>): Promise<Server> {
  return serve({ name, command: [...NODE, contenderFile(name)], environment: { NODE_ENV: 'production', DATABASE_URL: databaseUrl, ORGANIZATION_ID: organizationId, ...secrets }, readiness: '/' });
}

/** Above what any load here comes to: the limits count, and refuse nothing. */
const UNREACHED = '999999999';

/** What all gateways of a cluster share. */
export interface GatewaySecrets {
  tokenKey: string;
  keyRing: string;
}

/** The gateway's build, which `npm start` runs. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The same from its modules, of which a profile tells more. */
export const MODULES = fileURLToPath(new URL('../../dist/program.js', import.meta.url));

/** Starts the gateway as it ships: its build, by the command of `npm start`, with everything on, logging every request into a file. */
export function serveGateway(databaseUrl: string, { tokenKey, keyRing }: GatewaySecrets, apiKey: string, { flags = [] as readonly string[], main = MAIN, environment = {} } = {}): Promise<Server> {
  return serve({
    name: 'gateway',
    command: [...NODE, ...flags, main],
    environment: { DATABASE_URL: databaseUrl, TOKEN_KEY: tokenKey, KEY_RING: keyRing, RATE_LIMIT_PER_KEY: UNREACHED, RATE_LIMIT_PER_ADDRESS: UNREACHED, ...environment },
    headers: { authorization: `Bearer ${apiKey}` },
    readiness: '/health/ready',
  });
}
