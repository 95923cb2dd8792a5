import { createSourceEventStream, type ExecutionResult } from 'graphql';
import type { Credential } from '../core/context.js';
import { refusal } from '../core/errors.js';
import { requestScope, type RequestScope } from '../core/request-scope.js';
import type { Subscriber } from '../core/subscriber.js';
import type { Audience, Audiences, Hearer, SubscriptionArguments, Told } from './audiences.js';
import { inTime } from './deadline.js';
import type { Prepared } from './operations.js';

/** Hands a piece to a transport. @returns when the next may come, where that is not at once. */
type Send = (piece: readonly Told[]) => Promise<void> | undefined;

/**
 * What a subscription is told, piece by piece, each only when the one before has been taken: so back pressure reaches
 * from the socket to the event stream. The credential is asked again for every piece. A step calls the next: thousands are
 * told at once, and a promise for each step of each would cost as much as its frame.
 */
export class Deliveries implements Hearer {
  /** That of the request that subscribed: errors are noted there. */
  #scope: RequestScope | undefined;
  #send: Send = () => undefined;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(
    private readonly events: Subscriber,
    private readonly audience: Audience,
    private readonly leave: () => void,
    private readonly credential: Credential,
  ) {}

  /** Tells all there is, until the subscription ends. Throws UNAUTHENTICATED, and what cut the subscriber off. */
  async tell(send: Send): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#scope = requestScope.getStore();
        this.#send = send;
        this.#resolve = resolve;
        this.#reject = reject;
        this.#goOn();
      });
    } finally {
      this.end();
    }
  }

  /** Nothing more is told. */
  end(): void {
    this.events.end();
    this.leave();
  }

  hear(told: readonly Told[]): void {
    try {
      this.#assertAuthorized();
      // One that was cut off meanwhile is told all the same: the cursor that it is to resume from stands behind this piece.
      if (this.events.ended && !this.events.isCutOff) return this.#resolve();
      const taken = told.some(({ hasErrors }) => hasErrors) && this.#scope ? requestScope.run(this.#scope, () => this.#send(told)) : this.#send(told);
      if (taken) taken.then(this.#goOn, this.#reject);
      else this.#goOn();
    } catch (error) {
      this.#reject(error);
    }
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  readonly #goOn = (): void => {
    try {
      const events = this.events.take(this.audience.most);
      if (!events) this.#resolve();
      else if (events.length === 0) this.events.arrival(this.#goOn);
      else this.audience.tell(events, this);
    } catch (error) {
      this.#reject(error);
    }
  };

  #assertAuthorized(): void {
    if (!this.credential.isAuthorized()) throw refusal('UNAUTHENTICATED', 'The key of this connection has been revoked or has expired.');
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
  return new Deliveries(events as Subscriber, audience, leave, args.contextValue.connection.credential);
}
