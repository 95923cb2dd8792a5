import { addressReader } from '../core/caller-address.js';
import type { Config } from '../core/config.js';
import { Audiences } from './audiences.js';
import { Executor } from './executor.js';
import { Operations } from './operations.js';
import { openRateLimits } from './rate-limits.js';
import type { Transports } from './server.js';
import { readTrustedDocuments } from './trusted-documents.js';

/** Makes of the configuration what HTTP, WebSocket and SSE share beside what they stand on. Throws ConfigError. */
export async function openTransports(config: Config, base: Pick<Transports, 'schema' | 'database' | 'events' | 'connections' | 'authenticate' | 'limits' | 'log'>): Promise<Transports> {
  const { introspection, trustedDocuments, tls, publicUrl, corsOrigins } = config;
  const trusted = trustedDocuments === null ? null : await readTrustedDocuments(trustedDocuments);
  return {
    ...base,
    trusted,
    rateLimits: await openRateLimits(config, base.log),
    addressOf: addressReader(config.trustedProxies),
    executor: new Executor(base.schema, config.compiledQueries),
    operations: new Operations(base.schema, { limits: base.limits, introspection, trusted }),
    audiences: new Audiences(),
    http: { secure: tls !== null || publicUrl?.startsWith('https:') === true, publicOrigin: publicUrl === null ? null : new URL(publicUrl).origin, corsOrigins },
  };
}
