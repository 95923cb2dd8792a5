import { beforeAll, describe, expect, it } from 'vitest';
import { PERMISSIONS } from '../../src/graphql/permissions.js';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { bringTo, newCustomer, submitPassport, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES, EVENTS, PATCH_CUSTOMER, SNAPSHOT } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { documentOf, LEAVES, leastVariables, nameOf, ROOTS, withValue, type Leaf } from '../support/roots.js';
import { clientToken } from '../support/tokens.js';

// A client token is for one customer: whatever is asked with another customer's ids, of the same organization, finds nobody.
const gateway = useGateway({}, { workers: false });

const IDS = graphql(`
  query IdsOfSomebody($id: ID!) {
    customer(id: $id) {
      id
      partnerUserId
      identity {
        id
        documents {
          id
        }
        signatures {
          id
        }
      }
      events(first: 100) {
        nodes {
          id
        }
      }
    }
  }
`);

const EVERYTHING_ABOVE = graphql(`
  query EverythingAbove($identityId: ID!) {
    identity(id: $identityId) {
      customer {
        id
        identities {
          nodes {
            id
          }
        }
        events(first: 100) {
          nodes {
            customerId
          }
        }
      }
      events(first: 100) {
        nodes {
          customerId
        }
      }
    }
  }
`);

let mine: Applicant;
let client: Client;
/** Every id of another customer of the same organization, by what it is an id of. */
let theirs: Record<'cus' | 'idn' | 'doc' | 'sig' | 'evt' | 'partnerUserId', string>;

beforeAll(async () => {
  mine = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
  client = gateway.client(await clientToken(mine.partner, mine.customerId));
  const other = await bringTo(gateway, 'APPROVED', { organization: mine, partnerUserId: 'eve' });
  const { customer } = await mine.partner.request(IDS, { id: other.customerId });
  const { identity, events } = customer!;
  theirs = { cus: customer!.id, idn: identity!.id, doc: identity!.documents[0]!.id, sig: identity!.signatures[0]!.id, evt: events.nodes[0]!.id, partnerUserId: 'eve' };
});

/** The root fields that an applicant may ask. */
const OPEN = ROOTS.filter(({ operation, name }) => PERMISSIONS[(operation.charAt(0).toUpperCase() + operation.slice(1)) as keyof typeof PERMISSIONS][name]!.includes('APPLICANT'));
const PLACES = LEAVES.filter(({ root, type, path }) => OPEN.includes(root) && (type.name === 'ID' || path.at(-1) === 'partnerUserId') && !(root.name === 'patchCustomer' && path.at(-1) === 'partnerUserId'));
const DEFAULTS = { kycData: CALIFORNIAN, selectedIdClass: 'PASSPORT', contractType: 'CSA', id: '', customerId: '', identityId: '', documentId: '', partnerUserId: '' };

async function ask({ root, path }: Leaf, id: string): Promise<string> {
  const least = { ...leastVariables(root, { ...DEFAULTS, customerId: mine.customerId, identityId: mine.identityId, documentId: mine.documentId }) };
  const body = JSON.stringify({ query: documentOf(root), variables: withValue(least, path, id) });
  const isSubscription = root.operation === 'subscription';
  const headers = { ...client.headers, 'content-type': 'application/json', ...(isSubscription ? { accept: 'text/event-stream' } : {}) };
  return (await fetch(`${client.url}/graphql${isSubscription ? '/stream' : ''}`, { method: 'POST', headers, body })).text();
}

describe('another customer of the same organization', () => {
  it('is NOT_FOUND by every id at every place of every root field, and nothing of it is told or changed', async () => {
    const before = await mine.partner.request(SNAPSHOT, { id: theirs.cus });
    let refused = 0;
    for (const leaf of PLACES) {
      for (const [kind, id] of Object.entries(theirs)) {
        const text = await ask(leaf, id);
        expect([nameOf(leaf), kind, /"code":"(\w+)"/.exec(text)?.[1]]).toEqual([nameOf(leaf), kind, 'NOT_FOUND']);
        for (const secret of [...Object.values(theirs), 'APPROVED', 'Lovelace']) expect([nameOf(leaf), text.includes(`"${secret}"`)]).toEqual([nameOf(leaf), false]);
        refused += 1;
      }
    }
    expect(await mine.partner.request(SNAPSHOT, { id: theirs.cus })).toEqual(before);
    const fields = new Set(PLACES.map(({ root }) => root.name));
    console.log(`applicant: ${refused} refused at ${PLACES.length} places of ${fields.size} root fields; ${OPEN.length} of ${ROOTS.length} root fields are open to it`);
    expect(refused).toBeGreaterThanOrEqual(90);
    // What takes no id answers the same to everybody.
    expect(OPEN.filter(({ name }) => !fields.has(name)).map(({ name }) => name).sort()).toEqual(['contracts', 'errorCodes', 'hostedPage', 'inspectFile', 'lifecycle', 'requirements']);
  });

  it('is the same as somebody who has never been', async () => {
    const unknown = 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz';
    for (const leaf of PLACES.filter(({ path }) => path.at(-1) === 'customerId')) {
      const plain = (text: string): string => text.replaceAll(/"requestId":"[^"]*"/g, '');
      expect(plain(await ask(leaf, theirs.cus))).toBe(plain(await ask(leaf, unknown)));
    }
  });

  it('does not show from above or beside: no field leads to it', async () => {
    const { identity } = await client.request(EVERYTHING_ABOVE, { identityId: mine.identityId });
    expect(identity!.customer.id).toBe(mine.customerId);
    expect(identity!.customer.identities.nodes.map(({ id }) => id)).toEqual([mine.identityId]);
    const owners = new Set([...identity!.customer.events.nodes, ...identity!.events.nodes].map(({ customerId }) => customerId));
    expect([...owners]).toEqual([mine.customerId]);
  });

  it('is not heard of in a subscription, live or from the beginning', async () => {
    const { partner } = mine;
    const { events } = await partner.request(EVENTS, { first: 1 });
    const [live, resumed] = [await client.subscribe(CUSTOMER_CHANGES, {}), await client.subscribe(CUSTOMER_CHANGES, { after: events.nodes[0]!.cursor })];
    const stranger = await newCustomer(partner, { email: 'new@example.com' });
    await partner.request(PATCH_CUSTOMER, { input: { customerId: stranger, kycData: GERMAN } });
    await submitPassport(client, mine.identityId);
    expect((await live.take(1)).map(({ customerStatusChanged }) => customerStatusChanged.customer.id)).toEqual([mine.customerId]);
    const seen = await resumed.take(3);
    expect(new Set(seen.map(({ customerStatusChanged }) => customerStatusChanged.customer.id))).toEqual(new Set([mine.customerId]));
    await Promise.all([live.close(), resumed.close()]);
  });
});
