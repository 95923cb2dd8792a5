import { sql, type Kysely } from 'kysely';
import { customerOf, type Caller, type Member } from './caller.js';
import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY } from './clock.js';
import type { Vault } from './crypto/vault.js';
import type { Database } from './database.js';
import { refusal } from './errors.js';
import { kindOfId } from './ids.js';
import type { Statements } from './statement.js';

/** How long a key is kept, by the real clock (domain.md, Idempotency). */
export const KEEP_KEYS_MILLISECONDS = SECONDS_PER_DAY * MILLISECONDS_PER_SECOND;
const RETRY_AFTER_SECONDS = 1;
/** `lock_not_available`: the request that has the key has had it for as long as a statement may wait. */
const LOCK_TIMEOUT = '55P03';
/** Names the key that digests of requests are made with. */
const DIGEST_PURPOSE = 'idempotency';

/** What makes digests. */
type Digests = Pick<Vault, 'index'>;

/** A request that bears an Idempotency-Key. It covers one command, which takes the key in its own transaction. */
export class KeyedRequest {
  /** Whether the command was found done already: the answer is the earlier one's, selected again. */
  replayed = false;
  /** Whether a transaction has asked for the key. */
  taken = false;
  /** What was asked, in one canonical text. */
  request = '';
  /** The digests of its files, in the order of their inputs. */
  files: readonly string[] = [];

  constructor(readonly key: string) {}

  /** Of all that makes it the same request. Keyed: a person's data, which a request holds, can be guessed at by a plain digest. */
  digest(digests: Digests, organizationId: string | null): string {
    return digests.index(organizationId ?? '', DIGEST_PURPOSE, JSON.stringify([this.request, this.files]));
  }
}

/** What came of a command: the ids of its objects, and its number where it answers one. Never a secret. */
export interface Outcome {
  ids: readonly string[];
  number: number | null;
}

/** A command that an earlier request with the same key has done: nothing is done again, its objects are selected again. */
export class RepeatedRequest extends Error {
  constructor(readonly outcome: Outcome) {
    super('The command was done by an earlier request with the same Idempotency-Key');
  }
}

interface KeyTables {
  idempotency_key: { scope: string; key: string; organization_id: string | null; digest: string; outcome: Outcome | null; created_at: string };
  organization: { id: string; policy_id: string };
  policy: { organization_id: string; id: string; rules: { idempotency: 'REPLAY' | 'STRICT' } };
}

/** Takes a key, unless another request has it that is not old, and reads the organization's clock. */
const TAKE = `
  with taken as (
    insert into idempotency_key (scope, key, organization_id, digest, created_at) values ($1, $2, $3, $4, $5)
    on conflict (scope, key) do update set digest = excluded.digest, outcome = null, created_at = excluded.created_at
      where idempotency_key.created_at <= $6
    returning key
  )
  select exists (select from taken) as taken,
    (select clock_offset_milliseconds from organization_ledger where organization_id = $3) as clock_offset_milliseconds`;

/**
 * Takes a request's key for the transaction, whose rollback gives it back, and reads the organization's clock by the same
 * statement. Waits for a request that has it just now. Throws RepeatedRequest when the same request has been answered, and
 * IDEMPOTENCY_KEY_EXISTS for another request, one that is still running, and every repeat where policy says STRICT.
 * @returns how far the organization's clock runs ahead of the real one, in milliseconds.
 */
export async function takeKey(transaction: Statements, digests: Digests, caller: Caller, request: KeyedRequest, now: Date): Promise<number> {
  request.taken = true;
  const expired = new Date(now.getTime() - KEEP_KEYS_MILLISECONDS);
  const parameters = [scopeOf(caller), request.key, caller.organizationId, request.digest(digests, caller.organizationId), now.toISOString(), expired.toISOString()];
  const [row] = await transaction.run<{ taken: boolean; clock_offset_milliseconds: number | string | null }>(TAKE, parameters).catch((error: unknown) => {
    throw (error as { code?: unknown }).code === LOCK_TIMEOUT ? stillRunning() : error;
  });
  if (!row?.taken) throw await repeat(transaction.builder, digests, caller, request);
  return Number(row.clock_offset_milliseconds ?? 0);
}

