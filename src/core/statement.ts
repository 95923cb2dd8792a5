import { CompiledQuery, type Kysely } from 'kysely';

/** What runs a statement: a query builder, or a transaction that is one. */
export type StatementRunner = Pick<Kysely<never>, 'executeQuery'>;

/**
 * Runs one statement of fixed text: what every command asks costs no building, and PostgreSQL prepares it. Parameters are what
 * the drivers take. @returns its rows, as the drivers give them.
 */
export async function runStatement<Row>(runner: StatementRunner, text: string, parameters: readonly unknown[]): Promise<Row[]> {
  return (await runner.executeQuery(CompiledQuery.raw(text, [...parameters]))).rows as Row[];
}
