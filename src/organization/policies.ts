import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { canonicalJson } from '../core/audit-entry.js';
import type { UnitOfWork } from '../core/command.js';
import type { BatchRead } from '../core/context.js';
import type { Database } from '../core/database.js';
import { nameOf } from '../core/statement-names.js';
import type { Policy } from '../kyc/policy.js';
import { createHash } from 'node:crypto';

/**
 * A policy as it is kept: once for each organization, however many attempts began under it. Its id is a digest of what it says, and its
 * row never changes and is never deleted: so what refers to it needs no lock on it, and what has been read of it holds for ever.
 */
export interface PolicyTables {
  policy: { organization_id: string; id: string; rules: Policy };
}

type PolicyRow = Pick<PolicyTables['policy'], 'id' | 'rules'>;

const POLICIES = 'select id, rules from policy where organization_id = $1 and id = any($2)';
/** Hexadecimal digits: 128 bits, so that no two policies meet. */
const ID_LENGTH = 32;
/** UTF-16 code units of the policies that are held at most: an organization's own contracts may make one of it nearly a million. */
const MOST_HELD = 16_000_000;

/** The policies that were read last, by id. */
const held = new LRUCache<string, Policy>({ maxSize: MOST_HELD, sizeCalculation: (policy) => JSON.stringify(policy).length });

/** Keeps a policy that has been read. Whoever asks for it shares it, so nobody may change it. */
function hold({ id, rules }: PolicyRow): Policy {
  const policy = frozen(rules);
  held.set(id, policy);
  return policy;
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) frozen(part);
  return value;
}

/** Policies of an organization by id: at once where they have been read before. */
export const policyById: BatchRead<string, Policy> = Object.assign(
  async (database: Database, organizationId: string, ids: readonly string[]) => {
    const rows = await database.select<PolicyRow>(organizationId, nameOf(POLICIES), [organizationId, [...ids]]);
    const policies = new Map(rows.map((row) => [row.id, hold(row)]));
    return ids.map((id) => policies.get(id) ?? new Error(`An organization has no policy ${id}`));
  },
  { atHand: (_database: Database, _organizationId: string, id: string) => held.get(id) },
);

/** A policy of an organization. */
export async function readPolicy(database: Database, organizationId: string, id: string): Promise<Policy> {
  const [policy] = [held.get(id) ?? (await policyById(database, organizationId, [id]))[0]];
  if (!policy || policy instanceof Error) throw policy ?? new Error(`An organization has no policy ${id}`);
  return policy;
}

/** A policy of a command's organization. */
export async function policyOf(unit: UnitOfWork, id: string): Promise<Policy> {
  const policy = held.get(id);
  if (policy) return policy;
  const [row] = await unit.transaction.run<PolicyRow>(POLICIES, [unit.organizationId, [id]]);
  if (!row) throw new Error(`An organization has no policy ${id}`);
  return hold(row);
}

/** A policy of an organization, for a command on organizations. */
export async function policyOfOrganization(em: SqlEntityManager, organizationId: string, id: string): Promise<Policy> {
  return (await tablesOf(em).selectFrom('policy').select('rules').where('organization_id', '=', organizationId).where('id', '=', id).executeTakeFirstOrThrow()).rules;
}

/** The id of a policy that says this. */
export function idOfPolicy(policy: Policy): string {
  return createHash('sha256').update(canonicalJson(policy)).digest('hex').slice(0, ID_LENGTH);
}

/** Keeps a policy of an organization. @returns its id. */
export async function keepPolicy(em: SqlEntityManager, organizationId: string, policy: Policy): Promise<string> {
  const id = idOfPolicy(policy);
  await tablesOf(em).insertInto('policy').values({ organization_id: organizationId, id, rules: JSON.stringify(policy) as never }).onConflict((conflict) => conflict.doNothing()).execute();
  return id;
}

function tablesOf(em: SqlEntityManager): Kysely<PolicyTables> {
  return em.getKysely() as unknown as Kysely<PolicyTables>;
}
