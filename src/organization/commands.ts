import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql, type Kysely } from 'kysely';
import { canonicalJson, GENESIS } from '../core/audit-entry.js';
import type { Caller, KeyRole } from '../core/caller.js';
import { executeAsOwner, type Core } from '../core/command.js';
import type { EventTables, LedgerRow } from '../core/event-log.js';
import { badInput, notFound, refusal, type FieldFault } from '../core/errors.js';
import { kindOfId, newId } from '../core/ids.js';
import { DEFAULT_POLICY, mergePolicy, type Policy, type PolicyPatch } from '../kyc/policy.js';
import { validateName } from '../kyc/text.js';
import type { Environment } from '../kyc/vocabularies.js';
import { ApiKeyEntity, OrganizationEntity, type ApiKey, type Organization } from './entity.js';
import { PLAIN_PAGE } from './hosted-page.js';
import { mintKey } from './keys.js';
import { REVOCATION_CHANNEL } from './open-connections.js';
import { idOfPolicy, keepPolicy, policyOfOrganization } from './policies.js';

export interface NewOrganization {
  name: string;
  environment: Environment;
  /** What is to differ from the default policy. */
  policy?: PolicyPatch;
}

export interface NewApiKey {
  organizationId?: string | null | undefined;
  role: KeyRole;
  name: string;
  expiresAt?: Date | null | undefined;
  /** Who signs in for it at the OpenID provider, where somebody does. */
  subject?: string;
}

/** Erases what an organization's policy keeps no longer (customer/ handles it). */
export const RETENTION_JOB = 'customer.retention';

/** Creates an organization, under the default policy but for what is said otherwise. */
export async function createOrganization(core: Core, caller: Caller, input: NewOrganization): Promise<Organization> {
  const name = validateName('name', input.name);
  const { policy, faults } = checkedPolicy(DEFAULT_POLICY, input.policy ?? {}, input.environment);
  if (name.faults.length + faults.length > 0) throw badInput([...name.faults, ...faults]);
  return executeAsOwner(core, caller, async (em, note) => {
    const id = newId('organization');
    const organization = em.create(OrganizationEntity, {
      id,
      name: name.value,
      environment: input.environment,
      policyId: idOfPolicy(policy),
      policy,
      hostedPage: PLAIN_PAGE,
      createdAt: core.clock.now(),
    });
    await em.flush();
    await keepPolicy(em, id, policy);
    const ledger: LedgerRow = { organization_id: organization.id, position: 0, events_deleted_through: 0, audit_position: 0, audit_hash: GENESIS, clock_offset_milliseconds: 0 };
    await (em.getKysely() as unknown as Kysely<{ organization_ledger: LedgerRow }>).insertInto('organization_ledger').values(ledger).execute();
    note(organization.id, { subjects: [organization.id] });
    return organization;
  });
}

/** An organization that is about to be changed. Throws NOT_FOUND. */
export async function lockOrganization(em: SqlEntityManager, id: string): Promise<Organization> {
  if (kindOfId(id) !== 'organization') throw notFound('organization');
  // The ledger's row stands for the organization's own: every command locks it, in this order.
  await (em.getKysely() as unknown as Kysely<EventTables>).selectFrom('organization_ledger').select('position').where('organization_id', '=', id).forUpdate().execute();
  const organization = await em.findOne(OrganizationEntity, { id });
  if (!organization) throw notFound('organization');
  organization.policy = await policyOfOrganization(em, id, organization.policyId);
  return organization;
}

/** Changes an organization's rules; attempts under way keep those that they began under. */
export async function updatePolicy(core: Core, caller: Caller, organizationId: string | null | undefined, patch: PolicyPatch): Promise<Organization> {
  const id = organizationFor(caller, organizationId);
  return executeAsOwner(core, caller, async (em, note) => {
    const organization = await lockOrganization(em, id);
    const { policy, faults } = checkedPolicy(organization.policy, patch, organization.environment);
    if (faults.length > 0) throw badInput(faults);
    const before = organization.policy;
    organization.policy = policy;
    organization.policyId = await keepPolicy(em, id, policy);
    const changed = (Object.keys(policy) as (keyof Policy)[]).filter((rule) => canonicalJson(before[rule]) !== canonicalJson(policy[rule])).sort();
    note(id, { kind: 'POLICY_CHANGE', subjects: [id], fields: changed });
    return organization;
  });
}

function checkedPolicy(current: Policy, patch: PolicyPatch, environment: Environment): { policy: Policy; faults: FieldFault[] } {
  const { policy, faults } = mergePolicy(current, patch);
  if (policy.provider === 'SANDBOX' && environment === 'LIVE') {
    faults.push({ path: 'policy.provider', code: 'sandbox_only', message: 'Only a SANDBOX organization has the sandbox provider.' });
  }
  return { policy, faults };
}

/** Makes a key of an organization: the operator for any, others for their own. The secret is returned this once. */
export async function createApiKey(core: Core, caller: Caller, input: NewApiKey): Promise<{ secret: string; apiKey: ApiKey }> {
  const organizationId = organizationFor(caller, input.organizationId);
  const name = validateName('name', input.name);
  const faults: FieldFault[] = [...name.faults];
  const now = core.clock.now();
  if (input.expiresAt != null && input.expiresAt <= now) faults.push({ path: 'expiresAt', code: 'in_past', message: 'The key would have expired already.' });
  if (faults.length > 0) throw badInput(faults);
  const minted = mintKey();
  return executeAsOwner(core, caller, async (em, note) => {
    const organization = kindOfId(organizationId) === 'organization' ? await em.findOne(OrganizationEntity, { id: organizationId }) : null;
    if (!organization) throw notFound('organization');
    const apiKey = em.create(ApiKeyEntity, {
      id: newId('apiKey'),
      organizationId,
      prefix: minted.prefix,
      secretHash: minted.secretHash,
      role: input.role,
      name: name.value,
      subject: input.subject ?? null,
      createdAt: now,
      expiresAt: input.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
    });
    note(organizationId, { kind: 'KEY_CHANGE', subjects: [apiKey.id] });
    return { secret: minted.secret, apiKey };
  });
}

/** Ends a key at once, with the connections that it has opened at any replica. Ending it again is the same as once. */
export async function revokeApiKey(core: Core, caller: Caller, id: string): Promise<ApiKey> {
  return executeAsOwner(core, caller, async (em, note) => {
    const apiKey = kindOfId(id) === 'apiKey' ? await em.findOne(ApiKeyEntity, { id }) : null;
    if (!apiKey || (caller.role !== 'OPERATOR' && apiKey.organizationId !== caller.organizationId)) throw notFound('API key');
    apiKey.revokedAt ??= core.clock.now();
    note(apiKey.organizationId, { kind: 'KEY_CHANGE', subjects: [apiKey.id] });
    await sql`select pg_notify(${REVOCATION_CHANNEL}, ${apiKey.id})`.execute(em.getKysely());
    return apiKey;
  });
}

/** The organization that a caller means: its own, or for the operator the one that it names. */
export function organizationFor(caller: Caller, given: string | null | undefined): string {
  if (caller.role !== 'OPERATOR') {
    if (given != null && given !== caller.organizationId) throw notFound('organization');
    return caller.organizationId;
  }
  if (given == null) throw badInput([{ path: 'organizationId', code: 'required', message: 'The operator says which organization is meant.' }]);
  return given;
}

/** Refuses what only a sandbox has. */
export function requireSandbox(environment: Environment): void {
  if (environment !== 'SANDBOX') throw refusal('FORBIDDEN', 'Only a SANDBOX organization has this.');
}
