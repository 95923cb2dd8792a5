import type { KycDataInput } from '../generated/graphql';
import { fieldOf } from './fields';

/** What a person has entered, by the path of the field. Booleans as true and false, all else as texts. */
export type Answers = Readonly<Record<string, string | boolean>>;

const ADDRESS = 'kycData.address.';

/**
 * The answers as the API takes them; blank ones are left out. The page itself answers the locale that addresses are
 * written in: the language that the person reads here, in the country of the address.
 */
export function inputOf(answers: Answers, language: string): KycDataInput {
  const data: Record<string, unknown> = {};
  const address: Record<string, unknown> = {};
  for (const [path, answer] of Object.entries(answers)) {
    const value = valueOf(path, answer);
    if (value === undefined) continue;
    if (path.startsWith(ADDRESS)) address[path.slice(ADDRESS.length)] = value;
    else data[path.slice(path.indexOf('.') + 1)] = value;
  }
  if (typeof address['country'] === 'string') address['locale'] = `${language}-${address['country']}`;
  return { ...data, ...(Object.keys(address).length > 0 ? { address } : {}) };
}

function valueOf(path: string, answer: string | boolean): unknown {
  if (typeof answer === 'boolean') return answer;
  const text = answer.trim();
  if (text === '') return undefined;
  const { kind } = fieldOf(path);
  if (kind === 'date') return calendarDate(text);
  if (kind === 'phone') return phoneNumber(text);
  if (kind === 'amount') return Number(text);
  return text;
}

/** A date, as the form keeps it (year-month-day, as typed), in the form of ISO 8601; undefined while a part is missing. */
function calendarDate(text: string): string | undefined {
  const [year = '', month = '', day = ''] = text.split('-');
  return year && month && day ? `${year.padStart(4, '0')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` : undefined;
}

/** A number in the form of E.164, out of the ways in which people write it. */
function phoneNumber(text: string): string {
  return text.replaceAll(/[\s().\u2010-\u2015/-]/g, '').replace(/^00/, '+');
}

/** What is stored of a person, as answers: so that a correction begins with what was given. Numbers come masked, and are left out. */
export function answersOf(kycData: object | null | undefined): Answers {
  const answers: Record<string, string | boolean> = {};
  collect(kycData, 'kycData', answers);
  return answers;
}

function collect(value: unknown, path: string, answers: Record<string, string | boolean>): void {
  if (typeof value === 'string' || typeof value === 'boolean') answers[path] = value;
  else if (typeof value === 'number') answers[path] = String(value);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) if (!name.startsWith('__')) collect(inner, `${path}.${name}`, answers);
  }
}

export function isAnswered(path: string, answer: string | boolean | undefined): boolean {
  return answer !== undefined && valueOf(path, answer) !== undefined;
}