/** Keeps what came of the command beside its key, in the same transaction. */
export function keepOutcome(transaction: Statements, caller: Caller, { key }: KeyedRequest, result: unknown): void {
  const outcome: Outcome = { ids: idsOf(result), number: typeof result === 'number' ? result : null };
  transaction.send('update idempotency_key set outcome = $1::jsonb where scope = $2 and key = $3', [JSON.stringify(outcome), scopeOf(caller), key]);
}

/** Takes the key of a request that stores nothing else: what it has answered, a token, is not to be made again by a repeat. */
export async function takeKeyAlone(database: Database, caller: Member, request: KeyedRequest, now: Date): Promise<void> {
  await database.forCustomer(customerOf(caller)).transact(caller.organizationId, async (transaction) => {
    await takeKey(transaction, database.vault, caller, request, now);
    keepOutcome(transaction, caller, request, null);
  });
}

/** Whether a request's key has been taken by a transaction that has committed. */
export async function isKeyTaken(reader: Kysely<never>, caller: Member, { key }: KeyedRequest, now: Date): Promise<boolean> {
  const keys = reader as unknown as Kysely<KeyTables>;
  const found = await keys.selectFrom('idempotency_key').select('created_at').where('scope', '=', scopeOf(caller)).where('key', '=', key).executeTakeFirst();
  return found !== undefined && now.getTime() - new Date(found.created_at).getTime() < KEEP_KEYS_MILLISECONDS;
}

/** How a request whose key is taken is answered: RepeatedRequest, or a refusal. */
export async function repeat(reader: Kysely<never>, digests: Digests, caller: Caller, request: KeyedRequest): Promise<Error> {
  const kept = await (reader as unknown as Kysely<KeyTables>)
    .selectFrom('idempotency_key')
    .leftJoin('organization', 'organization.id', 'idempotency_key.organization_id')
    .leftJoin('policy', (join) => join.onRef('policy.organization_id', '=', 'organization.id').onRef('policy.id', '=', 'organization.policy_id'))
    .select(['digest', 'outcome', sql<string | null>`policy.rules->>'idempotency'`.as('mode')])
    .where('scope', '=', scopeOf(caller))
    .where('key', '=', request.key)
    .executeTakeFirst();
  if (!kept?.outcome) return stillRunning();
  if (kept.digest !== request.digest(digests, caller.organizationId)) return refusal('IDEMPOTENCY_KEY_EXISTS', 'This Idempotency-Key was used for another request: give each request a key of its own.');
  if (kept.mode === 'STRICT') return refusal('IDEMPOTENCY_KEY_EXISTS', 'This request was made before, with this Idempotency-Key: it has had its effect.');
  request.replayed = true;
  return new RepeatedRequest(kept.outcome);
}

function stillRunning(): Error {
  return refusal('IDEMPOTENCY_KEY_EXISTS', 'A request with this Idempotency-Key is still running. Try again shortly.', { retryAfter: RETRY_AFTER_SECONDS });
}

/** Whose keys these are: a role's in its organization, or a customer's own. Callers of different scopes never meet each other's keys. */
function scopeOf(caller: Caller): string {
  return [caller.organizationId, caller.role, customerOf(caller)].filter((part) => part !== null).join(' ');
}

/** The ids of the objects that a command has returned. Whatever else is a string, a secret say, is not looked at. */
function idsOf(result: unknown): string[] {
  if (typeof result === 'string') return kindOfId(result) === null ? [] : [result];
  if (typeof result !== 'object' || result === null) return [];
  if ('id' in result && typeof result.id === 'string') return idsOf(result.id);
  return Object.values(result).flatMap(idsOf);
}

/** Deletes some of the keys that have been kept for long enough. @returns how many. */
export async function deleteOldKeys(owner: Kysely<never>, now: Date, most: number): Promise<number> {
  const expired = new Date(now.getTime() - KEEP_KEYS_MILLISECONDS);
  const { numAffectedRows } = await sql`
    delete from idempotency_key where (scope, key) in (select scope, key from idempotency_key where created_at <= ${expired.toISOString()} limit ${most})
  `.execute(owner);
  return Number(numAffectedRows ?? 0);
}
