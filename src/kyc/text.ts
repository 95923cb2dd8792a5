import type { FieldFault } from '../core/errors.js';

/** What a check found. `value` is normalised, and meant to be stored only while `faults` is empty. */
export interface Checked<T> {
  readonly faults: FieldFault[];
  readonly value: T;
}

/** A text for a text; absent and null stay what they are. */
export type TextOf<Given> = Given extends string ? string : Given;

/** How long a text may be, in UTF-16 code units, and whether it may have line breaks. */
export interface TextRules {
  readonly maxLength: number;
  readonly multiline?: boolean;
}

/** UTF-16 code units. The longest legal names on record have some 200 letters; passports cut at 39. */
export const NAME_MAX_LENGTH = 300;
/** UTF-16 code units. Room for what a person writes as reason, note or message. */
export const NOTE_MAX_LENGTH = 4_000;
/** UTF-16 code units. Identifiers that a partner's own system gave out: URNs and the like. */
export const PARTNER_ID_MAX_LENGTH = 255;

/** Nothing that is seen: white space, zero-width and other ignorable characters, the blank Braille cell. */
const INVISIBLE_ONLY = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
const CONTROL_CHARACTER = /\p{Cc}/u;
const CONTROL_CHARACTER_BUT_LINES = /(?![\t\n\r])\p{Cc}/u;
/** Two asterisks or one bullet occur in no number; masks are made of them (schema.graphql: `***-**-6789`). */
const MASK = /\*\*|[\u2022\u25cf\u2217\u00b7]/u;

/** A fault of one field. The message is a sentence that never repeats the value (domain.md, Evaluation 1). */
export function fault(path: string, code: string, message: string): FieldFault {
  return { path, code, message };
}

/** Whether a text can be stored: no U+0000, which Postgres refuses in text, and no lone surrogate, which it refuses in jsonb. */
export function isWellFormedText(value: string): boolean {
  return value.isWellFormed() && !value.includes('\u0000');
}

/** Whether a text is a masked value, as the gateway shows numbers, sent back. */
export function isMasked(value: string): boolean {
  return MASK.test(value);
}

/**
 * One text of any input: well-formed, not blank, free of control characters, not too long; trimmed and NFC
 * (domain.md, Evaluation 1). Absent and null values pass as they are.
 */
export function validateText<Given extends string | null | undefined>(path: string, value: Given, rules: TextRules): Checked<TextOf<Given>>;
export function validateText(path: string, value: string | null | undefined, rules: TextRules): Checked<string | null | undefined> {
  if (value === null || value === undefined) return { faults: [], value };
  const refused = (code: string, message: string) => ({ faults: [fault(path, code, message)], value });
  if (!isWellFormedText(value)) return refused('malformed_text', 'The text has characters that cannot be stored (U+0000 or half of a surrogate pair).');
  // Normalised before it is trimmed: what is cut from the ends of an NFC text leaves an NFC text, so both hold of the result.
  const text = value.normalize('NFC').trim();
  if (INVISIBLE_ONLY.test(text)) return refused('blank', 'The text is blank. Leave the field out, or give a value.');
  if ((rules.multiline ? CONTROL_CHARACTER_BUT_LINES : CONTROL_CHARACTER).test(text)) {
    return refused('control_character', rules.multiline ? 'Control characters are not accepted.' : 'Line breaks and other control characters are not accepted.');
  }
  if (text.length > rules.maxLength) return refused('too_long', `At most ${rules.maxLength} characters are accepted.`);
  return { faults: [], value: text };
}

/** One name: of a person, a signer or an enterprise. Every script, apostrophe and symbol is somebody's name. */
export function validateName<Given extends string | null | undefined>(path: string, value: Given): Checked<TextOf<Given>> {
  return validateText(path, value, { maxLength: NAME_MAX_LENGTH });
}
