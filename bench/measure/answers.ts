import { isDeepStrictEqual } from 'node:util';
import type { Shot } from './rounds.ts';

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** Throws unless all give the same answer to each of what they are asked, but for the order of names and the way that moments are written. */
export async function requireEqualAnswers(shots: readonly Shot[]): Promise<void> {
  const [first, ...rest] = shots;
  if (!first || rest.length === 0 || rest.some(({ bodies }) => bodies.length !== first.bodies.length)) throw new Error('Only those that are asked the same are compared');
  for (const number of first.bodies.keys()) {
    const [expected, ...others] = await Promise.all(shots.map((shot) => answerTo(shot, number)));
    for (const [index, answer] of others.entries()) {
      if (isDeepStrictEqual(answer, expected)) continue;
      throw new Error(`${rest[index]?.name} does not answer request ${number + 1} as ${first.name} does:\n${JSON.stringify(answer).slice(0, 1_500)}\n${JSON.stringify(expected).slice(0, 1_500)}`);
    }
  }
}

/** What a server answers to the request with this number, in the common form. */
async function answerTo({ name, server, bodies, normalise = same }: Shot, number: number): Promise<unknown> {
  const body = bodies[number];
  if (typeof body !== 'string') throw new Error('Only single requests are compared');
  const response = await fetch(server.url, { method: 'POST', headers: { 'content-type': 'application/json', ...server.headers }, body });
  const text = await response.text();
  if (response.status !== 200 || text.includes('"errors":')) throw new Error(`${name} answered ${response.status}: ${text.slice(0, 500)}`);
  return canonical(normalise(JSON.parse(text)));
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
