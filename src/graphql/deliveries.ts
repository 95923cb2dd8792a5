import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { RequestContext } from '../core/context.js';
import { refusal } from '../core/errors.js';
import { encodeEventCursor } from '../core/event-cursor.js';
import type { EventRow } from '../core/event-log.js';

/**
 * What a subscription answers, one result an event, each only when the one before has been taken: so back pressure
 * reaches from the socket to the event stream. The credential is asked again for every event.
 */
export class Deliveries implements AsyncIterableIterator<ExecutionResult> {
  /** Of the event that the last result was made of; null before the first. */
  cursor: string | null = null;

  constructor(
    private readonly events: AsyncIterator<EventRow>,
    private readonly operation: ExecutionArgs,
    private readonly context: RequestContext,
  ) {}

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    const step = await this.events.next();
    if (step.done) return { done: true, value: undefined };
    this.#assertAuthorized();
    const result = await execute({ ...this.operation, rootValue: step.value });
    this.#assertAuthorized();
    this.cursor = encodeEventCursor(step.value.organization_id, step.value.position);
    return { done: false, value: result };
  }

  async return(): Promise<IteratorResult<ExecutionResult, undefined>> {
    await this.events.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #assertAuthorized(): void {
    if (this.context.connection.isAuthorized()) return;
    void this.return();
    throw refusal('UNAUTHENTICATED', 'The key of this connection has been revoked or has expired.');
  }
}

/** Begins a subscription. @returns its deliveries, or why there are none. */
export async function deliver(operation: ExecutionArgs): Promise<Deliveries | ExecutionResult> {
  const events = await createSourceEventStream(operation);
  if (!(Symbol.asyncIterator in events)) return events;
  return new Deliveries((events as AsyncIterable<EventRow>)[Symbol.asyncIterator](), operation, operation.contextValue as RequestContext);
}
