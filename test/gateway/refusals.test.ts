import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { Client, RawAnswer } from '../support/client.js';
import { bringTo, newCustomer, type Applicant } from '../support/flows.js';
import { CREATE_API_KEY, useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { CREATE_CUSTOMER, SNAPSHOT, REVOKE_API_KEY } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';
import { documentOf, LEAVES, leastVariables, nameOf, ROOTS, withValue, type Leaf, type Root } from '../support/roots.js';
import { clientToken, linkCode } from '../support/tokens.js';

const gateway = useGateway({}, { workers: false });

/** For what root fields require beside ids: values that nothing is wrong with. */
const DEFAULTS = {
  id: 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz', customerId: 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz', identityId: 'idn_01kb3v6k8pe2mvb5s3w3x0d2qz',
  fields: ['nationalIdNumber'],
  code: 'none', token: 'none', documentId: 'doc_01kb3v6k8pe2mvb5s3w3x0d2qz', apiKeyId: 'key_01kb3v6k8pe2mvb5s3w3x0d2qz',
  kycData: CALIFORNIAN, partnerUserId: 'nobody', reason: 'Asked for.', decision: 'APPROVE', selectedIdClass: 'PASSPORT', contractType: 'CSA', documentType: 'FRONT_PHOTO', seconds: 0,
  name: 'Test', environment: 'SANDBOX', role: 'PARTNER', policy: {}, path: 'kycData', type: 'CSA', version: '1.0',
  endpointId: 'whe_01kb3v6k8pe2mvb5s3w3x0d2qz', deliveryId: 'whd_01kb3v6k8pe2mvb5s3w3x0d2qz', url: 'https://example.com/hook', events: ['*'], after: '2026-01-01', before: '2026-01-02', frontImageUrl: 'https://example.com/front.jpg',
};

/** Where an id is asked for. The filter narrows a list, which is empty then and no refusal. */
const ID_PLACES = LEAVES.filter(({ type, path }) => type.name === 'ID' && !path.includes('filter'));

const IDS_OF_MANY_KINDS = graphql(`
  query IdsOfMine($id: ID!) {
    customer(id: $id) {
      id
      identity {
        id
        documents {
          id
        }
        signatures {
          id
        }
      }
    }
  }
`);

const CUSTOMER_PAGE = graphql(`
  query CustomerPage($first: Int!, $after: String) {
    customers(first: $first, after: $after) {
      nodes {
        id
      }
    }
  }
`);

const IDENTITY_PAGE = graphql(`
  query IdentityPage($first: Int!, $after: String) {
    identities(first: $first, after: $after) {
      nodes {
        id
      }
    }
  }
`);

const ATTEMPT_PAGE = graphql(`
  query AttemptPage($id: ID!, $first: Int!, $after: String) {
    customer(id: $id) {
      identities(first: $first, after: $after) {
        nodes {
          id
        }
      }
    }
  }
`);

const CURSORS = graphql(`
  query Cursors {
    customers(first: 1) {
      pageInfo {
        endCursor
      }
    }
    identities(first: 1) {
      pageInfo {
        endCursor
      }
    }
  }
`);

const LIST_BY_FILTER = graphql(`
  query ListByFilter($filter: IdentityFilter, $after: String) {
    identities(filter: $filter, after: $after) {
      nodes {
        id
      }
    }
  }
`);

const KYC_STATUS = graphql(`
  query KycStatusOf($partnerUserId: String!) {
    kycStatus(partnerUserId: $partnerUserId) {
      status
      verifiedAt
    }
  }
`);

let mine: Applicant;
let theirs: Applicant;

beforeAll(async () => {
  [mine, theirs] = [await bringTo(gateway, 'APPROVED'), await bringTo(gateway, 'APPROVED')];
});

/** Every id of somebody, of each kind. */
async function idsOf(person: Applicant): Promise<string[]> {
  const { customer } = await person.partner.request(IDS_OF_MANY_KINDS, { id: person.customerId });
  const { id, identity } = customer!;
  return [id, identity!.id, identity!.documents[0]!.id, identity!.signatures[0]!.id, person.id];
}

/** What names nothing anywhere. */
const MALFORMED = ['', ' ', 'cus_', 'undefined', '*', '%', "' or 1=1 --", 'cus_01KB3V6K8PE2MVB5S3W3X0D2QZ', 'cus_\u0000', '\u0000', '\ud800', 'cus_\udfff', 'x'.repeat(70_000)];
const UNKNOWN = ['cus', 'idn', 'doc', 'sig', 'key', 'org', 'evt', 'xyz'].map((prefix) => `${prefix}_01kb3v6k8pe2mvb5s3w3x0d2qz`);

/** Whom to ask: staff where it takes staff, the operator where only an operator may name an organization. */
async function clientFor(leaf: Leaf): Promise<Client> {
  const { name } = leaf.root;
  if (leaf.path.at(-1) === 'organizationId') return gateway.operator;
  if (['revokeApiKey', 'placeLegalHold', 'releaseLegalHold'].includes(name)) return gateway.client(await gateway.key(mine.id, 'ADMIN'));
  return ['reviewIdentity', 'requireReverification'].includes(name) ? mine.reviewer : mine.partner;
}

/** Asks a root field with an id. A subscription is refused as it begins. */
async function askWith(client: Client, { root, path }: Leaf, id: string): Promise<string | undefined> {
  const variables = withValue(leastVariables(root, DEFAULTS), path, id) as Record<string, unknown>;
  if (root.operation !== 'subscription') return (await client.post({ query: documentOf(root), variables })).json.errors?.[0]?.extensions.code;
  const response = await fetch(`${client.url}/graphql/stream`, {
    method: 'POST', headers: { ...client.headers, 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query: documentOf(root), variables }),
  });
  return /"code":"(\w+)"/.exec(await response.text())?.[1];
}

