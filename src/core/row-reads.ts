import type { PageRequest } from './connections.js';
import type { BatchRead } from './context.js';
import type { SealedRow, SealedTable } from './crypto/sealed-table.js';
import type { Database } from './database.js';
import { NEWEST_ORDER } from './newest.js';
import { nameOf } from './statement-names.js';

/** What rows say of whose they are; `organization_id` of every row that is read. */
export const ORGANIZATION_COLUMN = 'organization_id';

/** What reads know of a table, whose rows are shown as objects of one type. */
export interface RowTable<Row extends object> {
  name: string;
  /** The type of the schema whose objects its rows are. */
  type: string;
  /** Read always: what rows are found by and shown by. */
  columns: readonly (keyof Row & string)[];
  /** What few fields show: read ahead only where a field that is asked for needs the group, and else always. */
  groups: Readonly<Record<string, readonly string[]>>;
  /** What its rows say of whose they are, where it is not `organization_id`. */
  organizationColumn?: string;
}

/** What is known of a table whatever its rows. */
export type AnyTable = Pick<RowTable<never>, 'name' | 'type' | 'groups' | 'organizationColumn'> & { columns: readonly string[] };

/** Which rows a statement finds beside those of the organization $1: SQL of conditions, order and limit, with parameters from $2. */
export interface Condition {
  text: string;
  parameters: readonly unknown[];
}

/** A read of rows that says how it finds them: what belongs to them can be read in the same statement (core/look-ahead.ts). */
export type RowRead<Key, Value> = BatchRead<Key, Value> & {
  table: AnyTable;
  /** What finds the rows of keys: together where that is one statement. */
  conditions(database: Database, organizationId: string, keys: readonly Key[]): Condition[];
  /** The values of keys among the rows that each condition has found, in the order of the keys. */
  valuesOf(keys: readonly Key[], found: readonly (readonly object[])[]): Value[];
};

/** A read of the rows that have one of the keys in a column: what can be read below other rows. */
export type KeyedRead<Value> = RowRead<string, Value> & { column: string };

export type AnyRead = RowRead<never, unknown>;
export type AnyKeyedRead = KeyedRead<unknown>;

/** The row of each key, by a column that is unique; null where there is none such. */
export function rowBy<Row extends object>(table: RowTable<Row>, column: keyof Row & string): KeyedRead<Row | null> {
  return keyedRead<Row | null>(table, column, (keys, rows) => {
    const byKey = new Map((rows as readonly Row[]).map((row) => [row[column], row]));
    return keys.map((key) => byKey.get(key as Row[typeof column]) ?? null);
  });
}

/** The rows of each key, by a column that is not unique: the oldest first. */
export function rowsBy<Row extends object>(table: RowTable<Row>, column: keyof Row & string): KeyedRead<Row[]> {
  return keyedRead<Row[]>(table, column, (keys, rows) => {
    const groups = Map.groupBy(rows as readonly Row[], (row) => row[column]);
    return keys.map((key) => groups.get(key as Row[typeof column]) ?? []);
  });
}

function keyedRead<Value>(table: AnyTable, column: string, arrange: (keys: readonly string[], rows: readonly object[]) => Value[]): KeyedRead<Value> {
  const conditions: KeyedRead<Value>['conditions'] = (_database, _organizationId, keys) => [{ text: `${column} = any($2) order by id`, parameters: [[...keys]] }];
  return Object.assign(rowRead(table, conditions, (keys, [rows = []]) => arrange(keys, rows)), { column });
}

/** What of rows is personal, opened: together, and only when it is asked; at once where the keys are held. */
export function personalRead<Row extends SealedRow, Personal extends object>(table: SealedTable): BatchRead<Row, Personal> {
  const read: BatchRead<Row, Personal> = (database, organizationId, rows) => database.vault.open(table, organizationId, rows);
  return Object.assign(read, { atHand: (database: Database, organizationId: string, row: Row) => database.vault.openHeld<Personal>(table, organizationId, row) });
}

/** A list of rows for each request. */
export function rowPage<Row extends object, Request>(table: RowTable<Row>, condition: (database: Database, organizationId: string, request: Request) => Condition): RowRead<Request, Row[]> {
  return rowRead<Request, Row[]>(
    table,
    (database, organizationId, requests) => requests.map((request) => condition(database, organizationId, request)),
    (_requests, found) => found as Row[][],
  );
}

function rowRead<Key, Value>(table: AnyTable, conditions: RowRead<Key, Value>['conditions'], valuesOf: RowRead<Key, Value>['valuesOf']): RowRead<Key, Value> {
  const every = [...table.columns, ...Object.values(table.groups).flat()];
  const owner = table.organizationColumn ?? ORGANIZATION_COLUMN;
  const read: BatchRead<Key, Value> = async (database, organizationId, keys) => {
    const found = conditions(database, organizationId, keys).map(({ text, parameters }) => {
      const statement = nameOf(`select ${owner} as ${ORGANIZATION_COLUMN}, ${every.join(', ')} from ${table.name} where ${owner} = $1 and ${text}`);
      return database.select<object>(organizationId, statement, [organizationId, ...parameters]);
    });
    return valuesOf(keys, await Promise.all(found));
  };
  return Object.assign(read, { table, conditions, valuesOf });
}

/** The condition that no row meets. */
export const NO_ROWS: Condition = { text: 'false', parameters: [] };

/** Conditions as they are added, each with its parameter at the place of the question mark. */
export class Conditions {
  readonly #texts: string[] = [];
  readonly #parameters: unknown[] = [];

  /** @returns itself; a condition without a value (null or undefined) does not narrow. */
  add(text: string, value: unknown): this {
    if (value == null) return this;
    this.#parameters.push(value);
    // The first parameter is the organization.
    this.#texts.push(text.replaceAll('?', `$${this.#parameters.length + 1}`));
    return this;
  }

  /** A column that has one of some values: one alone, since that lets an index give the order too. */
  addOneOf(column: string, values: readonly unknown[] | null | undefined): this {
    if (!values?.length) return this;
    return values.length === 1 ? this.add(`${column} = ?`, values[0]) : this.add(`${column} = any(?)`, [...values]);
  }

  /** One of several conditions; none where there are none. */
  addEither(conditions: readonly (readonly [text: string, value: unknown])[]): this {
    if (conditions.length === 0) return this;
    const texts = conditions.map(([text, value]) => text.replaceAll('?', `$${this.#parameters.push(value) + 1}`));
    this.#texts.push(`(${texts.join(' or ')})`);
    return this;
  }

  /** The newest of the rows, so many; of those before an id, where there is one. */
  newest({ beforeId, limit }: PageRequest): Condition {
    this.add(`${NEWEST_ORDER} < ?`, beforeId);
    const parameters = [...this.#parameters, limit];
    return { text: [...this.#texts, 'true'].join(' and ') + ` order by ${NEWEST_ORDER} desc limit $${parameters.length + 1}`, parameters };
  }
}
