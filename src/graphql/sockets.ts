import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { execute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer, MessageType, validateMessage } from 'graphql-ws';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Caller } from '../core/caller.js';
import { RequestContext, type Credential } from '../core/context.js';
import { isRefusal, refusal, type ErrorCode } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { newRequestScope, requestScope } from '../core/request-scope.js';
import type { HeldConnection } from '../organization/open-connections.js';
import type { SubscriptionArguments } from './audiences.js';
import { inTime } from './deadline.js';
import { deliver, Deliveries } from './deliveries.js';
import { formatError, formatResult } from './errors.js';
import { answerRaw, mayConnect } from './http.js';
import { httpStatusOf, type Prepared } from './operations.js';
import { PouredDeliveries, type Carrier } from './poured-deliveries.js';
import { logRequest } from './request-log.js';
import { admit, GRAPHQL_PATH, type Transports } from './server.js';

/** A socket that says nothing of itself in this time is closed. */
const CONNECTION_INIT_MILLISECONDS = 5_000;
/** Keeps connections open through proxies, and ends those whose client no longer reads. */
const KEEP_ALIVE_MILLISECONDS = 12_000;
const RETRY_AFTER_SECONDS = 1;
/** A client that does not answer the close of its socket in this time is gone. */
const CLOSE_GRACE_MILLISECONDS = 1_000;
/** RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;
/** What a socket holds that closed before it was let in. */
const CLOSED: Credential = { isAuthorized: () => false };
/** What a client may say in graphql-transport-ws; the rest of its messages are the server's. */
const CLIENT_MESSAGES: ReadonlySet<string> = new Set([MessageType.ConnectionInit, MessageType.Ping, MessageType.Pong, MessageType.Subscribe, MessageType.Complete]);

interface SocketState extends Record<PropertyKey, unknown>, Carrier {
  /** The IP address that it came from. */
  address: string;
  caller?: Caller;
  held?: HeldConnection;
  /** Settles when every subscription that was asked for so far stands, or was refused. */
  begun: Promise<unknown>;
}

/** A subscription on its way: the id that its client has given it, on which socket, and what it runs. */
interface Begun {
  id: string;
  state: SocketState;
  prepared: Prepared;
}

type Credentials = { authorization?: unknown; Authorization?: unknown };
type Protocol = ReturnType<typeof makeServer<Credentials, SocketState>>;

/** Queries and subscriptions over WebSocket (graphql-transport-ws) at GRAPHQL_PATH. */
export function mountWebSocket(httpServer: Server, transports: Transports): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: transports.limits.frameBytes, handleProtocols });
  const protocol = protocolOf(transports);
  const requestIds = new WeakMap<IncomingMessage, string>();
  sockets.on('headers', (headers, request) => headers.push(`x-request-id: ${requestIds.get(request)}`));
  httpServer.on('upgrade', (request: IncomingMessage, socket, head) => {
    socket.on('error', () => socket.destroy());
    const [requestId, address] = [randomUUID(), transports.addressOf(request)];
    upgradeFault(request, address, transports).then(
      (fault) => {
        if (fault) return answerRaw(socket, httpStatusOf([fault]), formatError(fault, requestId, transports.log), transports.http);
        requestIds.set(request, requestId);
        sockets.handleUpgrade(request, socket, head, (webSocket) => serve(protocol, { socket: webSocket, stream: socket, requestId, address, begun: Promise.resolve() }, transports.log));
      },
      (error: unknown) => answerRaw(socket, 500, formatError(error, requestId, transports.log), transports.http),
    );
  });
  return async () => {
    for (const client of sockets.clients) client.close(GOING_AWAY, 'The gateway is stopping: connect again.');
    const silent = setTimeout(() => sockets.clients.forEach((client) => client.terminate()), CLOSE_GRACE_MILLISECONDS);
    await new Promise<void>((resolve, reject) => sockets.close((error) => (error ? reject(error) : resolve())));
    clearTimeout(silent);
  };
}

/** Why a socket is not opened. */
async function upgradeFault(request: IncomingMessage, address: string, { rateLimits, http }: Transports): Promise<GraphQLError | null> {
  if (request.url?.split('?', 1)[0] !== GRAPHQL_PATH) return refusal('NOT_FOUND', `WebSockets are at ${GRAPHQL_PATH}.`);
  if (!mayConnect(request, http)) return refusal('FORBIDDEN', 'Pages of this origin may not connect. CORS_ORIGINS names those that may.');
  return rateLimits.fromAddress(address).then(
    () => null,
    (error: unknown) => (isRefusal(error) ? error : Promise.reject(error)),
  );
}

