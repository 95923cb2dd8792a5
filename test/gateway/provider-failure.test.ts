import { describe, expect, it } from 'vitest';
import { PHOTO_ID_DEMAND } from '../../src/kyc/demands.js';
import { manualProvider } from '../../src/verification/manual.js';
import type { Provider } from '../../src/verification/provider.js';
import { newCustomer, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER, EVENTS, REVIEW } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

/** Answers, until it is out of order. */
let isBroken = true;
let asked = 0;
const down = (): Promise<never> => {
  asked += 1;
  return Promise.reject(new Error('CANARY: the provider does not answer'));
};
const provider: Provider = {
  ...manualProvider(),
  evaluate: (subject) => (isBroken ? down() : manualProvider().evaluate(subject).then((verdict) => ({ ...verdict, outcome: 'PASS', demands: [PHOTO_ID_DEMAND] }))),
  checkDocuments: down,
};
const gateway = useGateway({}, { providers: { SANDBOX: provider } });

/** Makes the next try of what has failed the last one, and now: where a step takes no time, the job that began it asks the provider. @returns whether there was such a job. */
async function exhaust(): Promise<boolean> {
  const rows = await gateway.behindItsBack((query) => query(`update pgboss.job set retry_count = retry_limit, start_after = now() where state = 'retry' and name = 'verification.continue' returning id`));
  return rows.length > 0;
}

async function givenUp(customerId: string, identityId: string, key: string): Promise<void> {
  const partner = () => gateway.client(key);
  await expect.poll(exhaust, { timeout: 20_000 }).toBe(true);
  const standing = async () => (await partner().request(CUSTOMER, { id: customerId })).customer;
  await expect.poll(async () => (await standing())?.identity?.status, { timeout: 20_000 }).toBe('IN_REVIEW');
  expect((await standing())?.identity?.errorDescription).toBe('An automatic check could not be made; a person will look at it.');
  const { events } = await partner().request(EVENTS, { filter: { identityId } });
  expect(events.nodes.filter(({ type }) => type === 'kyc.verification.error')).toMatchObject([{ customerId, identityId, newStatus: 'IN_REVIEW' }]);
  expect(JSON.stringify(events)).not.toContain('CANARY');
}

describe('a provider that fails for good', () => {
  it('at the evaluation leads on to a person, who decides; kyc.verification.error says so, once', async () => {
    isBroken = true;
    const { partner, reviewer } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    await givenUp(customerId, identityId, partner.key!);
    expect(asked).toBeGreaterThanOrEqual(2);
    await gateway.client(reviewer.key!).request(REVIEW, { input: { identityId, decision: 'APPROVE' } });
    expect((await gateway.client(partner.key!).request(CUSTOMER, { id: customerId })).customer?.status).toBe('ACTIVE');
  });

  it('at the check of documents does the same, and keeps the documents', async () => {
    isBroken = false;
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    const client = () => gateway.client(partner.key!);
    await expect.poll(async () => (await client().request(CUSTOMER, { id: customerId })).customer?.identity?.status, { timeout: 20_000 }).toBe('AWAITING_DOCUMENT_UPLOAD');
    const documentId = await submitPassport(client(), identityId);
    await givenUp(customerId, identityId, partner.key!);
    expect((await client().request(CUSTOMER, { id: customerId })).customer?.identity?.documents).toMatchObject([{ id: documentId, status: 'PROCESSING' }]);
  });
});
