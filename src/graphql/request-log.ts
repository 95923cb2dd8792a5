import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Log } from '../core/log.js';
import { newRequestScope, requestScope, type RequestScope } from '../core/request-scope.js';

/** What is said of a request beside what its scope knows. */
export interface RequestFacts {
  transport: 'http' | 'websocket';
  method?: string;
  route?: string;
  statusCode?: number;
}

/** Paths hold ids and the signatures of links: what is logged is what serves them. */
const ROUTES = ['/graphql/stream', '/graphql', '/files', '/health', '/.well-known'] as const;
/** A document may ask for the same fields a thousand times. */
const MOST_OPERATIONS = 20;

/** Gives every request an id, in the response and in whatever is logged of it, and its line of the log. */
export function requestScopes(log: Log): RequestHandler {
  return (request, response, next) => {
    const scope = newRequestScope(randomUUID());
    const began = performance.now();
    const path = request.path;
    response.set('x-request-id', scope.requestId);
    response.once('close', () => {
      const route = ROUTES.find((known) => path === known || path.startsWith(`${known}/`)) ?? 'other';
      logRequest(log, scope, began, { transport: 'http', method: request.method, route, statusCode: response.statusCode });
    });
    requestScope.run(scope, next);
  };
}

/**
 * Writes the one line of a request. An operation goes by the names of its root fields: what a caller calls it is the
 * caller's word, and may be anybody's name.
 */
export function logRequest(log: Log, { requestId, caller, operations, code }: RequestScope, began: number, facts: RequestFacts): void {
  const operation = operations.length > 1 ? [...new Set(operations)].slice(0, MOST_OPERATIONS).join(' ') : operations[0];
  // What is undefined or null is left out of the line.
  const { actor, role, organizationId } = caller ?? {};
  log.info({ requestId, ...facts, operation, actor, role, organizationId, code, durationMilliseconds: Math.round((performance.now() - began) * 10) / 10 }, 'request');
}
