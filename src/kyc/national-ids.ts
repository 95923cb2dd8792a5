import { stdnum, type Validator } from 'stdnum';
import type { NationalIdType } from './vocabularies.js';

const NINE_DIGITS = /^(\d{3})[- ]?(\d{2})[- ]?(\d{4})$/;

/**
 * The Social Security Administration's own list of numbers that were printed in advertisements and belong to nobody.
 * stdnum's longer list also refuses numbers that may have been issued, so the SSN rules stand here.
 */
const ADVERTISED_SSNS: ReadonlySet<string> = new Set(['078-05-1120', '219-09-9999']);

/** Groups (4th and 5th digit) that the IRS gives out in ITINs; 93 marks adoption numbers, 50-65 were added in 2011. */
const ITIN_GROUPS: ReadonlyArray<readonly [from: number, to: number]> = [[50, 65], [70, 88], [90, 92], [94, 99]];

/**
 * Numbers that stdnum judges rightly and where a person has no other number of that kind. Left out on purpose:
 * countries where stdnum refuses published genuine numbers (CL, HK), where the scheme has outgrown it (KR, LV),
 * and where "national id" may as well be the number of the card (DE, FR, PL, …).
 */
const CHECKED_NUMBERS: Readonly<Record<'TIN' | 'NATIONAL_ID', Readonly<Record<string, readonly string[]>>>> = {
  TIN: {
    AU: ['tfn'], BR: ['cpf'], CA: ['sin'], DE: ['idnr', 'stnr'], ES: ['dni', 'nie', 'nif'], IE: ['pps'], IN: ['pan'],
    // A foreigner's provisional codice fiscale has the eleven digits of a partita IVA.
    IT: ['codicefiscale', 'iva'],
    NL: ['bsn'], PL: ['pesel', 'nip'], PT: ['nif'],
  },
  NATIONAL_ID: { ES: ['dni', 'nie'], TH: ['idnr'], TR: ['tckimlik'], ZA: ['idnr'] },
};

/** Letters and digits. The shortest numbers in use (old registers, some passports) have more; less is a slip of the hand. */
const MIN_ALPHANUMERICS = 3;

/** A nine-digit US number in its usual form, NNN-NN-NNNN, or undefined if it does not have nine digits. */
export function dashedTaxNumber(value: string): string | undefined {
  const parts = NINE_DIGITS.exec(value);
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}` : undefined;
}

/** Whether a Social Security number with dashes can exist: area not 000, 666 or 9xx, group not 00, serial not 0000. */
export function isPossibleSsn(dashed: string): boolean {
  const [area = '', group = '', serial = ''] = dashed.split('-');
  if (area === '000' || area === '666' || area.startsWith('9')) return false;
  return group !== '00' && serial !== '0000' && !ADVERTISED_SSNS.has(dashed);
}

/** Whether an ITIN with dashes can exist: 9xx, with a group that the IRS gives out. */
export function isPossibleItin(dashed: string): boolean {
  const [area = '', group = ''] = dashed.split('-');
  return area.startsWith('9') && ITIN_GROUPS.some(([from, to]) => Number(group) >= from && Number(group) <= to);
}

/** Whether a number can be of its type and issuing country; what cannot be told is let through (domain.md, Evaluation 1). */
export function isPossibleNationalId(type: NationalIdType | undefined, value: string, issuingCountry: string | undefined): boolean {
  if (type === 'SSN' || type === 'ITIN') {
    const dashed = dashedTaxNumber(value);
    return dashed !== undefined && (type === 'SSN' ? isPossibleSsn(dashed) : isPossibleItin(dashed));
  }
  if ((value.match(/[\p{L}\p{N}]/gu)?.length ?? 0) < MIN_ALPHANUMERICS) return false;
  if (type === undefined || type === 'PASSPORT' || issuingCountry === undefined) return true;
  const kinds = CHECKED_NUMBERS[type][issuingCountry];
  return kinds === undefined || kinds.some((kind) => validatorOf(issuingCountry, kind).validate(value).isValid);
}

/** The validators of CHECKED_NUMBERS exist in the pinned stdnum; a test asks for each, so an upgrade cannot drop one unseen. */
export function checkedNationalIds(): ReadonlyArray<{ type: 'TIN' | 'NATIONAL_ID'; country: string; validators: Validator[] }> {
  return (['TIN', 'NATIONAL_ID'] as const).flatMap((type) =>
    Object.entries(CHECKED_NUMBERS[type]).map(([country, kinds]) => ({ type, country, validators: kinds.map((kind) => validatorOf(country, kind)) })));
}

function validatorOf(country: string, kind: string): Validator {
  const validator = stdnum[country]?.[kind];
  if (!validator) throw new Error(`stdnum has no validator ${country}.${kind}`);
  return validator;
}
