import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Connection } from '../core/context.js';
import { refusal } from '../core/errors.js';
import type { Subscriber } from '../core/subscriber.js';
import type { Audience, Audiences, SubscriptionArguments, Told } from './audiences.js';
import { inTime } from './deadline.js';
import type { Prepared } from './operations.js';

/** Hands a piece to a transport. @returns when the next may come, where that is not at once. */
type Send = (piece: readonly Told[]) => Promise<void> | undefined;

/**
 * What a subscription is told, piece by piece, each only when the one before has been taken: so back pressure reaches
 * from the socket to the event stream. The credential is asked again for every piece.
 */
export class Deliveries {
  constructor(
    private readonly events: Subscriber,
    private readonly audience: Audience,
    private readonly leave: () => void,
    private readonly connection: Connection,
  ) {}

  /** Tells all there is, until the subscription ends. Throws UNAUTHENTICATED, and what cut the subscriber off. */
  async tell(send: Send): Promise<void> {
    try {
      for (;;) {
        const events = this.events.take(this.audience.most);
        if (!events) return;
        if (events.length === 0) {
          await this.events.arrival();
          continue;
        }
        const told = await this.audience.tell(events);
        this.#assertAuthorized();
        if (this.events.ended) return;
        // Waiting costs a turn each, and thousands may be told at once: who need not wait goes on.
        const taken = send(told);
        if (taken) await taken;
      }
    } finally {
      this.end();
    }
  }

  /** Nothing more is told. */
  end(): void {
    this.events.end();
    this.leave();
  }

  #assertAuthorized(): void {
    if (!this.connection.isAuthorized()) throw refusal('UNAUTHENTICATED', 'The key of this connection has been revoked or has expired.');
  }
}

/** Begins a subscription. @returns its deliveries, which are to be ended, or why there are none. Throws SERVICE_UNAVAILABLE when it takes too long. */
export async function deliver(args: SubscriptionArguments, prepared: Prepared, audiences: Audiences): Promise<Deliveries | ExecutionResult> {
  const begun = begin(args, prepared, audiences);
  try {
    return await inTime(begun);
  } catch (error) {
    // It may begin all the same, and nobody would end it.
    void begun.then((outcome) => outcome instanceof Deliveries && outcome.end(), () => undefined);
    throw error;
  }
}

async function begin(args: SubscriptionArguments, prepared: Prepared, audiences: Audiences): Promise<Deliveries | ExecutionResult> {
  const events = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in events)) return events;
  const { audience, leave } = audiences.join(args, prepared);
  return new Deliveries(events as Subscriber, audience, leave, args.contextValue.connection);
}
