import type { DocumentStatus } from '../kyc/vocabularies.js';
import type { FileWarning } from './inspection.js';
import type { DocumentFinding } from './mrz.js';

/** What a document is summed up from. */
export interface SummarySubject {
  status: DocumentStatus;
  rejectionReason: string | null;
  findings: readonly DocumentFinding[];
  /** Of all its files. */
  warnings: readonly FileWarning[];
}

/** The fields that may differ, in the words of a person. */
const FIELD_WORDS: Readonly<Record<string, string>> = {
  number: 'document number',
  expirationDate: 'date of expiry',
  dateOfBirth: 'date of birth',
  legalFirstName: 'first name',
  legalLastName: 'last name',
};

/**
 * What the checks of a document found, for the person it is about: what to do, no value, and nothing of how it is judged.
 * Null where they found nothing.
 */
export function summaryOf({ status, rejectionReason, findings, warnings }: SummarySubject): string | null {
  const sentences = new Set<string>();
  const differing = findings.filter(({ code }) => code.endsWith('_mismatch')).map(({ field }) => FIELD_WORDS[field ?? ''] ?? 'details');
  if (status === 'REJECTED') sentences.add(findings.length === 0 && rejectionReason !== null ? rejectionReason : 'The document was not accepted.');
  if (findings.some(({ code }) => code === 'mrz_expired')) sentences.add('It has expired: send one that is valid.');
  if (findings.some(({ code }) => code === 'mrz_check_digit')) sentences.add('Its machine-readable lines could not be read without doubt: send a new picture, or type them again.');
  if (differing.length > 0) sentences.add(`It differs from what was entered in: ${[...new Set(differing)].join(', ')}. Correct what was entered, or send the right document.`);
  for (const { message } of warnings) sentences.add(message);
  return sentences.size === 0 ? null : [...sentences].join(' ');
}
