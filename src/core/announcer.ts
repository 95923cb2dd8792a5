import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database } from './database.js';
import { EVENT_CHANNEL, type EventHint } from './event-log.js';
import { errorFacts, type Log } from './log.js';

/**
 * Tells every process which organizations have new events. After the commit that has brought them about, and never in it: PostgreSQL lets
 * commits that notify through one at a time, each with its own wait for the disk, in the whole database. What is announced
 * meanwhile goes out together, and of each organization the newest position alone. A hint that is lost is made good by the polls of those who listen.
 */
export class Announcer {
  readonly #waiting = new Map<string, number>();
  #telling: Promise<void> | null = null;

  constructor(
    private readonly database: Pick<Database, 'owner'>,
    private readonly log: Log,
  ) {}

  announce({ organizationId, position }: EventHint): void {
    this.#waiting.set(organizationId, Math.max(position, this.#waiting.get(organizationId) ?? 0));
    this.#telling ??= this.#tell();
  }

  /** Resolves once everything that was announced has been told. */
  async stop(): Promise<void> {
    await this.#telling;
  }

  async #tell(): Promise<void> {
    // Others of the same turn go along.
    await turn();
    try {
      while (this.#waiting.size > 0) {
        const hints = [...this.#waiting].map(([organizationId, position]): EventHint => ({ organizationId, position }));
        this.#waiting.clear();
        await sql`select pg_notify(${EVENT_CHANNEL}, hint) from jsonb_array_elements_text(${JSON.stringify(hints.map((hint) => JSON.stringify(hint)))}::jsonb) as hint`.execute(this.database.owner().getKysely());
      }
    } catch (error) {
      this.log.warn(errorFacts(error), 'announcing events failed');
    } finally {
      this.#telling = null;
    }
  }
}
