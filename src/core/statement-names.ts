import { LRUCache } from 'lru-cache';
import type { Statement } from './statement.js';

/** Every connection keeps what it has prepared: some kilobytes a statement. What has not been asked for longest makes room. */
const MOST_NAMES = 300;
/** What is asked so often is worth preparing. */
const WORTH_PREPARING = 3;
/** A name is given once: what a connection has prepared under it is never another text. */
const PREFIX = 'statement_';
/** A name of this place, also where a reader has put something behind it. */
const GIVEN = new RegExp(`^${PREFIX}\\d+`);

let given = 0;
let forgotten = 0;
const inUse = new Set<string>();
const names = new LRUCache<string, string>({
  max: MOST_NAMES,
  dispose: (name) => {
    inUse.delete(name);
    forgotten += 1;
  },
});
const seen = new LRUCache<string, number>({ max: MOST_NAMES });

/** A statement by its text. What is asked often gets a name, under which connections prepare it. */
export function nameOf(text: string): Statement {
  const known = names.get(text);
  if (known !== undefined) return { name: known, text };
  const times = (seen.get(text) ?? 0) + 1;
  if (times < WORTH_PREPARING) {
    seen.set(text, times);
    return { name: null, text };
  }
  seen.delete(text);
  given += 1;
  const name = `${PREFIX}${given}`;
  inUse.add(name);
  names.set(text, name);
  return { name, text };
}

/** How many names have been forgotten so far: where it has not grown, a connection has nothing to close. */
export function namesForgotten(): number {
  return forgotten;
}

/** Whether a name was given here and is forgotten: what a connection has prepared under it may be closed. */
export function isForgotten(name: string): boolean {
  const [own] = GIVEN.exec(name) ?? [];
  return own !== undefined && !inUse.has(own);
}
