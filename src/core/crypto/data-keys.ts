import { sql, type Kysely } from 'kysely';
import type { UnitOfWork } from '../command.js';
import type { KeyTables, NewDataKey } from './vault.js';

const STORE = 'insert into data_key (id, key_id, wrapped, customer_id, organization_id, created_at) values ($1, $2, $3, $4, $5, $6)';

/** Stores the data key of a customer that the command creates. */
export function storeDataKey(unit: UnitOfWork, customerId: string, key: NewDataKey): void {
  const { id, key_id, wrapped } = key;
  unit.transaction.send(STORE, [id, key_id, wrapped, customerId, unit.organizationId, unit.now.toISOString()]);
}

/** The channel of NOTIFY on which the id of a customer is announced whose data key has just been destroyed. */
export const ERASURE_CHANNEL = 'kyc_gateway_erasure';

/** Destroys the data key of a customer; at the commit every replica is told. */
export async function destroyDataKey(unit: UnitOfWork, customerId: string): Promise<void> {
  await tablesOf(unit).updateTable('data_key').set({ key_id: null, wrapped: null, destroyed_at: unit.now.toISOString() }).where('customer_id', '=', customerId).execute();
  await sql`select pg_notify(${ERASURE_CHANNEL}, ${customerId})`.execute(tablesOf(unit));
}

function tablesOf(unit: UnitOfWork): Kysely<KeyTables> {
  return unit.transaction.builder as unknown as Kysely<KeyTables>;
}
