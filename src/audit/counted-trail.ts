import { canonicalJson, type AuditNote } from '../core/audit-entry.js';
import { systemPrincipal, type Member, type Principal } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import type { Core } from '../core/command.js';
import type { SealBroken } from '../core/crypto/cipher.js';
import type { ErrorCode } from '../core/errors.js';
import { appendToLedger } from '../core/ledger.js';
import { errorFacts } from '../core/log.js';
import { requestScope } from '../core/request-scope.js';

/** What repeats within this time is counted in one entry: nobody writes the trail full by asking again and again. */
const WINDOW_MILLISECONDS = 60 * MILLISECONDS_PER_SECOND;
/** Who comes upon what does not open while no request is served. */
const BACKGROUND = 'encryption';

/** A refusal of rights to a known caller of an organization. */
export interface Refused {
  actor: Member;
  /** The root field, or how else it was asked. */
  operation: string;
  code: Extract<ErrorCode, 'FORBIDDEN' | 'UNAUTHENTICATED'>;
}

/** What is entered beside any command, and counted. */
interface Occurrence {
  actor: Principal;
  note: AuditNote;
}

interface Window {
  occurrence: Occurrence;
  began: number;
  /** How often it has happened since its last entry. */
  uncounted: number;
}

/** Writes what no command does into the audit trail: refusals of rights, and ciphertexts that do not open; each once a minute with how often it has happened. */
export class CountedTrail {
  #windows = new Map<string, Window>();
  #timer: NodeJS.Timeout;
  #writing = new Set<Promise<unknown>>();

  constructor(private readonly core: Core) {
    this.#timer = setInterval(() => void this.#closeWindows(false), WINDOW_MILLISECONDS).unref();
  }

  /** Writes what has been counted and not yet written. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#closeWindows(true);
    await Promise.all(this.#writing);
  }

  /** Records a refusal. It stands whether it could be written or not. */
  refused({ actor, operation, code }: Refused): Promise<void> {
    return this.#record({ actor, note: { kind: 'REFUSAL', operation, code, ...('customerId' in actor ? { customerId: actor.customerId } : {}) } });
  }

  /** Records that something stored does not open. It is written by itself: whoever came upon it may hold a transaction. */
  sealBroken({ organizationId, table, rowId }: SealBroken['place'], customerId: string): void {
    const caller = requestScope.getStore()?.caller;
    const actor = caller && caller.organizationId === organizationId ? (caller as Member) : systemPrincipal(organizationId, BACKGROUND);
    void this.#record({ actor, note: { kind: 'SEAL_BROKEN', customerId, subjects: [rowId], fields: [table] } });
  }

  async #record(occurrence: Occurrence): Promise<void> {
    const key = canonicalJson([occurrence.actor.organizationId, occurrence.actor.actor, occurrence.note]);
    const now = this.core.clock.now().getTime();
    const open = this.#windows.get(key);
    if (open && now - open.began < WINDOW_MILLISECONDS) {
      open.uncounted += 1;
      return;
    }
    this.#windows.set(key, { occurrence, began: now, uncounted: 0 });
    await this.#write(occurrence, 1 + (open?.uncounted ?? 0));
  }

  async #closeWindows(all: boolean): Promise<void> {
    const now = this.core.clock.now().getTime();
    for (const [key, { occurrence, began, uncounted }] of [...this.#windows]) {
      if (!all && now - began < WINDOW_MILLISECONDS) continue;
      this.#windows.delete(key);
      if (uncounted > 0) await this.#write(occurrence, uncounted);
    }
  }

  async #write({ actor, note }: Occurrence, count: number): Promise<void> {
    const { organizationId } = actor;
    const writing = this.core.database
      .transact(organizationId, (transaction) => appendToLedger(transaction, this.core.database.vault, organizationId, actor, this.core.clock.now(), { ...note, count }, []))
      .catch((error: unknown) => this.core.log.error(errorFacts(error), 'writing into the audit trail beside the commands failed'));
    this.#writing.add(writing);
    await writing;
    this.#writing.delete(writing);
  }
}
