import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { Core } from '../core/command.js';
import { createApiKey, createOrganization } from './commands.js';
import { updateHostedPage } from './hosted-page.js';

/** The keys of the Demo organization. */
export interface DemoKeys {
  apiKey: string;
  reviewerKey: string;
}

const KEYS_FILE = 'demo-keys.json';
/** For the owner's eyes: they open the embedded database's Demo organization. */
const KEYS_FILE_MODE = 0o600;
/** Where examples/embed shows the hosted page in a partner's. */
const EXAMPLE_ORIGIN = 'http://localhost:5000';
const OPERATOR = { role: 'OPERATOR', organizationId: null, actor: 'first start' } as const;

/**
 * The keys of the Demo organization, a sandbox that the first start makes in an empty embedded database and that later
 * starts find again. Null where the database holds organizations but no keys were kept.
 */
export async function demoKeys(core: Core, dataDirectory: string): Promise<DemoKeys | null> {
  const path = join(dataDirectory, KEYS_FILE);
  const reader = core.database.owner().getKysely() as unknown as Kysely<{ organization: { id: string } }>;
  const isEmpty = (await reader.selectFrom('organization').select('id').limit(1).executeTakeFirst()) === undefined;
  if (!isEmpty) return readKeys(path);
  const organization = await createOrganization(core, OPERATOR, { name: 'Demo', environment: 'SANDBOX' });
  await updateHostedPage(core, OPERATOR, organization.id, { origins: [EXAMPLE_ORIGIN] });
  const partner = await createApiKey(core, OPERATOR, { organizationId: organization.id, role: 'PARTNER', name: 'Demo partner' });
  const reviewer = await createApiKey(core, OPERATOR, { organizationId: organization.id, role: 'REVIEWER', name: 'Demo reviewer' });
  const keys: DemoKeys = { apiKey: partner.secret, reviewerKey: reviewer.secret };
  await writeFile(`${path}.new`, JSON.stringify(keys, null, 2), { mode: KEYS_FILE_MODE });
  await rename(`${path}.new`, path);
  return keys;
}

async function readKeys(path: string): Promise<DemoKeys | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DemoKeys;
  } catch {
    return null;
  }
}
