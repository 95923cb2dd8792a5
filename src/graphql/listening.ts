import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../core/config.js';

/** Begins to listen. @returns the port. */
export async function listen(server: Server, { host, port }: Pick<Config, 'host' | 'port'>): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Within the 10 s that a stop may take in all. */
const STOP_GRACE_MILLISECONDS = 3_000;

/** Lets running requests finish, and closes idle connections. */
export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MILLISECONDS);
  await closed;
  clearTimeout(force);
}
