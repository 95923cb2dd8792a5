import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
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

/** Lets running requests finish, and closes idle connections. */
export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MILLISECONDS);
  await closed;
  clearTimeout(force);
}
