import { customerBodies, pageBody, type Work } from '../bench.ts';
import { GROWTH, grow } from '../data/grow.ts';
import { addHistories } from '../data/histories.ts';
import { column, READERS, resultsOf, rounds, WRITERS, type Sample, type Samples, type Shot } from '../measure/rounds.ts';
import { ratio } from '../measure/statistics.ts';
import type { Goal, Result } from '../section.ts';
import { creations } from './flows.ts';
import { flowResult, measureFlows } from './full-flow.ts';

/** Both for this work alone, the one made from the other: what other works have written is in neither. */
const SMALL = 'small';
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
    await addHistories(bench.cluster, SMALL);
    await bench.cluster.psql('postgres', `create database ${GROWN} template ${SMALL} strategy file_copy`);
    await grow(bench.cluster, GROWN);
    const callers = bench.dataset.organizations.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` }));
    // First: the jobs that M1 leaves to nobody would be worked off beside it.
    const flows = await measureFlows(bench, [SMALL, GROWN]);
    const [before, after] = [flows.get(SMALL), flows.get(GROWN)];
    if (!before || !after) throw new Error('No flows were measured');
    const [small, grown] = [await bench.server('gateway-without-workers', SMALL), await bench.server('gateway-without-workers', GROWN)];
    const works: readonly [name: string, bodies: Shot['bodies'], warm: number, connections: number, headers?: Shot['headers']][] = [
      ['Q1', customerBodies(bench), 20_000, READERS],
      ['Q2', [pageBody(null)], 2_500, READERS],
      ['M1', creations(), 3_000, WRITERS, callers],
    ];
    const [rows, goals]: [Result[], Goal[]] = [[], []];
    for (const [name, bodies, warm, connections, headers = [{}]] of works) {
      const samples = await rounds(bench.range(warm, connections), [{ name, server: small, bodies, headers }, { name: `${name} × ${GROWTH}`, server: grown, bodies, headers }]);
      rows.push(...resultsOf(samples));
      goals.push(...growthGoals(name, samples));
    }
    for (const by of ['serverCpu', 'databaseCpu'] as const) {
      goals.push({ name: `growth: ${WORDS[by]} of E1 with ${GROWTH} × the rows`, value: ratio(after[by], before[by]), limit: LIMIT, better: 'lower' });
    }
    return {
      name: 'growth',
      title: `The same with ${GROWTH} times the rows`,
      about: `Two databases side by side, the larger with ${GROWTH} × the rows of the smaller, in the same organizations: customers with all that is theirs, and the events, entries of the audit trail and Idempotency-Keys of their first two commands. M1 and E1 write to the same two, one after the other.`,
      rows: [...rows, flowResult('E1', before), flowResult(`E1 × ${GROWTH}`, after)],
      goals,
    };
  },
};
