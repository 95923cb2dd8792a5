import { randomUUID } from 'node:crypto';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled, ApolloServerPluginInlineTraceDisabled, ApolloServerPluginLandingPageDisabled, ApolloServerPluginUsageReportingDisabled } from '@apollo/server/plugin/disabled';
import type { ErrorRequestHandler, Express, NextFunction, Request, RequestHandler, Response } from 'express';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Caller } from '../core/caller.js';
import type { AddressOf } from '../core/caller-address.js';
import { RequestContext } from '../core/context.js';
import type { Database } from '../core/database.js';
import { ERROR_CODES, isRefusal, refusal, type ErrorCode } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { requestScope } from '../core/request-scope.js';
import type { EventStream } from '../core/stream.js';
import type { OpenConnections } from '../organization/open-connections.js';
import { operationsChecked, placeholderSchema, placeholderStore } from './apollo.js';
import type { Audiences } from './audiences.js';
import type { Authenticate } from './authentication.js';
import { formatError } from './errors.js';
import type { Executor } from './executor.js';
import { jsonBodies, NOT_UTF_8, withRetryAfter, type HttpOptions } from './http.js';
import { IDEMPOTENCY_KEY, withKey } from './idempotency.js';
import { LIMITS, type Limits } from './limits.js';
import type { Operations } from './operations.js';
import type { RateLimits } from './rate-limits.js';
import type { TrustedDocuments } from './trusted-documents.js';
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
  operations: Operations;
  executor: Executor;
  audiences: Audiences;
  limits: Limits;
  rateLimits: RateLimits;
  trusted: TrustedDocuments | null;
  http: HttpOptions;
  log: Log;
}

export const GRAPHQL_PATH = '/graphql';

interface GatewayRequest extends Request {
  caller?: Caller;
}

/** Establishes who asks, and whether that caller may ask so often. Throws UNAUTHENTICATED and RATE_LIMITED. */
export async function admit({ authenticate, rateLimits }: Transports, authorization: unknown, address: string): Promise<Caller> {
  const caller = await authenticate(authorization).catch(async (error: unknown) => {
    if (isRefusal(error) && error.extensions.code === 'UNAUTHENTICATED') await rateLimits.failedAuthentication(address);
    throw error;
  });
  await rateLimits.byCaller(caller);
  return caller;
}

/** Lets an address ask so often and no more, whoever it is. */
export function addressLimited({ rateLimits, addressOf }: Transports): RequestHandler {
  return (request, _response, next) => {
    rateLimits.fromAddress(addressOf(request)).then(() => next(), next);
  };
}

/** Establishes the caller before anything of the request is parsed. */
export function authenticated(transports: Transports): RequestHandler {
  return (request: GatewayRequest, _response, next) => {
    admit(transports, request.headers.authorization, transports.addressOf(request)).then(
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
  const { database, events, limits, trusted, addressOf, log } = transports;
  const apollo = new ApolloServer<RequestContext>({
    // Placeholders are all that Apollo validates, and what it validates them by.
    schema: placeholderSchema,
    introspection: true,
    documentStore: placeholderStore,
    persistedQueries: trusted ? { cache: manifestOf(trusted) } : false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: { debug: () => undefined, info: () => undefined, warn: (message) => log.warn(errorFacts(message), 'apollo'), error: (message) => log.error(errorFacts(message), 'apollo') },
    formatError: (formatted, error) => formatApolloError(formatted.extensions?.['code'], error, log),
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      operationsChecked(transports),
    ],
  });
  await apollo.start();
  app.all(
    GRAPHQL_PATH,
    authenticated(transports),
    multipartUploads({ maxFileSize: limits.fileBytes, maxFiles: limits.files, maxOperationsSize: limits.frameBytes }),
    jsonBodies(limits.bodyBytes),
    answeredBy(apollo, (request) => new RequestContext(database, events, withKey(callerOfRequest(request), request.get(IDEMPOTENCY_KEY)), currentRequestId(), addressOf(request))),
  );
  return () => apollo.stop();
}

/** Hands requests to Apollo, and its answers back: each is whole, since nothing of it is deferred. */
function answeredBy(apollo: ApolloServer<RequestContext>, contextOf: (request: Request) => RequestContext): RequestHandler {
  return async (request, response) => {
    const { method, url } = request;
    const search = url.indexOf('?');
    const { status = 200, headers, body } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method, headers: headersOf(request), search: search < 0 ? '' : url.slice(search), body: request.body as unknown },
      context: () => Promise.resolve(contextOf(request)),
    });
    if (body.kind !== 'complete') throw new Error('An answer comes whole');
    // Its deadline has answered it.
    if (response.headersSent) return;
    response.setHeaders(headers);
    response.writeHead(status, { 'content-length': Buffer.byteLength(body.string) }).end(body.string);
  };
}

function headersOf({ headers }: Request): HeaderMap {
  const map = new HeaderMap();
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

/** Apollo's own refusals carry their code in what it has formatted; everything else goes through the one formatter. */
function formatApolloError(code: unknown, error: unknown, log: Log) {
  const isApollos = error instanceof GraphQLError && error.extensions['code'] === undefined && error.originalError == null && !error.path;
  return formatError(isApollos ? coded(error, code) : error, currentRequestId(), log);
}

/** With the code that Apollo means, or the one that its status does. */
function coded(error: GraphQLError, code: unknown): GraphQLError {
  const { status } = (error.extensions['http'] ?? {}) as { status?: number };
  if (code === 'INTERNAL_SERVER_ERROR' && status !== undefined && status < 500) return refusal('BAD_REQUEST', error.message);
  return typeof code === 'string' && code in ERROR_CODES ? refusal(code as ErrorCode, error.message) : error;
}

/** The trusted documents as Apollo reads persisted queries; what is sent with a hash is not kept. */
function manifestOf(trusted: TrustedDocuments) {
  const hashOf = (key: string): string => key.slice(key.lastIndexOf(':') + 1);
  return { get: (key: string) => Promise.resolve(trusted.get(hashOf(key))), set: () => Promise.resolve(), delete: () => Promise.resolve() };
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
    withRetryAfter(response, formatted);
    response.status(formatted.extensions?.['statusCode'] as number).json({ errors: [formatted] });
  };
}

/** Express and its parsers say with `status` or `type` whose fault an error is. */
function asRefusal(error: unknown): unknown {
  if (error instanceof GraphQLError || !(error instanceof Error)) return error;
  const { type, status } = error as Error & { type?: string; status?: number };
  if (type === 'entity.too.large') return refusal('PAYLOAD_TOO_LARGE', `A request may have at most ${LIMITS.bodyBytes.value} bytes beside its files.`);
  if (type === 'encoding.unsupported') return refusal('UNSUPPORTED_MEDIA_TYPE', NOT_UTF_8);
  return status !== undefined && status < 500 ? refusal('BAD_REQUEST', 'The request could not be read.') : error;
}
