import { sql, type Kysely } from 'kysely';
import type { UnitOfWork } from '../command.js';
import type { KeyTables, NewDataKey } from './vault.js';

/** Stores the data key of a customer that the command creates. */
export async function storeDataKey(unit: UnitOfWork, customerId: string, key: NewDataKey): Promise<void> {
  const row = { ...key, customer_id: customerId, organization_id: unit.organizationId, created_at: unit.now.toISOString(), destroyed_at: null };
  await tablesOf(unit).insertInto('data_key').values(row).execute();
}

/** The channel of NOTIFY on which the id of a customer is announced whose data key has just been destroyed. */
export const ERASURE_CHANNEL = 'kyc_gateway_erasure';

/** Destroys the data key of a customer; at the commit every replica is told. */
export async function destroyDataKey(unit: UnitOfWork, customerId: string): Promise<void> {
  await tablesOf(unit).updateTable('data_key').set({ key_id: null, wrapped: null, destroyed_at: unit.now.toISOString() }).where('customer_id', '=', customerId).execute();
  await sql`select pg_notify(${ERASURE_CHANNEL}, ${customerId})`.execute(tablesOf(unit));
}

function tablesOf(unit: UnitOfWork): Kysely<KeyTables> {
  return unit.em.getKysely() as unknown as Kysely<KeyTables>;
}
