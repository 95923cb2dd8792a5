import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kysely } from 'kysely';
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

/** Ids of all organizations that have a ledger. */
export async function ledgers(reader: OwnerReader): Promise<string[]> {
  const rows = await reader.selectFrom('organization_ledger').select('organization_id').orderBy('organization_id').execute();
  return rows.map((row) => row.organization_id);
}

/** The head of a chain as the ledger keeps it, and the position of the last entry there is, in one moment. */
async function headOf(reader: OwnerReader, organizationId: string): Promise<Head & { newest: number }> {
  const ledger = await reader
    .selectFrom('organization_ledger as ledger')
    .select(['ledger.audit_position', 'ledger.audit_hash'])
    .select((builder) => builder.selectFrom('audit_entry').select(({ fn }) => fn.max('position').as('newest')).whereRef('audit_entry.organization_id', '=', 'ledger.organization_id').as('newest'))
    .where('ledger.organization_id', '=', organizationId)
    .executeTakeFirst();
  if (!ledger) throw new Error(`There is no organization ${organizationId}.`);
  return { position: Number(ledger.audit_position), hash: ledger.audit_hash, newest: Number(ledger.newest ?? 0) };
}

/** Every entry up to a position, oldest first and a batch at a time, with what opens it where that is still there. */
async function* entriesUpTo(reader: OwnerReader, organizationId: string, last: number): AsyncGenerator<EntryRow[]> {
  let after: number | null = null;
  for (;;) {
    let query = reader
      .selectFrom('audit_entry as entry')
      .leftJoin('audit_opening as opening', (join) => join.onRef('opening.organization_id', '=', 'entry.organization_id').onRef('opening.position', '=', 'entry.position'))
      .selectAll('entry')
      .select(['opening.salt', 'opening.reason', 'opening.sealed', 'opening.customer_id as opening_customer_id'])
      .where('entry.organization_id', '=', organizationId)
      .where('entry.position', '<=', last);
    if (after !== null) query = query.where('entry.position', '>', after);
    const rows = (await query.orderBy('entry.position').limit(BATCH).execute()) as EntryRow[];
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
  const head = await headOf(reader, organizationId);
  const verifier = new ChainVerifier(organizationId, anchors);
  if (head.newest > head.position) verifier.fault(`there are entries up to ${head.newest}, and the chain should end at ${head.position}`);
  for await (const rows of entriesUpTo(reader, organizationId, head.position)) {
    const openings = await vault.open<AuditOpening>(AUDIT_OPENING_TABLE, organizationId, openingsOf(rows));
    for (const [index, row] of rows.entries()) {
      const members = verifier.take(row.entry);
      if (!members) continue;
      checkColumns(verifier, row, members);
      checkOpening(verifier, openings[index]!, members);
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

/** What opens an entry's commitments has to open them; once it is destroyed there is nothing to be checked. */
function checkOpening(verifier: ChainVerifier, opening: AuditOpening | Error, members: Record<string, unknown>): void {
  const place = `entry ${verifier.last.position}`;
  if (opening instanceof Error) verifier.fault(`${place}: what opens its commitments does not open`);
  else if (opening.salt !== null && opening.reason !== null && members['reasonCommitment'] !== commitment(opening.salt, 'reason', opening.reason)) {
    verifier.fault(`${place}: the reason is not the one that was given`);
  }
}

/**
 * Writes an organization's chain into a directory and, beside it, an anchor to be kept elsewhere.
 * @returns the paths of the two.
 */
export async function exportChain(reader: OwnerReader, organizationId: string, directory: string): Promise<string[]> {
  const { position, hash } = await headOf(reader, organizationId);
  await mkdir(directory, { recursive: true });
  const [trail, anchor] = [join(directory, `${organizationId}.audit.jsonl`), join(directory, `${organizationId}.anchor.json`)];
  const file = await open(trail, 'w', EXPORT_MODE);
  try {
    await file.write(`${JSON.stringify({ organizationId, position, hash })}\n`);
    for await (const rows of entriesUpTo(reader, organizationId, position)) await file.write(rows.map(({ entry }) => `${entry}\n`).join(''));
  } finally {
    await file.close();
  }
  await writeFile(anchor, `${JSON.stringify({ organizationId, position, hash } satisfies Anchor)}\n`, { mode: EXPORT_MODE });
  return [trail, anchor];
}
