import type { Express, Request, Response } from 'express';
import { execute, type ExecutionResult, type GraphQLError } from 'graphql';
import { RequestContext } from '../core/context.js';
import { refusal } from '../core/errors.js';
import type { Told } from './audiences.js';
import { inTime } from './deadline.js';
import { deliver, Deliveries } from './deliveries.js';
import { drained } from './drained.js';
import { formatError, formatResult } from './errors.js';
import { jsonBodies } from './http.js';
import { httpStatusOf, type Asked } from './operations.js';
import { authenticated, callerOfRequest, currentRequestId, GRAPHQL_PATH, type Transports } from './server.js';

export const STREAM_PATH = `${GRAPHQL_PATH}/stream`;
/** Keeps streams open through proxies, and finds the dead ones. */
const KEEP_ALIVE_MILLISECONDS = 12_000;
/** A client that reads nothing for so long is gone: it resumes with Last-Event-ID. */
const STALLED_MILLISECONDS = 30_000;
/** A comment: some browsers take a response as begun only with its first byte. */
const COMMENT = ':\n\n';

/**
 * Queries and subscriptions over Server-Sent Events at STREAM_PATH: GraphQL over SSE in its distinct connections mode,
 * with the cursor of each event as its `id`. A client that comes again with Last-Event-ID goes on from there.
 */
export function mountEventStream(app: Express, transports: Transports): () => Promise<void> {
  const streams = new Set<Response>();
  app.all(STREAM_PATH, authenticated(transports), jsonBodies(transports.limits.bodyBytes), (request, response, next) => {
    answer(request, response, transports, streams).catch(next);
  });
  return () => {
    // Cut without `complete`: the subscription is not over, its client comes again.
    for (const stream of streams) stream.destroy();
    return Promise.resolve();
  };
}

async function answer(request: Request, response: Response, transports: Transports, streams: Set<Response>): Promise<void> {
  const { schema, database, events, operations, audiences, connections, addressOf, log } = transports;
  const requestId = currentRequestId();
  const refuse = (errors: readonly GraphQLError[], status = httpStatusOf(errors)): void => {
    response.status(status).json({ errors: errors.map((error) => formatError(error, requestId, log)) });
  };
  if (request.method !== 'POST' && request.method !== 'GET') {
    response.set('allow', 'GET, POST');
    return refuse([refusal('BAD_REQUEST', 'POST or GET an operation.')], 405);
  }
  if (!request.accepts('text/event-stream')) {
    return refuse([refusal('BAD_REQUEST', 'The answer is text/event-stream: accept it.')], 406);
  }
  const asked = askedBy(request);
  if (!asked) return refuse([refusal('BAD_REQUEST', 'Send { query, operationName, variables } as JSON.')]);
  const prepared = operations.prepare(asked, 'SSE');
  if (!('document' in prepared)) return refuse(prepared);
  const caller = callerOfRequest(request);
  const stream = new Stream(response);
  const held = connections.hold(caller, () => stream.end(frame('next', JSON.stringify(unauthenticated(requestId, log))) + frame('complete', null)));
  const connection = { lastEventId: request.get('last-event-id') || null, credential: held };
  const contextValue = new RequestContext(database, events, caller, requestId, addressOf(request), connection);
  const operation = { schema, document: prepared.document, operationName: asked.operationName, variableValues: asked.variables, contextValue };
  streams.add(response);
  response.once('close', () => {
    held.release();
    streams.delete(response);
  });
  const result = await (prepared.operation.operation === 'subscription' ? deliver(operation, prepared, audiences) : inTime(execute(operation)));
  stream.begin();
  if (result instanceof Deliveries) {
    await pour(result, stream, (each) => formatResult(each, requestId, log), (error) => formatError(error, requestId, log));
  } else {
    stream.end(frame('next', JSON.stringify(formatResult(result, requestId, log))) + frame('complete', null));
  }
}

/** Writes what is told as fast as it is read and no faster. */
async function pour(deliveries: Deliveries, stream: Stream, show: (result: ExecutionResult) => object, showError: (error: unknown) => object): Promise<void> {
  stream.onClose(() => deliveries.end());
  const frameOf = (told: Told): Buffer => told.frame('SSE', (json) => frame('next', json, told.cursor)) ?? Buffer.from(frame('next', JSON.stringify(show(told.result)), told.cursor));
  try {
    await deliveries.tell((piece) => stream.write(Buffer.concat(piece.map(frameOf))));
    // The gateway is stopping: the subscription is not over.
    stream.cut();
  } catch (error) {
    stream.end(frame('next', JSON.stringify({ errors: [showError(error)] })) + frame('complete', null));
  }
}

function unauthenticated(requestId: string, log: Transports['log']): object {
  return { errors: [formatError(refusal('UNAUTHENTICATED', 'The key of this stream has been revoked or has expired.'), requestId, log)] };
}

/** One event of the stream; `id` is what the client sends as Last-Event-ID when it comes again. */
function frame(event: 'next' | 'complete', json: string | null, id: string | null = null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata:${json === null ? '' : ` ${json}`}\n\n`;
}

/** The body of one response. */
class Stream {
  #ended = false;
  #ping: NodeJS.Timeout | undefined;

  constructor(private readonly response: Response) {
    response.once('close', () => {
      this.#ended = true;
      clearInterval(this.#ping);
    });
    // A client that goes away while it is written to is no fault of ours.
    response.on('error', () => undefined);
  }

  begin(): void {
    if (this.#ended) return;
    this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', connection: 'keep-alive', 'x-accel-buffering': 'no' });
    this.response.write(COMMENT);
    this.#ping = setInterval(() => this.response.writableNeedDrain || this.response.write(COMMENT), KEEP_ALIVE_MILLISECONDS);
  }

  onClose(then: () => void): void {
    if (this.#ended) then();
    else this.response.once('close', then);
  }

  /** @returns when the client has taken what was written, where it has not at once. */
  write(frames: Buffer): Promise<void> | undefined {
    if (this.#ended || this.response.write(frames)) return undefined;
    const timer = setTimeout(() => this.cut(), STALLED_MILLISECONDS);
    return drained(this.response).finally(() => clearTimeout(timer));
  }

  /** Ends with a last word. */
  end(text: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#ping);
    if (!this.response.headersSent) this.begin();
    this.response.end(text);
  }

  /** Ends without one: the client takes it for a lost connection and comes again. */
  cut(): void {
    this.#ended = true;
    clearInterval(this.#ping);
    this.response.destroy();
  }
}

/** What a request asks to run; null where it is none. */
function askedBy(request: Request): Asked | null {
  const given: unknown = request.method === 'GET' ? request.query : request.body;
  if (!isRecord(given)) return null;
  const { query, operationName = null } = given;
  const extensions = request.method === 'GET' ? parsed(given['extensions']) : given['extensions'];
  const variables = request.method === 'GET' ? parsed(given['variables']) : (given['variables'] ?? null);
  if (operationName !== null && typeof operationName !== 'string') return null;
  if (variables !== null && !isRecord(variables)) return null;
  return { query, operationName, variables, extensions };
}

/** @returns what JSON says; the text itself, which is no object, when it is not JSON. */
function parsed(json: unknown): unknown {
  if (typeof json !== 'string') return json ?? null;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
