import { LRUCache } from 'lru-cache';
import { sql, type Kysely } from 'kysely';
import { ConfigError } from '../config.js';
import type { Database } from '../database.js';
import type { Log } from '../log.js';
import { BlindIndexes, newDataKey, SealBroken, unseal, type DataKey } from './cipher.js';
import { KEY_BYTES, UnwrapRefused, type KeyManagement, type WrappedKey } from './key-ring.js';
import { emptyOf, isErased, personalOf, plainOf, SEALED_COLUMN, type SealedRow, type SealedTable } from './sealed-table.js';
import { createSecretKey, randomBytes } from 'node:crypto';
import { nameOf } from '../statement-names.js';

/** What is asked takes a data key that has been destroyed: the customer's data was erased meanwhile. */
export class KeyDestroyed extends Error {}

/** What the vault needs of the database. */
export type KeyStore = Pick<Database, 'owner' | 'select'>;

/** The data key of a customer as it is kept; `wrapped` is null once it has been destroyed. */
interface DataKeyRow {
  customer_id: string;
  organization_id: string;
  id: string;
  key_id: string | null;
  wrapped: Uint8Array | null;
  created_at: string;
  destroyed_at: string | null;
}

export interface KeyTables {
  data_key: DataKeyRow;
  gateway_key: { name: string; key_id: string; wrapped: Uint8Array };
}

/** A data key that a command stores with the customer that it is for. */
export interface NewDataKey {
  id: string;
  key_id: string;
  wrapped: Buffer;
}

/** A key in the cache: known, destroyed (null), or still being fetched. */
interface CachedKey {
  fetched: Promise<DataKey | null>;
  key?: DataKey | null;
}

const KEYS_OF = 'select customer_id, organization_id, id, key_id, wrapped, created_at, destroyed_at from data_key where customer_id = any($1)';
/** Unwrapped keys that are held at most: a hundred bytes each. */
const MOST_KEYS = 10_000;
/** Long enough that a busy customer costs one unwrapping, short enough that a destroyed key does not linger in a replica. */
export const KEY_LIFE_MILLISECONDS = 60_000;
/** Also the check of the key ring: a start whose ring does not open it ends. */
const INDEX_KEY = 'blind-index';

/**
 * A command needs something that takes a request over the network, or a transaction of its own, which no transaction
 * waits for: it is taken back, what it needs is made ready, and it runs again.
 */
export class Unprepared extends Error {
  constructor(readonly needed: { customerId: string } | { table: SealedTable; rowId: string }) {
    super('A command met data whose key is not at hand');
  }
}

/** Opens and indexes what is sealed: the data keys of customers, unwrapped by key management and held briefly. */
export class Vault {
  readonly #cache: LRUCache<string, CachedKey>;
  /** Customers of whom a row was empty though their key was held. */
  readonly #doubted: LRUCache<string, true>;
  /** Of customers that are being created. */
  readonly #making = new Map<string, DataKey>();
  #onBroken: (place: SealBroken['place'], customerId: string) => void = () => undefined;

  private constructor(
    readonly management: KeyManagement,
    private readonly store: KeyStore,
    private readonly indexes: BlindIndexes,
    private readonly log: Log,
    lifeMilliseconds: number,
  ) {
    this.#cache = new LRUCache({ max: MOST_KEYS, ttl: lifeMilliseconds });
    this.#doubted = new LRUCache({ max: MOST_KEYS, ttl: lifeMilliseconds });
  }

  /** Opens the vault of a database. Throws ConfigError where the key ring does not open what is stored. */
  static async open(management: KeyManagement, store: KeyStore, log: Log, lifeMilliseconds = KEY_LIFE_MILLISECONDS): Promise<Vault> {
    const reader = store.owner().getKysely() as unknown as Kysely<KeyTables>;
    const [fresh, missing] = [await management.wrap(randomBytes(KEY_BYTES), INDEX_KEY), await keysMissing(reader, management)];
    // Several replicas may start on an empty database at once: one of them makes the key.
    await reader.insertInto('gateway_key').values({ name: INDEX_KEY, key_id: fresh.keyId, wrapped: fresh.wrapped }).onConflict((conflict) => conflict.doNothing()).execute();
    const stored = await reader.selectFrom('gateway_key').selectAll().where('name', '=', INDEX_KEY).executeTakeFirstOrThrow();
    const secret = missing ? null : await unwrapped(management, { keyId: stored.key_id, wrapped: bytesOf(stored.wrapped) });
    if (!secret) throw new ConfigError('KEY_RING does not open what is stored: give the keys that this data was encrypted under, the newest first (without KEY_RING they are the file key-ring of DATA_DIR).');
    return new Vault(management, store, new BlindIndexes(secret), log, lifeMilliseconds);
  }

