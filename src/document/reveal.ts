import type { Kysely } from 'kysely';
import type { Member } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput, refusal, type FieldFault } from '../core/errors.js';
import type { LedgerTables } from '../core/ledger.js';
import { lockAttempt, type Attempt } from '../identity/commands.js';
import { ADDRESS_FIELD_NAMES, completeKycData, FIELD_NAMES, type KycData } from '../kyc/fields.js';
import { NOTE_MAX_LENGTH, validateText } from '../kyc/text.js';
import { keysOfPerson } from '../organization/reads.js';
import { documentsOf } from './reads.js';

/** The numbers of the attempt's documents, which are not among its KycData. */
const DOCUMENT_NUMBERS = 'documents.number';
/** Every field that may be revealed, by its path. */
export const REVEALABLE: readonly string[] = [...FIELD_NAMES, ...ADDRESS_FIELD_NAMES.map((name) => `address.${name}`), DOCUMENT_NUMBERS];
/** Requirements and faults name fields by their paths in the input: those do as well. */
const INPUT_PREFIX = /^kycData\./;
/** More than a person looks at; less than it takes to carry off an organization's data. */
export const MOST_REVEALS_AN_HOUR = 300;
const HOUR_SECONDS = 3_600;

export interface Reveal {
  identityId: string;
  fields: readonly string[];
  reason: string;
}

/** What was asked for, unmasked. */
export interface Revealed extends Attempt {
  /** The fields that were asked for, and no others. */
  kycData: KycData;
  documents: { documentId: string; number: string | null }[];
}

/** Gives fields of an attempt as they are. Who has asked for which, and why, is in the audit trail before anything is given. */
export async function revealKycData(core: Core, caller: Member, input: Reveal): Promise<Revealed> {
  const { fields, reason, faults } = checkReveal(input);
  if (faults.length > 0) throw badInput(faults);
  return execute(core, caller, async (unit) => {
    const attempt = await lockAttempt(unit, input.identityId);
    await requireFewReveals(unit);
    const documents = fields.includes(DOCUMENT_NUMBERS) ? await documentsOf(unit, attempt.identity.id) : [];
    const revealed = documents.map(({ document }) => ({ documentId: document.id, number: document.number ?? null }));
    unit.note({ kind: 'REVEAL', subjects: [attempt.identity.id, ...revealed.map(({ documentId }) => documentId)], fields, reason });
    return { ...attempt, kycData: onlyFields(completeKycData(attempt.identity.kycData), fields), documents: revealed };
  });
}

function checkReveal(input: Reveal): { fields: string[]; reason: string; faults: FieldFault[] } {
  const reason = validateText('reason', input.reason, { maxLength: NOTE_MAX_LENGTH, multiline: true });
  const faults = [...reason.faults];
  if (input.fields.length === 0) faults.push({ path: 'fields', code: 'required', message: 'Name at least one field.' });
  const fields = input.fields.map((field) => field.replace(INPUT_PREFIX, ''));
  for (const [index, field] of fields.entries()) {
    if (!REVEALABLE.includes(field)) faults.push({ path: `fields.${index}`, code: 'unknown_field', message: `There is no such field; there are ${REVEALABLE.join(', ')}.` });
  }
  return { fields: [...new Set(fields)], reason: reason.value ?? '', faults };
}

/** Counts in the trail itself, which all replicas share: by person, for who signs in anew gets another key. */
async function requireFewReveals(unit: UnitOfWork): Promise<void> {
  const actors = await keysOfPerson(unit);
  const since = new Date(unit.now.getTime() - HOUR_SECONDS * MILLISECONDS_PER_SECOND);
  const recent = await (unit.transaction.builder as unknown as Kysely<LedgerTables>)
    .selectFrom('audit_entry')
    .select('occurred_at')
    .where('organization_id', '=', unit.organizationId)
    .where('kind', '=', 'REVEAL')
    .where('actor', 'in', actors)
    .where('occurred_at', '>', since.toISOString())
    .orderBy('position', 'desc')
    .limit(MOST_REVEALS_AN_HOUR)
    .execute();
  const oldest = recent[MOST_REVEALS_AN_HOUR - 1];
  if (!oldest) return;
  const retryAfter = Math.max(1, Math.ceil((new Date(oldest.occurred_at).getTime() - since.getTime()) / MILLISECONDS_PER_SECOND));
  throw refusal('RATE_LIMITED', `A key, or a person who signs in, may reveal ${MOST_REVEALS_AN_HOUR} times an hour.`, { retryAfter });
}

function onlyFields(data: KycData, fields: readonly string[]): KycData {
  const { address, ...flat } = data;
  const only = <T extends object>(values: T, names: readonly string[]): T => Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name))) as T;
  const ofAddress = fields.flatMap((field) => (field.startsWith('address.') ? [field.slice('address.'.length)] : []));
  const shown = only(flat, fields);
  return address && ofAddress.length > 0 ? { ...shown, address: only(address, ofAddress) } : shown;
}
