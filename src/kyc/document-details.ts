import type { FieldFault } from '../core/errors.js';
import { isMasked, validateText } from './text.js';
import type { IdClass } from './vocabularies.js';

/** What is said of a document beside its files. Dates are calendar dates, YYYY-MM-DD; countries alpha-2. */
export interface DocumentDetails {
  selectedIdClass: IdClass;
  number?: string | null | undefined;
  issuingCountry?: string | null | undefined;
  issueDate?: string | null | undefined;
  expirationDate?: string | null | undefined;
}

/** UTF-16 code units. Document numbers have at most some twenty characters; this leaves room for separators. */
const NUMBER_MAX_LENGTH = 64;
/** Length of YYYY-MM-DD. */
const DAY_LENGTH = 10;

/** Checks and normalises the details of a document (domain.md, Documents: an expired one is refused). `base` precedes the paths of faults. */
export function checkDetails(input: DocumentDetails, now: Date, base = ''): { details: Required<DocumentDetails>; faults: FieldFault[] } {
  const today = now.toISOString().slice(0, DAY_LENGTH);
  const number = validateText(`${base}number`, input.number, { maxLength: NUMBER_MAX_LENGTH });
  const faults = [...number.faults];
  if (input.number != null && isMasked(input.number)) {
    faults.push({ path: `${base}number`, code: 'masked', message: 'This is the masked form in which numbers are shown. Leave the field out, or give the whole number.' });
  }
  if (input.expirationDate != null && input.expirationDate < today) {
    faults.push({ path: `${base}expirationDate`, code: 'expired', message: 'The document has expired: submit one that is valid.' });
  }
  if (input.issueDate != null && input.issueDate > today) {
    faults.push({ path: `${base}issueDate`, code: 'in_future', message: 'The date of issue is in the future.' });
  }
  if (input.issueDate != null && input.expirationDate != null && input.expirationDate < input.issueDate) {
    faults.push({ path: `${base}expirationDate`, code: 'before_issue', message: 'The document expires before it was issued.' });
  }
  const details = {
    selectedIdClass: input.selectedIdClass,
    number: number.value ?? null,
    issuingCountry: input.issuingCountry ?? null,
    issueDate: input.issueDate ?? null,
    expirationDate: input.expirationDate ?? null,
  };
  return { details, faults };
}
