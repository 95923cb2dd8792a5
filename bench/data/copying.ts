import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cluster } from '../machine/postgres.ts';

export type Value = string | number | boolean | Buffer | null;
export type Row = Readonly<Record<string, Value>>;

/** Rows go to psql in pieces of this many. */
const PIECE = 2_000;

/** Fills a table by COPY. Triggers, which is how foreign keys are checked, rest meanwhile. All rows have the columns of the first. */
export async function copyInto(cluster: Cluster, database: string, table: string, rows: Iterable<Row>): Promise<void> {
  const iterator = rows[Symbol.iterator]();
  const first = iterator.next();
  if (first.done) return;
  const columns = Object.keys(first.value);
  const psql = spawn(cluster.psqlPath, [cluster.url(database), '-qX', '-v', 'ON_ERROR_STOP=1', '-c', 'set session_replication_role = replica', '-c', `copy ${table} (${columns.join(', ')}) from stdin`], { stdio: ['pipe', 'inherit', 'inherit'] });
  const end = once(psql, 'exit');
  // Where psql ends early its status says why; the pipe's own error adds nothing.
  psql.stdin.on('error', () => undefined);
  let piece: string[] = [];
  for (let next: IteratorResult<Row> = first; !next.done; next = iterator.next()) {
    const row = next.value;
    piece.push(columns.map((column) => textOf(row[column] ?? null)).join('\t'));
    if (piece.length < PIECE) continue;
    if (!psql.stdin.write(`${piece.join('\n')}\n`)) await Promise.race([once(psql.stdin, 'drain'), end]);
    piece = [];
  }
  psql.stdin.end(piece.length > 0 ? `${piece.join('\n')}\n` : '');
  const [status] = (await end) as [number];
  if (status !== 0) throw new Error(`COPY into ${table} failed`);
}

const SPECIAL = /[\\\t\n\r]/;

/** A value in the text format of COPY. */
function textOf(value: Value): string {
  if (value === null) return '\\N';
  if (Buffer.isBuffer(value)) return `\\\\x${value.toString('hex')}`;
  const text = String(value);
  return SPECIAL.test(text) ? text.replaceAll(/[\\\t\n\r]/g, (character) => `\\${character === '\t' ? 't' : character === '\n' ? 'n' : character === '\r' ? 'r' : character}`) : text;
}
