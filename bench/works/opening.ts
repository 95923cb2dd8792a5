import { customerBodies, pageBody, type Bench, type Work } from '../bench.ts';
import { customerQuery, PAGE, pageQuery } from '../contenders/fields.ts';
import { column, resultsOf, rounds, type Shot } from '../measure/rounds.ts';
import { figure, ratio } from '../measure/statistics.ts';
import type { Section } from '../section.ts';

/** What Q1 and Q2 do not select: all of it is opened or evaluated. */
export const OPENED = 'firstName lastName email requirements { kind field code message }';
const LOOP = 20_000;

/** Microseconds that opening and evaluating one customer costs, as often as there are rounds. */
async function loopCost(bench: Bench): Promise<number[]> {
  const { url } = await bench.server('opening-loop');
  const costs: number[] = [];
  for (let round = 0; round <= bench.extent.rounds; round += 1) {
    const response = await fetch(`${url}?amount=${LOOP}`);
    costs.push(((await response.json()) as { microseconds: number }).microseconds);
  }
  // The first is the warming.
  return costs.slice(1);
}

async function opening(bench: Bench, name: 'Q1' | 'Q2', bodies: readonly [plain: readonly string[], more: readonly string[]], customers: number, warm: number): Promise<Section> {
  const server = await bench.server('gateway');
  const shots: Shot[] = [{ name, server, bodies: bodies[0] }, { name: `${name}E`, server, bodies: bodies[1] }];
  const samples = await rounds(bench.range(warm), shots);
  const loop = (await loopCost(bench)).map((microseconds) => microseconds * customers);
  const expected = column(samples, name, 'serverCpu').map((cost, round) => cost + (loop[round] ?? NaN));
  return {
    name: `${name}E`,
    title: `${name} with names, e-mail address and requirements`,
    about: `The gateway alone. ${customers === 1 ? 'A customer is' : `${customers} customers are`} opened, and all that each still lacks is evaluated. The loop does the same two decryptions and one evaluation a customer, with rows and keys at hand.`,
    rows: [...resultsOf(samples), { name: 'loop', figures: { 'server CPU µs': figure(loop) } }],
    goals: [{ name: `${name}E: server CPU ÷ (${name} + loop)`, value: ratio(column(samples, `${name}E`, 'serverCpu'), expected), limit: 1.3, better: 'lower' }],
  };
}

export const Q1E: Work = { name: 'Q1E', run: (bench) => opening(bench, 'Q1', [customerBodies(bench), customerBodies(bench, customerQuery(OPENED))], 1, 30_000) };
export const Q2E: Work = { name: 'Q2E', run: (bench) => opening(bench, 'Q2', [[pageBody(null)], [pageBody(null, pageQuery(OPENED))]], PAGE, 6_000) };
