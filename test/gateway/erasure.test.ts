import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { getNamedType, type GraphQLInputObjectType } from 'graphql';
import type { Kysely } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../../src/audit/chain.js';
import { readConfig } from '../../src/core/config.js';
import { openDatabase } from '../../src/core/database.js';
import type { LedgerTables } from '../../src/core/ledger.js';
import { createLog } from '../../src/core/log.js';
import { databaseParts } from '../../src/gateway.js';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { erase, ERASE, leftOf, PLACE_HOLD, RELEASE_HOLD, shown } from '../support/erasing.js';
import { advance, bringTo, newCustomer, STATUSES, WAITING, type Applicant } from '../support/flows.js';
import { useGateway, type TestGateway } from '../support/gateway.js';
import { KEY_RING } from '../support/key-ring.js';
import { CREATE_CUSTOMER, DEACTIVATE, EVENTS, PATCH_CUSTOMER } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';
import { documentOf, leastVariables, ROOTS } from '../support/roots.js';
import { TOKEN_KEY } from '../support/token-key.js';
import { CREATE_CLIENT_TOKEN, clientToken, linkCode } from '../support/tokens.js';

const ERASURES = graphql(`
  query Erasures($customerId: ID!) {
    auditTrail(first: 100, filter: { customerId: $customerId }) {
      nodes {
        kind
        operation
        reason
        salt
      }
    }
  }
`);

const CHANGES = graphql(`
  subscription ErasuresHeard($customerId: ID) {
    customerStatusChanged(customerId: $customerId) {
      type
      oldStatus
      newStatus
      version
      customer {
        id
        erasedAt
        email
      }
    }
  }
`);

const CREATE_SESSION = graphql(`
  mutation SessionToErase($input: CreateSessionInput!) {
    createSession(input: $input) {
      token
    }
  }
`);

const SESSION = graphql(`
  query SessionAfterErasing($token: String!) {
    session(token: $token) {
      active
      partnerUserId
    }
  }
`);

const REASON = 'The person asked for it.';
/** What the applicants of this suite tell of themselves, and what was said about them. */
const PERSONAL = ['ada@example.com', 'Grace', 'Hopper', 'Market Street', 'San Francisco', '94105', '6789', '1986-12-09', 'front.jpg', '192.0.2.7', 'my-user-', 'Moved to Atlantis'];

/** With an address of their own, so that it may be reached. */
async function somebody(gateway: TestGateway, status: Parameters<typeof bringTo>[1]): Promise<Applicant> {
  return bringTo(gateway, status, { partnerUserId: `my-user-${status}` });
}

