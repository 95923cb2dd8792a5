import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { execute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer, MessageType, validateMessage } from 'graphql-ws';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Caller } from '../core/caller.js';
import { RequestContext } from '../core/context.js';
import { errorFacts, type Log } from '../core/log.js';
import { newRequestScope, requestScope } from '../core/request-scope.js';
import type { HeldConnection } from '../organization/open-connections.js';
import { inTime } from './deadline.js';
import { deliver } from './deliveries.js';
import { formatError, formatResult } from './errors.js';
import { logRequest } from './request-log.js';
import { Operations } from './operations.js';
import { currentRequestId, GRAPHQL_PATH, type Transports } from './server.js';

/** Operations are a few kilobytes; files come by HTTP. */
const LARGEST_FRAME_BYTES = 1_048_576;
/** A socket that says nothing of itself in this time is closed. */
const CONNECTION_INIT_MILLISECONDS = 5_000;
/** Keeps connections open through proxies, and ends those whose client no longer reads. */
const KEEP_ALIVE_MILLISECONDS = 12_000;
/** A client that does not answer the close of its socket in this time is gone. */
const CLOSE_GRACE_MILLISECONDS = 1_000;
/** RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;
/** What a client may say in graphql-transport-ws; the rest of its messages are the server's. */
const CLIENT_MESSAGES: ReadonlySet<string> = new Set([MessageType.ConnectionInit, MessageType.Ping, MessageType.Pong, MessageType.Subscribe, MessageType.Complete]);

interface SocketState extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  /** The IP address that it came from. */
  address: string;
  caller?: Caller;
  held?: HeldConnection;
  /** Settles when every subscription that was asked for so far stands, or was refused. */
  begun: Promise<unknown>;
}

type Credentials = { authorization?: unknown; Authorization?: unknown };
type Protocol = ReturnType<typeof makeServer<Credentials, SocketState>>;

/** Queries and subscriptions over WebSocket (graphql-transport-ws) at GRAPHQL_PATH. */
export function mountWebSocket(httpServer: Server, transports: Transports): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_FRAME_BYTES, handleProtocols });
  const protocol = protocolOf(transports);
  httpServer.on('upgrade', (request: IncomingMessage, socket, head) => {
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?', 1)[0];
    if (path !== GRAPHQL_PATH) return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (webSocket) => serve(protocol, webSocket, transports.addressOf(request), transports.log));
  });
  return async () => {
    for (const client of sockets.clients) client.close(GOING_AWAY, 'The gateway is stopping: connect again.');
    const silent = setTimeout(() => sockets.clients.forEach((client) => client.terminate()), CLOSE_GRACE_MILLISECONDS);
    await new Promise<void>((resolve, reject) => sockets.close((error) => (error ? reject(error) : resolve())));
    clearTimeout(silent);
  };
}