  /** The blind index of a value of an organization. */
  index(organizationId: string, purpose: string, value: string): string {
    return this.indexes.of(organizationId, purpose, value);
  }

  /** A new data key for a customer. Not inside a transaction. It is at hand once its row is stored. */
  async makeKey(customerId: string): Promise<NewDataKey> {
    return (await this.#newKey(customerId)).made;
  }

  /** Creates a customer with a data key that is at hand meanwhile, whatever is forgotten: its row is not there to be read again. */
  async withNewKey<Result>(customerId: string, create: (key: NewDataKey) => Promise<Result>): Promise<Result> {
    const { key, made } = await this.#newKey(customerId);
    this.#making.set(customerId, key);
    try {
      const result = await create(made);
      this.#cache.set(customerId, { fetched: Promise.resolve(key), key });
      return result;
    } finally {
      this.#making.delete(customerId);
    }
  }

  async #newKey(customerId: string): Promise<{ key: DataKey; made: NewDataKey }> {
    const key = newDataKey();
    const { keyId, wrapped } = await this.management.wrap(key.secret.export(), purposeOf(customerId));
    return { key, made: { id: key.id, key_id: keyId, wrapped } };
  }

  /** A customer's data key, within a command; null once it has been destroyed. Throws Unprepared when it is not at hand. */
  heldKey(customerId: string): DataKey | null {
    const held = this.#making.get(customerId) ?? this.#cache.get(customerId)?.key;
    if (held === undefined) throw new Unprepared({ customerId });
    return held;
  }

