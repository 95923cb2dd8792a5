import { sql, type Kysely } from 'kysely';
import type { Caller } from '../caller.js';
import { executeAsOwner, type Core } from '../command.js';
import { UnwrapRefused, type WrappedKey } from './key-ring.js';
import { bytesOf, purposeOf, type KeyTables } from './vault.js';

/** Data keys that are wrapped anew in one transaction. */
const BATCH = 500;
/** One advisory lock for all rotations: two at once would wait for each other's rows. The number only has to be ours. */
const ROTATION_LOCK = 4_951_121;

/** What became of a rotation. */
export interface Rotation {
  /** The key-encryption key that everything is under from now on. */
  newest: string;
  /** How many keys were wrapped anew, those of the whole gateway among them. */
  rewrapped: number;
  /** The customers whose data key does not open: it was left as it is. */
  broken: string[];
}

interface StoredKey {
  customer_id: string;
  organization_id: string;
  key_id: string;
  wrapped: Uint8Array;
}

/**
 * Wraps every key that is stored under the newest key-encryption key, while gateways serve: the keys themselves stay what they
 * are. Each batch is a transaction, with an entry of the audit trail of its organization; what is interrupted goes on where it
 * was. Where keys are made here, a new one is, unless an earlier rotation has yet to be ended. `report` is told of progress.
 */
export async function rotateKeys(core: Core, caller: Caller, report: (line: string) => void): Promise<Rotation> {
  const { management } = core.database.vault;
  if ((await waiting(core, management.ids[0])) === 0) await management.renew?.();
  const [newest, ...older] = management.ids;
  const total = await waiting(core, newest);
  report(`${total} keys to be wrapped under ${newest}`);
  const rotation: Rotation = { newest, rewrapped: await rewrapGatewayKeys(core), broken: [] };
  for (const keyId of older) {
    for (let batch = await under(core, keyId, ''); batch.length > 0; batch = await under(core, keyId, batch.at(-1)!.customer_id)) {
      for (const [organizationId, keys] of Map.groupBy(batch, (key) => key.organization_id)) {
        rotation.rewrapped += await rewrap(core, caller, organizationId, keys, rotation.broken);
      }
      report(`${rotation.rewrapped} of ${total}`);
    }
  }
  return rotation;
}

/** How many keys are under another than the newest. */
async function waiting(core: Core, newest: string): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select (select count(*) from data_key where key_id <> ${newest}) + (select count(*) from gateway_key where key_id <> ${newest}) as count
  `.execute(reader(core));
  return Number(rows[0]!.count);
}

/** Data keys under a key-encryption key, in the order of their customers. */
function under(core: Core, keyId: string, after: string): Promise<StoredKey[]> {
  return reader(core)
    .selectFrom('data_key')
    .select(['customer_id', 'organization_id', 'key_id', 'wrapped'])
    .where('key_id', '=', keyId)
    .where('customer_id', '>', after)
    .orderBy('customer_id')
    .limit(BATCH)
    .execute() as Promise<StoredKey[]>;
}

/** Wraps data keys of one organization anew. One that was destroyed meanwhile, or that another rotation has come to first, stays as it is. */
async function rewrap(core: Core, caller: Caller, organizationId: string, keys: readonly StoredKey[], broken: string[]): Promise<number> {
  const anew: { customerId: string; old: Buffer; key: WrappedKey }[] = [];
  for (const { customer_id: customerId, key_id: keyId, wrapped } of keys) {
    const key = await wrappedAnew(core, { keyId, wrapped: bytesOf(wrapped) }, purposeOf(customerId));
    if (key) anew.push({ customerId, old: bytesOf(wrapped), key });
    else broken.push(customerId);
  }
  if (anew.length === 0) return 0;
  return executeAsOwner(core, caller, async (em, note) => {
    const transaction = em.getKysely() as unknown as Kysely<KeyTables>;
    await sql`select pg_advisory_xact_lock(${ROTATION_LOCK})`.execute(transaction);
    const values = anew.map(({ customerId, old, key }) => sql`(${customerId}::text, ${old}::bytea, ${key.keyId}::text, ${key.wrapped}::bytea)`);
    const { rows } = await sql`
      update data_key set key_id = anew.key_id, wrapped = anew.wrapped from (values ${sql.join(values)}) as anew (customer_id, old, key_id, wrapped)
      where data_key.customer_id = anew.customer_id and data_key.wrapped = anew.old returning 1
    `.execute(transaction);
    if (rows.length > 0) note(organizationId, { kind: 'KEY_CHANGE', subjects: [core.database.vault.management.ids[0]], count: rows.length });
    return rows.length;
  });
}

/** The keys of the whole gateway; no organization's trail has a place for them. */
async function rewrapGatewayKeys(core: Core): Promise<number> {
  const [newest] = core.database.vault.management.ids;
  const stored = await reader(core).selectFrom('gateway_key').selectAll().where('key_id', '<>', newest).execute();
  let rewrapped = 0;
  for (const { name, key_id: keyId, wrapped } of stored) {
    const key = await wrappedAnew(core, { keyId, wrapped: bytesOf(wrapped) }, name);
    // The start has opened it.
    if (!key) throw new Error('A key of the gateway does not open');
    const changed = await reader(core).updateTable('gateway_key').set({ key_id: key.keyId, wrapped: key.wrapped }).where('name', '=', name).where('key_id', '=', keyId).returning('name').execute();
    rewrapped += changed.length;
  }
  return rewrapped;
}

/** A wrapped key under the newest key-encryption key; null where it does not open. */
async function wrappedAnew(core: Core, stored: WrappedKey, purpose: string): Promise<WrappedKey | null> {
  const { management } = core.database.vault;
  try {
    return await management.wrap(await management.unwrap(stored, purpose), purpose);
  } catch (error) {
    if (error instanceof UnwrapRefused) return null;
    throw error;
  }
}

function reader(core: Core): Kysely<KeyTables> {
  return core.database.owner().getKysely() as unknown as Kysely<KeyTables>;
}
