import type { EntityName, RequiredEntityData } from '@mikro-orm/core';
import type { Sealing } from './crypto/sealing.js';
import type { EntityTable, EntityTables } from './entity-table.js';
import type { Statements } from './statement.js';

/** What has an id. */
interface Identified {
  id: string;
}

/** Values of properties; a list: one of them. */
type Where<Entity> = { readonly [Property in keyof Entity]?: Entity[Property] | readonly Entity[Property][] };

/** An entity at work, with what its row holds as far as the database has been told. */
interface Tracked {
  table: EntityTable;
  entity: Record<string, unknown>;
  /** Parameters by column, in their order; null: it has no row yet. Lists and bytes are compared by identity: give new ones. */
  stored: unknown[] | null;
  /** Whether nobody else can have changed its row since it was loaded. */
  locked: boolean;
}

/**
 * The entities of one command. What the body changes in them `flush` writes: rows in the order in which their entities were made or
 * loaded, each by one statement that says only what is different. What is personal is opened on the way in and sealed on the way out.
 */
export class WorkingSet {
  readonly #tracked = new Map<string, Tracked>();
  readonly #removed = new Set<Tracked>();

  constructor(
    private readonly tables: EntityTables,
    private readonly sealing: Sealing,
    private readonly statements: Statements,
    private readonly organizationId: string,
  ) {}

  /** Loads what has these values, in the order of their ids; locked, if so wished, until the command ends. */
  find<Entity extends Identified>(name: EntityName<Entity>, where: Where<Entity>, lock = false): Promise<Entity[]> {
    return this.select(name, this.tables.of(name).condition(where), Object.values(where), lock);
  }

  /** Loads the one that has these values; null where there is none. */
  async findOne<Entity extends Identified>(name: EntityName<Entity>, where: Where<Entity>, lock = false): Promise<Entity | null> {
    return (await this.find(name, where, lock))[0] ?? null;
  }

  /** Loads the one that has these values. */
  async get<Entity extends Identified>(name: EntityName<Entity>, where: Where<Entity>, lock = false): Promise<Entity> {
    const found = await this.findOne(name, where, lock);
    if (!found) throw new Error(`There is no such ${this.tables.of(name).name}`);
    return found;
  }

  /** Loads by a condition on rows, whose parameters begin with $2. What the command has at hand already stays as it is. */
  async select<Entity extends Identified>(name: EntityName<Entity>, condition: string, parameters: readonly unknown[], lock = false): Promise<Entity[]> {
    const table = this.tables.of(name);
    this.#flushBefore(table);
    const rows = await this.statements.run<Record<string, unknown>>(table.select(condition, lock), [this.organizationId, ...parameters]);
    return rows.map((row) => this.#load(table, row, lock) as unknown as Entity);
  }

  /** How many have these values. */
  async count<Entity extends Identified>(name: EntityName<Entity>, where: Where<Entity>): Promise<number> {
    const table = this.tables.of(name);
    this.#flushBefore(table);
    const [row] = await this.statements.run<{ count: number }>(table.count(table.condition(where)), [this.organizationId, ...Object.values(where)]);
    return row?.count ?? 0;
  }

  /** Makes an entity, whose row comes with the next flush. */
  create<Entity extends Identified>(name: EntityName<Entity>, values: RequiredEntityData<Entity>): Entity {
    const entity: Record<string, unknown> = { ...values };
    this.#track({ table: this.tables.of(name), entity, stored: null, locked: true });
    return entity as unknown as Entity;
  }

  /** Has the row of an entity deleted. */
  remove(name: EntityName, { id }: Identified): void {
    const tracked = this.#tracked.get(keyOf(this.tables.of(name), id));
    if (!tracked) throw new Error('What is to be removed has not been loaded');
    this.#removed.add(tracked);
  }

  /** Writes what is different. */
  flush(): void {
    for (const tracked of this.#tracked.values()) if (!this.#removed.has(tracked)) this.#write(tracked);
    for (const { table, entity } of this.#removed) {
      this.statements.send(table.remove, [entity['id']]);
      this.#tracked.delete(keyOf(table, entity['id'] as string));
    }
    this.#removed.clear();
  }

  /** A read finds what the command has changed before. */
  #flushBefore(table: EntityTable): void {
    for (const tracked of this.#tracked.values()) if (tracked.table === table) return this.flush();
  }

  #load(table: EntityTable, row: Record<string, unknown>, locked: boolean): Record<string, unknown> {
    const known = this.#tracked.get(keyOf(table, row['id'] as string));
    if (known && locked && !known.locked) throw new Error(`${table.name} was loaded before it was locked, and may have changed between: lock it when it is loaded first`);
    if (known) return known.entity;
    const entity: Record<string, unknown> = {};
    for (const { property, column, decode } of table.columns) {
      const raw = row[column];
      entity[property] = raw == null ? null : decode(raw);
    }
    this.sealing.open(table.name, entity);
    this.#track({ table, entity, stored: parametersOf(table, entity), locked });
    return entity;
  }

  #track(tracked: Tracked): void {
    this.#tracked.set(keyOf(tracked.table, tracked.entity['id'] as string), tracked);
  }

  #write(tracked: Tracked): void {
    const { table, entity, stored } = tracked;
    this.sealing.seal(table.name, entity);
    const parameters = parametersOf(table, entity);
    const isWritten = (_: unknown, index: number): boolean => (stored === null ? parameters[index] !== undefined : parameters[index] !== stored[index]);
    const columns = table.columns.filter(isWritten);
    tracked.stored = parameters;
    if (columns.length === 0) return;
    const written = parameters.filter(isWritten);
    if (stored === null) this.statements.send(table.insert(columns), written);
    else this.statements.send(table.update(columns), [...written, entity['id']]);
  }
}

function keyOf({ name }: EntityTable, id: string): string {
  return `${name} ${id}`;
}

/** What each column of an entity's row is to hold. Undefined: what the database gives it. */
function parametersOf(table: EntityTable, entity: Readonly<Record<string, unknown>>): unknown[] {
  return table.columns.map(({ property, encode }) => {
    const value = entity[property];
    return value == null ? value : encode(value);
  });
}
