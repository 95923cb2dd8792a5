import type { EntityName, EntityProperty, MetadataStorage } from '@mikro-orm/core';
import { bytesOf } from './crypto/vault.js';

/** How a property lies in its column. Parameters are what both drivers take, rows what both give. */
interface Column {
  property: string;
  column: string;
  /** The parameter that a value is written as. Equal values have equal parameters. */
  encode(value: unknown): unknown;
  decode(raw: unknown): unknown;
}

/** An entity's table, as the ORM has understood its definition, and the statements on it, which are of fixed text. */
export class EntityTable {
  readonly columns: readonly Column[];
  readonly #selected: string;
  readonly #names: ReadonlyMap<string, string>;

  constructor(
    /** The entity's. */
    readonly name: string,
    private readonly table: string,
    properties: readonly EntityProperty[],
  ) {
    this.columns = properties.filter(({ persist }) => persist !== false).map(columnOf);
    this.#selected = `select ${this.columns.map(({ column }) => column).join(', ')} from ${this.table}`;
    this.#names = new Map(this.columns.map(({ property, column }) => [property, column]));
  }

  /** Selects rows of an organization ($1) by a condition on further parameters, in the order of their ids where there may be several. */
  select(condition: string, lock: boolean): string {
    return `${this.#selected} where organization_id = $1 and ${condition} order by id${lock ? ' for update' : ''}`;
  }

  count(condition: string): string {
    return `select count(*)::integer as count from ${this.table} where organization_id = $1 and ${condition}`;
  }

  /** Inserts a row of so many columns; the database knows what the others hold. */
  insert(columns: readonly Column[]): string {
    return `insert into ${this.table} (${columns.map(({ column }) => column).join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`;
  }

  /** Changes columns of the row whose id is the last parameter. */
  update(columns: readonly Column[]): string {
    return `update ${this.table} set ${columns.map(({ column }, index) => `${column} = $${index + 1}`).join(', ')} where id = $${columns.length + 1}`;
  }

  get remove(): string {
    return `delete from ${this.table} where id = $1`;
  }

  /** That properties have values, the first as $2; one of many where a list is given. */
  condition(where: Readonly<Record<string, unknown>>): string {
    const terms = Object.entries(where).map(([property, value], index) => `${this.#nameOf(property)} = ${Array.isArray(value) ? `any($${index + 2})` : `$${index + 2}`}`);
    return terms.length === 0 ? 'true' : terms.join(' and ');
  }

  #nameOf(property: string): string {
    const column = this.#names.get(property);
    if (column === undefined) throw new Error(`${this.name}.${property} has no column`);
    return column;
  }
}

function columnOf({ name, fieldNames, type, runtimeType }: EntityProperty): Column {
  const [column] = fieldNames;
  if (column === undefined) throw new Error(`${name} has no column`);
  const unchanged = (value: unknown): unknown => value;
  const place = { property: name, column };
  if (runtimeType === 'Date') return { ...place, encode: (value) => (value as Date).toISOString(), decode: (raw) => new Date(raw as string | Date) };
  if (type === 'JsonType') return { ...place, encode: (value) => JSON.stringify(value), decode: unchanged };
  if (type === 'BigIntType') return { ...place, encode: unchanged, decode: Number };
  if (type === 'BlobType') return { ...place, encode: unchanged, decode: (raw) => bytesOf(raw as Uint8Array) };
  return { ...place, encode: unchanged, decode: unchanged };
}

/** The tables of entities, each made once. */
export class EntityTables {
  readonly #tables = new Map<unknown, EntityTable>();

  constructor(private readonly metadata: MetadataStorage) {}

  of(entity: EntityName): EntityTable {
    const known = this.#tables.get(entity);
    if (known) return known;
    const { className, tableName, props } = this.metadata.get(entity);
    const table = new EntityTable(className, tableName, props);
    this.#tables.set(entity, table);
    return table;
  }
}
