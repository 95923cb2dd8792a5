import { parse } from 'mrz';
import type { KycData } from '../kyc/fields.js';

/** What the machine-readable zone of a document says against the document or the form. An ERROR is reason enough to reject. */
export interface DocumentFinding {
  code: string;
  /** The field of the document or of the person that it is about; null for the document as a whole. */
  field: string | null;
  severity: 'ERROR' | 'WARNING';
  /** Fit for the applicant; it never repeats a value. */
  message: string;
}

/** What a document says of itself outside the zone. */
export interface DocumentClaims {
  mrz: string | null;
  number: string | null;
  expirationDate: string | null;
}

/** Lengths and counts of the lines of ICAO 9303: TD1, TD2, TD3. */
const SHAPES = [{ length: 30, lines: 3 }, { length: 36, lines: 2 }, { length: 44, lines: 2 }] as const;
/** The fields of the zone whose check digit speaks of a field of ours. */
const CHECKED_FIELDS: Readonly<Record<string, string>> = {
  documentNumberCheckDigit: 'number',
  birthDateCheckDigit: 'dateOfBirth',
  expirationDateCheckDigit: 'expirationDate',
};
/** ICAO 9303-3, section 6: what a document writes for letters that it does not have, where that is not the bare letter. */
const TRANSLITERATIONS: Readonly<Record<string, string>> = {
  Ä: 'AE', Å: 'AA', Æ: 'AE', Ö: 'OE', Ø: 'OE', Œ: 'OE', Ü: 'UE', ẞ: 'SS', Þ: 'TH', Ð: 'D', Đ: 'D', Ł: 'L', Ħ: 'H', Ŧ: 'T', Ĳ: 'IJ', ı: 'I',
};

/** The lines of a zone as they are kept, or null when the text is none. Spaces and missing line breaks are forgiven. */
export function normalizeMrz(text: string): string | null {
  const joined = text.toUpperCase().replaceAll(/\s/g, '');
  const shape = SHAPES.find(({ length, lines }) => joined.length === length * lines);
  if (!shape || !/^[A-Z0-9<]+$/.test(joined)) return null;
  return Array.from({ length: shape.lines }, (_, index) => joined.slice(index * shape.length, (index + 1) * shape.length)).join('\n');
}

/** Everything that the zone of a document contradicts; nothing where no zone is known. */
export function findingsOf(claims: DocumentClaims, person: KycData, now: Date): DocumentFinding[] {
  if (claims.mrz === null) return [];
  const findings: DocumentFinding[] = [];
  const find = (code: string, field: string | null, message: string, severity: DocumentFinding['severity'] = 'ERROR'): void => void findings.push({ code, field, severity, message });
  const { fields, details } = parse(claims.mrz.split('\n'));
  for (const detail of details) {
    if (detail.valid || !detail.field?.endsWith('CheckDigit')) continue;
    find('mrz_check_digit', CHECKED_FIELDS[detail.field] ?? null, 'A check digit of the machine-readable zone is wrong: it was misread or altered.');
  }
  const today = now.toISOString().slice(0, 'YYYY-MM-DD'.length);
  const expiry = fields.expirationDate ? `20${dashed(fields.expirationDate)}` : null;
  if (expiry !== null && expiry < today) find('mrz_expired', 'expirationDate', 'The document has expired.');
  if (expiry !== null && claims.expirationDate !== null && expiry !== claims.expirationDate) find('mrz_expiry_mismatch', 'expirationDate', 'The date of expiry differs from the one given.');
  const number = fields.documentNumber ?? null;
  if (number !== null && claims.number !== null && bare(number) !== bare(claims.number)) find('mrz_number_mismatch', 'number', 'The number of the document differs from the one given.');
  if (fields.birthDate && person.dateOfBirth !== undefined && dashed(fields.birthDate) !== person.dateOfBirth.slice(2)) {
    find('mrz_date_of_birth_mismatch', 'dateOfBirth', 'The date of birth differs from the one given.');
  }
  findings.push(...nameFindings('legalLastName', fields.lastName, person.legalLastName), ...nameFindings('legalFirstName', fields.firstName, person.legalFirstName));
  return findings;
}

/** YYMMDD with dashes. */
function dashed(date: string): string {
  return `${date.slice(0, 2)}-${date.slice(2, 4)}-${date.slice(4, 6)}`;
}

function bare(number: string): string {
  return number.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}

function nameFindings(field: 'legalFirstName' | 'legalLastName', shown: string | null | undefined, given: string | undefined): DocumentFinding[] {
  if (!shown || given === undefined) return [];
  const spellings = spellingsOf(given);
  if (spellings.length === 0) {
    return [{ code: 'mrz_name_not_compared', field, severity: 'WARNING', message: 'The name is not in Latin letters and could not be compared.' }];
  }
  const onDocument = words(shown);
  // The zone holds every given name and cuts long ones: one has to go on where the other ends.
  const agrees = spellings.some((spelling) => startsWith(onDocument.join(''), spelling.join('')) || spelling.every((word) => onDocument.includes(word)));
  return agrees ? [] : [{ code: 'mrz_name_mismatch', field, severity: 'ERROR', message: 'The name on the document differs from the one given.' }];
}

function startsWith(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** A name as documents may write it: by ICAO's table, or with the bare letters. */
function spellingsOf(name: string): string[][] {
  const upper = name.normalize('NFC').replaceAll('ß', 'ẞ').toUpperCase();
  const byTable = Array.from(upper, (letter) => TRANSLITERATIONS[letter] ?? letter).join('');
  return [words(byTable), words(upper.replaceAll('ẞ', 'SS').replaceAll('Ø', 'O').replaceAll('Æ', 'AE').replaceAll('Ł', 'L'))].filter((spelling) => spelling.length > 0);
}

function words(text: string): string[] {
  const letters = text.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll(/['’.]/g, '');
  return /[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(letters) ? [] : letters.split(/[^A-Z]+/).filter(Boolean);
}
