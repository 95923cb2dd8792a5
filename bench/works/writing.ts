import type { Bench, Work } from '../bench.ts';
import { CREATE_FUNCTION, onboardings } from '../contenders/postgraphile-writing.ts';
import { resultsOf, rounds, WRITERS, type Shot } from '../measure/rounds.ts';
import { creations } from './flows.ts';
import { ratioGoals } from './reading.ts';

/** Flows, by count. */
const WARM = 12_000;

/** For information: not in the short form. The queue has to be there. */
export async function postgraphileShot(bench: Bench, headers: NonNullable<Shot['headers']>): Promise<Shot> {
  // It reads the schema when it starts: the function is there before.
  await bench.cluster.psql('commands', CREATE_FUNCTION);
  return { name: 'postgraphile', server: await bench.server('postgraphile', 'commands'), bodies: onboardings(creations()), headers };
}

export const M1: Work = {
  name: 'M1',
  async run(bench) {
    const callers = bench.dataset.organizations.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` }));
    // The gateway first: it makes the queue that both write to.
    const gateway: Shot = { name: 'gateway', server: await bench.server('gateway-without-workers', 'commands'), bodies: creations(), headers: callers };
    const byHand: Shot = { name: 'by-hand', server: await bench.server('by-hand', 'commands'), bodies: creations(), headers: callers };
    const shots = [byHand, ...(bench.extent.divisor === 1 ? [await postgraphileShot(bench, callers)] : []), gateway];
    const samples = await rounds(bench.range(WARM, WRITERS), shots);
    return {
      name: 'M1',
      title: 'createCustomer and submitIdentity, everything on',
      about: 'Two requests of a partner, each with its Idempotency-Key, spread over all organizations: encryption, events, audit trail, jobs. Nobody works the jobs off here: E1 has that. By hand: the same statements of the two requests through pg, prepared, in the same transactions, each when the one before is answered; it tells no other process of them, as the gateway does when they are committed. Figures are of both requests together. PostGraphile, for information: one mutation, a function of the database that writes the rows of both in one transaction, each once; it asks nobody for a key’s secret, checks nothing of what it is given, and encrypts nothing: what is sealed are bytes of the same length. Its figures are of its one request.',
      rows: resultsOf(samples),
      chart: 'server CPU µs',
      goals: ratioGoals('M1', samples, [{ against: 'by-hand', by: 'serverCpu', limit: 2 }]),
    };
  },
};