describe('ids', () => {
  let refused = 0;

  it.each(ID_PLACES.map((leaf) => [nameOf(leaf), leaf] as const))('%s: what is unknown, of another kind, malformed or another organization’s is NOT_FOUND, and nothing changes', async (_name, leaf) => {
    const before = [await mine.partner.request(SNAPSHOT, { id: mine.customerId }), await theirs.partner.request(SNAPSHOT, { id: theirs.customerId })];
    const client = await clientFor(leaf);
    const prefix = { customerId: 'cus', identityId: 'idn', documentId: 'doc', apiKeyId: 'key', organizationId: 'org', endpointId: 'whe', deliveryId: 'whd', id: leaf.root.name === 'node' ? 'any' : leaf.root.name.slice(0, 3).replace('ide', 'idn') }[leaf.path.at(-1)!]!;
    const ofAnotherKind = (await idsOf(mine)).filter((id) => !id.startsWith(prefix) && !(prefix === 'any' && !id.startsWith('org')));
    const others = leaf.path.at(-1) === 'organizationId' ? [] : await idsOf(theirs);
    for (const id of [...UNKNOWN, ...MALFORMED, ...ofAnotherKind, ...others]) {
      expect([id.slice(0, 40), await askWith(client, leaf, id)]).toEqual([id.slice(0, 40), 'NOT_FOUND']);
      refused += 1;
    }
    expect([await mine.partner.request(SNAPSHOT, { id: mine.customerId }), await theirs.partner.request(SNAPSHOT, { id: theirs.customerId })]).toEqual(before);
  });

  it('another organization’s partnerUserId names nobody, and the report of it says NOT_STARTED', async () => {
    await newCustomer(theirs.partner, { partnerUserId: 'shared-name' });
    const { status, verifiedAt } = (await mine.partner.request(KYC_STATUS, { partnerUserId: 'shared-name' })).kycStatus;
    expect([status, verifiedAt ?? null]).toEqual(['NOT_STARTED', null]);
    // It is not taken either: uniqueness ends at the organization.
    expect((await mine.partner.request(CREATE_CUSTOMER, { input: { partnerUserId: 'shared-name' } })).createCustomer.customer.status).toBe('CREATED');
  });

  it('a filter by an id that is not ours, or none at all, finds nothing', async () => {
    for (const customerId of [theirs.customerId, ...UNKNOWN, ...MALFORMED]) {
      const { data, errors } = await mine.partner.send(LIST_BY_FILTER, { filter: { customerId } });
      expect([customerId.slice(0, 40), errors?.[0]?.extensions?.['code'] ?? data?.identities.nodes.length]).toEqual([customerId.slice(0, 40), 0]);
    }
  });

  it('ADMIN of one organization makes, sees and revokes no key of another, and sets no policy there', async () => {
    const admin = gateway.client(await gateway.key(mine.id, 'ADMIN'));
    for (const { root, path } of LEAVES.filter(({ path: place }) => place.at(-1) === 'organizationId')) {
      const variables = withValue(leastVariables(root, DEFAULTS), path, theirs.id);
      expect((await admin.post({ query: documentOf(root), variables })).json.errors?.[0]?.extensions.code, root.name).toBe('NOT_FOUND');
    }
  });

  afterAll(() => {
    console.log(`ids: ${refused} refused at ${ID_PLACES.length} places of ${ROOTS.length} root fields`);
    expect(ID_PLACES.length).toBeGreaterThanOrEqual(20);
    expect(refused).toBeGreaterThanOrEqual(500);
  });
});

