import { MILLISECONDS_PER_SECOND } from '../clock.js';
import { errorFacts, type Log } from '../log.js';
import type { PlainRows } from './plain-rows.js';

/** Customers that are looked up at once; each is encrypted in a transaction of its own. */
const BATCH = 100;
const RETRY_MILLISECONDS = 60 * MILLISECONDS_PER_SECOND;

/**
 * Encrypts, while the gateway serves, what was stored before there was encryption. It begins with the start and ends when
 * nothing is left. Interrupted, it goes on where it was; several replicas may be at it at once.
 */
export class PlainSweep {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly rows: PlainRows,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#running = this.sweep().catch((error: unknown) => {
      this.log.error(errorFacts(error), 'encrypting what was stored before failed');
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), RETRY_MILLISECONDS).unref();
    });
  }

  /** Lets the customer that it is at be finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** @returns once all that was stored in the plain has been encrypted. */
  async sweep(): Promise<void> {
    let sealed = 0;
    for (;;) {
      const customers = await this.rows.unsealedCustomers(BATCH);
      for (const customer of customers) {
        if (this.#stopped) return;
        await this.rows.sealCustomer(customer.organization_id, customer.id);
        sealed += 1;
      }
      if (customers.length < BATCH) break;
    }
    if (sealed > 0) this.log.info({ customers: sealed }, 'what was stored before has been encrypted');
  }
}
