import { isDeepStrictEqual } from 'node:util';
import type { Shot } from './rounds.ts';

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** Throws unless all give the same answer, but for the order of names and the way that moments are written. */
export async function requireEqualAnswers(shots: readonly Shot[]): Promise<void> {
  const answers = await Promise.all(shots.map(async ({ name, server, bodies: [body], normalise = same }) => {
    if (typeof body !== 'string') throw new Error('Only single requests are compared');
    const response = await fetch(server.url, { method: 'POST', headers: { 'content-type': 'application/json', ...server.headers }, body });
    const text = await response.text();
    if (response.status !== 200 || text.includes('"errors":')) throw new Error(`${name} answered ${response.status}: ${text.slice(0, 500)}`);
    return { name, answer: canonical(normalise(JSON.parse(text))) };
  }));
  const [first, ...rest] = answers;
  for (const { name, answer } of rest) {
    if (isDeepStrictEqual(answer, first?.answer)) continue;
    throw new Error(`${name} does not answer as ${first?.name} does:\n${JSON.stringify(answer).slice(0, 1_500)}\n${JSON.stringify(first?.answer).slice(0, 1_500)}`);
  }
}

function same(answer: unknown): unknown {
  return answer;
}

/** With its names in order, and moments as toISOString writes them. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') return MOMENT.test(value) ? new Date(value).toISOString() : value;
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, member]) => [name, canonical(member)]));
}
