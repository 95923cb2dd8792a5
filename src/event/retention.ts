import { sql, type Kysely } from 'kysely';
import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY } from '../core/clock.js';
import type { Core } from '../core/command.js';
import type { EventTables } from '../core/event-log.js';
import { errorFacts } from '../core/log.js';

/** How long a client may have been away and still go on from its cursor. */
export const KEEP_DAYS = 90;
/** Short enough that a deletion never makes a command wait for long: both lock the organization's ledger. */
const BATCH = 1_000;
/** Often enough that what is deleted at once stays small. */
const SWEEP_MILLISECONDS = 3_600 * MILLISECONDS_PER_SECOND;

/** Deletes events that are older than is promised, and remembers how far: an older cursor is then CURSOR_EXPIRED. */
export class EventRetention {
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly core: Core) {}

  /** Begins to sweep: now and every hour. Several replicas may; each deletes what is left. */
  start(): void {
    const sweep = (): void => {
      this.#sweeping = this.sweep().catch((error: unknown) => this.core.log.error(errorFacts(error), 'deleting old events failed'));
    };
    this.#timer = setInterval(sweep, SWEEP_MILLISECONDS);
    sweep();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  /** Deletes what is too old now. */
  async sweep(): Promise<void> {
    const horizon = new Date(this.core.clock.now().getTime() - KEEP_DAYS * SECONDS_PER_DAY * MILLISECONDS_PER_SECOND);
    const reader = this.core.database.owner().getKysely() as unknown as Kysely<EventTables>;
    const ledgers = await reader.selectFrom('organization_ledger').select('organization_id').whereRef('events_deleted_through', '<', 'position').execute();
    for (const { organization_id: organizationId } of ledgers) {
      while (!this.#stopped && (await this.#deleteBatch(organizationId, horizon)) === BATCH);
    }
  }

  /**
   * Deletes the oldest events up to the first that is to be kept: what is left has no holes. Events and ledger change in
   * one transaction, so a reader that misses an event also sees why.
   */
  async #deleteBatch(organizationId: string, horizon: Date): Promise<number> {
    return this.core.database.owner().transactional(async (em) => {
      const transaction = em.getKysely() as unknown as Kysely<EventTables>;
      const oldest = await transaction.selectFrom('event').select(['position', 'occurred_at']).where('organization_id', '=', organizationId).orderBy('position').limit(BATCH).execute();
      const kept = oldest.findIndex((event) => new Date(event.occurred_at) >= horizon);
      const last = oldest[(kept === -1 ? oldest.length : kept) - 1];
      if (!last) return 0;
      const deleted = await transaction.deleteFrom('event').where('organization_id', '=', organizationId).where('position', '<=', last.position).executeTakeFirst();
      await transaction
        .updateTable('organization_ledger')
        .set({ events_deleted_through: sql<number>`greatest(events_deleted_through, ${last.position})` })
        .where('organization_id', '=', organizationId)
        .execute();
      return Number(deleted.numDeletedRows);
    });
  }
}
