import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.js';
import { requestScope } from './request-scope.js';

export type Log = Logger;

/** JSON lines on standard output, readable ones on a terminal; what is said while a request is served bears its id. */
export function createLog(config: Pick<Config, 'logLevel'>, stream?: DestinationStream): Log {
  const options = { level: config.logLevel, mixin: ofRequest };
  if (stream) return pino(options, stream);
  return pino(process.stdout.isTTY ? { ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } } : options);
}

function ofRequest(): object {
  const scope = requestScope.getStore();
  return scope ? { requestId: scope.requestId } : {};
}

/** What may be said of an error in a log: its name, message and stack, never the values it carries. */
export function errorFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: error.name, message: error.message, stack: error.stack };
}
