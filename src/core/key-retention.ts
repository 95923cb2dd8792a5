import type { Kysely } from 'kysely';
import { MILLISECONDS_PER_SECOND } from './clock.js';
import type { Core } from './command.js';
import { deleteOldKeys } from './idempotency.js';
import { errorFacts } from './log.js';

/** A key that is a little older than a day is taken for none anyway: it only has to go in the end. */
const SWEEP_MILLISECONDS = 3_600 * MILLISECONDS_PER_SECOND;
/** Rows that one statement deletes in good time. */
const BATCH = 1_000;

/** Deletes the Idempotency-Keys whose day is over. */
export class KeyRetention {
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly core: Core) {}

  /** Begins to sweep: now and every hour. Several replicas may; each deletes what is left. */
  start(): void {
    const sweep = (): void => {
      this.#sweeping = this.#sweep().catch((error: unknown) => this.core.log.error(errorFacts(error), 'deleting old idempotency keys failed'));
    };
    this.#timer = setInterval(sweep, SWEEP_MILLISECONDS).unref();
    sweep();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { database, clock } = this.core;
    while (!this.#stopped && (await deleteOldKeys(database.owner().getKysely() as unknown as Kysely<never>, clock.now(), BATCH)) === BATCH);
  }
}
