import type { KeyHolder, KeyRole } from '../core/caller.js';
import type { Clock } from '../core/clock.js';
import type { PageRequest } from '../core/connections.js';
import { whenLoaded, type Loaded, type RequestContext } from '../core/context.js';
import { kindOfId } from '../core/ids.js';
import type { Database } from '../core/database.js';
import type { UnitOfWork } from '../core/command.js';
import { rowBy, type RowTable } from '../core/row-reads.js';
import { Rounds } from '../core/rounds.js';
import { sql, type Kysely } from 'kysely';
import type { KeyCache } from './key-cache.js';
import { digestOf, prefixOf, sameDigest } from './keys.js';
import { ApiKeyEntity, type ApiKey, type Organization } from './entity.js';
import { policyById, policyOf, readPolicy, type PolicyTables } from './policies.js';
import type { Policy } from '../kyc/policy.js';
import type { Environment } from '../kyc/vocabularies.js';

interface OrganizationTables {
  organization: { id: string; name: string; environment: Environment; policy_id: string };
  api_key: {
    id: string;
    organization_id: string;
    prefix: string;
    secret_hash: string;
    role: KeyRole;
    name: string;
    subject: string | null;
    created_at: string;
    last_used_at: string | null;
    expires_at: string | null;
    revoked_at: string | null;
  };
}

/** The rules that an organization's commands follow. */
export type OrganizationRules = Pick<Organization, 'environment' | 'policyId' | 'policy'>;

const RULES = 'select environment, policy_id from organization where id = $1';
const rulesOf = new WeakMap<UnitOfWork, Promise<OrganizationRules>>();

/** The organization of a command, read once a command however often it is asked for. */
export function organizationOf(unit: UnitOfWork): Promise<OrganizationRules> {
  const read = rulesOf.get(unit) ?? readRules(unit);
  rulesOf.set(unit, read);
  return read;
}

async function readRules(unit: UnitOfWork): Promise<OrganizationRules> {
  const [organization] = await unit.transaction.run<Pick<OrganizationRow, 'environment' | 'policy_id'>>(RULES, [unit.organizationId]);
  if (!organization) throw new Error('A command has no organization');
  const { environment, policy_id: policyId } = organization;
  return { environment, policyId, policy: await policyOf(unit, policyId) };
}

type OrganizationRow = Readonly<OrganizationTables['organization']>;
/** An organization with its policy. */
type RuledOrganization = OrganizationRow & { readonly policy: Policy };

/** What of organizations is read. */
const ORGANIZATIONS: RowTable<OrganizationRow> = {
  name: 'organization',
  type: 'Organization',
  columns: ['id', 'name', 'environment', 'policy_id'],
  groups: {},
  organizationColumn: 'id',
};

/** Organizations by id; a caller sees none but its own. */
export const organizationById = rowBy(ORGANIZATIONS, 'id');

/** Nearly every request asks for the rules of its organization: those that ask at once read them together. */
const organizationRounds = new WeakMap<Database, Rounds<RuledOrganization>>();

/** What reads need of their organization. */
export function readOrganization(database: Database, organizationId: string): Promise<RuledOrganization> {
  let rounds = organizationRounds.get(database);
  if (!rounds) organizationRounds.set(database, (rounds = new Rounds()));
  return rounds.join(organizationId, async () => {
    const organization = ofCaller((await organizationById(database, organizationId, [organizationId]))[0]);
    return { ...organization, policy: await readPolicy(database, organizationId, organization.policy_id) };
  });
}

/** The organization of an operation's caller, read once however many fields ask. */
export function loadOrganization(context: RequestContext): Loaded<RuledOrganization> {
  return whenLoaded(context.load(organizationById, context.member.organizationId), (found) => {
    const organization = ofCaller(found);
    return whenLoaded(context.load(policyById, organization.policy_id), (policy) => ({ ...organization, policy }));
  });
}

function ofCaller(organization: OrganizationRow | Error | null | undefined): OrganizationRow {
  if (!organization || organization instanceof Error) throw new Error('A caller has no organization');
  return organization;
}

/** A key by its id, which the caller is known to have. */
export function readApiKey(database: Database, id: string): Promise<ApiKey> {
  return database.owner().findOneOrFail(ApiKeyEntity, { id });
}

/** The keys of whoever acts in a command: of a person who signs in those of every time, of anybody else the one key. */
export async function keysOfPerson(unit: UnitOfWork): Promise<string[]> {
  const { actor } = unit.principal;
  const rows = await (unit.transaction.builder as unknown as Kysely<OrganizationTables>)
    .selectFrom('api_key as mine')
    .innerJoin('api_key as same', (join) => join.onRef('same.organization_id', '=', 'mine.organization_id').onRef('same.subject', '=', 'mine.subject'))
    .select('same.id')
    .where('mine.organization_id', '=', unit.organizationId)
    .where('mine.id', '=', actor)
    .execute();
  return rows.length > 0 ? rows.map(({ id }) => id) : [actor];
}

