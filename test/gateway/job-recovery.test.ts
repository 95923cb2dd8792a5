import { expect, it } from 'vitest';
import { advance, EVALUATION, newCustomer, submit } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER, EVENTS } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';

// Jobs that were under way in a process which has ended without a word.
const gateway = useGateway();
const TAKEN_UP_WITHIN_MILLISECONDS = 5_000;
/** Seconds after which an evaluation that has not ended is stuck, by the default policy; and how often a client looks meanwhile. */
const STUCK_AFTER = 72 * 3_600;
const LOOKS = 30;
const REPLICAS = 2;
const isEmbedded = process.env['TEST_DATABASE'] !== 'postgresql';

/** Somebody whose evaluation waits in the queue. */
async function waiting() {
  const { partner } = await gateway.organization();
  const customerId = await newCustomer(partner);
  const identityId = await submit(partner, customerId, CALIFORNIAN, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
  await advance(partner, 0);
  return { key: partner.key, customerId, identityId };
}

it('a job whose worker has ended is taken up again within 5 s, once, even after its last attempt; one whose worker lives is left to it', async () => {
  const dead = await waiting();
  const alive = await waiting();
  await gateway.behindItsBack(async (query) => {
    const begun = `update pgboss.job set state = 'active', started_on = now(), retry_count = retry_limit, heartbeat_on = now() + $2::interval where name = 'verification.conclude' and data->>'identityId' = $1 and state = 'created' returning id`;
    expect(await query(begun, [dead.identityId, '-1 hour'])).toHaveLength(1);
    expect(await query(begun, [alive.identityId, '1 hour'])).toHaveLength(1);
  });
  const partner = gateway.client(dead.key);
  const began = performance.now();
  await advance(partner, EVALUATION);
  expect(performance.now() - began).toBeLessThan(TAKEN_UP_WITHIN_MILLISECONDS);
  expect((await partner.request(CUSTOMER, { id: dead.customerId })).customer?.identity?.status).toBe('AWAITING_SIGNATURE');
  const { events } = await partner.request(EVENTS, { filter: { customerId: dead.customerId, types: ['identity.status_changed'] } });
  expect(events.nodes.map(({ newStatus }) => newStatus)).toEqual(['INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_SIGNATURE']);
  const [job] = await gateway.behindItsBack((query) => query(`select state from pgboss.job where name = 'verification.conclude' and data->>'identityId' = $1`, [alive.identityId]));
  // The embedded database is one process's: whoever was at a job when it starts is gone.
  expect(job?.['state'] === 'active').toBe(!isEmbedded);
});

// The embedded database is one process's: nobody can say behind its back that a worker is busy.
it.skipIf(isEmbedded)('a clock that is moved waits for what a worker is busy with before it comes to what falls due after it', async () => {
  const { key, identityId } = await waiting();
  const partner = gateway.client(key);
  const told = async () => (await partner.request(EVENTS, { filter: { types: ['identity.stuck', 'identity.status_changed'] } })).events.nodes.map(({ newStatus }) => newStatus);
  const become = (state: 'active' | 'created', heartbeat: string) =>
    gateway.behindItsBack((query) => query(`update pgboss.job set state = $1, heartbeat_on = now() + $2::interval where name = 'verification.conclude' and data->>'identityId' = $3 returning id`, [state, heartbeat, identityId]));
  expect(await become('active', '1 hour')).toHaveLength(1);
  const moved = advance(partner, STUCK_AFTER);
  for (let look = 0; look < LOOKS; look += 1) expect(await told()).toEqual(['INITIATING', 'EVALUATING_SUBMISSION']);
  await become('created', '0');
  await moved;
  expect(await told()).toEqual(['INITIATING', 'EVALUATING_SUBMISSION', 'AWAITING_SIGNATURE']);
});

it.skipIf(isEmbedded)('replicas that start at the same moment all start', async () => {
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => gateway.replica()));
  await Promise.all(replicas.map((replica) => replica.stop()));
  expect(replicas).toHaveLength(REPLICAS);
});
