import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.js';
import { CREATE_CUSTOMER, EVENTS } from '../../support/operations.js';
import type { Client } from '../../support/client.js';
import { inLanes, scaled, told } from '../support/scale.js';

// One key, many times at once.
const gateway = useGateway();
const KEYS = scaled(100, 5);
const DUPLICATES = 50;

/** Sends the same request so many times at once. @returns what came of it. */
async function send(partner: Client, name: string, key: string | null) {
  const answers = await Promise.all(
    Array.from({ length: DUPLICATES }, () => partner.send(CREATE_CUSTOMER, { input: { email: `${name}@example.com` } }, key === null ? {} : { 'idempotency-key': key })),
  );
  const codes = answers.flatMap(({ errors }) => errors?.[0]?.extensions?.['code'] ?? []);
  const customers = new Set(answers.flatMap(({ data }) => data?.createCustomer.customer.id ?? []));
  return { refused: codes.length, others: codes.filter((code) => code !== 'IDEMPOTENCY_KEY_EXISTS'), customers: customers.size };
}

async function created(partner: Client): Promise<number> {
  let count = 0;
  for (let after: string | null | undefined = null, more = true; more; ) {
    const { events }: { events: { nodes: object[]; pageInfo: { endCursor?: string | null; hasNextPage: boolean } } } = await partner.request(EVENTS, { after, filter: { types: ['customer.created'] } });
    count += events.nodes.length;
    after = events.pageInfo.endCursor;
    more = events.pageInfo.hasNextPage;
  }
  return count;
}

it(`${KEYS} keys × ${DUPLICATES} duplicates at once: one effect each, the same answer or IDEMPOTENCY_KEY_EXISTS`, async () => {
  const { partner } = await gateway.organization();
  let refused = 0;
  await inLanes(Array.from({ length: KEYS }), 2, async (_item, index) => {
    const outcome = await send(partner, `key${index}`, `key ${index}`);
    expect([outcome.customers, outcome.others]).toEqual([1, []]);
    refused += outcome.refused;
  });
  const effects = await created(partner);
  told('duplicates', { keys: KEYS, requests: KEYS * DUPLICATES, effects, 'answered IDEMPOTENCY_KEY_EXISTS': refused });
  expect(effects).toBe(KEYS);
});

it('control: without a key there are as many effects as requests', async () => {
  const { partner } = await gateway.organization();
  expect((await send(partner, 'keyless', null)).customers).toBe(DUPLICATES);
});