  /**
   * The same for a row that is empty, as what is erased is. A key that was held before that was seen may have been destroyed
   * meanwhile: it is asked for anew, once.
   */
  heldKeyOfEmpty(customerId: string): DataKey | null {
    const held = this.heldKey(customerId);
    if (held === null || this.#doubted.has(customerId)) return held;
    this.#doubted.set(customerId, true);
    this.#cache.delete(customerId);
    throw new Unprepared({ customerId });
  }

  /** The key of a customer has been destroyed: it is held no longer, and need not be asked for. */
  destroyed(customerId: string): void {
    this.#cache.set(customerId, { fetched: Promise.resolve(null), key: null });
  }

  /** Holds no key any longer: some may have been destroyed that nobody has told of. */
  forgetAll(): void {
    this.#cache.clear();
  }

  /** A customer's data key; null once it has been destroyed. Not inside a transaction. Throws SealBroken. */
  async keyOf(organizationId: string, customerId: string): Promise<DataKey | null> {
    const key = (await this.#keysOf(organizationId, [customerId])).get(customerId) ?? null;
    if (key instanceof Error) throw key;
    return key;
  }

  /** Data keys of customers, or why one cannot be had; those that are not held are read in one statement and unwrapped. */
  async #keysOf(organizationId: string, customerIds: readonly string[]): Promise<Map<string, DataKey | null | Error>> {
    const wanted = [...new Set(customerIds)];
    const absent = wanted.filter((id) => !this.#cache.has(id));
    if (absent.length > 0) this.#fetch(organizationId, absent);
    const keys = await Promise.all(wanted.map((id) => (this.#cache.get(id)?.fetched ?? this.#fetch(organizationId, [id]).get(id)!).catch((error: unknown) => error as Error)));
    return new Map(wanted.map((id, index) => [id, keys[index] ?? null]));
  }

  /** What of rows is personal, opened: one decryption a row, whose failure is its own. What was stored before there was encryption passes as it is. */
  async open<Personal>(table: SealedTable, organizationId: string, rows: readonly SealedRow[]): Promise<(Personal | Error)[]> {
    if (rows.some((row) => row.sealed === undefined)) throw new Error(`A row of ${table.table} was read without what is sealed: the field that asks has to say that it needs it`);
    // Another replica may have destroyed a key that is still held here: what is empty is looked at anew.
    for (const row of rows) if (isErased(row) && this.#cache.peek(customerOf(table, row))?.key) this.#cache.delete(customerOf(table, row));
    const keys = await this.#keysOf(organizationId, rows.flatMap((row) => (row.sealed === null ? [] : [customerOf(table, row)])));
    return rows.map((row) => {
      if (row.sealed === null) return plainOf(table, row) as Personal;
      const key = keys.get(customerOf(table, row));
      if (!key) return emptyOf(table) as Personal;
      if (key instanceof Error) return key;
      try {
        return this.openWith(table, key, organizationId, row) as Personal;
      } catch (error) {
        return error as Error;
      }
    });
  }

  /** The same of one row at once, where its key is held and nothing about it is in doubt; undefined where it takes `open`. */
  openHeld<Personal>(table: SealedTable, organizationId: string, row: SealedRow): Personal | undefined {
    const key = row.sealed?.length ? this.#cache.get(customerOf(table, row))?.key : null;
    try {
      return key ? (this.#opened(table, key, organizationId, row) as Personal) : undefined;
    } catch {
      // What does not open is told of once: by `open`.
      return undefined;
    }
  }

  /** What of one row is personal. Throws SealBroken, and tells of it. */
  openWith(table: SealedTable, key: DataKey, organizationId: string, row: SealedRow): Record<string, unknown> {
    try {
      return this.#opened(table, key, organizationId, row);
    } catch (error) {
      this.broken(error, customerOf(table, row));
      throw error;
    }
  }

  #opened(table: SealedTable, key: DataKey, organizationId: string, row: SealedRow): Record<string, unknown> {
    const place = { organizationId, table: table.table, column: SEALED_COLUMN, rowId: row.id };
    return personalOf(table, unseal(key, place, bytesOf(row.sealed!)).toString());
  }

  /** From now on `listener` is told of every ciphertext that does not open. */
  onBroken(listener: (place: SealBroken['place'], customerId: string) => void): void {
    this.#onBroken = listener;
  }

  /** Tells of a ciphertext that does not open: it was changed or moved, by accident or by somebody. Other errors are none of its. */
  broken(error: unknown, customerId: string): void {
    if (!(error instanceof SealBroken)) return;
    this.log.error({ ...error.place }, 'a ciphertext does not open');
    this.#onBroken(error.place, customerId);
  }

  #fetch(organizationId: string, customerIds: readonly string[]): Map<string, Promise<DataKey | null>> {
    const rows = this.store.select<DataKeyRow>(organizationId, nameOf(KEYS_OF), [customerIds]);
    return new Map(customerIds.map((id) => {
      const fetched = rows.then((found) => this.#unwrap(organizationId, id, found.find((row) => row.customer_id === id)));
      const cached: CachedKey = { fetched };
      this.#cache.set(id, cached);
      fetched.then(
        (key) => (cached.key = key),
        () => this.#cache.peek(id) === cached && this.#cache.delete(id),
      );
      return [id, fetched];
    }));
  }

  async #unwrap(organizationId: string, customerId: string, row: DataKeyRow | undefined): Promise<DataKey | null> {
    try {
      if (!row) throw new UnwrapRefused('A customer has no data key');
      if (row.wrapped === null || row.key_id === null) return null;
      return { id: row.id, secret: createSecretKey(await this.management.unwrap({ keyId: row.key_id, wrapped: bytesOf(row.wrapped) }, purposeOf(customerId))) };
    } catch (error) {
      if (!(error instanceof UnwrapRefused)) throw error;
      const broken = new SealBroken({ organizationId, table: 'data_key', rowId: customerId });
      this.broken(broken, customerId);
      throw broken;
    }
  }
}

/** The key of the blind indexes; null where it does not open here. Key management that cannot be asked just now is another matter. */
async function unwrapped(management: KeyManagement, stored: WrappedKey): Promise<Buffer | null> {
  try {
    return await management.unwrap(stored, INDEX_KEY);
  } catch (error) {
    if (error instanceof UnwrapRefused) return null;
    throw error;
  }
}

/** What a wrapped data key is bound to. */
export function purposeOf(customerId: string): string {
  return `data-key ${customerId}`;
}

/** Drivers give bytes as Buffer or as Uint8Array. */
export function bytesOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The customer that a sealed row belongs to. */
export function customerOf(table: SealedTable, row: SealedRow): string {
  const customerId = table.owner.column === 'id' ? row.id : row.customer_id;
  if (customerId == null) throw new Error(`A sealed row of ${table.table} names no customer`);
  return customerId;
}

/** Whether data keys are wrapped by a key that key management does not have. */
async function keysMissing(reader: Kysely<KeyTables>, management: KeyManagement): Promise<boolean> {
  const found = await reader.selectFrom('data_key').select(sql<number>`1`.as('one')).where('key_id', 'not in', [...management.ids]).limit(1).executeTakeFirst();
  return found !== undefined;
}
