import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Client as DatabaseClient } from 'pg';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.js';
import { bringTo, CONTRACTS, newCustomer, signature } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { IDENTITY_CHANGES } from '../support/changes.js';
import { CREATE_CUSTOMER, CUSTOMER, EVENTS, PATCH_CUSTOMER, PATCH_IDENTITY, REVIEW, SNAPSHOT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';

const gateway = useGateway();
/** Without workers a status stays until somebody asks for the next. */
const still = useGateway({}, { workers: false });

const TOGETHER = 20;

type Headers = Record<string, string>;

/** Asks so often at once. Who is told to come again later does so with the same key, as any client should: the machine may be busy. */
function times<Data>(count: number, ask: (index: number, headers: Headers) => Promise<Answer<Data>>): Promise<Answer<Data>[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => {
    const headers = { 'idempotency-key': randomUUID() };
    for (;;) {
      const answer = await ask(index, headers);
      const { code, retryAfter } = answer.errors?.[0]?.extensions ?? {};
      if (code !== 'SERVICE_UNAVAILABLE') return answer;
      await setTimeout(Number(retryAfter) * 1_000);
    }
  }));
}

function codes<Data>(answers: readonly Answer<Data>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { errors } of answers) {
    const code = String(errors?.[0]?.extensions?.['code'] ?? 'accepted');
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

describe('at the same moment', () => {
  it(`${TOGETHER} submissions for one customer: one is accepted, the rest are PATCH_NOT_ALLOWED`, async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const answers = await times(TOGETHER, (_index, headers) => partner.send(SUBMIT_IDENTITY, { input: { customerId, kycData: CALIFORNIAN } }, headers));
    expect(codes(answers)).toEqual({ accepted: 1, PATCH_NOT_ALLOWED: TOGETHER - 1 });
    const { customer } = await partner.request(SNAPSHOT, { id: customerId });
    expect(customer?.identities.nodes).toHaveLength(1);
  });

  it(`${TOGETHER} patches of a customer without an attempt: one begins it, the rest are PATCH_NOT_ALLOWED`, async () => {
    const { partner } = await still.organization();
    const customerId = await newCustomer(partner);
    const answers = await times(TOGETHER, (_index, headers) => partner.send(PATCH_CUSTOMER, { input: { customerId, kycData: CALIFORNIAN } }, headers));
    expect(codes(answers)).toEqual({ accepted: 1, PATCH_NOT_ALLOWED: TOGETHER - 1 });
  });

  it(`${TOGETHER} customers of one partnerUserId: one is created, the rest are BAD_USER_INPUT, taken`, async () => {
    const { partner } = await gateway.organization();
    const answers = await times(TOGETHER, (_index, headers) => partner.send(CREATE_CUSTOMER, { input: { partnerUserId: 'one-of-a-kind' } }, headers));
    expect(codes(answers)).toEqual({ accepted: 1, BAD_USER_INPUT: TOGETHER - 1 });
    const refused = answers.flatMap(({ errors }) => errors?.[0]?.extensions?.['fields'] ?? []);
    expect(refused).toEqual(Array.from({ length: TOGETHER - 1 }, () => expect.objectContaining({ path: 'partnerUserId', code: 'taken' })));
  });

  it('approve and decline: one of them is the decision', async () => {
    for (let round = 0; round < 3; round += 1) {
      const person = await bringTo(still, 'IN_REVIEW');
      const changes = await person.partner.subscribe(IDENTITY_CHANGES, { identityId: person.identityId });
      const answers = await times(4, (index, headers) => person.reviewer.send(REVIEW, { input: { identityId: person.identityId, decision: index % 2 ? 'DECLINE' : 'APPROVE' } }, headers));
      expect(codes(answers)).toEqual({ accepted: 1, PATCH_NOT_ALLOWED: 3 });
      const decided = answers.find(({ errors }) => !errors)?.data?.reviewIdentity.identity.status;
      expect((await person.partner.request(CUSTOMER, { id: person.customerId })).customer?.identity?.status).toBe(decided);
      expect((await changes.take(1)).map(({ identityStatusChanged }) => identityStatusChanged.newStatus)).toEqual([decided]);
      await changes.close();
    }
  });

  it('the same signatures several times: each contract is signed once', async () => {
    const person = await bringTo(still, 'AWAITING_SIGNATURE');
    const answers = await times(9, (index, headers) =>
      person.partner.send(SUBMIT_SIGNATURES, { input: { identityId: person.identityId, signatures: [signature(CONTRACTS[index % CONTRACTS.length]!)] } }, headers),
    );
    expect(codes(answers)['accepted']).toBe(CONTRACTS.length);
    const { customer } = await person.partner.request(SNAPSHOT, { id: person.customerId });
    expect(customer?.identities.nodes[0]?.signatures.map(({ contractType }) => contractType).toSorted()).toEqual(CONTRACTS.toSorted());
    expect(customer?.identities.nodes[0]?.status).toBe('SIGNATURE_SUBMITTED');
  });

  it(`${TOGETHER} patches of ids alone: every one is counted, and versions have no gap`, async () => {
    const person = await bringTo(still, 'INCOMPLETE_VERIFICATIONS');
    const before = (await person.partner.request(CUSTOMER, { id: person.customerId })).customer!.identity!.version;
    const answers = await times(TOGETHER, (index, headers) => person.partner.send(PATCH_IDENTITY, { input: { identityId: person.identityId, userId: `user-${index}` } }, headers));
    const versions = answers.map(({ data }) => data?.patchIdentity.identity.version ?? 0).toSorted((one, other) => one - other);
    expect(versions).toEqual(Array.from({ length: TOGETHER }, (_, index) => before + index + 1));
  });
});