/** The protocol over this gateway's schema: who may connect, what may run, and how errors are shown. */
function protocolOf(transports: Transports): Protocol {
  const { schema, database, events, operations, audiences, limits, rateLimits, connections, log } = transports;
  const begunOf = new WeakMap<object, Begun>();
  return makeServer<Credentials, SocketState>({
    connectionInitWaitTimeout: CONNECTION_INIT_MILLISECONDS,
    onConnect: async ({ connectionParams, extra }) => {
      try {
        extra.caller = await admit(transports, connectionParams?.authorization ?? connectionParams?.Authorization, extra.address);
        // A socket that has closed meanwhile would be held for ever.
        if (extra.socket.readyState === extra.socket.OPEN) extra.held = connections.hold(extra.caller, () => extra.socket.close(CloseCode.Forbidden, 'Forbidden'));
        return true;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const { code, retryAfter } = error.extensions as { code: ErrorCode; retryAfter?: number };
        const scope = requestScope.getStore();
        if (scope) scope.code = code;
        if (code === 'RATE_LIMITED') extra.socket.close(CloseCode.TooManyInitialisationRequests, `RATE_LIMITED: try again in ${retryAfter} s`);
        return false;
      }
    },
    onSubscribe: async ({ extra, subscriptions }, id, { query, operationName = null, variables = null, extensions }) => {
      if (Object.keys(subscriptions).length > limits.operationsOfSocket) {
        return [refusal('RATE_LIMITED', `At most ${limits.operationsOfSocket} operations may run on one socket. Complete some.`, { retryAfter: RETRY_AFTER_SECONDS })];
      }
      const refused = await rateLimits.byCaller(extra.caller!).catch((error: unknown) => [error as GraphQLError]);
      if (refused) return refused;
      const prepared = operations.prepare({ query, operationName, variables, extensions }, 'WebSocket');
      if (!('document' in prepared)) return prepared;
      const connection = { lastEventId: null, credential: extra.held ?? CLOSED };
      const contextValue = new RequestContext(database, events, extra.caller!, extra.requestId, extra.address, connection);
      begunOf.set(contextValue, { id, state: extra, prepared });
      return { schema, document: prepared.document, operationName, variableValues: variables, contextValue };
    },
    // The protocol acknowledges no subscription: the answer to a query that was sent after it does.
    execute: async (operation) => {
      await begunOf.get(operation.contextValue as object)!.state.begun;
      return inTime(execute(operation as ExecutionArgs)).catch((error: unknown) => ({ errors: [error as GraphQLError] }));
    },
    subscribe: async (operation) => {
      const { id, state, prepared } = begunOf.get(operation.contextValue as object)!;
      const begun = deliver(operation as SubscriptionArguments, prepared, audiences).catch((error: unknown) => ({ errors: [error as GraphQLError] }));
      state.begun = Promise.allSettled([state.begun, begun]);
      const result = await begun;
      return result instanceof Deliveries ? new PouredDeliveries(result, state, id, log) : result;
    },
    onNext: (_context, _id, _payload, { contextValue }, result) => formatResult(result as ExecutionResult, (contextValue as RequestContext).requestId, log),
    onError: ({ extra }, _id, _payload, errors) => errors.map((error) => formatError(error, extra.requestId, log)),
  });
}

/** Carries one socket. What its client does wrong closes this socket alone, with the protocol's code. */
function serve(protocol: Protocol, state: SocketState, log: Log): void {
  const { socket } = state;
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
      onMessage: (take) => socket.on('message', (data, isBinary) => void receive(state, data, isBinary, take, log)),
    },
    state,
  );
  socket.once('close', (code, reason) => {
    stopPinging();
    state.held?.release();
    closed(code, String(reason)).catch((error: unknown) => log.error(errorFacts(error), 'closing a socket failed'));
  });
}

async function receive({ socket, requestId, caller }: SocketState, data: RawData, isBinary: boolean, take: (message: string) => Promise<void>, log: Log): Promise<void> {
  // Nothing that comes after a socket was refused is looked at.
  if (socket.readyState !== socket.OPEN) return;
  const text = String(data);
  const type = isBinary ? null : clientMessageType(text);
  if (type === null) return socket.close(CloseCode.BadRequest, 'Invalid message received');
  const scope = { ...newRequestScope(requestId), caller: caller ?? null };
  const began = performance.now();
  try {
    await requestScope.run(scope, () => take(text));
  } catch (error) {
    log.error({ requestId, ...errorFacts(error) }, 'serving a message failed');
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
