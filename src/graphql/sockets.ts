import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import express, { type Express, type Request, type RequestHandler } from 'express';
import { execute, GraphQLError, subscribe, type ExecutionArgs, type ExecutionResult, type FormattedExecutionResult } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/express';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Caller } from '../core/caller.js';
import { RequestContext } from '../core/context.js';
import { refusal } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { formatError } from './errors.js';
import { Operations } from './operations.js';
import { authenticated, callerOfRequest, currentRequestId, exactPath, GRAPHQL_PATH, LARGEST_BODY, type Transports } from './server.js';

/** Operations are a few kilobytes; files come by HTTP. */
const LARGEST_FRAME_BYTES = 1_048_576;
/** A socket that says nothing of itself in this time is closed. */
const CONNECTION_INIT_MILLISECONDS = 5_000;
/** Keeps connections open through proxies, and finds the dead ones. */
const KEEP_ALIVE_MILLISECONDS = 12_000;
export const STREAM_PATH = `${GRAPHQL_PATH}/stream`;

interface SocketState extends Record<PropertyKey, unknown> {
  caller?: Caller;
}

/** Queries and subscriptions over WebSocket (graphql-transport-ws) at GRAPHQL_PATH. */
export function mountWebSocket(httpServer: Server, transports: Transports): () => Promise<void> {
  const { schema, database, events, authenticate, log } = transports;
  const operations = new Operations(schema);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_FRAME_BYTES });
  httpServer.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?', 1)[0];
    if (path !== GRAPHQL_PATH) return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit('connection', webSocket, request));
  });
  const server = useServer<{ authorization?: unknown; Authorization?: unknown }, SocketState>(
    {
      connectionInitWaitTimeout: CONNECTION_INIT_MILLISECONDS,
      onConnect: async (context) => {
        try {
          context.extra.caller = await authenticate(context.connectionParams?.authorization ?? context.connectionParams?.Authorization);
          return true;
        } catch (error) {
          if (error instanceof GraphQLError) return false;
          throw error;
        }
      },
      onSubscribe: (context, _id, payload) => {
        const prepared = operations.prepare(payload.query, payload.operationName, payload.variables);
        const requestId = randomUUID();
        if (Array.isArray(prepared)) return prepared.map((error: GraphQLError) => asGraphqlError(error, requestId, log));
        const { document } = prepared as Exclude<typeof prepared, readonly GraphQLError[]>;
        const contextValue = new RequestContext(database, events, context.extra.caller!, requestId);
        return { schema, document, operationName: payload.operationName ?? null, variableValues: payload.variables ?? null, contextValue };
      },
      execute,
      subscribe,
      onNext: (_context, _id, _payload, { contextValue }, result) => formatted(result as ExecutionResult, (contextValue as RequestContext).requestId, log),
      onError: (_context, _id, _payload, errors) => errors.map((error) => error.toJSON()),
    },
    sockets,
    KEEP_ALIVE_MILLISECONDS,
  );
  return async () => {
    for (const client of sockets.clients) client.close(GOING_AWAY, 'The gateway is stopping: connect again.');
    await server.dispose();
  };
}

/** RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;

/** Queries and subscriptions over Server-Sent Events at STREAM_PATH. */
export function mountEventStream(app: Express, transports: Transports): void {
  const { schema, database, events, authenticate, log } = transports;
  const operations = new Operations(schema);
  const handler = createHandler({
    schema,
    // Each request is authenticated by itself; none may attach to another's stream by naming it.
    authenticate: () => null,
    onSubscribe: (request, parameters) => {
      const requestId = currentRequestId();
      const prepared = operations.prepare(parameters.query, parameters.operationName, parameters.variables);
      if (Array.isArray(prepared)) {
        const errors = prepared.map((error: GraphQLError) => formatError(error, requestId, log));
        return [JSON.stringify({ errors }), { status: 400, statusText: 'Bad Request', headers: { 'content-type': 'application/json; charset=utf-8' } }];
      }
      const { document } = prepared as Exclude<typeof prepared, readonly GraphQLError[]>;
      const contextValue = new RequestContext(database, events, callerOfRequest(request.raw as Request), requestId);
      return { schema, document, operationName: parameters.operationName, variableValues: parameters.variables, contextValue } as ExecutionArgs as never;
    },
    onNext: (context, _request, result) => formatted(result as ExecutionResult, (context as unknown as RequestContext)?.requestId ?? randomUUID(), log) as ExecutionResult,
  });
  app.use(STREAM_PATH, exactPath, authenticated(authenticate), express.json({ limit: LARGEST_BODY }), eventStreamRequest, (request, response, next) => {
    handler(request, response).catch(next);
  });
}

/** Refuses what graphql-sse would answer without a code, or keep: it reads bodies of any length and reserves streams by PUT. */
const eventStreamRequest: RequestHandler = (request, _response, next) => {
  const fault = eventStreamFault(request);
  // graphql-sse takes no other type beside it.
  request.headers.accept = 'text/event-stream';
  next(fault === undefined ? undefined : refusal('BAD_REQUEST', fault));
};

function eventStreamFault(request: Request): string | undefined {
  if (request.method !== 'POST' && request.method !== 'GET') return 'Event streams are asked for by POST or GET.';
  if (!request.headers.accept?.includes('text/event-stream')) return 'Say that you accept an event stream: `Accept: text/event-stream`.';
  const parameters: unknown = request.method === 'GET' ? { ...request.query, variables: parsed(request.query['variables']) } : request.body;
  if (typeof parameters !== 'object' || parameters === null) return 'Send JSON: an object with a query.';
  const { query, variables } = parameters as { query?: unknown; variables?: unknown };
  if (typeof query !== 'string') return 'The request has no query.';
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) return 'The variables are not an object.';
  return undefined;
}

function parsed(text: unknown): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(String(text)) as unknown;
  } catch {
    return text;
  }
}

function formatted(result: ExecutionResult, requestId: string, log: Log): FormattedExecutionResult {
  if (!result.errors) return result as FormattedExecutionResult;
  return { ...result, errors: result.errors.map((error) => formatError(error, requestId, log)) };
}

function asGraphqlError(error: GraphQLError, requestId: string, log: Log): GraphQLError {
  const { message, extensions } = formatError(error, requestId, log);
  return new GraphQLError(message, { nodes: error.nodes ?? null, extensions: extensions ?? null });
}

