import type { Statement } from './statement.js';

/** Every connection keeps what it has prepared for as long as it lives: some kilobytes a statement. */
const MOST_NAMES = 300;
/** What is asked so often is worth preparing. */
const WORTH_PREPARING = 3;

const names = new Map<string, string>();
const seen = new Map<string, number>();

/** A statement by its text. What is asked often gets a name, under which connections prepare it; what comes after so many names has none. */
export function nameOf(text: string): Statement {
  const known = names.get(text);
  if (known !== undefined) return { name: known, text };
  if (names.size >= MOST_NAMES) return { name: null, text };
  const times = (seen.get(text) ?? 0) + 1;
  if (times < WORTH_PREPARING) {
    seen.set(text, times);
    if (seen.size > MOST_NAMES) seen.delete(seen.keys().next().value!);
    return { name: null, text };
  }
  seen.delete(text);
  const name = `statement_${names.size + 1}`;
  names.set(text, name);
  return { name, text };
}
