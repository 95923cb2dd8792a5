import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.js';
import { requestScope } from './request-scope.js';

export type Log = Logger;

/**
 * Every key that a line may have beside time, level and message: what is not here is dropped, whoever logs it. None of them
 * is a caller's word: ids, names of the schema and of the code, codes and numbers.
 */
const KEYS: ReadonlySet<string> = new Set([
  'requestId', 'transport', 'method', 'route', 'operation', 'actor', 'role', 'organizationId', 'code', 'statusCode', 'durationMilliseconds',
  'error', 'errorCode', 'cause', 'stack', 'job', 'identityId', 'status', 'webhookEndpointId', 'reason', 'key', 'table', 'rowId', 'count',
]);
/** UTF-16 code units of one value; a stack is the longest of them. */
const LONGEST_VALUE = 8_000;

/** Bytes of lines that leave in one write, at least and at most, or what there is after so many milliseconds: a write for each request would cost a tenth of it. */
const BATCH = { minLength: 32_768, maxWrite: 65_536, periodicFlush: 100 } as const;

/** JSON lines on standard output; readable ones on a terminal. What is said while a request is served bears its id. `destination` takes the lines instead. */
export function createLog(config: Pick<Config, 'logLevel'>, destination?: DestinationStream): Log {
  const options = { level: config.logLevel, mixin: ofRequest, formatters: { log: allowed } };
  if (destination) return pino(options, destination);
  if (process.stdout.isTTY) return pino({ ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
  return pino(options, inBytes(pino.destination({ sync: false, contentMode: 'buffer', ...BATCH })));
}

/** Lines as bytes, which are joined when they leave: as text, what waits would be copied whole for each line that joins it. */
function inBytes(output: object): DestinationStream {
  const bytes = output as { write(bytes: Buffer): unknown };
  return { write: (line) => void bytes.write(Buffer.from(line)) };
}

function ofRequest(): object {
  const scope = requestScope.getStore();
  return scope ? { requestId: scope.requestId } : {};
}

/** What may be logged of what was given. */
function allowed(given: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const key in given) {
    if (!KEYS.has(key)) continue;
    const value = given[key];
    if (typeof value === 'string') kept[key] = value.slice(0, LONGEST_VALUE);
    else if (typeof value === 'number' || typeof value === 'boolean') kept[key] = value;
  }
  return kept;
}

/** A line of a stack that V8 has written: a function of the code and its place. */
const FRAME = /^ {4}at (?:async )?(?:[\w$.<>#[\] ]+ \()?(?:file:\/\/|node:|\/|[A-Z]:\\|<anonymous>)[^\s()]*\)?$/;
/** SQLSTATE, or a word such as ECONNREFUSED. */
const ERROR_CODE = /^[A-Z0-9_]{1,40}$/;
const NAME = /^\w{1,80}$/;

/**
 * What may be said of an error in a log: its kind, its code and where it arose. Never its message, nor what a database adds
 * to it (detail, hint, the statement): they quote values.
 */
export function errorFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  const { name, message, stack = '', cause } = error;
  const code = (error as NodeJS.ErrnoException).code;
  const trace = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  return {
    error: NAME.test(name) ? name : 'Error',
    ...(typeof code === 'string' && ERROR_CODE.test(code) ? { errorCode: code } : {}),
    ...(cause instanceof Error && NAME.test(cause.name) ? { cause: cause.name } : {}),
    stack: trace.split('\n').filter((line) => FRAME.test(line)).join('\n'),
  };
}
