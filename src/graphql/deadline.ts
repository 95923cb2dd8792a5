import type { RequestHandler, Response } from 'express';
import { refusal } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { formatError } from './errors.js';
import { currentRequestId } from './server.js';

/** Milliseconds from a request's last byte to its answer, whatever the database does: every request ends within ten seconds. */
const DEADLINE = 9_000;
const RETRY_AFTER_SECONDS = 1;

function tooLate() {
  return refusal('SERVICE_UNAVAILABLE', 'This takes too long just now, and may still happen. Send it again with the same Idempotency-Key.', { retryAfter: RETRY_AFTER_SECONDS });
}

/** Answers what is not answered in time with SERVICE_UNAVAILABLE. A body may take as long as its sender does. */
export function deadline(log: Log): RequestHandler {
  return (request, response, next) => {
    let timer = setTimeout(() => {
      if (request.complete) return end(response, log);
      request.once('end', () => (timer = setTimeout(() => end(response, log), DEADLINE)));
    }, DEADLINE);
    response.once('close', () => clearTimeout(timer));
    next();
  };
}

function end(response: Response, log: Log): void {
  if (response.headersSent || response.destroyed) return;
  const formatted = formatError(tooLate(), String(response.getHeader('x-request-id') ?? currentRequestId()), log);
  response.status(formatted.extensions?.['statusCode'] as number).json({ errors: [formatted] });
}

/** The outcome of what a socket or an event stream asks, which rejects with SERVICE_UNAVAILABLE when it takes too long. */
export async function inTime<Outcome>(work: Outcome | Promise<Outcome>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(tooLate()), DEADLINE)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
