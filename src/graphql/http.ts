import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import cors from 'cors';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { refusal } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { formatError } from './errors.js';

/** Seconds that a browser is to remember that this host speaks TLS. */
const ONE_YEAR = 31_536_000;

/**
 * What every answer bears. A page that shows something sets another policy of content in its place; what has no
 * `cache-control` of its own holds what only its caller may see.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
};

/** What decides on the headers of answers. */
export interface HttpOptions {
  /** Whether clients reach this gateway by https. */
  secure: boolean;
  /** Where clients reach it, when that is configured: a proxy may send another Host. */
  publicOrigin: string | null;
  /** Origins of other sites whose pages may ask: exact origins, or `*` for all. */
  corsOrigins: readonly string[];
}

function headersOf({ secure }: HttpOptions): Record<string, string> {
  return { ...HEADERS, ...(secure ? { 'strict-transport-security': `max-age=${ONE_YEAR}` } : {}) };
}

/** The headers that every answer bears. */
export function securityHeaders(options: HttpOptions): RequestHandler {
  const headers = new Map(Object.entries(headersOf(options)));
  return (_request, response, next) => {
    response.setHeaders(headers);
    next();
  };
}

/** Lets the pages of other sites ask, where the configuration names them. Keys come by header, so no cookies are let through. */
export function crossOrigin({ corsOrigins }: HttpOptions): RequestHandler {
  if (corsOrigins.length === 0) return (_request, _response, next) => next();
  const origin = corsOrigins.includes('*') ? '*' : [...corsOrigins];
  return cors({ origin, methods: ['GET', 'POST'], exposedHeaders: ['x-request-id', 'retry-after', 'idempotency-replayed'], maxAge: 600 });
}

/** Whether a page of this origin may open a WebSocket: one of this gateway, or of a site that the configuration names. */
export function mayConnect(request: IncomingMessage, { publicOrigin, corsOrigins }: HttpOptions): boolean {
  const { origin, host } = request.headers;
  // Programs that are not browsers send none.
  if (origin === undefined || origin === publicOrigin || corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}

const UTF_8 = new TextDecoder();
const NOT_JSON = 'The body is not a JSON object: send {"query": "…"}.';
export const NOT_UTF_8 = 'Send UTF-8 JSON, not encoded otherwise.';

/** Reads bodies as JSON, which is UTF-8: `express.json` reads every other encoding too, by a decoder that takes a twentieth of a small request. */
export function jsonBodies(limitBytes: number): RequestHandler {
  const read = express.raw({ type: 'application/json', limit: limitBytes });
  return (request, response, next) => read(request, response, (failure?: unknown) => next(failure ?? readJson(request)));
}

/** Puts what bytes say into their place. @returns why they cannot be read. */
function readJson(request: Request): GraphQLError | undefined {
  const { body } = request as { body: unknown };
  if (!Buffer.isBuffer(body)) return undefined;
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) return refusal('UNSUPPORTED_MEDIA_TYPE', NOT_UTF_8);
  try {
    const value: unknown = body.length === 0 ? {} : JSON.parse(UTF_8.decode(body));
    if (typeof value !== 'object' || value === null) return refusal('BAD_REQUEST', NOT_JSON);
    request.body = value;
    return undefined;
  } catch {
    // What the parser says of it quotes it.
    return refusal('BAD_REQUEST', NOT_JSON);
  }
}

/** Says with Retry-After what `extensions.retryAfter` says. */
export function withRetryAfter(response: Response, error: GraphQLFormattedError): void {
  const seconds = error.extensions?.['retryAfter'];
  if (typeof seconds === 'number') response.set('retry-after', String(seconds));
}

/** Answers on a socket that no response stands for, and closes it. */
export function answerRaw(socket: Duplex, status: number, error: GraphQLFormattedError, options: HttpOptions): void {
  const body = JSON.stringify({ errors: [error] });
  const headers: Record<string, string | number> = {
    ...headersOf(options),
    'x-request-id': String(error.extensions?.['requestId']),
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...(error.extensions?.['retryAfter'] === undefined ? {} : { 'retry-after': String(error.extensions['retryAfter']) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

/** What Node's parser says of a request that it does not take, and how that is answered. */
const UNREADABLE: Readonly<Record<string, { status: number; code: 'PAYLOAD_TOO_LARGE' | 'BAD_REQUEST'; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'PAYLOAD_TOO_LARGE', message: 'The headers of a request may have 16 kB in all.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'BAD_REQUEST', message: 'The request did not come in time.' },
};
const MALFORMED = { status: 400, code: 'BAD_REQUEST', message: 'This is not an HTTP request.' } as const;

/** Answers as JSON what Node's parser refuses before there is a request. */
export function answerUnreadable(server: Server, options: HttpOptions, log: Log): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const { status, code, message } = UNREADABLE[error.code ?? ''] ?? MALFORMED;
    const requestId = randomUUID();
    log.debug({ requestId, ...errorFacts(error) }, 'unreadable request');
    answerRaw(socket, status, formatError(refusal(code, message), requestId, log), options);
  });
}
