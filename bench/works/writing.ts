import type { Work } from '../bench.ts';
import { resultsOf, rounds, type Shot } from '../measure/rounds.ts';
import { creations } from './flows.ts';
import { ratioGoals } from './reading.ts';

/** Flows, by count. */
const WARM = 12_000;

export const M1: Work = {
  name: 'M1',
  async run(bench) {
    const callers = bench.dataset.organizations.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` }));
    // The gateway first: it makes the queue that both write to.
    const gateway: Shot = { name: 'gateway', server: await bench.server('gateway-without-workers', 'commands'), bodies: creations(), headers: callers };
    const byHand: Shot = { name: 'by-hand', server: await bench.server('by-hand', 'commands'), bodies: creations(), headers: callers };
    const samples = await rounds(bench.range(WARM), [byHand, gateway]);
    return {
      name: 'M1',
      title: 'createCustomer and submitIdentity, everything on',
      about: 'Two requests of a partner, each with its Idempotency-Key, spread over all organizations: encryption, events, audit trail, jobs. Nobody works the jobs off here: E1 has that. By hand: the same statements of the two requests through pg, prepared, in the same transactions, each when the one before is answered. Figures are of both requests together.',
      rows: resultsOf(samples),
      chart: 'server CPU µs',
      goals: ratioGoals('M1', samples, [{ against: 'by-hand', by: 'serverCpu', limit: 2 }]),
    };
  },
};
