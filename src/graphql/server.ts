import { randomUUID } from 'node:crypto';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled, ApolloServerPluginLandingPageDisabled, ApolloServerPluginUsageReportingDisabled } from '@apollo/server/plugin/disabled';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type ErrorRequestHandler, type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Caller } from '../core/caller.js';
import type { AddressOf } from '../core/caller-address.js';
import { RequestContext } from '../core/context.js';
import type { Database } from '../core/database.js';
import { ERROR_CODES, refusal, type ErrorCode } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { requestScope } from '../core/request-scope.js';
import type { EventStream } from '../core/stream.js';
import type { OpenConnections } from '../organization/open-connections.js';
import type { Authenticate } from './authentication.js';
import { formatError } from './errors.js';
import { canonicalRequest, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, keyFault, withKey } from './idempotency.js';
import { checkInput } from './input-faults.js';
import { literalFaultsGathered } from './literal-faults.js';
import { LARGEST_DOCUMENT_TOKENS, noOperation } from './operations.js';
import { multipartUploads } from './uploads.js';

/** What the transports stand on. */
export interface Transports {
  schema: GraphQLSchema;
  database: Database;
  events: EventStream;
  authenticate: Authenticate;
  addressOf: AddressOf;
  /** What is open longer than a request ends with its key. */
  connections: OpenConnections;
  log: Log;
}

export const GRAPHQL_PATH = '/graphql';
/** An operation with its variables is a few kilobytes, with a policy's contracts some hundred; files come by multipart. */
export const LARGEST_BODY = '2mb';
const LARGEST_OPERATIONS_PART_BYTES = 1_048_576;
const LARGEST_FILE_BYTES = 15 * 1_048_576;
/** The files that one submission may have. */
const MOST_FILES = 4;

interface GatewayRequest extends Request {
  caller?: Caller;
}

/** Establishes the caller before anything of the request is parsed. */
export function authenticated(authenticate: Authenticate): RequestHandler {
  return (request: GatewayRequest, _response, next) => {
    authenticate(request.headers.authorization).then(
      (caller) => {
        request.caller = caller;
        const scope = requestScope.getStore();
        if (scope) scope.caller = caller;
        next();
      },
      next,
    );
  };
}

/** The caller of a request that `authenticated` has let through. */
export function callerOfRequest(request: Request): Caller {
  const { caller } = request as GatewayRequest;
  if (!caller) throw new Error('The request was not authenticated');
  return caller;
}

/** GraphQL over HTTP, with multipart uploads, at GRAPHQL_PATH. */
export async function mountGraphql(app: Express, transports: Transports): Promise<() => Promise<void>> {
  const { schema, database, events, authenticate, addressOf, log } = transports;
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: true,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    parseOptions: { maxTokens: LARGEST_DOCUMENT_TOKENS },
    stopOnTerminationSignals: false,
    logger: { debug: () => undefined, info: () => undefined, warn: (message) => log.warn(errorFacts(message), 'apollo'), error: (message) => log.error(errorFacts(message), 'apollo') },
    formatError: (formatted, error) => formatApolloError(formatted.extensions?.['code'], error, log),
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      inputChecked(schema),
      literalFaultsGathered(schema, (error) => formatError(error, currentRequestId(), log)),
    ],
  });
  await apollo.start();
  app.use(
    GRAPHQL_PATH,
    exactPath,
    authenticated(authenticate),
    multipartUploads({ maxFileSize: LARGEST_FILE_BYTES, maxFiles: MOST_FILES, maxOperationsSize: LARGEST_OPERATIONS_PART_BYTES }),
    express.json({ limit: LARGEST_BODY }),
    expressMiddleware(apollo, {
      context: ({ req }) => Promise.resolve(new RequestContext(database, events, withKey(callerOfRequest(req), req.get(IDEMPOTENCY_KEY)), currentRequestId(), addressOf(req))),
    }),
  );
  return () => apollo.stop();
}

/** `app.use` takes whatever is below its path too: that is not ours. */
export const exactPath: RequestHandler = (request, response, next) => (request.path === '/' ? next() : notFoundRoute(request, response, next));

/** Refuses what does not fit the schema before it runs. */
function inputChecked(schema: GraphQLSchema): ApolloServerPlugin<RequestContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation: async ({ document, operation, request, contextValue }) => {
          // A document of several operations without operationName: Apollo says so itself.
          if (!operation) return;
          if (operation.operation === 'subscription') {
            throw withStatus(refusal('OPERATION_NOT_ALLOWED', 'Subscriptions run over WebSocket (graphql-transport-ws) at /graphql, or over Server-Sent Events at /graphql/stream.'));
          }
          const variables = request.variables ?? {};
          const keyed = operation.operation === 'mutation' ? contextValue.caller.idempotency : undefined;
          const fault = keyed && keyFault(keyed, document, operation);
          if (fault) throw withStatus(fault);
          await checkInput(schema, document, operation, variables, contextValue);
          if (keyed) keyed.request = canonicalRequest(document, operation, variables);
        },
        willSendResponse: async ({ response, contextValue }) => {
          if (contextValue.caller.idempotency?.replayed) response.http.headers.set(IDEMPOTENCY_REPLAYED, 'true');
        },
      }),
  };
}

function withStatus(error: GraphQLError): GraphQLError {
  error.extensions['http'] = { status: error.extensions['statusCode'] };
  return error;
}

/** Apollo's own refusals carry their code in what it has formatted; everything else goes through the one formatter. */
function formatApolloError(code: unknown, error: unknown, log: Log) {
  if (code === 'OPERATION_RESOLUTION_FAILURE') return formatError(noOperation(), currentRequestId(), log);
  const isApollos = error instanceof GraphQLError && error.extensions['code'] === undefined && error.originalError == null && !error.path;
  const coded = isApollos && typeof code === 'string' && code in ERROR_CODES ? new GraphQLError(error.message, { nodes: error.nodes ?? null, extensions: { code: code as ErrorCode } }) : error;
  return formatError(coded, currentRequestId(), log);
}

export function currentRequestId(): string {
  return requestScope.getStore()?.requestId ?? randomUUID();
}

/** Whatever no route took. */
export function notFoundRoute(request: Request, _response: Response, next: NextFunction): void {
  next(refusal('NOT_FOUND', `Nothing is served at ${request.method} of this path. GraphQL is at ${GRAPHQL_PATH}.`));
}

/** The end of the chain: every error as JSON in GraphQL's form, never HTML, never a stack. */
export function jsonErrors(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    // Its deadline has answered it: what comes of it later is told to nobody.
    if (response.writableEnded) return;
    const requestId = String(response.getHeader('x-request-id') ?? randomUUID());
    const formatted = formatError(asRefusal(error), requestId, log);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(formatted.extensions?.['statusCode'] as number).json({ errors: [formatted] });
  };
}

/** Express and its parsers say with `status` or `type` whose fault an error is. */
function asRefusal(error: unknown): unknown {
  if (error instanceof GraphQLError || !(error instanceof Error)) return error;
  const { type, status } = error as Error & { type?: string; status?: number };
  if (type === 'entity.too.large') return refusal('PAYLOAD_TOO_LARGE', `A request may have at most ${LARGEST_BODY} beside its files.`);
  if (type === 'entity.parse.failed') return refusal('BAD_REQUEST', 'The body is not valid JSON.');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') return refusal('UNSUPPORTED_MEDIA_TYPE', 'Send UTF-8 JSON, not encoded otherwise.');
  return status !== undefined && status < 500 ? refusal('BAD_REQUEST', 'The request could not be read.') : error;
}
