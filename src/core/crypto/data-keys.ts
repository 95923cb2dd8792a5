import type { Kysely } from 'kysely';
import type { UnitOfWork } from '../command.js';
import type { KeyTables, NewDataKey } from './vault.js';

/** Stores the data key of a customer that the command creates. */
export async function storeDataKey(unit: UnitOfWork, customerId: string, key: NewDataKey): Promise<void> {
  const row = { ...key, customer_id: customerId, organization_id: unit.organizationId, created_at: unit.now.toISOString(), destroyed_at: null };
  await tablesOf(unit).insertInto('data_key').values(row).execute();
}

function tablesOf(unit: UnitOfWork): Kysely<KeyTables> {
  return unit.em.getKysely() as unknown as Kysely<KeyTables>;
}
