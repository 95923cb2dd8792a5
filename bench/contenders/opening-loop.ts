import { cipher, config, customerReads, database, documentReads, gateway, identityReads, log, personalData, policies, requirements, sealedTable, signatureReads } from '../data/built.ts';
import { PAGE_STATUS } from './fields.ts';
import { PORT } from './bare-http.ts';
import { createServer } from 'node:http';
import type { BatchRead } from '../../src/core/context.js';
import type { DataKey } from '../../src/core/crypto/cipher.js';
import type { SealedRow, SealedTable } from '../../src/core/crypto/sealed-table.js';
import type { IdentityPersonal } from '../../src/identity/reads.js';

// What Q1E and Q2E open and evaluate, in a bare loop: two decryptions and one evaluation a customer, of rows and keys that are in memory.

/** So many customers are gone through in turn. */
const MOST = 500;
const settings = config.readConfig(process.env);
const opened = await database.openDatabase(settings, gateway.databaseParts, log.createLog(settings));
const organizationId = process.env['ORGANIZATION_ID'] ?? '';
const page = { first: MOST, limit: MOST, beforeId: null };

/** The values of keys, as the gateway reads them. */
async function read<Key, Value>(from: BatchRead<Key, Value>, keys: readonly Key[]): Promise<Value[]> {
  return (await from(opened, organizationId, keys)).map((value) => {
    if (value instanceof Error) throw value;
    return value;
  });
}

const [customers = []] = await read(customerReads.customerPage, [{ page, filter: { status: [PAGE_STATUS] } }]);
const subjects = await Promise.all(customers.map(async (customer) => {
  const [identity] = await read(identityReads.identityById, [customer.current_identity_id ?? '']);
  const key = await opened.vault.keyOf(organizationId, customer.id);
  if (!identity || !key) throw new Error('Every customer has an attempt and a key');
  const [documents = []] = await read(documentReads.documentsByIdentity, [identity.id]);
  const files = await read(documentReads.filesByDocument, documents.map(({ id }) => id));
  const [signatures = []] = await read(signatureReads.signaturesByIdentity, [identity.id]);
  const policy = await policies.readPolicy(opened, organizationId, identity.policy_id);
  return { customer, identity, key, documents, files, signatures, policy };
}));

if (subjects.length === 0) throw new Error('There is nobody to open');

function open(table: SealedTable, row: SealedRow & { organization_id: string }, key: DataKey): Record<string, unknown> {
  const place = { organizationId: row.organization_id, table: table.table, column: sealedTable.SEALED_COLUMN, rowId: row.id };
  return sealedTable.personalOf(table, cipher.unseal(key, place, Buffer.from(row.sealed ?? [])).toString());
}

/** Opens and evaluates the customer with this number. @returns how much was found, so that nothing is left out as unused. */
function once(number: number): number {
  const { customer, identity, key, documents, files, signatures, policy } = subjects[number % subjects.length]!;
  const { email } = open(personalData.CUSTOMER_TABLE, customer, key);
  const { kycData } = open(personalData.IDENTITY_TABLE, identity, key) as unknown as IdentityPersonal;
  const lacking = requirements.requirementsOf({
    kycData,
    transactionType: identity.transaction_type,
    policy,
    environment: 'SANDBOX',
    documents: documents.map((document, index) => documentReads.subjectDocument(document, files[index] ?? [])),
    signedContracts: signatures.map(({ contract_type: type }) => type),
    hostedPage: identity.hosted_page,
    demands: identity.demands,
  });
  return lacking.length + String(email).length;
}

createServer((request, response): void => {
  const amount = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('amount') ?? 0);
  let found = 0;
  const started = process.cpuUsage();
  for (let number = 0; number < amount; number += 1) found += once(number);
  const { user, system } = process.cpuUsage(started);
  response.end(JSON.stringify({ found, microseconds: amount === 0 ? 0 : (user + system) / amount }));
}).listen(PORT, '127.0.0.1');
