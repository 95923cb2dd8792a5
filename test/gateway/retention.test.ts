import { beforeAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { erase, leftOf, PLACE_HOLD, RELEASE_HOLD } from '../support/erasing.js';
import { advance, bringTo, newCustomer, submit, WAITING } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';
import { DEACTIVATE, EVENTS, PATCH_CUSTOMER, REACTIVATE } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { MovableClock } from '../support/receiver.js';

const SET_RETENTION = graphql(`
  mutation SetRetention($input: UpdatePolicyInput!) {
    updatePolicy(input: $input) {
      organization {
        policy {
          retentionDays
        }
      }
    }
  }
`);

const ERASED_AT = graphql(`
  query ErasedAt($id: ID!) {
    customer(id: $id) {
      status
      email
      erasedAt
    }
  }
`);

const ENTRIES = graphql(`
  query RetentionAudited($customerId: ID!) {
    auditTrail(filter: { customerId: $customerId, kinds: [ERASURE] }) {
      nodes {
        operation
        actor
        role
        reason
      }
    }
  }
`);

const DAY = 86_400;
const deactivate = (partner: Client, customerId: string) => partner.request(DEACTIVATE, { input: { customerId, reason: 'Closed.' } });
const isErased = async (client: Client, id: string): Promise<boolean> => (await client.request(ERASED_AT, { id })).customer?.erasedAt != null;

describe('retention by policy', () => {
  const gateway = useGateway({}, { workers: false });
  let organization: TestOrganization;
  let admin: Client;
  const setRetention = async (days: number | null) => (await admin.request(SET_RETENTION, { input: { policy: { retentionDays: days } } })).updatePolicy.organization.policy.retentionDays ?? null;

  beforeAll(async () => {
    organization = await gateway.organization();
    admin = gateway.client(await gateway.key(organization.id, 'ADMIN'));
  });

  it.each([0, -1, 36_501])('of %i days is BAD_USER_INPUT, and changes nothing', async (days) => {
    await setRetention(10);
    expect(await admin.refusal(SET_RETENTION, { input: { policy: { retentionDays: days } } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'policy.retentionDays', code: 'out_of_range' }] });
    const { json } = await admin.post({ query: '{ organization { policy { retentionDays } } }' });
    expect(json.data).toEqual({ organization: { policy: { retentionDays: 10 } } });
  });

  it('erases who was closed so many days ago, and nobody else; a hold, and a new beginning, stop it', async () => {
    const { partner } = organization;
    expect(await setRetention(10)).toBe(10);
    const person = async (name: string): Promise<string> => newCustomer(partner, { email: `${name}@example.com` });
    const [created, active, closed, reopened, held, declined, begunAnew] = [
      await person('created'), (await bringTo(gateway, 'APPROVED', { organization })).customerId, await person('closed'), await person('reopened'), await person('held'), await person('test-rejected'), await person('test-rejected+again'),
    ] as const;
    for (const id of [declined, begunAnew]) await submit(partner, id, GERMAN);
    await advance(partner, 60);
    for (const id of [closed, reopened, held]) await deactivate(partner, id);
    await admin.request(PLACE_HOLD, { input: { customerId: held, reason: 'Case 4711.' } });
    await advance(partner, 9 * DAY);
    const everybody = { created, active, closed, reopened, held, declined, begunAnew };
    const erased = async (): Promise<string[]> => (await Promise.all(Object.entries(everybody).map(async ([name, id]) => ((await isErased(partner, id)) ? [name] : [])))).flat();
    expect(await erased()).toEqual([]);
    await partner.request(REACTIVATE, { input: { customerId: reopened } });
    await partner.request(PATCH_CUSTOMER, { input: { customerId: begunAnew, email: 'somebody@example.com', kycData: { legalFirstName: 'Ada' } } });
    await advance(partner, 2 * DAY);
    expect(await erased()).toEqual(['closed', 'declined']);
    await admin.request(RELEASE_HOLD, { input: { customerId: held, reason: 'The case is closed.' } });
    await advance(partner, DAY);
    expect(await erased()).toEqual(['closed', 'held', 'declined']);
    const { nodes } = (await admin.request(ENTRIES, { customerId: closed })).auditTrail;
    expect(nodes).toEqual([{ operation: 'customer.retention', actor: 'customer.retention', role: 'SYSTEM', reason: 'Policy keeps the data no longer.' }]);
    expect((await partner.request(EVENTS, { filter: { customerId: closed } })).events.nodes.map(({ type }) => type)).toEqual(['customer.created', 'customer.state_changed', 'customer.erased']);
    expect(await leftOf(gateway, [closed, held, declined])).toEqual([]);
  }, 120_000);

  it('counts from the expiry of an attempt that nobody went on with', async () => {
    const { partner, id } = await gateway.organization();
    const own = gateway.client(await gateway.key(id, 'ADMIN'));
    await own.request(SET_RETENTION, { input: { policy: { retentionDays: 5 } } });
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, { ...CALIFORNIAN, address: null });
    await advance(partner, WAITING + 4 * DAY);
    expect((await partner.request(ERASED_AT, { id: customerId })).customer).toMatchObject({ status: 'NEEDS_ADDITIONAL_INFORMATION', erasedAt: null });
    await advance(partner, 2 * DAY);
    expect(await isErased(partner, customerId)).toBe(true);
  });

  it('follows the policy of now: what is set later holds for who was closed before, and null keeps everyone', async () => {
    const { partner, id } = await gateway.organization();
    const own = gateway.client(await gateway.key(id, 'ADMIN'));
    const customerId = await newCustomer(partner);
    await deactivate(partner, customerId);
    await advance(partner, 400 * DAY);
    await own.request(SET_RETENTION, { input: { policy: { retentionDays: 500 } } });
    await own.request(SET_RETENTION, { input: { policy: { retentionDays: null } } });
    await advance(partner, 400 * DAY);
    expect(await isErased(partner, customerId)).toBe(false);
    await own.request(SET_RETENTION, { input: { policy: { retentionDays: 500 } } });
    await advance(partner, 0);
    expect(await isErased(partner, customerId)).toBe(true);
  });

  it('comes through with more than one batch, one erased beforehand among them', async () => {
    const PEOPLE = 130;
    const { partner, id } = await gateway.organization();
    const own = gateway.client(await gateway.key(id, 'ADMIN'));
    const customers: string[] = [];
    for (let index = 0; index < PEOPLE; index += 1) customers.push(await newCustomer(partner));
    await Promise.all(customers.map((customerId) => deactivate(partner, customerId)));
    await erase(partner, customers[50]!);
    await own.request(SET_RETENTION, { input: { policy: { retentionDays: 1 } } });
    await advance(partner, 2 * DAY);
    const states = await Promise.all(customers.map((customerId) => isErased(partner, customerId)));
    expect(states.filter(Boolean)).toHaveLength(PEOPLE);
    const { json } = await partner.post({ query: '{ events(first: 100, filter: { types: ["customer.erased"] }) { nodes { id } pageInfo { hasNextPage endCursor } } }' });
    const page = (json.data as { events: { nodes: unknown[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }).events;
    const rest = await partner.post({ query: 'query ($after: String) { events(first: 100, after: $after, filter: { types: ["customer.erased"] }) { nodes { id } } }', variables: { after: page.pageInfo.endCursor } });
    expect(page.nodes.length + (rest.json.data as { events: { nodes: unknown[] } }).events.nodes.length).toBe(PEOPLE);
  }, 180_000);
});

describe('by itself', () => {
  const clock = new MovableClock();
  const overrides = { clock, workers: false };
  const gateway = useGateway({}, overrides);

  it('a live organization erases what is due, once somebody works', async () => {
    const { partner, id } = await gateway.organization('LIVE');
    const admin = gateway.client(await gateway.key(id, 'ADMIN'));
    const [closed, kept] = [await newCustomer(partner), await newCustomer(partner)];
    await deactivate(partner, closed);
    await admin.request(SET_RETENTION, { input: { policy: { retentionDays: 30 } } });
    clock.advance(31 * DAY * 1_000);
    overrides.workers = true;
    await gateway.stop();
    await gateway.start();
    const again = gateway.client(partner.key);
    await expect.poll(() => isErased(again, closed), { timeout: 30_000 }).toBe(true);
    expect(await isErased(again, kept)).toBe(false);
  });
});
