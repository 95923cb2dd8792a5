import type { Cluster } from '../machine/postgres.ts';

/** How many copies of each row there are afterwards, itself included. */
export const GROWTH = 10;

/** The tables that grow, each with the columns that hold ids of what is copied along. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  data_key: ['customer_id'],
  customer: ['id', 'current_identity_id'],
  identity: ['id', 'customer_id'],
  document: ['id', 'identity_id', 'customer_id'],
  file_upload: ['id', 'document_id', 'customer_id'],
  signature: ['id', 'identity_id', 'customer_id'],
};
/** A partner's own id is taken once. */
const UNIQUE = 'partner_user_index';

/**
 * Copies every row of a database nine times, in its own organization. A copy's ids have another last digit, so it lies
 * beside what it was copied from. What is sealed in copies does not open: it is bound to its row.
 */
export async function grow(cluster: Cluster, database: string): Promise<void> {
  for (const [table, ids] of Object.entries(TABLES)) {
    const columns = (await cluster.psql(database, `select column_name from information_schema.columns where table_name = '${table}' and table_schema = 'public' order by ordinal_position`)).split('\n');
    const values = columns.map((column) => (ids.includes(column) ? `left(${column}, -1) || copy` : column === UNIQUE ? 'null' : column));
    await cluster.psql(database, `set session_replication_role = replica; insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${table}, generate_series(1, ${GROWTH - 1}) as copy`);
  }
  await cluster.psql(database, 'vacuum analyze');
}
