import { GraphQLError, type ExecutionResult, type FormattedExecutionResult, type GraphQLFormattedError } from 'graphql';
import { badInput, ERROR_CODES, isRefusal, refusal, type ErrorCode } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { requestScope } from '../core/request-scope.js';
import { isOutage } from '../core/outages.js';
import { literalFault } from './literal-faults.js';

const RETRY_AFTER_SECONDS = 1;

/**
 * Makes of any error what a caller may see: the one formatter of HTTP, WebSocket and SSE. A refusal passes with its facts;
 * anything else is logged and becomes INTERNAL_SERVER_ERROR (or SERVICE_UNAVAILABLE) and nothing more.
 */
export function formatError(error: unknown, requestId: string, log: Log): GraphQLFormattedError {
  const visible = visibleError(error, requestId, log);
  const { http: _http, stacktrace: _stacktrace, ...facts } = visible.extensions as Record<string, unknown>;
  const code = visible.extensions['code'] as ErrorCode;
  const scope = requestScope.getStore();
  if (scope) scope.code = code;
  const located = error instanceof GraphQLError ? error : visible;
  return {
    message: code === 'GRAPHQL_PARSE_FAILED' ? visible.message.replace(VALUE_TOKEN, '$1') : visible.message,
    ...(located.locations ? { locations: located.locations } : {}),
    ...(located.path ? { path: located.path } : {}),
    extensions: { ...facts, statusCode: ERROR_CODES[code].statusCode, requestId },
  };
}

/** What a caller may see of a result. */
export function formatResult(result: ExecutionResult, requestId: string, log: Log): FormattedExecutionResult {
  if (!result.errors) return result as FormattedExecutionResult;
  return { ...result, errors: result.errors.map((error) => formatError(error, requestId, log)) };
}
/** The parser says which token it met: a value among them may be personal data. */
const VALUE_TOKEN = /\b(String|BlockString|Int|Float) ".*"/s;

function visibleError(error: unknown, requestId: string, log: Log): GraphQLError {
  const original = rootOf(error);
  const literal = literalFault(error) ?? literalFault((error as GraphQLError | null)?.originalError);
  if (literal) return badInput([literal]);
  if (isRefusal(original)) return original.extensions['code'] === 'INTERNAL_SERVER_ERROR' ? unexpected(original, requestId, log) : original;
  if (error instanceof GraphQLError && original === error && !error.path) {
    // graphql-js itself refuses a document without a code of its own.
    return new GraphQLError(error.message, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
  }
  return unexpected(original, requestId, log);
}

/** The error that a resolver threw, below what graphql-js wrapped around it. */
function rootOf(error: unknown): unknown {
  let current = error;
  while (current instanceof GraphQLError && current.originalError && !isRefusal(current)) current = current.originalError;
  return current;
}

function unexpected(error: unknown, requestId: string, log: Log): GraphQLError {
  if (isOutage(error)) {
    log.warn({ requestId, ...errorFacts(error) }, 'unavailable');
    return refusal('SERVICE_UNAVAILABLE', 'The gateway cannot reach its database just now. Try again shortly.', { retryAfter: RETRY_AFTER_SECONDS });
  }
  log.error({ requestId, ...errorFacts(error) }, 'unexpected error');
  return refusal('INTERNAL_SERVER_ERROR', 'Something unexpected happened. Quote the requestId to the operator of the gateway.');
}