/** The protocol over this gateway's schema: who may connect, what may run, and how errors are shown. */
function protocolOf({ schema, database, events, authenticate, connections, log }: Transports): Protocol {
  const operations = new Operations(schema);
  const stateOf = new WeakMap<object, SocketState>();
  return makeServer<Credentials, SocketState>({
    connectionInitWaitTimeout: CONNECTION_INIT_MILLISECONDS,
    onConnect: async ({ connectionParams, extra }) => {
      try {
        extra.caller = await authenticate(connectionParams?.authorization ?? connectionParams?.Authorization);
      } catch (error) {
        const scope = requestScope.getStore();
        if (scope) scope.code = 'UNAUTHENTICATED';
        if (error instanceof GraphQLError) return false;
        throw error;
      }
      // A socket that has closed meanwhile would be held for ever.
      if (extra.socket.readyState === extra.socket.OPEN) extra.held = connections.hold(extra.caller, () => extra.socket.close(CloseCode.Forbidden, 'Forbidden'));
      return true;
    },
    onSubscribe: ({ extra }, _id, payload) => {
      const scope = requestScope.getStore();
      if (scope) scope.caller = extra.caller!;
      const prepared = operations.prepare(payload.query, payload.operationName, payload.variables);
      if (!('document' in prepared)) return prepared;
      const connection = { lastEventId: null, isAuthorized: () => extra.held?.isAuthorized() ?? false };
      const contextValue = new RequestContext(database, events, extra.caller!, currentRequestId(), extra.address, connection);
      stateOf.set(contextValue, extra);
      return { schema, document: prepared.document, operationName: payload.operationName ?? null, variableValues: payload.variables ?? null, contextValue };
    },
    // The protocol acknowledges no subscription: the answer to a query that was sent after it does.
    execute: async (operation) => {
      await stateOf.get(operation.contextValue as object)!.begun;
      return inTime(execute(operation as ExecutionArgs)).catch((error: unknown) => ({ errors: [error as GraphQLError] }));
    },
    subscribe: (operation) => {
      const begun = inTime(deliver(operation as ExecutionArgs)).catch((error: unknown) => ({ errors: [error as GraphQLError] }));
      const state = stateOf.get(operation.contextValue as object)!;
      state.begun = Promise.allSettled([state.begun, begun]);
      return begun;
    },
    onNext: (_context, _id, _payload, { contextValue }, result) => formatResult(result as ExecutionResult, (contextValue as RequestContext).requestId, log),
    onError: (_context, _id, _payload, errors) => {
      const requestId = currentRequestId();
      return errors.map((error) => formatError(error, requestId, log));
    },
  });
}

/** Carries one socket. What its client does wrong closes this socket alone, with the protocol's code. */
function serve(protocol: Protocol, socket: WebSocket, address: string, log: Log): void {
  const state: SocketState = { socket, address, begun: Promise.resolve() };
  // A frame that breaks RFC 6455, or one that is too large: ws closes the socket with its code itself.
  socket.on('error', (error) => log.debug(errorFacts(error), 'socket failed'));
  const stopPinging = keepAlive(socket);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      // Resolved when the frame has left: the next event is asked for only then.
      send: (data) =>
        new Promise((resolve) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          socket.send(data, () => resolve());
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) => socket.on('message', (data, isBinary) => void receive(socket, data, isBinary, take, log)),
    },
    state,
  );
  socket.once('close', (code, reason) => {
    stopPinging();
    state.held?.release();
    closed(code, String(reason)).catch((error: unknown) => log.error(errorFacts(error), 'closing a socket failed'));
  });
}

async function receive(socket: WebSocket, data: RawData, isBinary: boolean, take: (message: string) => Promise<void>, log: Log): Promise<void> {
  // Nothing that comes after a socket was refused is looked at.
  if (socket.readyState !== socket.OPEN) return;
  const text = String(data);
  const type = isBinary ? null : clientMessageType(text);
  if (type === null) return socket.close(CloseCode.BadRequest, 'Invalid message received');
  const scope = newRequestScope(randomUUID());
  const began = performance.now();
  try {
    await requestScope.run(scope, () => take(text));
  } catch (error) {
    log.error({ requestId: scope.requestId, ...errorFacts(error) }, 'serving a message failed');
    socket.close(CloseCode.InternalServerError, 'Internal server error');
  }
  // An operation is a request, and so is the connection; a subscription's line comes when it ends.
  if (type === MessageType.Subscribe || type === MessageType.ConnectionInit) logRequest(log, scope, began, { transport: 'websocket', route: type });
}

/** What a client says; null when it is nothing that a client may say. */
function clientMessageType(text: string): MessageType | null {
  try {
    const { type } = validateMessage(JSON.parse(text));
    return CLIENT_MESSAGES.has(type) ? type : null;
  } catch {
    return null;
  }
}

/** Pings, and ends the connection when no answer comes. @returns how to stop. */
function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => (answered = true));
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, KEEP_ALIVE_MILLISECONDS);
  return () => clearInterval(timer);
}
