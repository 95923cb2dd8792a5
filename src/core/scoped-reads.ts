import type { Kysely } from 'kysely';
import { Query, type Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { builderOver } from './statement.js';
import { ENTER_SCOPE } from './tenancy.js';
import { transactIn, type Begin } from './transaction.js';

/** A statement. With a name each connection prepares it once: its text never changes then. */
export interface Statement {
  name: string | null;
  text: string;
}

/** Whose rows a read finds: those of one organization and, with a customer, of that customer alone. */
export interface Scope {
  role: string;
  organizationId: string;
  customerId: string | null;
}

/** How reads reach the database; whatever they ask, row-level security leaves them the rows of their scope. */
export interface ScopedReads {
  /** One statement of fixed text. Parameters are what the driver takes; rows are plain. */
  select<Row>(scope: Scope, statement: Statement, parameters: readonly unknown[]): Promise<Row[]>;
  /** What a query builder asks, each of its statements in a transaction of its own or all in one. */
  read<Tables, Result>(scope: Scope, query: (reader: Kysely<Tables>) => Promise<Result>): Promise<Result>;
}

/** Reads in short transactions: where the database is in this process, round trips cost nothing. */
export function readsInTransactions(begin: Begin): ScopedReads {
  return {
    read: (scope, query) => transactIn(begin, scope, (transaction) => query(transaction.builder as never), true),
    select: <Row>(scope: Scope, { text }: Statement, parameters: readonly unknown[]) => transactIn(begin, scope, (transaction) => transaction.run<Row>(text, parameters), true),
  };
}

/**
 * Reads in one round trip each: the settings of the scope and the statement go out together and end in one Sync, which makes
 * them one transaction (PostgreSQL, "Pipelining" in the extended query protocol). The settings are local to it: what runs next
 * on the connection finds none of them.
 *
 * A statement with a name is planned once, whatever its values: to plan it for each of them costs as much as to run it, and where
 * a value is common, forgoes the index that the rare ones need. So no such statement may count on a partial index by a parameter.
 */
export function readsInOneTrip(pool: Pool): ScopedReads {
  const enter = { name: 'enter_scope', text: `${ENTER_SCOPE}, set_config('plan_cache_mode', $5, true)` };
  const prepared = new WeakSet<PoolClient>();
  const run = async (scope: Scope, config: QueryConfig): Promise<QueryResult> => {
    const client = await pool.connect();
    try {
      const values = [scope.role, scope.organizationId, scope.customerId ?? '', 'on', config.name === undefined ? 'auto' : 'force_generic_plan'];
      if (!prepared.has(client)) {
        await client.query({ ...enter, values });
        prepared.add(client);
      }
      return await new Promise<QueryResult>((resolve, reject) => {
        client.query(new ScopedQuery({ statement: enter.name, values }, config, (error, result) => (error ? reject(error) : resolve(result))));
      });
    } finally {
      client.release();
    }
  };
  return {
    select: async <Row>(scope: Scope, { name, text }: Statement, parameters: readonly unknown[]) => {
      // A role's plans are its own: under one name, each change of role would make them anew.
      const named = name === null ? {} : { name: scope.customerId === null ? name : `${name}_of_customer` };
      return (await run(scope, { ...named, text, values: [...parameters] })).rows as Row[];
    },
    read: (scope, query) => query(builderOver((text, parameters) => run(scope, { text, values: [...parameters] }))),
  };
}

/** What the driver's queries are made of, as far as it does not declare it. */
interface QueryParts {
  prepare(connection: Wire): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: Wire): void;
}
interface Wire {
  bind(message: { statement: string; values: readonly string[] }): void;
  execute(message: { portal: string }): void;
}
type Callback = (error: Error | undefined, result: QueryResult) => void;
const DriverQuery = Query as unknown as new (config: QueryConfig & { queryMode: 'extended' }, callback: Callback) => Query & QueryParts;

/** A query that goes out behind the statement which enters its scope, whose answer it passes over. */
class ScopedQuery extends DriverQuery {
  #entering = true;

  constructor(
    private readonly scope: { statement: string; values: readonly string[] },
    config: QueryConfig,
    callback: Callback,
  ) {
    super({ ...config, queryMode: 'extended' }, callback);
  }

  override prepare(connection: Wire): void {
    connection.bind(this.scope);
    connection.execute({ portal: '' });
    super.prepare(connection);
  }

  override handleDataRow(message: unknown): void {
    if (!this.#entering) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: Wire): void {
    if (this.#entering) this.#entering = false;
    else super.handleCommandComplete(message, connection);
  }
}
