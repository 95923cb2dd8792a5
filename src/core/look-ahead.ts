import { Extensions } from 'type-graphql';
import type { Database } from './database.js';
import { ORGANIZATION_COLUMN, type AnyKeyedRead, type AnyRead, type AnyTable, type Condition } from './row-reads.js';
import { nameOf } from './statement-names.js';

/** Columns beyond those that are read always, which a field needs of the rows of a table. */
export interface ColumnsNeeded {
  table: AnyTable;
  group: string;
}

/** Rows that a field needs beside its own: what a read finds by a column of that row, and what is needed of them. */
export interface RowsNeeded {
  read: AnyKeyedRead;
  from: string;
  needs: readonly Need[];
}

export type Need = ColumnsNeeded | RowsNeeded;

/** What a resolver says of the rows that it will read. Without it the rows are read when it asks. */
export interface FieldNeeds {
  needs?: readonly Need[];
  /** Whose rows the field shows: what is selected below it is needed of them. A root field's read is not below a row. */
  shows?: { read: AnyRead; from: string | null }[];
}

/** The name under which a field's extensions hold its needs. */
export const NEEDS_EXTENSION = 'reads';

export function columns(table: AnyTable, group: string): ColumnsNeeded {
  return { table, group };
}

export function rows(read: AnyKeyedRead, from: string, ...needs: Need[]): RowsNeeded {
  return { read, from, needs };
}

/** The field needs these rows and columns. */
export function Needs(...needs: Need[]): MethodDecorator & PropertyDecorator {
  return Extensions({ [NEEDS_EXTENSION]: { needs } satisfies FieldNeeds });
}

/** The field shows what a read finds by a column of the field's own row. */
export function Shows(read: AnyKeyedRead, from: string): MethodDecorator & PropertyDecorator {
  return Extensions({ [NEEDS_EXTENSION]: { shows: [{ read, from }] } satisfies FieldNeeds });
}

/** The root field begins with one of these reads. */
export function Begins(...reads: AnyRead[]): MethodDecorator & PropertyDecorator {
  return Extensions({ [NEEDS_EXTENSION]: { shows: reads.map((read) => ({ read, from: null })) } satisfies FieldNeeds });
}

/** Rows to be read below others, by a column of theirs. */
export interface Branch {
  read: AnyKeyedRead;
  from: string;
  branches: Branch[];
}

/** What an operation will read of what it begins with: made once a document, and shared. */
export interface LookAhead {
  begins: ReadonlyMap<AnyRead, readonly Branch[]>;
  /** The columns that it needs of each table that it knows of. */
  columns: ReadonlyMap<AnyTable, readonly string[]>;
}

/** What is of bytes: it is returned beside the other columns, which have the length of each row's in its place. */
const BYTES_COLUMN = 'sealed';

/** What a statement has found: the rows of each read, by the keys of the rows above them. */
export interface Found {
  root: object[];
  below: { read: AnyKeyedRead; keys: string[]; values: unknown[] }[];
}

/** One set of a statement: rows of a table, by those of the set above. */
interface RowSet {
  table: AnyTable;
  columns: readonly string[];
  /** Makes its rows of what is returned. */
  make: RowMaker;
  branch: Branch | null;
  above: number;
}

/** A set as it is returned: the values of each of its columns, null for each where it has no rows; and the bytes of all of them, in base64. */
interface Answer {
  number: number;
  columns: readonly (readonly unknown[] | null)[];
  bytes: string | null;
}

/** What was written for a read of an operation the last time. Others of the same document mostly have the same condition. */
const written = new WeakMap<readonly Branch[], { condition: string; sets: readonly RowSet[]; text: string }>();

