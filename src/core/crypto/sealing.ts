import type { EventArgs, EventSubscriber, FlushEventArgs } from '@mikro-orm/core';
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

/** What an entity held when it was last opened or sealed. */
interface Opened {
  text: string;
  sealed: Uint8Array | null;
}

/**
 * Opens entities as they are loaded and seals them as they are flushed: the one place where what commands write is
 * encrypted. The properties that `fields` names are not persisted; the ciphertext of them is, when they have changed.
 */
export class SealingSubscriber implements EventSubscriber {
  readonly #tables: ReadonlyMap<string, SealedTable>;
  readonly #opened = new WeakMap<object, Opened>();

  constructor(
    tables: readonly SealedTable[],
    private readonly vault: () => Vault,
  ) {
    this.#tables = new Map(tables.map((table) => [table.entity, table]));
  }

  onLoad({ entity, meta }: EventArgs<object>): void {
    const table = this.#tables.get(meta.className);
    if (!table) return;
    const loaded = entity as SealedEntity;
    if (loaded.sealed === null) throw new Unprepared({ table, rowId: loaded.id });
    const row = rowOf(loaded);
    const customerId = customerOf(table, row);
    const key = isErased(row) ? this.vault().heldKeyOfEmpty(customerId) : this.vault().heldKey(customerId);
    // Empty where the key is not destroyed, it was not erased: it does not open.
    Object.assign(loaded, key === null ? emptyOf(table) : this.vault().openWith(table, key, loaded.organizationId, row));
    this.#opened.set(loaded, { text: textOf(table, loaded), sealed: loaded.sealed });
  }

  beforeFlush({ uow }: FlushEventArgs): void {
    const removed = uow.getRemoveStack();
    for (const entity of new Set([...uow.getIdentityMap(), ...uow.getPersistStack()])) {
      const table = this.#tables.get((entity as { __meta: { className: string } }).__meta.className);
      if (table && !removed.has(entity)) this.#seal(table, entity as SealedEntity);
    }
  }

  #seal(table: SealedTable, entity: SealedEntity): void {
    // Erased: there is nothing to seal, and no key.
    if (isErased(entity)) return;
    const before = this.#opened.get(entity);
    if (before && entity.sealed !== before.sealed) throw new Error(`${table.entity} was read again and not opened: load it once`);
    const text = textOf(table, entity);
    if (before?.text === text) return;
    const key = this.vault().heldKey(customerOf(table, rowOf(entity)));
    if (key === null) throw new Error(`${table.entity} is of a customer that was erased`);
    const place = { organizationId: entity.organizationId, table: table.table, column: SEALED_COLUMN, rowId: entity.id };
    entity.sealed = seal(key, place, Buffer.from(text));
    for (const [property, { purpose, valueOf }] of Object.entries(table.indexes)) {
      const value = valueOf(entity);
      entity[property] = value == null ? null : this.vault().index(entity.organizationId, purpose, value);
    }
    this.#opened.set(entity, { text, sealed: entity.sealed });
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