describe('roles', () => {
  const MEMBERS = ['PARTNER', 'REVIEWER', 'ADMIN'];
  const STAFF = ['REVIEWER', 'ADMIN'];
  const INTEGRATORS = ['PARTNER', 'ADMIN'];
  const CLIENTS = ['PARTNER', 'APPLICANT'];
  /** Whom each mutation takes, where it is not the partner alone. */
  const TAKES: Record<string, string[]> = {
    placeLegalHold: ['ADMIN'], releaseLegalHold: ['ADMIN'], eraseCustomer: ['PARTNER', 'ADMIN'],
    createOrganization: ['OPERATOR'], createApiKey: ['OPERATOR', 'ADMIN'], revokeApiKey: ['OPERATOR', 'ADMIN'], updatePolicy: ['OPERATOR', 'ADMIN'], updateHostedPage: ['OPERATOR', 'ADMIN'],
    revealKycData: ['PARTNER', 'REVIEWER'],
    createSession: CLIENTS, advanceSandboxClock: MEMBERS, reviewIdentity: STAFF, requireReverification: STAFF, exchangeVerificationCode: ['VISITOR'],
    patchCustomer: CLIENTS, submitIdentity: CLIENTS, patchIdentity: CLIENTS, submitDocument: CLIENTS, updateDocument: CLIENTS, submitSignatures: CLIENTS, createClientToken: CLIENTS, inspectFile: CLIENTS,
  };
  /** Queries of all of an organization, or of the organization itself. */
  const OF_ORGANIZATION = ['organization', 'customers', 'identities', 'events'];
  const takes = ({ name, operation }: Root): string[] => {
    if (/webhook|sendTestEvent/i.test(name)) return INTEGRATORS;
    if (operation === 'mutation') return TAKES[name] ?? ['PARTNER'];
    if (name === 'auditTrail') return ['ADMIN'];
    if (name === 'hostedPage') return ['APPLICANT'];
    if (name === 'apiKeys') return ['OPERATOR', 'ADMIN'];
    if (name === 'session') return ['PARTNER'];
    if (OF_ORGANIZATION.includes(name)) return MEMBERS;
    return ['lifecycle', 'errorCodes'].includes(name) ? [...MEMBERS, 'APPLICANT', 'OPERATOR'] : [...MEMBERS, 'APPLICANT'];
  };

  it('every root field takes the roles that it is for, and is FORBIDDEN to all others', async () => {
    const clients: Record<string, Client> = {
      OPERATOR: gateway.operator, PARTNER: mine.partner, REVIEWER: mine.reviewer, ADMIN: gateway.client(await gateway.key(mine.id, 'ADMIN')),
      APPLICANT: gateway.client(await clientToken(mine.partner, mine.customerId)), VISITOR: gateway.client(await linkCode(mine.partner, mine.customerId)),
    };
    let [forbidden, allowed] = [0, 0];
    for (const root of ROOTS.filter(({ operation }) => operation !== 'subscription')) {
      for (const [role, client] of Object.entries(clients)) {
        const { json } = await client.post({ query: documentOf(root), variables: leastVariables(root, DEFAULTS) });
        const code = json.errors?.[0]?.extensions.code;
        expect([root.name, role, code === 'FORBIDDEN']).toEqual([root.name, role, !takes(root).includes(role)]);
        if (code === 'FORBIDDEN') forbidden += 1;
        else allowed += 1;
      }
    }
    console.log(`roles: ${forbidden} forbidden, ${allowed} let through`);
    expect(forbidden).toBeGreaterThanOrEqual(100);
  });

  it('a subscription is FORBIDDEN to the operator, who belongs to no organization, and to a visitor', async () => {
    for (const client of [gateway.operator, gateway.client(await linkCode(mine.partner, mine.customerId))]) {
      const refused = await client.subscribe(CUSTOMER_CHANGES, {});
      expect(JSON.stringify(await refused.failure())).toContain('FORBIDDEN');
      await refused.close();
    }
  });
});

