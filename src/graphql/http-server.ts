import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { ConfigError, type Config } from '../core/config.js';

/** Within the 10 s that a stop may take in all. */
const STOP_GRACE_MILLISECONDS = 3_000;

/** A server that does not listen yet: HTTPS where there is a certificate. Throws ConfigError when that cannot be used. */
export async function openServer({ tls }: Pick<Config, 'tls'>, handle: RequestListener): Promise<Server> {
  if (!tls) return createServer(handle);
  const [cert, key] = [await pem('TLS_CERT', tls.certificate), await pem('TLS_KEY', tls.key)];
  try {
    return createSecureServer({ cert, key }, handle);
  } catch (error) {
    throw new ConfigError(`TLS_CERT and TLS_KEY cannot be used together: ${(error as Error).message}.`);
  }
}

async function pem(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    throw new ConfigError(`${variable} names a file that cannot be read: ${path}.`);
  }
}

/**
 * Connections that may wait to be accepted: clients that have all lost theirs come again at the same moment, and one that
 * finds no place tries again only after a second, and then three.
 */
const BACKLOG = 4_096;

/** Begins to listen. @returns the URL that clients are told. */
export async function listen(server: Server, { host, port, publicUrl, tls }: Pick<Config, 'host' | 'port' | 'publicUrl' | 'tls'>): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  const shown = host.includes(':') ? `[${host}]` : host === '127.0.0.1' ? 'localhost' : host;
  return publicUrl ?? `${tls ? 'https' : 'http'}://${shown}:${(server.address() as AddressInfo).port}`;
}

/** Turns of the event loop without a new connection, after which there is none that waits: a turn accepts one, the next reads it. */
const QUIET_TURNS = 3;
/** Who goes on connecting finds the door closed after this part of the grace. */
const ACCEPT_MILLISECONDS = 2_000;
/** How often connections are closed that have had their last answer. */
const IDLE_MILLISECONDS = 50;

/** Lets requests finish that have arrived, whether they were read or not, and closes idle connections. */
export async function close(server: Server): Promise<void> {
  const force = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MILLISECONDS);
  await acceptWaiting(server);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_MILLISECONDS);
  await closed;
  clearInterval(idle);
  clearTimeout(force);
}

/** Takes in whoever waits at the door: to close it would reset their connections, and one that was not read yet would pass for idle. */
async function acceptWaiting(server: Server): Promise<void> {
  const end = performance.now() + ACCEPT_MILLISECONDS;
  let quiet = 0;
  const heard = (): void => void (quiet = 0);
  server.on('connection', heard);
  for (; quiet < QUIET_TURNS && performance.now() < end; quiet += 1) await setImmediate();
  server.off('connection', heard);
}
