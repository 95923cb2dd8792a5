import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type { Pool } from 'pg';
import utils from 'pg/lib/utils.js';
import { Batch, type Asked } from './batch.js';
import type { Scope } from './scoped-reads.js';
import { nameOf } from './statement-names.js';
import { Statements, type Run } from './statement.js';
import { ENTER_READING, ENTER_SCOPE } from './tenancy.js';

/** How a transaction is ended. */
interface Ends {
  /** Makes all of it visible; rejects where it was taken back instead. */
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** A transaction under way. */
class Transaction extends Statements {
  constructor(execute: Run, readonly ends: Ends) {
    super(execute);
  }
}

/** Begins a transaction. */
export type Begin = () => Promise<Transaction>;

/**
 * Runs `body` in a transaction that is held to a scope by row-level security; if it throws, nothing has happened. BEGIN and what
 * enters the scope go out with the first statement of the body, the commit with those that it has sent last.
 */
export async function transactIn<Result>(begin: Begin, { role, organizationId, customerId }: Scope, body: (transaction: Statements) => Promise<Result>, readOnly = false): Promise<Result> {
  const transaction = await begin();
  try {
    transaction.send(readOnly ? ENTER_READING : ENTER_SCOPE, [role, organizationId, customerId ?? '']);
    const result = await body(transaction);
    await transaction.ends.commit();
    return result;
  } catch (error) {
    // Why it failed is what is told, also where the connection is gone and nothing can be taken back over it.
    await transaction.ends.rollback().catch(() => undefined);
    throw error;
  }
}

/** Transactions of a pool whose connections take statements before they have answered those before (`pipeline` of pg). What is asked in one turn goes out together. */
export function beginIn(pool: Pool): Begin {
  return async () => {
    const client = await pool.connect();
    let asked: Asked[] = [];
    const send = (): void => {
      void client.query(new Batch(asked));
      asked = [];
    };
    const run: Run = (text, parameters) => new Promise((resolve, reject) => {
      if (asked.length === 0) process.nextTick(send);
      asked.push({ ...nameOf(text), parameters: parameters.map(utils.prepareValue), resolve, reject });
    });
    let isOver = false;
    // A connection that is gone goes back by itself (GuardedClient).
    const end = async (statement: 'commit' | 'rollback'): Promise<string | undefined> => {
      const { command } = await run(statement, []);
      isOver = true;
      client.release();
      return command;
    };
    const transaction: Transaction = new Transaction(run, {
      commit: async () => {
        const command = await end('commit');
        await transaction.settled();
        if (command !== 'COMMIT') throw new Error('A transaction came to its commit after a statement of it had failed');
      },
      rollback: async () => {
        if (!isOver) await end('rollback');
      },
    });
    transaction.send('begin', []);
    return transaction;
  };
}

/** Transactions of a database in this process, where round trips cost nothing. */
export function beginBy(orm: SqlEntityManager): Begin {
  return async () => {
    const begun = await orm.fork().getKysely().startTransaction().execute();
    const run: Run = async (text, parameters) => {
      const { rows, numAffectedRows } = await begun.executeQuery(CompiledQuery.raw(text, [...parameters]));
      // As pg says it.
      return numAffectedRows === undefined ? { rows } : { rows, command: 'UPDATE', rowCount: Number(numAffectedRows) };
    };
    const transaction: Transaction = new Transaction(run, {
      commit: async () => {
        await transaction.settled();
        await begun.commit().execute();
      },
      rollback: async () => {
        // What has yet to be run would be run behind the end, and outside of the transaction.
        await transaction.settled().catch(() => undefined);
        await begun.rollback().execute();
      },
    });
    return transaction;
  };
}
