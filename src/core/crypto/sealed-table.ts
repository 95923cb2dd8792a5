import { sql, type RawBuilder } from 'kysely';

/** Columns that hold personal data, sealed together into one ciphertext a row, in the column `sealed`. */
export interface SealedTable {
  table: string;
  /** The name of its entity, whose properties `fields` and `indexes` name. */
  entity: string;
  /** What is sealed. */
  fields: Readonly<Record<string, SealedField>>;
  /** Personal properties that are not sealed, with their columns. */
  unsealed: Readonly<Record<string, string>>;
  /** What is looked up by value: a blind index each. */
  indexes: Readonly<Record<string, BlindIndexRule>>;
  /** The column that leads to the customer: its own id, or that of a row of `parent`. */
  owner: { column: string; parent?: string };
}

/** A property that is sealed: the column that held it in the plain, before there was encryption, and what stands for nothing known. */
export interface SealedField {
  plainColumn: string;
  empty(): unknown;
}

/** How a blind index comes from what is sealed. */
export interface BlindIndexRule {
  column: string;
  /** Names the key that it is made with. */
  purpose: string;
  /** The value, in the one form in which equal values are equal; null or absent: no index. */
  valueOf(personal: Readonly<Record<string, unknown>>): string | null | undefined;
}

/** A row as it is read. `sealed` null: it was stored before there was encryption; empty: it was erased. */
export interface SealedRow {
  id: string;
  /** Of a customer its id says as much. */
  customer_id?: string | null | undefined;
  sealed: Uint8Array | null;
}

/** The sealed column's name, which is bound to each ciphertext. */
export const SEALED_COLUMN = 'sealed';

/** The columns that what is personal of a row is opened from. */
export function sealedColumns({ fields, owner }: SealedTable): string[] {
  return [SEALED_COLUMN, ...(owner.column === 'id' ? [] : ['customer_id']), ...Object.values(fields).map(({ plainColumn }) => plainColumn)];
}

/** An object of what is sealed of a table, in its order. */
function personalWith({ fields }: SealedTable, valueOf: (name: string, field: SealedField) => unknown): Record<string, unknown> {
  const personal: Record<string, unknown> = {};
  for (const name in fields) personal[name] = valueOf(name, fields[name]!);
  return personal;
}

/** What nothing known looks like. */
export function emptyOf(table: SealedTable): Record<string, unknown> {
  return personalWith(table, (_name, { empty }) => empty());
}

/** What of a row was stored in the plain. */
export function plainOf(table: SealedTable, row: object): Record<string, unknown> {
  const columns = row as Record<string, unknown>;
  return personalWith(table, (_name, { plainColumn, empty }) => columns[plainColumn] ?? empty());
}

/** The text that is sealed: what is known, in the order of the table. */
export function textOf(table: SealedTable, personal: object): string {
  const [values, known] = [personal as Record<string, unknown>, {} as Record<string, unknown>];
  for (const name in table.fields) if (values[name] != null) known[name] = values[name];
  return JSON.stringify(known);
}

/** What a sealed text says; what it leaves out is not known. */
export function personalOf(table: SealedTable, text: string): Record<string, unknown> {
  const known = JSON.parse(text) as Record<string, unknown>;
  return personalWith(table, (name, { empty }) => known[name] ?? empty());
}

/** Whether what was personal in a row has been destroyed. */
export function isErased({ sealed }: { sealed?: Uint8Array | null | undefined }): boolean {
  return sealed != null && sealed.length === 0;
}

/** That a row of a table belongs to a customer, also before it names that itself. */
export function belongsTo(tables: readonly SealedTable[], { owner }: SealedTable, customerId: string): RawBuilder<boolean> {
  if (owner.parent === undefined) return sql<boolean>`${sql.ref(owner.column)} = ${customerId}`;
  const parent = tables.find(({ table }) => table === owner.parent)!;
  return sql<boolean>`${sql.ref(owner.column)} in (select id from ${sql.table(parent.table)} where ${belongsTo(tables, parent, customerId)})`;
}
