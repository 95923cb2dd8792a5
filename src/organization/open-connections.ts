import type { Caller } from '../core/caller.js';
import type { Clock } from '../core/clock.js';
import type { Credential } from '../core/context.js';
import type { Database } from '../core/database.js';
import type { Listener } from '../core/listener.js';
import { refusal } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';
import { KeyCache } from './key-cache.js';
import { revokedKeys } from './reads.js';

/** The channel of NOTIFY on which the id of a key is announced that has just been revoked. */
export const REVOCATION_CHANNEL = 'kyc_gateway_revocation';
/** Expiry is looked for this often, and a revocation whose hint was lost: a connection ends within a second of its key. */
const CHECK_MILLISECONDS = 500;
const RETRY_AFTER_SECONDS = 1;
/** So long the connections of a customer stay whose data was erased: its subscriptions say so first. */
const ERASURE_GRACE_MILLISECONDS = 500;

/** A connection that is open under a credential. */
export interface HeldConnection extends Credential {
  /** The connection has closed. */
  release(): void;
}

class Held implements HeldConnection {
  #open = true;
  #hasEnded = false;
  readonly #expiresAt: Date | null;

  constructor(
    readonly caller: Caller,
    private readonly clock: Clock,
    private readonly onEnd: () => void,
    private readonly onRelease: () => void,
  ) {
    this.#expiresAt = caller.role === 'OPERATOR' ? null : caller.expiresAt;
  }

  get hasExpired(): boolean {
    return this.#expiresAt !== null && this.#expiresAt <= this.clock.now();
  }

  isAuthorized(): boolean {
    return !this.#hasEnded && !this.hasExpired;
  }

  /** Its credential holds no longer. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.onEnd();
  }

  release(): void {
    if (!this.#open) return;
    this.#open = false;
    this.onRelease();
  }
}

/** The connections of this process by the key that opened them, or that minted the token that did: they end when their credential does, wherever it was revoked. */
export class OpenConnections {
  /** The keys that requests are compared with: they hear of revocations by the same channel. */
  readonly keys: KeyCache;
  #byKey = new Map<string, Set<Held>>();
  /** How many each key or customer has open. */
  #openOf = new Map<string, number>();
  #listener: Listener | null = null;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly log: Log,
    /** How many connections a key, or a customer, may have at once. */
    private readonly most: number,
  ) {
    this.keys = new KeyCache(database);
  }

  async start(): Promise<void> {
    this.#listener = await this.database.listen(REVOCATION_CHANNEL, (keyId) => this.#end(keyId), () => void this.#check());
    this.#timer = setInterval(() => void this.#check(), CHECK_MILLISECONDS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#listener?.close();
  }

  /** Keeps an eye on a connection: `end` is called, once, when its credential has been revoked or has expired. Throws RATE_LIMITED. */
  hold(caller: Caller, end: () => void): HeldConnection {
    const open = this.#openOf.get(caller.actor) ?? 0;
    if (open >= this.most) {
      throw refusal('RATE_LIMITED', `A key or token may have ${this.most} sockets and event streams open at once. Close some.`, { retryAfter: RETRY_AFTER_SECONDS });
    }
    this.#openOf.set(caller.actor, open + 1);
    const key = caller.role === 'OPERATOR' ? caller.actor : caller.keyId;
    const group = this.#byKey.get(key) ?? new Set<Held>();
    this.#byKey.set(key, group);
    const held = new Held(caller, this.clock, end, () => {
      this.#closed(caller.actor);
      group.delete(held);
      if (group.size === 0 && this.#byKey.get(key) === group) this.#byKey.delete(key);
    });
    group.add(held);
    return held;
  }

  /** Ends what is open under tokens of a customer whose data has been erased. */
  endCustomer(customerId: string): void {
    const theirs = [...this.#byKey.values()].flatMap((group) => [...group]).filter(({ caller }) => 'customerId' in caller && caller.customerId === customerId);
    if (theirs.length > 0) setTimeout(() => theirs.forEach((held) => held.end()), ERASURE_GRACE_MILLISECONDS).unref();
  }

  #closed(actor: string): void {
    const open = (this.#openOf.get(actor) ?? 1) - 1;
    if (open > 0) this.#openOf.set(actor, open);
    else this.#openOf.delete(actor);
  }

  #end(keyId: string): void {
    this.keys.forget(keyId);
    const group = this.#byKey.get(keyId);
    if (!group) return;
    this.#byKey.delete(keyId);
    group.forEach((held) => held.end());
  }

  /** Asks the database once a key, however many connections it has. */
  async #check(): Promise<void> {
    const revocable: string[] = [];
    for (const [keyId, group] of [...this.#byKey]) {
      for (const held of group) {
        if (!held.hasExpired) continue;
        group.delete(held);
        held.end();
      }
      const [first] = group;
      if (!first) this.#byKey.delete(keyId);
      else if (first.caller.role !== 'OPERATOR') revocable.push(keyId);
    }
    if (this.#checking || revocable.length === 0) return;
    this.#checking = true;
    try {
      for (const keyId of await revokedKeys(this.database, revocable)) this.#end(keyId);
    } catch (error) {
      this.log.warn(errorFacts(error), 'looking for revoked keys failed');
    } finally {
      this.#checking = false;
    }
  }
}
