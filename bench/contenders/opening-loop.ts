import { config, database, gateway, log, personalData, requirements, sealedTable, policy, cipher } from '../data/built.ts';
import { PORT } from './bare-http.ts';
import { createServer } from 'node:http';
import type { DataKey } from '../../src/core/crypto/cipher.js';
import type { SealedRow, SealedTable } from '../../src/core/crypto/sealed-table.js';
import type { KycData } from '../../src/kyc/fields.js';

// What Q1E and Q2E open and evaluate, in a bare loop: two decryptions and one evaluation a customer, of rows and keys that are in memory.

type Sealed = SealedRow & { organization_id: string; customer_id: string };

const settings = config.readConfig(process.env);
const opened = await database.openDatabase(settings, gateway.databaseParts, log.createLog(settings));
const organizationId = process.env['ORGANIZATION_ID'] ?? '';
const owner = opened.owner();
const read = (table: string): Promise<Sealed[]> => owner.execute(`select id, ${table === 'customer' ? 'id as customer_id' : 'customer_id'}, organization_id, sealed from ${table} where organization_id = ? order by id desc limit 500`, [organizationId]);
const [customers, identities] = [await read('customer'), await read('identity')];
const keys = new Map(await Promise.all(customers.map(async ({ id }) => [id, await opened.vault.keyOf(organizationId, id)] as const)));

function open(table: SealedTable, row: Sealed, key: DataKey): Record<string, unknown> {
  const place = { organizationId: row.organization_id, table: table.table, column: sealedTable.SEALED_COLUMN, rowId: row.id };
  return sealedTable.personalOf(table, cipher.unseal(key, place, Buffer.from(row.sealed ?? [])).toString());
}

/** Opens and evaluates the customer with this number. @returns how much was found, so that nothing is left out as unused. */
function once(number: number): number {
  const [customer, identity] = [customers[number % customers.length], identities[number % identities.length]];
  const key = keys.get(customer?.customer_id ?? '');
  if (!customer || !identity || !key || identity.customer_id !== customer.customer_id) throw new Error('Customers and attempts go together');
  const { email } = open(personalData.CUSTOMER_TABLE, customer, key);
  const { kycData } = open(personalData.IDENTITY_TABLE, identity, key);
  const subject = requirements.freshSubject(kycData as KycData, 'EU_INDIVIDUAL', { environment: 'SANDBOX', policy: policy.DEFAULT_POLICY });
  return requirements.requirementsOf(subject).length + String(email).length;
}

createServer((request, response): void => {
  const amount = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('amount') ?? 0);
  let found = 0;
  const started = process.cpuUsage();
  for (let number = 0; number < amount; number += 1) found += once(number);
  const { user, system } = process.cpuUsage(started);
  response.end(JSON.stringify({ found, microseconds: amount === 0 ? 0 : (user + system) / amount }));
}).listen(PORT, '127.0.0.1');
