import { AsyncLocalStorage } from 'node:async_hooks';

/** The id of the request that is being served, for the errors and log lines that come about where nothing else knows it. */
export const requestScope = new AsyncLocalStorage<{ requestId: string }>();
