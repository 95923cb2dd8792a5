import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Scope } from './scoped-reads.js';
import { runStatement } from './statement.js';
import { ENTER_SCOPE } from './tenancy.js';

/**
 * Runs `body` in a transaction that is held to a scope by the entities' filter and by row-level security; if it throws, nothing
 * has happened. What it changes in entities it flushes itself.
 *
 * The transaction is begun here and not by the ORM, which would flush once more, merge what was loaded into another unit of
 * work, and write the settings into the statement, so that the server parses it each time.
 */
export async function transactIn<Result>(orm: SqlEntityManager, { role, organizationId, customerId }: Scope, body: (em: SqlEntityManager) => Promise<Result>, readOnly = false): Promise<Result> {
  const em = orm.fork();
  em.setFilterParams('tenant', { organizationId });
  const transaction = await em.getKysely().startTransaction().execute();
  em.setTransactionContext(transaction);
  try {
    await runStatement(transaction, ENTER_SCOPE, [role, organizationId, customerId ?? '', readOnly ? 'on' : 'off']);
    const result = await body(em);
    await transaction.commit().execute();
    return result;
  } catch (error) {
    // Why it failed is what is told, also where the connection is gone and nothing can be taken back over it.
    await transaction.rollback().execute().catch(() => undefined);
    throw error;
  }
}
