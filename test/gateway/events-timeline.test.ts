import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { advance, bringTo, EVALUATION, newCustomer, submit } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { EVENTS } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

const gateway = useGateway();

const TIMELINES = graphql(`
  query Timelines($customerId: ID!, $after: String) {
    customer(id: $customerId) {
      events(after: $after, first: 100) {
        nodes {
          id
          type
          customerId
        }
      }
      identity {
        events(first: 2) {
          nodes {
            type
            oldStatus
            newStatus
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`);

const NODE = graphql(`
  query EventNode($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Event {
        type
        newStatus
      }
    }
  }
`);

describe('Query.events', () => {
  it('pages through everything that has happened, oldest first, each event once', async () => {
    const { partner } = await bringTo(gateway, 'APPROVED');
    const whole = (await partner.request(EVENTS, {})).events;
    expect(whole.nodes.length).toBeGreaterThan(20);
    expect(whole.nodes[0]).toMatchObject({ type: 'customer.created', oldStatus: null, newStatus: 'CREATED' });
    const paged: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { events }: { events: typeof whole } = await partner.request(EVENTS, { first: 7, after });
      paged.push(...events.nodes.map((event) => event.id));
      expect(events.edges.map((edge) => edge.cursor)).toEqual(events.nodes.map((event) => event.cursor));
      expect(events.pageInfo).toMatchObject({ hasPreviousPage: after !== null, startCursor: events.edges[0]!.cursor, endCursor: events.edges.at(-1)!.cursor });
      after = events.pageInfo.endCursor ?? null;
      more = events.pageInfo.hasNextPage;
    }
    expect(paged).toEqual(whole.nodes.map((event) => event.id));
    expect(new Set(paged).size).toBe(paged.length);
  });

  it('filters by types, by customer and by attempt; an empty list of types is the type of nothing', async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    const other = await newCustomer(partner, { email: 'other@example.com' });
    const typesOf = async (filter: { types?: string[]; customerId?: string; identityId?: string }) => (await partner.request(EVENTS, { filter })).events.nodes.map((event) => event.type);
    expect(await typesOf({ customerId: other })).toEqual(['customer.created']);
    expect(new Set(await typesOf({ types: ['customer.created', 'document.status_changed'] }))).toEqual(new Set(['customer.created', 'document.status_changed']));
    expect(await typesOf({ identityId, types: ['customer.created'] })).toEqual([]);
    expect(await typesOf({ types: [] })).toEqual([]);
    expect(await typesOf({ customerId, identityId })).toEqual(await typesOf({ identityId }));
  });

  it('refuses unknown types, each by its place, and pages of no size', async () => {
    const { partner } = await gateway.organization();
    expect(await partner.refusal(EVENTS, { filter: { types: ['customer.created', 'customer.*', 'nothing'] } })).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'filter.types.1' }, { path: 'filter.types.2' }],
    });
    for (const first of [0, 101]) expect(await partner.refusal(EVENTS, { first })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'first' }] });
  });

  it('shows nothing of another organization', async () => {
    const [own, other] = [await gateway.organization(), await gateway.organization()];
    const customerId = await newCustomer(other.partner);
    const [event] = (await other.partner.request(EVENTS, {})).events.nodes;
    expect((await own.partner.request(EVENTS, { filter: { customerId } })).events.nodes).toEqual([]);
    expect(await own.partner.refusal(NODE, { id: event!.id })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('holds no KYC data', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner, { email: 'secret@example.com', firstName: 'Augusta' });
    await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    const text = JSON.stringify((await partner.request(EVENTS, {})).events);
    const values = [...Object.values({ ...GERMAN, ...GERMAN.address, nationalIdType: null }), 'secret@example.com', 'Augusta'].filter((value): value is string => typeof value === 'string' && value.length > 3);
    expect(values.length).toBeGreaterThan(8);
    for (const value of values) expect(text).not.toContain(`"${value}"`);
  });
});

describe('the timeline', () => {
  it('of a customer holds what belongs to it, of an attempt what belongs to that; both go on from a cursor', async () => {
    const { partner, customerId } = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
    await newCustomer(partner, { email: 'other@example.com' });
    const { customer } = await partner.request(TIMELINES, { customerId });
    const types = customer!.events.nodes.map((event) => event.type);
    expect(types[0]).toBe('customer.created');
    expect(types).toContain('document.status_changed');
    expect(new Set(customer!.events.nodes.map((event) => event.customerId))).toEqual(new Set([customerId]));
    const { nodes, pageInfo } = customer!.identity!.events;
    expect(nodes).toMatchObject([{ type: 'identity.status_changed', oldStatus: null, newStatus: 'INITIATING' }, { type: 'kyc.verification.submitted' }]);
    expect(pageInfo.hasNextPage).toBe(true);
    const later = await partner.request(TIMELINES, { customerId, after: pageInfo.endCursor! });
    expect(customer!.events.nodes.slice(-later.customer!.events.nodes.length)).toEqual(later.customer!.events.nodes);
    expect(await partner.refusal(TIMELINES, { customerId, after: 'nonsense' })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] });
  });
});

describe('node', () => {
  it('finds an event by its id', async () => {
    const { partner } = await gateway.organization();
    await newCustomer(partner);
    const [event] = (await partner.request(EVENTS, {})).events.nodes;
    expect((await partner.request(NODE, { id: event!.id })).node).toEqual({ __typename: 'Event', id: event!.id, type: 'customer.created', newStatus: 'CREATED' });
  });
});
