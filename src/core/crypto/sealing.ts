import { seal } from './cipher.js';
import { emptyOf, isErased, SEALED_COLUMN, textOf, type SealedRow, type SealedTable } from './sealed-table.js';
import { customerOf, Unprepared, type Vault } from './vault.js';

/** A sealed entity: what its table declares as properties, and the ciphertext. */
interface SealedEntity {
  id: string;
  organizationId: string;
  customerId?: string | null;
  sealed: Buffer | null;
  [property: string]: unknown;
}

/**
 * Opens entities as they are loaded and seals them as they are written: the one place where what commands write is
 * encrypted. The properties that `fields` names are not persisted; the ciphertext of them is, when they have changed.
 */
export class Sealing {
  readonly #tables: ReadonlyMap<string, SealedTable>;
  /** What entities held when they were last opened or sealed. */
  readonly #opened = new WeakMap<object, string>();

  constructor(
    tables: readonly SealedTable[],
    private readonly vault: () => Vault,
  ) {
    this.#tables = new Map(tables.map((table) => [table.entity, table]));
  }

  /** Opens an entity that has been loaded. Throws Unprepared where its key is not at hand. */
  open(name: string, entity: object): void {
    const table = this.#tables.get(name);
    if (!table) return;
    const loaded = entity as SealedEntity;
    if (loaded.sealed === null) throw new Unprepared({ table, rowId: loaded.id });
    const row = rowOf(loaded);
    const customerId = customerOf(table, row);
    const key = isErased(row) ? this.vault().heldKeyOfEmpty(customerId) : this.vault().heldKey(customerId);
    // Empty where the key is not destroyed, it was not erased: it does not open.
    Object.assign(loaded, key === null ? emptyOf(table) : this.vault().openWith(table, key, loaded.organizationId, row));
    this.#opened.set(loaded, textOf(table, loaded));
  }

  /** Seals an entity that is about to be written, where what is personal of it has changed. */
  seal(name: string, entity: object): void {
    const table = this.#tables.get(name);
    if (table) this.#seal(table, entity as SealedEntity);
  }

  #seal(table: SealedTable, entity: SealedEntity): void {
    // Erased: there is nothing to seal, and no key.
    if (isErased(entity)) return;
    const text = textOf(table, entity);
    if (this.#opened.get(entity) === text) return;
    const key = this.vault().heldKey(customerOf(table, rowOf(entity)));
    if (key === null) throw new Error(`${table.entity} is of a customer that was erased`);
    const place = { organizationId: entity.organizationId, table: table.table, column: SEALED_COLUMN, rowId: entity.id };
    entity.sealed = seal(key, place, Buffer.from(text));
    for (const [property, { purpose, valueOf }] of Object.entries(table.indexes)) {
      const value = valueOf(entity);
      entity[property] = value == null ? null : this.vault().index(entity.organizationId, purpose, value);
    }
    this.#opened.set(entity, text);
  }
}

/** An entity as its row is named. */
function rowOf({ id, customerId, sealed }: SealedEntity): SealedRow {
  return { id, customer_id: customerId ?? null, sealed };
}

/** Empties an entity of what is sealed in it, for good. Its key is destroyed beside it. */
export function eraseSealed(table: SealedTable, entity: object): void {
  const indexes = Object.fromEntries(Object.keys(table.indexes).map((property) => [property, null]));
  Object.assign(entity, emptyOf(table), indexes, { sealed: Buffer.alloc(0) });
}
