import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';

/** The rows that a statement gives. */
export type Query = (statement: string, parameters?: unknown[]) => Promise<Record<string, unknown>[]>;

/** Speaks to a database past the gateway. The embedded one takes one process at a time: its gateway must have been stopped. */
export async function withDatabase<Result>(where: { databaseUrl: string | null; dataDirectory: string }, use: (query: Query) => Promise<Result>): Promise<Result> {
  if (where.databaseUrl !== null) {
    const client = new Client({ connectionString: where.databaseUrl });
    await client.connect();
    try {
      return await use(async (statement, parameters) => (await client.query(statement, parameters)).rows as Record<string, unknown>[]);
    } finally {
      await client.end();
    }
  }
  const embedded = new PGlite(join(where.dataDirectory, 'database'));
  try {
    return await use(async (statement, parameters) => {
      if (parameters) return (await embedded.query<Record<string, unknown>>(statement, parameters)).rows;
      return (await embedded.exec(statement)).at(-1)?.rows ?? [];
    });
  } finally {
    await embedded.close();
  }
}
