import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import utils from 'pg/lib/utils.js';
import { askTogether, Batch } from './batch.js';
import { builderOver, type Answer, type Statement } from './statement.js';
import { ENTER_SCOPE } from './tenancy.js';
import { transactIn, type Begin } from './transaction.js';

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

/** What a connection for reads is told once, so that not each read need say it: that it writes nothing, and plans what it prepares once. */
export const READ_SESSION = 'set default_transaction_read_only = on; set plan_cache_mode = force_generic_plan';
/** What enters the scope of one read. */
const ENTER: Statement = { name: 'enter_scope', text: ENTER_SCOPE };
/** The same before a statement that is not prepared: it is planned for its values. */
const ENTER_PLANNING: Statement = { name: 'enter_scope_planning', text: `${ENTER_SCOPE}, set_config('plan_cache_mode', 'auto', true)` };
/** Reads that share a connection when they are asked at once: of more, each would wait longer for those before it, and the server for its work. */
const MOST_TOGETHER = 4;

/**
 * Reads in one round trip each: the settings of the scope and the statement go out together and end in one Sync, which makes
 * them one transaction (PostgreSQL, "Pipelining" in the extended query protocol). The settings are local to it: what runs next
 * on the connection finds none of them.
 *
 * Reads of whoever asks in the same turn of the event loop go out together, a few in one write, each few over another connection: to wake the
 * server costs both sides more than a short read does. The first few leave at once, so that the server works on them while this process
 * still reads what else has come. Each is a transaction of its own, and where one fails, the others know nothing of it.
 *
 * A statement with a name is planned once, whatever its values: to plan it for each of them costs as much as to run it, and where
 * a value is common, forgoes the index that the rare ones need. So no such statement may count on a partial index by a parameter.
 * The pool's connections have to be told READ_SESSION.
 */
export function readsInOneTrip(pool: Pool): ScopedReads {
  let asked: Batch[] = [];
  const send = (): void => {
    if (asked.length > 0) void sendOver(pool, asked);
    asked = [];
  };
  const run = ({ role, organizationId, customerId }: Scope, { name, text }: Statement, parameters: readonly unknown[]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const entering = { ...(name === null ? ENTER_PLANNING : ENTER), parameters: [role, organizationId, customerId ?? ''], resolve: () => undefined, reject };
      if (asked.length === 0) setImmediate(send);
      asked.push(new Batch([entering, { name, text, parameters: parameters.map(utils.prepareValue), resolve, reject }]));
      if (asked.length === MOST_TOGETHER) send();
    });
  return {
    select: async <Row>(scope: Scope, { name, text }: Statement, parameters: readonly unknown[]) => {
      // A role's plans are its own: under one name, each change of role would make them anew.
      const own = name === null || scope.customerId === null ? name : `${name}_of_customer`;
      return (await run(scope, { name: own, text }, parameters)).rows as Row[];
    },
    read: (scope, query) => query(builderOver((text, parameters) => run(scope, { name: null, text }, parameters))),
  };
}

/** Has batches answered by one connection. Its pool has it back once all of them are. */
async function sendOver(pool: Pool, batches: readonly Batch[]): Promise<void> {
  try {
    const client = await pool.connect();
    try {
      askTogether(client, batches);
      await Promise.all(batches.map(({ over }) => over));
    } finally {
      client.release();
    }
  } catch (error) {
    for (const batch of batches) batch.settle(error);
  }
}
