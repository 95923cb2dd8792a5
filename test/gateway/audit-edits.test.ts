import { createHash, randomInt } from 'node:crypto';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportChain, verifyChain } from '../../src/audit/chain.js';
import { verifyExport, type Anchor } from '../../src/audit/verifier.js';
import { readConfig } from '../../src/core/config.js';
import { parseKeyRing } from '../../src/core/crypto/key-ring.js';
import { Vault } from '../../src/core/crypto/vault.js';
import { createLog } from '../../src/core/log.js';
import { openDatabase, type Database } from '../../src/core/database.js';
import type { LedgerTables } from '../../src/core/ledger.js';
import { databaseParts } from '../../src/gateway.js';
import { bringTo, newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { DEACTIVATE } from '../support/operations.js';
import { ERASE } from '../support/erasing.js';
import { KEY_RING } from '../support/key-ring.js';
import { TOKEN_KEY } from '../support/token-key.js';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Whoever can write the tables may try to change what was: 1,000 edits at random, each of them found, on both databases.
const gateway = useGateway({}, { workers: false });
const EDITS = 1_000;

type Tables = Kysely<LedgerTables>;

let organizationId: string;
const log = createLog({ logLevel: 'silent' });
let database: Database;
let vault: Vault;
let anchor: Anchor;

beforeAll(async () => {
  const person = await bringTo(gateway, 'APPROVED');
  organizationId = person.id;
  for (let index = 0; index < 20; index += 1) await person.partner.request(DEACTIVATE, { input: { customerId: await newCustomer(person.partner), reason: `Reason ${index}.` } });
  await person.partner.request(ERASE, { input: { customerId: await newCustomer(person.partner), reason: 'Asked for.' } });
  await gateway.stop();
  database = await openDatabase(readConfig({ DATA_DIR: gateway.dataDirectory, DATABASE_URL: gateway.databaseUrl ?? undefined, TOKEN_KEY, KEY_RING }), databaseParts, log);
  // Its keys are at hand for as long as this takes: within a transaction none can be fetched on the embedded database.
  vault = await Vault.open(parseKeyRing(KEY_RING, 'KEY_RING'), database, log, 3_600_000);
  const { head, faults } = await verify(database.owner().getKysely() as unknown as Tables);
  expect(faults).toEqual([]);
  expect(head.position).toBeGreaterThanOrEqual(50);
  anchor = { organizationId, ...head };
}, 120_000);
afterAll(() => database.close());

const verify = (tables: Tables, anchors: readonly Anchor[] = []) => verifyChain(tables, vault, organizationId, anchors);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const anyPosition = (from = 1): number => randomInt(from, anchor.position + 1);

/** A text with one of its characters another. */
function altered(text: string): string {
  const at = randomInt(text.length);
  const other = String.fromCharCode(33 + ((text.charCodeAt(at) - 33 + randomInt(1, 90)) % 93));
  return text.slice(0, at) + (other === text[at] ? '!' : other) + text.slice(at + 1);
}

const ENTRY = sql.ref('audit_entry');
const at = (position: number) => sql`organization_id = ${organizationId} and position = ${position}`;
const textAt = async (tables: Tables, position: number) => (await sql<{ entry: string; hash: string }>`select entry, hash from ${ENTRY} where ${at(position)}`.execute(tables)).rows[0]!;
const setText = (tables: Tables, position: number, entry: string) => sql`update ${ENTRY} set entry = ${entry}, hash = ${sha256(entry)} where ${at(position)}`.execute(tables);

/** Makes room: what is at a position and after it moves by one. */
async function shift(tables: Tables, from: number, by: 1 | -1): Promise<void> {
  await sql`update ${ENTRY} set position = -(position + ${by}::int) where organization_id = ${organizationId} and position >= ${from}`.execute(tables);
  await sql`update ${ENTRY} set position = -position where organization_id = ${organizationId} and position < 0`.execute(tables);
}

/** Changes an entry's words and closes the chain over it, up to its end, as somebody would who knows how it is made. */
async function forge(tables: Tables, position: number): Promise<string> {
  let { entry } = await textAt(tables, position);
  entry = entry.replace(/"operation":"[^"]*"/, '"operation":"forged"');
  await setText(tables, position, entry);
  for (let next = position + 1; next <= anchor.position; next += 1) {
    const following = (await textAt(tables, next)).entry.replace(/"previous":"\w+"/, `"previous":"${sha256(entry)}"`);
    await setText(tables, next, following);
    entry = following;
  }
  return sha256(entry);
}

/** One at random of the openings that a condition names. */
const anyOpening = (condition: RawBuilder<unknown>) => sql`organization_id = ${organizationId} and position = (select position from audit_opening where organization_id = ${organizationId} and ${condition} order by random() limit 1)`;
/** An opening as it is told from others. */
interface Opening {
  id: string;
  position: number;
  sealed: Uint8Array;
}
/** Puts the newest two openings into each other's place. */
async function exchangeOpenings(tables: Tables, changes: (row: Opening, other: Opening) => RawBuilder<unknown>): Promise<void> {
  const { rows } = await sql<Opening>`select id, position, sealed from audit_opening where organization_id = ${organizationId} and sealed is not null order by position desc limit 2`.execute(tables);
  const [left, right] = rows as [Opening, Opening];
  for (const [row, other] of [[left, right], [right, left]] as const) await sql`update audit_opening set ${changes(row, other)} where organization_id = ${organizationId} and position = ${row.position}`.execute(tables);
}
const removeOpening = (tables: Tables, condition: RawBuilder<unknown>) => sql`delete from audit_opening where ${anyOpening(condition)}`.execute(tables);
const emptyOpening = (tables: Tables, condition: RawBuilder<unknown>) => sql`update audit_opening set sealed = null, salt = null, reason = null where ${anyOpening(condition)}`.execute(tables);

type Edit = (tables: Tables) => Promise<unknown>;

/** Every way in which a chain is tampered with, and whether it takes an anchor to see it. */
const WAYS: Readonly<Record<string, { edit: Edit; anchored?: true }>> = {
  'one character of an entry': { edit: async (tables) => { const position = anyPosition(); await sql`update ${ENTRY} set entry = ${altered((await textAt(tables, position)).entry)} where ${at(position)}`.execute(tables); } },
  'one character of an entry, with its hash': { edit: async (tables) => { const position = anyPosition(); await setText(tables, position, altered((await textAt(tables, position)).entry)); } },
  'one character of a hash': { edit: async (tables) => { const position = anyPosition(); await sql`update ${ENTRY} set hash = ${altered((await textAt(tables, position)).hash)} where ${at(position)}`.execute(tables); } },
  'the actor that is looked up': { edit: (tables) => sql`update ${ENTRY} set actor = actor || 'x' where ${at(anyPosition())}`.execute(tables) },
  'the time that is looked up': { edit: (tables) => sql`update ${ENTRY} set occurred_at = occurred_at - interval '1 second' where ${at(anyPosition())}`.execute(tables) },
  'the kind that is looked up': { edit: (tables) => sql`update ${ENTRY} set kind = case kind when 'REFUSAL' then 'COMMAND' else 'REFUSAL' end where ${at(anyPosition())}`.execute(tables) },
  'the customer that is looked up': { edit: (tables) => sql`update ${ENTRY} set customer_id = coalesce(customer_id, '') || 'x' where ${at(anyPosition())}`.execute(tables) },
  'one removed': { edit: (tables) => sql`delete from ${ENTRY} where ${at(anyPosition())}`.execute(tables) },
  'one removed, and the gap closed': { edit: async (tables) => { const position = anyPosition(); await sql`delete from ${ENTRY} where ${at(position)}`.execute(tables); await shift(tables, position + 1, -1); } },
  'the end cut off': { edit: (tables) => sql`delete from ${ENTRY} where organization_id = ${organizationId} and position >= ${anyPosition()}`.execute(tables) },
  'the end cut off, with the ledger': {
    anchored: true,
    edit: async (tables) => {
      const last = anyPosition() - 1;
      const hash = last === 0 ? '0'.repeat(64) : (await textAt(tables, last)).hash;
      await sql`delete from ${ENTRY} where organization_id = ${organizationId} and position > ${last}`.execute(tables);
      await sql`update organization_ledger set audit_position = ${last}::int, audit_hash = ${hash} where organization_id = ${organizationId}`.execute(tables);
    },
  },
  'two exchanged': {
    edit: async (tables) => {
      const [left, right] = [anyPosition(), anyPosition()];
      if (left === right) return shift(tables, left, 1);
      await sql`update ${ENTRY} set position = -1 where ${at(left)}`.execute(tables);
      await sql`update ${ENTRY} set position = ${left} where ${at(right)}`.execute(tables);
      await sql`update ${ENTRY} set position = ${right} where ${at(-1)}`.execute(tables);
    },
  },
  'one inserted': {
    edit: async (tables) => {
      const position = anyPosition();
      const copied = anyPosition();
      await sql`create temporary table copied on commit drop as select * from ${ENTRY} where ${at(copied)}`.execute(tables);
      await shift(tables, position, 1);
      await sql`update copied set position = ${position}`.execute(tables);
      await sql`insert into ${ENTRY} select * from copied`.execute(tables);
    },
  },
  'one inserted before the first': { edit: (tables) => sql`insert into ${ENTRY} select organization_id, ${-randomInt(1, 1_000)}::int, kind, actor, customer_id, occurred_at, entry, hash from ${ENTRY} where ${at(anyPosition())}`.execute(tables) },
  'one put after the last, in form': {
    edit: async (tables) => {
      const { entry } = await textAt(tables, anchor.position);
      const next = entry.replace(/"previous":"\w+"/, `"previous":"${anchor.hash}"`).replace(/"position":\d+/, `"position":${anchor.position + 1}`);
      await sql`insert into ${ENTRY} select organization_id, ${anchor.position + 1}::int, kind, actor, customer_id, occurred_at, ${next}::text, ${sha256(next)}::text from ${ENTRY} where ${at(anchor.position)}`.execute(tables);
    },
  },
  'one forged, and the chain closed over it': { edit: (tables) => forge(tables, anyPosition()) },
  'one forged, and the chain closed over it, with the ledger': {
    anchored: true,
    edit: async (tables) => sql`update organization_ledger set audit_hash = ${await forge(tables, anyPosition())} where organization_id = ${organizationId}`.execute(tables),
  },
  'the head in the ledger': { edit: (tables) => sql`update organization_ledger set audit_hash = ${altered(anchor.hash)} where organization_id = ${organizationId}`.execute(tables) },
  'the length in the ledger': { edit: (tables) => sql`update organization_ledger set audit_position = ${anchor.position + (randomInt(2) === 0 ? -randomInt(1, 5) : randomInt(1, 5))} where organization_id = ${organizationId}`.execute(tables) },
  'the ledger removed': { edit: (tables) => sql`delete from organization_ledger where organization_id = ${organizationId}`.execute(tables) },
  'what opens an entry about a customer removed': { edit: (tables) => removeOpening(tables, sql`customer_id is not null`) },
  'what opens an entry about no customer removed': { edit: (tables) => removeOpening(tables, sql`customer_id is null and salt is not null`) },
  'what opens an entry about a customer emptied': { edit: (tables) => emptyOpening(tables, sql`customer_id is not null`) },
  'what opens an erasure removed': { edit: (tables) => removeOpening(tables, sql`position in (select position from audit_entry where organization_id = ${organizationId} and kind = 'ERASURE')`) },
  'why data was erased removed': { edit: (tables) => sql`update audit_opening set reason = null where organization_id = ${organizationId} and reason is not null`.execute(tables) },
  'a reason that was given': { edit: (tables) => sql`update audit_opening set sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1) where organization_id = ${organizationId} and sealed is not null`.execute(tables) },
  'the reasons of two exchanged': { edit: (tables) => exchangeOpenings(tables, (_row, other) => sql`sealed = ${other.sealed}`) },
  'the reasons of two exchanged, with their ids': { edit: (tables) => exchangeOpenings(tables, (_row, other) => sql`sealed = ${other.sealed}, id = ${other.id}`) },
  'the reasons of two exchanged, with the ids of before': { edit: (tables) => exchangeOpenings(tables, ({ position }, other) => sql`sealed = ${other.sealed}, id = ${`${organizationId}/${position}`}`) },
};

/** Takes back what was tried. */
class Undo extends Error {}

/** Edits, verifies and takes it back. @returns the faults that were found. */
async function attempt(way: { edit: Edit; anchored?: true } | null): Promise<string[]> {
  let faults: string[] = [];
  await database.owner().transactional(async (em) => {
    const tables = em.getKysely() as unknown as Tables;
    await way?.edit(tables);
    faults = (await verify(tables, way?.anchored ? [anchor] : [])).faults;
    throw new Undo();
  }).catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error;
  });
  return faults;
}

