import type { Kysely } from 'kysely';
import { MILLISECONDS_PER_SECOND, type Clock } from '../core/clock.js';
import type { Database } from '../core/database.js';
import { errorFacts, type Log } from '../core/log.js';

/** The last use of a key is kept to the minute: so it costs a statement a minute and not one a request. */
const RESOLUTION_MILLISECONDS = 60 * MILLISECONDS_PER_SECOND;

/** Remembers when keys were last used. */
export class KeyUse {
  #written = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Notes that a key is used now. A request does not fail for it. */
  async note(keyId: string): Promise<void> {
    const now = this.clock.now();
    if (now.getTime() - (this.#written.get(keyId) ?? -Infinity) < RESOLUTION_MILLISECONDS) return;
    this.#written.set(keyId, now.getTime());
    try {
      const writer = this.database.owner().getKysely() as unknown as Kysely<{ api_key: { id: string; last_used_at: string | null } }>;
      await writer
        .updateTable('api_key')
        .set({ last_used_at: now.toISOString() })
        .where('id', '=', keyId)
        .where((either) => either.or([either('last_used_at', 'is', null), either('last_used_at', '<', now.toISOString())]))
        .execute();
    } catch (error) {
      this.log.warn(errorFacts(error), 'noting the use of a key failed');
    }
  }
}
