import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { AUDIT_OPENING_TABLE, commitment, openingsOf, type AuditOpening, type EntryRow } from '../core/audit-entry.js';
import type { Vault } from '../core/crypto/vault.js';
import type { LedgerTables } from '../core/ledger.js';
import { ChainVerifier, type Anchor, type Head } from './verifier.js';

/** Entries that are read at a time: a chain of any length takes the memory of these. */
const BATCH = 1_000;
/** For whom the operator lets read them: entries name keys and customers. */
const EXPORT_MODE = 0o600;

/** What became of verifying a chain. */
export interface Verified {
  organizationId: string;
  head: Head;
  faults: string[];
}

/** Who may read across organizations: the owner's query builder. */
type OwnerReader = Kysely<LedgerTables>;

/** Ids of all organizations that have, or by what is left of them have had, a chain: one that lost its ledger is not passed over. */
export async function ledgers(reader: OwnerReader): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from organization union select organization_id from audit_entry union select organization_id from organization_ledger order by id
  `.execute(reader);
  return rows.map(({ id }) => id);
}

/** The head of a chain as the ledger keeps it, null where there is none, and the position of the last entry there is, in one moment. */
async function headOf(reader: OwnerReader, organizationId: string): Promise<{ head: Head | null; newest: number }> {
  const { rows } = await sql<{ audit_position: number | string | null; audit_hash: string | null; newest: number | string | null }>`
    select ledger.audit_position, ledger.audit_hash, entries.newest
    from (select max(position) as newest from audit_entry where organization_id = ${organizationId}) as entries
    left join organization_ledger as ledger on ledger.organization_id = ${organizationId}
  `.execute(reader);
  const { audit_position: position, audit_hash: hash, newest } = rows[0]!;
  return { head: hash === null ? null : { position: Number(position), hash }, newest: Number(newest ?? 0) };
}

/** An entry, and whether the data key of the customer that it is about has been destroyed, in one moment. */
interface KeyedEntryRow extends EntryRow {
  key_destroyed_at: Date | string | null;
}

/** Every entry up to a position, oldest first and a batch at a time, with what opens it where that is still there. */
async function* entriesUpTo(reader: OwnerReader, organizationId: string, last: number): AsyncGenerator<KeyedEntryRow[]> {
  let after: number | null = null;
  for (;;) {
    let query = reader
      .selectFrom('audit_entry as entry')
      .leftJoin('audit_opening as opening', (join) => join.onRef('opening.organization_id', '=', 'entry.organization_id').onRef('opening.position', '=', 'entry.position'))
      .selectAll('entry')
      .select(sql<Date | string | null>`(select destroyed_at from data_key where data_key.customer_id = entry.customer_id)`.as('key_destroyed_at'))
      .select(['opening.salt', 'opening.reason', 'opening.sealed', 'opening.customer_id as opening_customer_id', 'opening.id as opening_id'])
      .where('entry.organization_id', '=', organizationId)
      .where('entry.position', '<=', last);
    if (after !== null) query = query.where('entry.position', '>', after);
    const rows = (await query.orderBy('entry.position').limit(BATCH).execute()) as KeyedEntryRow[];
    yield rows;
    if (rows.length < BATCH) return;
    after = Number(rows.at(-1)!.position);
  }
}

/**
 * Follows an organization's chain from its first entry to the head that the ledger keeps: what was changed, removed,
 * reordered or inserted is named. Whoever can write ledger and trail together can cut the end off; an anchor finds that too.
 * What is appended meanwhile is left for the next time.
 */
export async function verifyChain(reader: OwnerReader, vault: Vault, organizationId: string, anchors: readonly Anchor[] = []): Promise<Verified> {
  const { head, newest } = await headOf(reader, organizationId);
  const verifier = new ChainVerifier(organizationId, anchors);
  if (head && newest > head.position) verifier.fault(`there are entries up to ${newest}, and the chain should end at ${head.position}`);
  for await (const rows of entriesUpTo(reader, organizationId, head?.position ?? newest)) {
    const openings = await vault.open<AuditOpening>(AUDIT_OPENING_TABLE, organizationId, openingsOf(rows));
    for (const [index, row] of rows.entries()) {
      const members = verifier.take(row.entry);
      if (!members) continue;
      checkColumns(verifier, row, members);
      checkOpening(verifier, row, openings[index]!, members);
    }
  }
  verifier.end(head);
  return { organizationId, head: verifier.last, faults: verifier.faults };
}

/** What repeats the entry for look-ups has to repeat it. */
function checkColumns(verifier: ChainVerifier, row: EntryRow, members: Record<string, unknown>): void {
  const place = `entry ${verifier.last.position}`;
  if (row.hash !== verifier.last.hash) verifier.fault(`${place} is not what its hash says`);
  const repeated = { position: Number(row.position), kind: row.kind, actor: row.actor, customerId: row.customer_id, at: new Date(row.occurred_at).toISOString() };
  for (const [name, value] of Object.entries(repeated)) {
    if (members[name] !== value) verifier.fault(`${place}: the column of ${name} is not what the entry says`);
  }
}

/** What opens an entry's commitments has to be there and to open them, unless it was destroyed with the customer's data: then there is nothing to be checked. */
function checkOpening(verifier: ChainVerifier, row: KeyedEntryRow, opening: AuditOpening | Error, members: Record<string, unknown>): void {
  const place = `entry ${verifier.last.position}`;
  if (opening instanceof Error) verifier.fault(`${place}: what opens its commitments does not open`);
  else if (opening.salt === null) {
    const isCommitted = members['inputCommitment'] !== null || members['reasonCommitment'] !== null;
    if (isCommitted && !isOpeningDestroyed(row)) verifier.fault(`${place}: what opens its commitments is missing`);
  } else if (members['reasonCommitment'] !== (opening.reason === null ? null : commitment(opening.salt, 'reason', opening.reason))) {
    verifier.fault(`${place}: the reason is not the one that was given`);
  }
}

/** Whether an erasure took what opened an entry. Why data was erased is kept, and so is what is about no customer. */
function isOpeningDestroyed({ kind, customer_id: customerId, key_destroyed_at: destroyedAt }: KeyedEntryRow): boolean {
  return kind !== 'ERASURE' && customerId !== null && destroyedAt !== null;
}

/**
 * Writes an organization's chain into a directory that there is and, beside it, an anchor to be kept elsewhere. A chain whose ledger is
 * missing is written as far as it goes, so that its verifier says so, and has no anchor.
 * @returns the paths of what was written, and whether the chain has a ledger.
 */
export async function exportChain(reader: OwnerReader, organizationId: string, directory: string): Promise<{ files: string[]; isWhole: boolean }> {
  const { head, newest } = await headOf(reader, organizationId);
  const [trail, anchor] = [join(directory, `${organizationId}.audit.jsonl`), join(directory, `${organizationId}.anchor.json`)];
  const file = await open(trail, 'w', EXPORT_MODE);
  try {
    await file.write(`${JSON.stringify({ organizationId, position: head?.position ?? null, hash: head?.hash ?? null })}\n`);
    for await (const rows of entriesUpTo(reader, organizationId, head?.position ?? newest)) await file.write(rows.map(({ entry }) => `${entry}\n`).join(''));
  } finally {
    await file.close();
  }
  if (!head) return { files: [trail], isWhole: false };
  await writeFile(anchor, `${JSON.stringify({ organizationId, ...head } satisfies Anchor)}\n`, { mode: EXPORT_MODE });
  return { files: [trail, anchor], isWhole: true };
}
