import { AsyncLocalStorage } from 'node:async_hooks';
import type { Caller } from './caller.js';
import type { ErrorCode } from './errors.js';

/** What is known of the request that is being served, as it becomes known: for the log, the audit trail, and errors that come about where nothing else knows it. */
export interface RequestScope {
  readonly requestId: string;
  caller: Caller | null;
  /** The root fields that were asked for, in their order. */
  operations: string[];
  /** The arguments of the root field that runs: the audit trail commits to them, and keeps none. */
  input: unknown;
  /** Of the last refusal. */
  code: ErrorCode | null;
}

/** A request of which nothing but its id is known yet. */
export function newRequestScope(requestId: string): RequestScope {
  return { requestId, caller: null, operations: [], input: null, code: null };
}

export const requestScope = new AsyncLocalStorage<RequestScope>();
