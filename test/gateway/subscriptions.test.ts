import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, REVIEWING, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES, DOCUMENT_CHANGES, IDENTITY_CHANGES } from '../support/changes.js';
import { CUSTOMER } from '../support/operations.js';
import { GERMAN } from '../support/people.js';
import { EventStream, RawSocket } from '../support/streams.js';
import { print } from 'graphql';

const gateway = useGateway();

const WITH_DOCUMENTS = graphql(`
  subscription ChangesWithDocuments($customerId: ID) {
    customerStatusChanged(customerId: $customerId) {
      newStatus
      customer {
        status
        version
        identity {
          id
          status
          documents {
            id
            status
          }
        }
      }
    }
  }
`);

const WHICH_CUSTOMER = graphql(`
  subscription WhichCustomer {
    customerStatusChanged {
      newStatus
      customer {
        __typename
        id
      }
    }
  }
`);

const WHICH_IDENTITY = graphql(`
  subscription WhichIdentity {
    identityStatusChanged {
      newStatus
      identity {
        id
      }
      again: identity {
        __typename
        id
        customer {
          id
        }
      }
    }
  }
`);

const WHICH_DOCUMENT = graphql(`
  subscription WhichDocument {
    documentStatusChanged {
      newStatus
      document {
        which: id
      }
    }
  }
`);

/** Subscribers at once. */
const MANY = 50;
/** Changes of a German's attempt, from submission to approval. */
const GERMAN_STEPS = 6;

/** Takes a German from nothing to ACTIVE. */
async function verify(partner: Client): Promise<{ customerId: string; identityId: string; documentId: string }> {
  const customerId = await newCustomer(partner);
  const identityId = await submit(partner, customerId, GERMAN);
  await advance(partner, EVALUATION);
  const documentId = await submitPassport(partner, identityId);
  await advance(partner, DOCUMENT_CHECK + REVIEWING);
  return { customerId, identityId, documentId };
}

