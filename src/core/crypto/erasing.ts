import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { UnitOfWork } from '../command.js';
import { destroyDataKey } from './data-keys.js';
import { belongsTo, SEALED_COLUMN, type SealedTable } from './sealed-table.js';

/** What a digest of a request is when there is nothing left that it could be of: no request has it. */
const NO_DIGEST = '';

/**
 * Destroys what is personal of a customer in every row but its own, which the command has as an entity: the data key, the
 * ciphertexts, the blind indexes, what is kept in the plain, what events explain, and what opens the commitments of the
 * audit trail. Ids, statuses, moments and the trail itself remain.
 */
export async function erasePersonalRows(unit: UnitOfWork, tables: readonly SealedTable[], customerId: string): Promise<void> {
  const transaction = unit.transaction.builder as unknown as Kysely<unknown>;
  await destroyDataKey(unit, customerId);
  for (const table of tables.filter(({ owner }) => owner.column !== 'id')) await eraseRows(transaction, tables, table, customerId);
  await sql`update event set details = details - 'reason' - 'errorDescription' where organization_id = ${unit.organizationId} and customer_id = ${customerId}`.execute(transaction);
  await sql`delete from audit_opening where organization_id = ${unit.organizationId} and customer_id = ${customerId}`.execute(transaction);
  // The digest of a request that named the person's data could be guessed at. Its key stays taken until its day is over.
  await sql`update idempotency_key set digest = ${NO_DIGEST} where organization_id = ${unit.organizationId} and jsonb_exists(outcome->'ids', ${customerId})`.execute(transaction);
}

async function eraseRows(transaction: Kysely<unknown>, tables: readonly SealedTable[], table: SealedTable, customerId: string): Promise<void> {
  const nulled = [
    ...Object.values(table.fields).map(({ plainColumn }) => plainColumn),
    ...Object.values(table.indexes).map(({ column }) => column),
    ...Object.values(table.unsealed),
  ];
  const changes: RawBuilder<unknown>[] = [
    sql`${sql.ref(SEALED_COLUMN)} = ${Buffer.alloc(0)}`,
    sql`customer_id = ${customerId}`,
    ...nulled.map((column) => sql`${sql.ref(column)} = null`),
  ];
  await sql`update ${sql.table(table.table)} set ${sql.join(changes)} where ${belongsTo(tables, table, customerId)}`.execute(transaction);
}
