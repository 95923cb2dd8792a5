import type { Kysely } from 'kysely';
import type { Actor } from '../core/audit-entry.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import type { Core } from '../core/command.js';
import type { ErrorCode } from '../core/errors.js';
import { appendToLedger, type LedgerTables } from '../core/ledger.js';
import { errorFacts } from '../core/log.js';

/** What repeats within this time is counted in one entry: nobody writes the trail full by asking for what is refused. */
const WINDOW_MILLISECONDS = 60 * MILLISECONDS_PER_SECOND;

/** A refusal of rights to a known caller of an organization. */
export interface Refused {
  organizationId: string;
  actor: Actor;
  /** The root field, or how else it was asked. */
  operation: string;
  code: Extract<ErrorCode, 'FORBIDDEN' | 'UNAUTHENTICATED'>;
}

interface Window {
  refused: Refused;
  began: number;
  /** How often it has happened since its last entry. */
  uncounted: number;
}

/** Writes refusals of rights into the audit trail, each kind of them once a minute with how often it has happened. */
export class RefusalTrail {
  #windows = new Map<string, Window>();
  #timer: NodeJS.Timeout;

  constructor(private readonly core: Core) {
    this.#timer = setInterval(() => void this.#closeWindows(false), WINDOW_MILLISECONDS).unref();
  }

  /** Writes what has been counted and not yet written. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#closeWindows(true);
  }

  /** Records a refusal. It stands whether it could be written or not. */
  async record(refused: Refused): Promise<void> {
    const key = `${refused.actor.actor} ${refused.operation} ${refused.code}`;
    const now = this.core.clock.now().getTime();
    const open = this.#windows.get(key);
    if (open && now - open.began < WINDOW_MILLISECONDS) {
      open.uncounted += 1;
      return;
    }
    this.#windows.set(key, { refused, began: now, uncounted: 0 });
    await this.#write(refused, 1 + (open?.uncounted ?? 0));
  }

  async #closeWindows(all: boolean): Promise<void> {
    const now = this.core.clock.now().getTime();
    for (const [key, { refused, began, uncounted }] of [...this.#windows]) {
      if (!all && now - began < WINDOW_MILLISECONDS) continue;
      this.#windows.delete(key);
      if (uncounted > 0) await this.#write(refused, uncounted);
    }
  }

  async #write({ organizationId, actor, operation, code }: Refused, count: number): Promise<void> {
    try {
      await this.core.database.scoped(organizationId).transactional((em) =>
        appendToLedger(em.getKysely() as unknown as Kysely<LedgerTables>, organizationId, actor, this.core.clock.now(), { kind: 'REFUSAL', operation, code, count }, []),
      );
    } catch (error) {
      this.core.log.error(errorFacts(error), 'writing a refusal into the audit trail failed');
    }
  }
}