/** Somebody else's transaction, on a server. */
describe.skipIf(process.env['TEST_DATABASE'] !== 'postgresql')('a lock that somebody else holds', () => {
  /** Locks the organization's ledger, which every command needs, until `until` is done with watching who waits. */
  async function held<Result>(organizationId: string, ask: () => Promise<Result>, until: (waiting: () => Promise<string[]>) => Promise<void>): Promise<Result> {
    const [holder, watcher] = await Promise.all([new DatabaseClient(gateway.databaseUrl!), new DatabaseClient(gateway.databaseUrl!)].map(async (client) => (await client.connect(), client)));
    try {
      await holder!.query('begin');
      await holder!.query('select from organization_ledger where organization_id = $1 for update', [organizationId]);
      const answer = ask();
      await until(async () => (await watcher!.query<{ id: string }>('select virtualtransaction as id from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()')).rows.map(({ id }) => id));
      await holder!.query('commit');
      return await answer;
    } finally {
      await Promise.all([holder!.end(), watcher!.end()]);
    }
  }

  it('for longer than a command waits for it: the command runs again by itself, and happens once', async () => {
    const { id, partner } = await gateway.organization();
    const seen = new Set<string>();
    const answer = await held(id, () => partner.send(CREATE_CUSTOMER, { input: { partnerUserId: 'waits' } }), async (waiting) => {
      while (seen.size < 2) for (const transaction of await waiting()) seen.add(transaction);
    });
    expect(answer.errors).toBeUndefined();
    expect((await partner.request(EVENTS, { filter: { types: ['customer.created'] } })).events.nodes).toHaveLength(1);
  });

  it('for good: SERVICE_UNAVAILABLE within ten seconds, and nothing has happened', async () => {
    const { id, partner } = await gateway.organization();
    const began = performance.now();
    let answer: Answer<unknown> | undefined;
    await held(id, async () => (answer = await partner.send(CREATE_CUSTOMER, { input: { partnerUserId: 'waits' } })), async (waiting) => {
      while (!answer) await waiting();
    });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(answer?.errors?.[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
    expect((await partner.request(EVENTS, { filter: { types: ['customer.created'] } })).events.nodes).toEqual([]);
  });
});
