import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewaySecrets } from '../contenders/server.ts';
import { PAGE_STATUS } from '../contenders/fields.ts';
import type { Cluster } from '../machine/postgres.ts';
import { config, database, gateway, keyRing, keys, log } from './built.ts';
import { copyInto, type Row } from './copying.ts';
import { Rows } from './rows.ts';
import type { Sizes } from './sizes.ts';

/** One organization as the works use it. */
export interface Organization {
  id: string;
  /** Of a key with the role PARTNER. */
  apiKey: string;
}

/** What was generated. */
export interface Dataset {
  sizes: Sizes;
  secrets: GatewaySecrets;
  /** The first is the largest. */
  organizations: readonly Organization[];
  /** Customers of the largest organization that are on its list by status, newest first. */
  listed: readonly string[];
}

/** The database that the reading works share; nothing writes to it once it is filled. Others are made from it. */
export const ROWS = 'rows';

/** Makes the gateway's schema by its own migrations, and fills it. The same seed gives the same rows, but for keys and ciphertexts. */
export async function generate(cluster: Cluster, sizes: Sizes): Promise<Dataset> {
  await cluster.psql('postgres', `create database ${ROWS}`);
  const secrets = { tokenKey: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })), keyRing: keyRing.newRingEntry() };
  const directory = await mkdtemp(join(tmpdir(), 'kyc-bench-'));
  const settings = config.readConfig({ DATABASE_URL: cluster.url(ROWS), TOKEN_KEY: secrets.tokenKey, KEY_RING: secrets.keyRing, DATA_DIR: directory, LOG_LEVEL: 'warn' });
  const opened = await database.openDatabase(settings, gateway.databaseParts, log.createLog(settings));
  try {
    const rows = new Rows(sizes, opened.vault);
    const wrapped = await Promise.all(rows.makeKeys().map(async ({ customerId, secret }) => {
      const { keyId: key_id, wrapped: bytes } = await opened.vault.management.wrap(secret, `data-key ${customerId}`);
      return { key_id, wrapped: bytes };
    }));
    const organizations = Array.from({ length: sizes.organizations }, (_, number) => ({ id: rows.organizationId(number), ...keys.mintKey() }));
    const tables: readonly [string, Iterable<Row>][] = [
      ['organization', rows.organizations()],
      ['policy', rows.policies()],
      ['organization_ledger', rows.ledgers()],
      ['api_key', organizations.map(keyRow)],
      ['data_key', rows.dataKeys(wrapped)],
      ['customer', rows.customers()],
      ['identity', rows.identities()],
      ['document', rows.documents()],
      ['file_upload', rows.files()],
      ['signature', rows.signatures()],
    ];
    for (const [table, content] of tables) await copyInto(cluster, ROWS, table, content);
    await cluster.psql(ROWS, 'vacuum analyze');
    const listed = await cluster.psql(ROWS, `select id from customer where organization_id = '${rows.organizationId(0)}' and status = '${PAGE_STATUS}' order by id desc`);
    return { sizes, secrets, organizations: organizations.map(({ id, secret }) => ({ id, apiKey: secret })), listed: listed.split('\n') };
  } finally {
    await opened.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function keyRow({ id, prefix, secretHash }: { id: string; prefix: string; secretHash: string }, number: number): Row {
  return { id: id.replace('org_', 'key_'), organization_id: id, prefix, secret_hash: secretHash, role: 'PARTNER', name: `Key ${number}`, created_at: '2025-01-01T00:00:00Z' };
}
