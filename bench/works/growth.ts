import { customerBodies, pageBody, type Work } from '../bench.ts';
import { GROWTH, grow } from '../data/grow.ts';
import { ROWS } from '../data/generate.ts';
import { column, resultsOf, rounds, type Sample, type Samples, type Shot } from '../measure/rounds.ts';
import { ratio } from '../measure/statistics.ts';
import type { Goal, Result } from '../section.ts';
import { creations } from './flows.ts';
import { flowResult, measureFlows } from './full-flow.ts';

const GROWN = 'grown';
/** What a figure may grow by. */
const LIMIT = 1.2;
const WORDS = { serverCpu: 'server CPU', databaseCpu: 'database CPU' } as const;

function growthGoals(work: string, samples: Samples): Goal[] {
  return (['serverCpu', 'databaseCpu'] as const satisfies (keyof Sample)[]).map((by) => ({
    name: `growth: ${WORDS[by]} of ${work} with ${GROWTH} × the rows`,
    value: ratio(column(samples, `${work} × ${GROWTH}`, by), column(samples, work, by)),
    limit: LIMIT,
    better: 'lower',
  }));
}

export const growth: Work = {
  name: 'growth',
  async run(bench) {
    await grow(bench.cluster, GROWN);
    const callers = bench.dataset.organizations.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` }));
    // The jobs of E1 are for the gateway that E1 is measured with.
    const [reading, grown] = [await bench.server('gateway-without-workers'), await bench.server('gateway-without-workers', GROWN)];
    const writing = await bench.server('gateway-without-workers', 'commands');
    const works: readonly [name: string, small: Shot['server'], large: Shot['server'], bodies: Shot['bodies'], warm: number, headers?: Shot['headers']][] = [
      ['Q1', reading, grown, customerBodies(bench), 20_000],
      ['Q2', reading, grown, [pageBody(null)], 2_500],
      ['M1', writing, grown, creations(), 1_000, callers],
    ];
    const [rows, goals]: [Result[], Goal[]] = [[], []];
    for (const [name, small, large, bodies, warm, headers = [{}]] of works) {
      const samples = await rounds(bench.range(warm), [{ name, server: small, bodies, headers }, { name: `${name} × ${GROWTH}`, server: large, bodies, headers }]);
      rows.push(...resultsOf(samples));
      goals.push(...growthGoals(name, samples));
    }
    const flows = await measureFlows(bench, ['flows', GROWN]);
    const [before, after] = [flows.get('flows'), flows.get(GROWN)];
    if (!before || !after) throw new Error('No flows were measured');
    for (const by of ['serverCpu', 'databaseCpu'] as const) {
      goals.push({ name: `growth: ${WORDS[by]} of E1 with ${GROWTH} × the rows`, value: ratio(after[by], before[by]), limit: LIMIT, better: 'lower' });
    }
    return {
      name: 'growth',
      title: `The same with ${GROWTH} times the rows`,
      about: `Two databases side by side, the larger with ${GROWTH} × the rows of ${ROWS}, in the same organizations.`,
      rows: [...rows, flowResult('E1', before), flowResult(`E1 × ${GROWTH}`, after)],
      goals,
    };
  },
};
