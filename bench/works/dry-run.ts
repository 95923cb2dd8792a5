import type { Work } from '../bench.ts';
import { kycDataOf } from '../data/people.ts';
import { column, resultsOf, rounds } from '../measure/rounds.ts';
import { figure } from '../measure/statistics.ts';

const QUERY = 'query Q3($kycData: KycDataInput!) { requirements(kycData: $kycData, transactionType: EU_INDIVIDUAL) { kind field code message acceptedDocuments } }';
const PEOPLE = 200;
const WARM = 40_000;
const MICROSECONDS_PER_SECOND = 1_000_000;

/** Dry runs of so many people. */
export function dryRuns(): string[] {
  return Array.from({ length: PEOPLE }, (_, number) => JSON.stringify({ query: QUERY, variables: { kycData: kycDataOf(number) } }));
}

export const Q3: Work = {
  name: 'Q3',
  async run(bench) {
    const samples = await rounds(bench.range(WARM), [{ name: 'gateway', server: await bench.server('gateway'), bodies: dryRuns() }]);
    const perCore = figure(column(samples, 'gateway', 'serverCpu').map((microseconds) => MICROSECONDS_PER_SECOND / microseconds));
    return {
      name: 'Q3',
      title: 'The dry run: what a person like this would have to provide',
      about: 'Everything that a complete submission has is validated, and what is still required is answered. What the server’s processor time comes to when one core does nothing else.',
      rows: resultsOf(samples),
      goals: [{ name: 'Q3: dry runs a second a core', value: perCore, limit: 5_000, better: 'higher', isAbsolute: true }],
    };
  },
};