describe('tampering with the audit trail', () => {
  it(`${EDITS} edits at random are found, each of them, and a trail that nobody edited holds`, async () => {
    const names = Object.keys(WAYS);
    const found = new Map(names.map((name) => [name, 0]));
    for (let round = 0; round < EDITS; round += 1) {
      // The first rounds try every way once.
      const name = names[round] ?? names[randomInt(names.length)]!;
      const faults = await attempt(WAYS[name]!);
      expect(faults.length, name).toBeGreaterThan(0);
      expect(faults.join(), name).not.toMatch(/Reason/);
      found.set(name, found.get(name)! + 1);
      if (round % 50 === 0) expect(await attempt(null)).toEqual([]);
    }
    const total = [...found.values()].reduce((sum, count) => sum + count);
    expect(await attempt(null)).toEqual([]);
    expect((await verify(database.owner().getKysely() as unknown as Tables, [anchor])).head).toMatchObject({ position: anchor.position, hash: anchor.hash });
    console.log(`audit trail: ${total} of ${EDITS} edits found in a chain of ${anchor.position} entries, in ${names.length} ways; without one it holds`);
    expect(total).toBe(EDITS);
  }, 300_000);

  it('what only an anchor shows passes without one: the ledger and the trail were changed together', async () => {
    for (const { edit, anchored } of Object.values(WAYS)) if (anchored) expect(await attempt({ edit })).toEqual([]);
  });

  it(`${EDITS} edits of an export are found too`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-edits-'));
    const { files: [trail] } = await exportChain(database.owner().getKysely() as unknown as Tables, organizationId, directory);
    const original = await readFile(trail!, 'utf8');
    const lines = original.trimEnd().split('\n');
    const edited = join(directory, 'edited.jsonl');
    const line = (): number => randomInt(lines.length);
    const ways: (() => string[])[] = [
      () => { const index = line(); return lines.with(index, altered(lines[index]!)); },
      () => lines.toSpliced(line(), 1),
      () => lines.toSpliced(line(), 0, lines[line()]!),
      () => { const [left, right] = [line(), line()]; return left === right ? lines.toSpliced(left, 1) : lines.with(left, lines[right]!).with(right, lines[left]!); },
      () => lines.slice(0, randomInt(1, lines.length)),
      () => [...lines, lines[line()]!],
    ];
    let found = 0;
    for (let round = 0; round < EDITS; round += 1) {
      await writeFile(edited, `${ways[round % ways.length]!().join('\n')}\n`);
      const { faults } = await verifyExport(edited, [anchor]);
      expect(faults.length).toBeGreaterThan(0);
      found += 1;
    }
    expect((await verifyExport(trail!, [anchor])).faults).toEqual([]);
    console.log(`export of the audit trail: ${found} of ${EDITS} edits found`);
    expect(found).toBe(EDITS);
    await rm(directory, { recursive: true });
  }, 120_000);
});