describe('eraseCustomer', () => {
  const gateway = useGateway({}, { workers: false });
  const erasedOnes: string[] = [];

  it.each(STATUSES)('of a customer whose attempt is %s leaves no file and nothing personal in any answer; status and moments remain, and its jobs come to nothing', async (status) => {
    const person = await somebody(gateway, status);
    const { customerId, identityId, documentId, partner, reviewer } = person;
    const before = (await partner.post({ query: 'query ($id: ID!, $identityId: ID!) { customer(id: $id) { status kycStatus verifiedAt createdAt version } identity(id: $identityId) { status version createdAt } }', variables: { id: customerId, identityId } })).json.data as { customer: Record<string, unknown>; identity: Record<string, unknown> };
    const erased = await erase(partner, customerId);
    expect(erased).toMatchObject({ id: customerId, status: before.customer['status'], kycStatus: before.customer['kycStatus'], allowedActions: [] });
    expect(erased.erasedAt).toMatch(/^\d{4}-.*Z$/);
    await advance(partner, 2 * WAITING);
    const after = (await partner.post({ query: 'query ($id: ID!, $identityId: ID!) { customer(id: $id) { status kycStatus verifiedAt createdAt version requirements { code } kycData { legalFirstName } } identity(id: $identityId) { status version createdAt kycData { legalFirstName } requirements { code } allowedActions } }', variables: { id: customerId, identityId } })).json.data;
    expect(after).toEqual({
      customer: { ...before.customer, version: (before.customer['version'] as number) + 1, requirements: [], kycData: null },
      identity: { ...before.identity, kycData: null, requirements: [], allowedActions: [] },
    });
    for (const client of [partner, reviewer]) {
      for (const [type, id] of [['Customer', customerId], ['Identity', identityId], ['Document', documentId]] as const) {
        const text = await shown(client, type, id);
        expect(text).toContain(id);
        expect(PERSONAL.filter((value) => text.includes(value))).toEqual([]);
      }
    }
    expect(await readdir(join(gateway.dataDirectory, 'documents', person.id)).catch(() => [])).toEqual([]);
    erasedOnes.push(customerId);
  }, 120_000);

  it('leaves nothing personal in any row, and no job that failed', async () => {
    expect(erasedOnes).toHaveLength(STATUSES.length);
    expect(await leftOf(gateway, erasedOnes)).toEqual([]);
    const [failed] = await gateway.behindItsBack((query) => query("select count(*) as count from pgboss.job where state in ('failed', 'retry')"));
    expect(Number(failed!['count'])).toBe(0);
  });

  it('takes back what was said of the person: in events, in the audit trail, in the keys of its requests', async () => {
    const { partner, id } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await partner.send(PATCH_CUSTOMER, { input: { customerId, kycData: CALIFORNIAN } }, { 'idempotency-key': 'patch' });
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'Moved to Atlantis.' } });
    const admin = gateway.client(await gateway.key(id, 'ADMIN'));
    const trail = async () => (await admin.request(ERASURES, { customerId })).auditTrail.nodes;
    expect((await trail()).map(({ reason }) => reason ?? null)).toContain('Moved to Atlantis.');
    await erase(partner, customerId);
    const entries = await trail();
    expect(entries.map(({ kind, operation }) => [kind, operation])).toEqual([['ERASURE', 'eraseCustomer'], ['COMMAND', 'deactivateCustomer'], ['COMMAND', 'patchCustomer'], ['COMMAND', 'createCustomer']]);
    expect(entries.map(({ reason, salt }) => [reason ?? null, salt != null])).toEqual([[REASON, true], [null, false], [null, false], [null, false]]);
    expect(await leftOf(gateway, [customerId])).toEqual([]);
    const again = gateway.client(partner.key);
    expect(JSON.stringify(await again.request(EVENTS, {}))).not.toContain('Atlantis');
    // The key of a request stays taken: it is not done once more.
    const repeated = await again.send(PATCH_CUSTOMER, { input: { customerId, kycData: CALIFORNIAN } }, { 'idempotency-key': 'patch' });
    expect(repeated.errors?.[0]?.extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_EXISTS' });
  });

  it('twice is the same as once: the same answer, one event, one entry that says so', async () => {
    const { partner, id } = await gateway.organization();
    const admin = gateway.client(await gateway.key(id, 'ADMIN'));
    const customerId = await newCustomer(partner);
    const first = await erase(partner, customerId);
    expect(await erase(partner, customerId, 'Once more.')).toEqual(first);
    expect(await erase(admin, customerId)).toEqual(first);
    const { events } = await partner.request(EVENTS, { filter: { customerId } });
    expect(events.nodes.map(({ type }) => type)).toEqual(['customer.created', 'customer.erased']);
    const { nodes } = (await admin.request(ERASURES, { customerId })).auditTrail;
    expect(nodes.filter(({ kind }) => kind === 'ERASURE')).toHaveLength(1);
    expect(nodes.flatMap(({ reason }) => reason ?? [])).toEqual([REASON]);
    const together = await newCustomer(partner);
    const answers = await Promise.all(Array.from({ length: 10 }, () => erase(partner, together)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await partner.request(EVENTS, { filter: { customerId: together } })).events.nodes).toHaveLength(2);
  });

  it('is refused by a legal hold, with the facts, and changes nothing before the hold is released', async () => {
    const { partner, id } = await gateway.organization();
    const admin = gateway.client(await gateway.key(id, 'ADMIN'));
    const customerId = await newCustomer(partner);
    await admin.request(PLACE_HOLD, { input: { customerId, reason: 'Case 4711.' } });
    for (const client of [partner, admin]) {
      const refused = await client.refusal(ERASE, { input: { customerId, reason: REASON } });
      expect(refused).toMatchObject({ code: 'PATCH_NOT_ALLOWED', customerStatus: 'CREATED', identityStatus: null, allowedStatuses: [], verifiedAt: null });
      expect(refused.allowedActions).toEqual(client === partner ? ['SUBMIT_IDENTITY', 'PATCH_CUSTOMER', 'DEACTIVATE'] : []);
    }
    expect(await shown(partner, 'Customer', customerId)).toContain('ada@example.com');
    await admin.request(RELEASE_HOLD, { input: { customerId, reason: 'Closed.' } });
    expect((await erase(partner, customerId)).email ?? null).toBeNull();
  });

  it('takes a reason and a customer of the organization, from PARTNER or ADMIN', async () => {
    const person = await somebody(gateway, 'IN_REVIEW');
    for (const reason of ['', ' ', '\u0000', 'x'.repeat(70_000)]) expect(await person.partner.refusal(ERASE, { input: { customerId: person.customerId, reason } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'reason' }] });
    const applicant = gateway.client(await clientToken(person.partner, person.customerId));
    for (const client of [person.reviewer, gateway.operator, applicant]) expect(await client.refusal(ERASE, { input: { customerId: person.customerId, reason: REASON } })).toMatchObject({ code: 'FORBIDDEN' });
    const { partner: other } = await gateway.organization();
    expect(await other.refusal(ERASE, { input: { customerId: person.customerId, reason: REASON } })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await shown(person.partner, 'Customer', person.customerId)).toContain('ada@example.com');
  });

  it('makes the partnerUserId free again: who has it next is somebody else', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner, { partnerUserId: 'reused' });
    await erase(partner, customerId);
    const next = (await partner.request(CREATE_CUSTOMER, { input: { partnerUserId: 'reused' } })).createCustomer.customer;
    expect(next.id).not.toBe(customerId);
    const { json } = await partner.post({ query: '{ customer(partnerUserId: "reused") { id } customers(filter: { email: "ada@example.com" }) { nodes { id } } }' });
    expect(json.data).toEqual({ customer: { id: next.id }, customers: { nodes: [] } });
  });

  it('leaves an audit trail that verifies', async () => {
    const person = await somebody(gateway, 'APPROVED');
    await erase(person.partner, person.customerId);
    await gateway.stop();
    const database = await openDatabase(readConfig({ DATA_DIR: gateway.dataDirectory, DATABASE_URL: gateway.databaseUrl ?? undefined, TOKEN_KEY, KEY_RING }), databaseParts, createLog({ logLevel: 'silent' }));
    const { head, faults } = await verifyChain(database.owner().getKysely() as unknown as Kysely<LedgerTables>, database.vault, person.id, []);
    await database.close();
    await gateway.start();
    expect(faults).toEqual([]);
    expect(head.position).toBeGreaterThanOrEqual(10);
  });
});

