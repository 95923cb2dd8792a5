import { customerBodies, cursorOf, pageBody, pageStart, type Bench, type ContenderName, type Work } from '../bench.ts';
import { CUSTOMER_QUERY, flattened, postgraphilePageBody } from '../contenders/postgraphile-queries.ts';
import { requireEqualAnswers } from '../measure/answers.ts';
import { column, resultsOf, rounds, type Sample, type Samples, type Shot } from '../measure/rounds.ts';
import { ratio } from '../measure/statistics.ts';
import type { Goal } from '../section.ts';

/** By count, and as many as it takes until none becomes quicker: V8 goes on compiling what has much code for tens of thousands of requests. */
const WARM = { customer: 40_000, page: 8_000 } as const;
/** Those that a goal is against, and those that are there for information: not in the short form. */
const CONTENDERS: readonly ContenderName[] = ['floor', 'five-sql', 'postgraphile', 'mercurius', 'gateway'];
const INFORMATIVE: readonly ContenderName[] = ['yoga', 'apollo'];

/** Goals of a contender against others, each by a column of the samples. */
export function ratioGoals(work: string, samples: Samples, goals: readonly { of?: string; against: string; by: keyof Sample; limit: number }[]): Goal[] {
  const words = { serverCpu: 'server CPU', databaseCpu: 'database CPU', requestsPerSecond: 'throughput', p50: 'p50', p99: 'p99' } as const;
  return goals.map(({ of = 'gateway', against, by, limit }) => ({
    name: `${work}: ${words[by]} of ${of} ÷ ${against}`,
    value: ratio(column(samples, of, by), column(samples, against, by)),
    limit,
    better: by === 'requestsPerSecond' ? 'higher' : 'lower',
    isTiming: by !== 'serverCpu' && by !== 'databaseCpu',
  }));
}

/** All contenders asked the same, PostGraphile in its own words. */
function shotsOf(bench: Bench, bodies: readonly string[], postgraphileBodies: readonly string[]): Promise<Shot[]> {
  const names = bench.extent.divisor === 1 ? [...CONTENDERS, ...INFORMATIVE] : CONTENDERS;
  return Promise.all(names.map(async (name): Promise<Shot> => {
    const server = await bench.server(name);
    return name === 'postgraphile' ? { name, server, bodies: postgraphileBodies, normalise: flattened } : { name, server, bodies };
  }));
}

export const Q1: Work = {
  name: 'Q1',
  async run(bench) {
    const shots = await shotsOf(bench, customerBodies(bench), customerBodies(bench, CUSTOMER_QUERY));
    await requireEqualAnswers(shots);
    const samples = await rounds(bench.range(WARM.customer), shots);
    return {
      name: 'Q1',
      title: 'One customer with identity, documents, files and signatures',
      about: 'One customer by its id with each request, of 500 from all over the list, in turn. Nothing is selected that is sealed.',
      rows: resultsOf(samples),
      chart: 'server CPU µs',
      goals: ratioGoals('Q1', samples, [
        { against: 'floor', by: 'serverCpu', limit: 5 },
        { against: 'postgraphile', by: 'requestsPerSecond', limit: 2 },
        { against: 'mercurius', by: 'requestsPerSecond', limit: 1.3 },
      ]),
    };
  },
};

export const Q2: Work = {
  name: 'Q2',
  async run(bench) {
    const shots = await shotsOf(bench, [pageBody(null)], [postgraphilePageBody(bench.largest.id)]);
    await requireEqualAnswers(shots);
    const samples = await rounds(bench.range(WARM.page), shots);
    return {
      name: 'Q2',
      title: 'A page of 50 of the same, filtered by status',
      about: 'The first page of the largest organization’s customers that are UNDER_REVIEW, newest first.',
      rows: resultsOf(samples),
      chart: 'server CPU µs',
      goals: ratioGoals('Q2', samples, [
        { against: 'floor', by: 'serverCpu', limit: 4.5 },
        { against: 'postgraphile', by: 'serverCpu', limit: 0.8 },
        { against: 'postgraphile', by: 'requestsPerSecond', limit: 1 },
        { against: 'mercurius', by: 'requestsPerSecond', limit: 1.2 },
        { against: 'five-sql', by: 'databaseCpu', limit: 1 },
      ]),
    };
  },
};

/** A page deep in the list: 1,000 of the full set. */
export function deepPage({ extent }: Bench): number {
  return 1_000 / extent.divisor;
}

export const Q2pages: Work = {
  name: 'Q2pages',
  async run(bench) {
    const pages = { 'page 1': 1, 'page 2': 2, [`page ${deepPage(bench)}`]: deepPage(bench) };
    const [gateway, floor] = [await bench.server('gateway'), await bench.server('floor')];
    const shots: Shot[] = [];
    for (const [name, page] of Object.entries(pages)) {
      const after = pageStart(bench, page);
      const shot: Shot = { name, server: gateway, bodies: [pageBody(after === null ? null : cursorOf(after))] };
      await requireEqualAnswers([shot, { name: 'floor', server: floor, bodies: [pageBody(after)] }]);
      shots.push(shot);
    }
    const samples = await rounds(bench.range(WARM.page), shots);
    const [, , deep = ''] = Object.keys(pages);
    return {
      name: 'Q2pages',
      title: 'The page after it by cursor, and a page deep in the list',
      about: 'The gateway alone. A cursor leads into the index, so no page costs more for those before it.',
      rows: resultsOf(samples),
      goals: [
        ...ratioGoals('Q2pages', samples, [{ of: 'page 2', against: 'page 1', by: 'serverCpu', limit: 1.1 }]),
        ...ratioGoals('Q2pages', samples, [{ of: deep, against: 'page 1', by: 'p50', limit: 1.1 }]).map((goal) => ({ ...goal, name: 'Q2pages: p50 of a deep page ÷ page 1' })),
      ],
    };
  },
};
