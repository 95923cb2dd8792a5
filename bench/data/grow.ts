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
  event: ['id', 'customer_id'],
  audit_entry: ['customer_id'],
  audit_opening: ['customer_id'],
  idempotency_key: ['key'],
};
/** A partner's own id is taken once: a copy has another. */
const UNIQUE = 'partner_user_index';
/** The tables that an organization's ledger counts, with its count: copies go on behind it. */
const COUNTED: Readonly<Record<string, string>> = { event: 'position', audit_entry: 'audit_position', audit_opening: 'audit_position' };

function copied(table: string, column: string): string {
  if (TABLES[table]?.includes(column)) return `left(${column}, -1) || copy`;
  if (column === UNIQUE) return `${column} || copy`;
  const count = COUNTED[table];
  return column === 'position' && count ? `${column} + copy * (select ledger.${count} from organization_ledger as ledger where ledger.organization_id = ${table}.organization_id)` : column;
}

/**
 * Copies every row of a database nine times, in its own organization. A copy's ids have another last digit, so it lies
 * beside what it was copied from. What is sealed in copies does not open: it is bound to its row.
 */
export async function grow(cluster: Cluster, database: string): Promise<void> {
  for (const table of Object.keys(TABLES)) {
    const columns = (await cluster.psql(database, `select column_name from information_schema.columns where table_name = '${table}' and table_schema = 'public' and is_generated = 'NEVER' order by ordinal_position`)).split('\n');
    const values = columns.map((column) => copied(table, column));
    await cluster.psql(database, `set session_replication_role = replica; insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${table}, generate_series(1, ${GROWTH - 1}) as copy`);
  }
  await cluster.psql(database, `update organization_ledger set position = position * ${GROWTH}, audit_position = audit_position * ${GROWTH}`);
  await cluster.psql(database, 'vacuum analyze');
}