describe('subscriptions', () => {
  it('tell the same changes in the same order over WebSocket and over Server-Sent Events', async () => {
    const { partner } = await gateway.organization();
    const [socket, stream] = [await partner.subscribe(IDENTITY_CHANGES, {}), await EventStream.open(partner, IDENTITY_CHANGES, {})];
    await verify(partner);
    await verify(partner);
    const told = <Event extends { identityStatusChanged: { id: string; cursor: string; version: number; newStatus: string } }>(events: Event[]) =>
      events.map(({ identityStatusChanged: { id, cursor, version, newStatus } }) => ({ id, cursor, version, newStatus }));
    const [bySocket, byStream] = [told(await socket.take(2 * GERMAN_STEPS)), told(await stream.take(2 * GERMAN_STEPS))];
    expect(byStream).toEqual(bySocket);
    expect(new Set(bySocket.map(({ id }) => id)).size).toBe(2 * GERMAN_STEPS);
    await socket.close();
    stream.close();
  });

  it('tell which object has changed where nothing else is asked of it, beside all that is asked', async () => {
    const { partner } = await gateway.organization();
    const [customers, identities, documents] = [await partner.subscribe(WHICH_CUSTOMER, {}), await partner.subscribe(WHICH_IDENTITY, {}), await partner.subscribe(WHICH_DOCUMENT, {})];
    const { customerId, identityId, documentId } = await verify(partner);
    expect((await customers.take(1))[0]!.customerStatusChanged).toEqual({ newStatus: 'CREATED', customer: { __typename: 'Customer', id: customerId } });
    expect((await identities.take(GERMAN_STEPS)).at(-1)!.identityStatusChanged).toEqual({
      newStatus: 'APPROVED', identity: { id: identityId }, again: { __typename: 'Identity', id: identityId, customer: { id: customerId } },
    });
    expect((await documents.take(1))[0]!.documentStatusChanged).toMatchObject({ document: { which: documentId } });
    await Promise.all([customers.close(), identities.close(), documents.close()]);
  });

  it('tell of a change only once a query shows it: what is read on hearing of it is as new, or newer', async () => {
    const { partner } = await gateway.organization();
    const changes = await partner.subscribe(IDENTITY_CHANGES, {});
    const walked = verify(partner);
    let seen = 0;
    for (let count = 1; count <= GERMAN_STEPS; count += 1) {
      const { version, identity, newStatus } = (await changes.take(count)).at(-1)!.identityStatusChanged;
      expect(identity.version, newStatus).toBeGreaterThanOrEqual(version);
      const { json } = await partner.post({ query: `{ identity(id: "${identity.id}") { version } }` });
      expect((json.data?.['identity'] as { version: number }).version, newStatus).toBeGreaterThanOrEqual(identity.version);
      expect(version).toBeGreaterThan(seen);
      seen = version;
    }
    await walked;
    await changes.close();
  });

  it('tell nothing of another organization', async () => {
    const [mine, theirs] = [await gateway.organization(), await gateway.organization()];
    const mySubscriptions = [await mine.partner.subscribe(CUSTOMER_CHANGES, {}), await mine.partner.subscribe(IDENTITY_CHANGES, {}), await mine.partner.subscribe(DOCUMENT_CHANGES, {})];
    const [customers, identities, documents] = mySubscriptions;
    await verify(theirs.partner);
    const me = await verify(mine.partner);
    await customers!.take(5);
    await identities!.take(GERMAN_STEPS);
    await documents!.take(3);
    expect(mySubscriptions.map(({ received }) => received.length)).toEqual([5, GERMAN_STEPS, 3]);
    expect(JSON.stringify(mySubscriptions.map(({ received }) => received))).toContain(me.identityId);
    await Promise.all(mySubscriptions.map((subscription) => subscription.close()));
  });

  it('follow one customer, one attempt or one document alone where they name it', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    const documentId = await submitPassport(partner, identityId);
    const named = [
      await partner.subscribe(CUSTOMER_CHANGES, { customerId }),
      await partner.subscribe(IDENTITY_CHANGES, { identityId }),
      await partner.subscribe(IDENTITY_CHANGES, { customerId }),
      await partner.subscribe(IDENTITY_CHANGES, { customerId, identityId }),
      await partner.subscribe(DOCUMENT_CHANGES, { identityId }),
      await partner.subscribe(DOCUMENT_CHANGES, { documentId }),
    ];
    await verify(partner);
    for (const [index, count] of [1, 2, 2, 2, 1, 1].entries()) await named[index]!.take(count);
    const text = JSON.stringify(named.map(({ received }) => received));
    const others = [...text.matchAll(/"(cus|idn|doc)_[0-9a-z]+"/g)].map(([id]) => JSON.parse(id) as string).filter((id) => ![customerId, identityId, documentId].includes(id));
    expect(others).toEqual([]);
    await Promise.all(named.map((subscription) => subscription.close()));
  });

  it('that name an attempt and a customer who do not belong together are BAD_USER_INPUT', async () => {
    const { partner } = await gateway.organization();
    const { identityId } = await verify(partner);
    const refused = await partner.subscribe(IDENTITY_CHANGES, { identityId, customerId: await newCustomer(partner) });
    expect(JSON.stringify(await refused.failure())).toContain('BAD_USER_INPUT');
    await refused.close();
  });

  it('tell nothing more once they have been ended', async () => {
    const { partner } = await gateway.organization();
    const socket = await RawSocket.open(partner);
    await socket.init(partner);
    socket.send({ id: 'ended', type: 'subscribe', payload: { query: print(CUSTOMER_CHANGES) } });
    socket.send({ id: 'running', type: 'subscribe', payload: { query: print(CUSTOMER_CHANGES) } });
    socket.send({ id: 'standing', type: 'subscribe', payload: { query: '{ __typename }' } });
    while (!socket.frames.some(({ id, type }) => id === 'standing' && type === 'complete')) await socket.next();
    await newCustomer(partner);
    while (socket.frames.filter(({ id, type }) => id !== 'standing' && type === 'next').length < 2) await socket.next();
    socket.send({ id: 'ended', type: 'complete' });
    // What is answered to a query sent after it comes after it has been heard.
    socket.send({ id: 'fence', type: 'subscribe', payload: { query: '{ __typename }' } });
    while (!socket.frames.some(({ id, type }) => id === 'fence' && type === 'complete')) await socket.next();
    await newCustomer(partner);
    while (socket.frames.filter(({ id, type }) => id === 'running' && type === 'next').length < 2) await socket.next();
    expect(socket.frames.filter(({ id, type }) => id === 'ended' && type === 'next')).toHaveLength(1);
    socket.close();
  });

  it(`reach ${MANY} subscribers at once, each with everything, in order`, async () => {
    const { partner, reviewer } = await gateway.organization();
    const sockets = await Promise.all(Array.from({ length: MANY / 2 }, (_, index) => (index % 2 ? partner : reviewer).subscribe(CUSTOMER_CHANGES, {})));
    const streams = await Promise.all(Array.from({ length: MANY / 2 }, () => EventStream.open(partner, CUSTOMER_CHANGES, {})));
    const customers = await Promise.all(Array.from({ length: 20 }, (_, index) => newCustomer(partner, { partnerUserId: `user-${index}` })));
    const told = await Promise.all([...sockets, ...streams].map(async (subscriber) => (await subscriber.take(customers.length)).map(({ customerStatusChanged }) => customerStatusChanged.customer.id)));
    for (const ids of told) expect(ids).toEqual(told[0]);
    expect(told[0]?.toSorted()).toEqual(customers.toSorted());
    console.log(`subscriptions: ${told.flat().length} deliveries to ${MANY} subscribers`);
    await Promise.all(sockets.map((socket) => socket.close()));
    for (const stream of streams) stream.close();
  });

  it('show the customer with attempt and documents as they are now, not as they were at the first event', async () => {
    const { partner } = await gateway.organization();
    const changes = await partner.subscribe(WITH_DOCUMENTS, {});
    const { customerId, documentId } = await verify(partner);
    const events = (await changes.take(5)).map(({ customerStatusChanged }) => customerStatusChanged);
    expect(events.map(({ newStatus }) => newStatus)).toEqual(['CREATED', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'UNDER_REVIEW', 'ACTIVE']);
    const last = events.at(-1)?.customer;
    expect(last).toMatchObject({ status: 'ACTIVE', identity: { status: 'APPROVED', documents: [{ id: documentId, status: 'APPROVED' }] } });
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    expect(last?.version).toBe(customer?.version);
    // Never older than an earlier one showed it.
    for (const [index, { customer: shown }] of events.entries()) expect(shown.version).toBeGreaterThanOrEqual(events[index - 1]?.customer.version ?? 0);
    await changes.close();
  });
});
