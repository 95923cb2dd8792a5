import { LRUCache } from 'lru-cache';
import type { Database } from '../core/database.js';
import { keyByPrefix, type StoredKey } from './reads.js';

/** Keys that are remembered at most: a few hundred bytes each. */
const MOST_KEYS = 10_000;
/**
 * How long a key is taken for what it was: a revocation that nobody told of holds after that time. Long enough that a busy
 * key costs two look-ups a second, whatever is asked with it.
 */
const LIFE_MILLISECONDS = 500;

/** API keys as they were a moment ago, by the prefix that they go by. Whoever asks compares secret and expiry each time. */
export class KeyCache {
  readonly #known = new LRUCache<string, StoredKey>({ max: MOST_KEYS, ttl: LIFE_MILLISECONDS });
  /** Counts what was forgotten: what was being read meanwhile is not kept. */
  #forgotten = 0;

  constructor(private readonly database: Database) {}

  /** The key of a prefix; undefined where there is none. */
  async byPrefix(prefix: string): Promise<StoredKey | undefined> {
    const known = this.#known.get(prefix);
    if (known) return known;
    const forgotten = this.#forgotten;
    const key = await keyByPrefix(this.database, prefix);
    if (key && forgotten === this.#forgotten) this.#known.set(prefix, key);
    return key;
  }

  /** A key has changed: it is read anew. */
  forget(keyId: string): void {
    this.#forgotten += 1;
    for (const [prefix, { id }] of this.#known.entries()) if (id === keyId) this.#known.delete(prefix);
  }
}