/** Who acts by a key, by the key's id; null when there is none such, or it is revoked or expired. */
export async function callerOfKey(database: Database, clock: Clock, keyId: string): Promise<KeyHolder | null> {
  const reader = database.owner().getKysely() as unknown as Kysely<OrganizationTables>;
  const key = await reader.selectFrom('api_key').select(['id', 'organization_id', 'role', 'expires_at', 'revoked_at']).where('id', '=', keyId).executeTakeFirst();
  return key && !hasEnded(key, clock) ? holderOf(key) : null;
}

/** What a credential is compared with. */
export type StoredKey = KeyRow & Pick<OrganizationTables['api_key'], 'secret_hash'>;

/** The key of a prefix, whatever has become of it. */
export function keyByPrefix(database: Database, prefix: string): Promise<StoredKey | undefined> {
  const reader = database.owner().getKysely() as unknown as Kysely<OrganizationTables>;
  return reader.selectFrom('api_key').select(['id', 'organization_id', 'secret_hash', 'role', 'expires_at', 'revoked_at']).where('prefix', '=', prefix).executeTakeFirst();
}

type KeyRow = Pick<OrganizationTables['api_key'], 'id' | 'organization_id' | 'role' | 'expires_at' | 'revoked_at'>;

/** Whether a key has been revoked or has expired. */
function hasEnded(key: KeyRow, clock: Clock): boolean {
  return key.revoked_at !== null || (key.expires_at !== null && new Date(key.expires_at) <= clock.now());
}

function holderOf(key: KeyRow): KeyHolder {
  return { role: key.role, organizationId: key.organization_id, actor: key.id, keyId: key.id, expiresAt: key.expires_at === null ? null : new Date(key.expires_at) };
}

/**
 * Who holds an API key; null when it is none, unknown, revoked or expired. `onEnded` is told of a key that was one of ours,
 * and no longer is.
 */
export async function callerOf(keys: Pick<KeyCache, 'byPrefix'>, clock: Clock, credential: string, onEnded: (key: KeyHolder) => Promise<void>): Promise<KeyHolder | null> {
  const prefix = prefixOf(credential);
  const key = prefix === null ? undefined : await keys.byPrefix(prefix);
  if (!key || !sameDigest(key.secret_hash, digestOf(credential))) return null;
  const holder = holderOf(key);
  if (!hasEnded(key, clock)) return holder;
  await onEnded(holder);
  return null;
}

/** A key as it is listed: everything but its secret's digest. */
export type ApiKeyRow = Omit<OrganizationTables['api_key'], 'secret_hash' | 'subject'>;

/** A page of an organization's keys, newest first; null when there is no such organization. */
export async function apiKeyPage(database: Database, organizationId: string, page: PageRequest): Promise<ApiKeyRow[] | null> {
  if (kindOfId(organizationId) !== 'organization') return null;
  return database.read<OrganizationTables, ApiKeyRow[] | null>(organizationId, async (reader) => {
    if (!(await reader.selectFrom('organization').select('id').where('id', '=', organizationId).executeTakeFirst())) return null;
    let query = reader
      .selectFrom('api_key')
      .select(['id', 'organization_id', 'prefix', 'role', 'name', 'created_at', 'expires_at', 'revoked_at', 'last_used_at'])
      .where('organization_id', '=', organizationId);
    if (page.beforeId !== null) query = query.where('id', '<', page.beforeId);
    return query.orderBy('id', 'desc').limit(page.limit).execute();
  });
}

/** Which of these keys have been revoked. */
export async function revokedKeys(database: Database, ids: readonly string[]): Promise<string[]> {
  const reader = database.owner().getKysely() as unknown as Kysely<OrganizationTables>;
  const rows = await reader.selectFrom('api_key').select('id').where('id', 'in', ids).where('revoked_at', 'is not', null).execute();
  return rows.map((row) => row.id);
}

/** The organizations whose policy says how long data is kept. */
export async function organizationsThatErase(database: Database): Promise<string[]> {
  const reader = database.owner().getKysely() as unknown as Kysely<OrganizationTables & PolicyTables>;
  const rows = await reader
    .selectFrom('organization')
    .innerJoin('policy', (join) => join.onRef('policy.organization_id', '=', 'organization.id').onRef('policy.id', '=', 'organization.policy_id'))
    .select('organization.id')
    .where(sql`policy.rules->'retentionDays'`, '!=', sql`'null'::jsonb`)
    .execute();
  return rows.map((row) => row.id);
}