/** The sets of a read with what is below it, and the statement that finds them. */
function statementOf({ table }: AnyRead, condition: string, branches: readonly Branch[], needed: LookAhead['columns']) {
  const known = written.get(branches);
  if (known?.condition === condition) return known;
  const setOf = (of: AnyTable, branch: Branch | null, above: number): RowSet => {
    const columns = needed.get(of) ?? of.columns;
    return { table: of, columns, make: makerOf(columns), branch, above };
  };
  const sets = [setOf(table, null, -1)];
  for (let index = 0; index < sets.length; index += 1) {
    const below = sets[index]!.branch?.branches ?? (index === 0 ? branches : []);
    for (const branch of below) sets.push(setOf(branch.read.table, branch, index));
  }
  // What nothing is below is read where it is returned: it need not be kept.
  const kept = new Set(sets.map(({ above }) => sets[above]));
  const definitions = sets.flatMap((set, index) => (kept.has(set) ? [`set${index} as materialized (${rowsOf(set, condition)})`] : []));
  const results = sets.map((set, index) => {
    const values = set.columns.map((column) => `json_agg(${column === BYTES_COLUMN ? `octet_length(${column})` : column})`);
    const bytes = set.columns.includes(BYTES_COLUMN) ? `encode(string_agg(${BYTES_COLUMN}, ''), 'base64')` : 'null';
    return `select ${index} as number, json_build_array(${values.join(', ')}) as columns, ${bytes} as bytes from ${kept.has(set) ? `set${index}` : `(${rowsOf(set, condition)}) as set${index}`}`;
  });
  const made = { condition, sets, text: `${definitions.length > 0 ? `with ${definitions.join(', ')} ` : ''}${results.join(' union all ')}` };
  written.set(branches, made);
  return made;
}

/** The rows of a set, those of a branch in no order. */
function rowsOf({ table, columns: shown, branch, above }: RowSet, condition: string): string {
  const where = branch === null ? ` and ${condition}` : branch.from === ORGANIZATION_COLUMN ? '' : ` and ${branch.read.column} = any(array(select ${branch.from} from set${above}))`;
  return `select ${shown.join(', ')} from ${table.name} where ${table.organizationColumn ?? ORGANIZATION_COLUMN} = $1${where}`;
}

/**
 * Reads rows, and what an operation will ask below them, in one statement: a set for the rows and one for each branch, which
 * finds its rows by those of the set above it. It costs one round trip whatever the depth. Each set is returned as a row
 * of its own, which needs less memory at once than all in one, and as the JSON of its columns: of its rows it would be twice as long,
 * and take the database as much again to write. Bytes in JSON would be longer by half than in base64 beside it.
 */
export async function readAhead(database: Database, organizationId: string, read: AnyRead, condition: Condition, branches: readonly Branch[], { columns: needed }: LookAhead): Promise<Found> {
  const { sets, text } = statementOf(read, condition.text, branches, needed);
  const answers = await database.select<Answer>(organizationId, nameOf(text), [organizationId, ...condition.parameters]);
  answers.sort((left, right) => left.number - right.number);
  const found = sets.map((set, index) => revived(set, answers[index]!, organizationId));
  return {
    root: found[0]!,
    below: sets.slice(1).map(({ branch, above }, index) => {
      const keys = [...new Set(found[above]!.flatMap((row) => (row[branch!.from] == null ? [] : [row[branch!.from] as string])))];
      return { read: branch!.read, keys, values: branch!.read.valuesOf(keys, [found[index + 1]!]) };
    }),
  };
}

/** Rows as the driver would give them: those of a branch by their ids. */
function revived({ make, branch }: RowSet, { columns, bytes: inBase64 }: Answer, organizationId: string): Row[] {
  const [first] = columns;
  if (!first) return [];
  const rows = make(columns, first.length, organizationId);
  if (inBase64 !== null) {
    const bytes = Buffer.from(inBase64, 'base64');
    let end = 0;
    for (const row of rows) {
      const length = row[BYTES_COLUMN];
      if (typeof length === 'number') row[BYTES_COLUMN] = bytes.subarray(end, (end += length));
    }
  }
  return branch === null ? rows : rows.sort((left, right) => ((left['id'] as string) < (right['id'] as string) ? -1 : 1));
}

type Row = Record<string, unknown>;
type RowMaker = (columns: Answer['columns'], count: number, organizationId: string) => Row[];

/** By the names of the columns: so many as there are tables with groups of columns to leave out. */
const makers = new Map<string, RowMaker>();

/**
 * What makes rows of columns with these names. It is compiled with them in it, as a literal: to add columns by name to an object
 * takes ten times as long, and more room. The names are those that the code knows of its tables.
 */
function makerOf(names: readonly string[]): RowMaker {
  const key = names.join();
  const known = makers.get(key);
  if (known) return known;
  const fields = names.map((name, index) => `${JSON.stringify(name)}: columns[${index}][place]`);
  const body = `const rows = []; for (let place = 0; place < count; place += 1) rows.push({ ${ORGANIZATION_COLUMN}: organizationId, ${fields.join(', ')} }); return rows;`;
  const made = new Function('columns', 'count', 'organizationId', body) as RowMaker;
  makers.set(key, made);
  return made;
}