describe('a customer that was erased', () => {
  const gateway = useGateway({}, { workers: false });
  let person: Applicant;
  let admin: Client;

  beforeAll(async () => {
    person = await somebody(gateway, 'INCOMPLETE_VERIFICATIONS');
    admin = gateway.client(await gateway.key(person.id, 'ADMIN'));
    await erase(person.partner, person.customerId);
  });

  const ABOUT_CUSTOMERS = ROOTS.filter(({ operation, name, field }) => operation === 'mutation' && name !== 'eraseCustomer' && field.args.some(({ type }) => /customerId|identityId|documentId/.test(Object.keys((getNamedType(type) as GraphQLInputObjectType).getFields()).join())));

  it.each(ABOUT_CUSTOMERS.map((root) => [root.name, root] as const))('is PATCH_NOT_ALLOWED to %s, with the facts, and nothing happens', async (name, root) => {
    const before = [await shown(person.partner, 'Customer', person.customerId), await person.partner.request(EVENTS, {})];
    const { customerId, identityId, documentId } = person;
    const variables = leastVariables(root, { customerId, identityId, documentId, id: customerId, kycData: CALIFORNIAN, reason: 'Asked for.', decision: 'APPROVE', selectedIdClass: 'PASSPORT', contractType: 'CSA', fields: ['nationalIdNumber'] }) as { input: Record<string, unknown> };
    if (name === 'createClientToken') variables.input['customerId'] = customerId;
    const client = name.endsWith('LegalHold') ? admin : ['reviewIdentity', 'requireReverification'].includes(name) ? person.reviewer : person.partner;
    const { json } = await client.post({ query: documentOf(root), variables });
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'PATCH_NOT_ALLOWED', statusCode: 400, customerStatus: 'NEEDS_ADDITIONAL_INFORMATION', identityStatus: 'INCOMPLETE_VERIFICATIONS', allowedStatuses: [], allowedActions: [], erasedAt: expect.stringMatching(/^\d{4}-/) as string });
    expect([await shown(person.partner, 'Customer', person.customerId), await person.partner.request(EVENTS, {})]).toEqual(before);
  });

  it('is looked at: the count', () => {
    console.log(`erased: ${ABOUT_CUSTOMERS.length} mutations refused`);
    expect(ABOUT_CUSTOMERS.length).toBeGreaterThanOrEqual(14);
  });
});

describe('tokens of a customer', () => {
  const gateway = useGateway({}, { workers: false });

  it('end with the erasure: client token, code of the link, session, and the sockets open under them, which are told', async () => {
    const person = await somebody(gateway, 'APPROVED');
    const partnerUserId = 'my-user-APPROVED';
    const [token, code] = [await clientToken(person.partner, person.customerId), await linkCode(person.partner, person.customerId)];
    const { token: session } = (await person.partner.request(CREATE_SESSION, { input: { partnerUserId } })).createSession;
    expect((await person.partner.request(SESSION, { token: session })).session).toEqual({ active: true, partnerUserId });
    const heard = await gateway.client(token).subscribe(CHANGES, {});
    await erase(person.partner, person.customerId);
    expect((await heard.take(1))[0]!.customerStatusChanged).toMatchObject({ type: 'customer.erased', customer: { email: null } });
    expect(await heard.failure()).toMatchObject({ code: 4403 });
    for (const credential of [token, code]) expect((await gateway.client(credential).post({ query: '{ errorCodes { code } }' })).status).toBe(401);
    expect((await person.partner.request(SESSION, { token: session })).session).toEqual({ active: false, partnerUserId: null });
    expect(await person.partner.refusal(CREATE_SESSION, { input: { partnerUserId } })).toMatchObject({ code: 'KYC_REQUIRED', customerStatus: null, verificationLink: null });
    expect(await person.partner.refusal(CREATE_CLIENT_TOKEN, { input: { customerId: person.customerId } })).toMatchObject({ code: 'PATCH_NOT_ALLOWED' });
    await heard.close();
  });
});