describe('credentials', () => {
  const WRONG = ['', 'Bearer', 'Bearer ', 'Bearer x', 'Basic dXNlcjpwYXNz', `Bearer ${'k'.repeat(5_000)}`, 'bearer null', `Bearer ${'a'.repeat(40)}`];

  it.each(WRONG)('%.20s: 401 UNAUTHENTICATED as JSON, before anything is parsed', async (authorization) => {
    for (const body of ['{ not json', JSON.stringify({ query: '{ broken' }), JSON.stringify({ query: '{ errorCodes { code } }' }), ' '.repeat(2_000_000)]) {
      const answer: RawAnswer = await gateway.client(null).post(body, { authorization });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(answer.json.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', statusCode: 401, requestId: answer.headers.get('x-request-id') });
    }
  });

  it('a key that was revoked, or whose secret differs in one letter, is no key', async () => {
    const { createApiKey } = await gateway.operator.request(CREATE_API_KEY, { input: { organizationId: mine.id, role: 'PARTNER', name: 'To be revoked' } });
    const { secret, apiKey } = createApiKey;
    const status = async (key: string): Promise<number> => (await gateway.client(key).post({ query: '{ errorCodes { code } }' })).status;
    expect(await status(secret)).toBe(200);
    expect(await status(secret.slice(0, -1) + (secret.endsWith('a') ? 'b' : 'a'))).toBe(401);
    const { revokeApiKey } = await gateway.operator.request(REVOKE_API_KEY, { input: { apiKeyId: apiKey.id } });
    expect(revokeApiKey.apiKey.revokedAt).not.toBeNull();
    expect(await status(secret)).toBe(401);
  });
});

describe('pages', () => {
  /** How every list refuses a page. */
  const refusals = (page: { first: number; after?: string }) =>
    Promise.all([
      mine.partner.refusal(CUSTOMER_PAGE, page),
      mine.partner.refusal(IDENTITY_PAGE, page),
      mine.partner.refusal(ATTEMPT_PAGE, { id: mine.customerId, ...page }),
    ]);

  it.each([0, -1, 101, -2_147_483_648, 2_147_483_647])('first: %i is BAD_USER_INPUT at every list', async (first) => {
    for (const refused of await refusals({ first })) expect(refused).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'first' }] });
  });

  it.each(['', 'x', 'aWQ6', 'aWQ6Y3VzXw', '\u0000', '\ud800', 'x'.repeat(70_000)])('after: %.12s is no cursor, and BAD_USER_INPUT at every list', async (after) => {
    for (const refused of await refusals({ first: 1, after })) expect(refused).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] });
  });

  it('another organization’s cursor shows nothing of it, and one of another list is BAD_USER_INPUT', async () => {
    const { customers, identities } = await theirs.partner.request(CURSORS, {});
    const { identities: shown } = await mine.partner.request(LIST_BY_FILTER, { after: identities.pageInfo.endCursor ?? null });
    for (const { id } of shown.nodes) expect(id).toBe(mine.identityId);
    expect(await mine.partner.refusal(LIST_BY_FILTER, { after: customers.pageInfo.endCursor ?? null })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] });
  });
});
