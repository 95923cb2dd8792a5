import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { EventSource } from '../support/event-source.js';
import { advance, bringTo, DOCUMENT_CHECK, EVALUATION, newCustomer, photo, REVIEWING, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CREATE_KEY, CUSTOMER, CUSTOMER_CHANGES, IDENTITY_CHANGES, PATCH_CUSTOMER, PATCH_IDENTITY, REVOKE_API_KEY, SNAPSHOT, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { RawSocket } from '../support/raw-socket.js';
import { clientToken, CREATE_CLIENT_TOKEN, EXCHANGE_CODE, linkCode, VERIFICATION_LINK } from '../support/tokens.js';

const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
const gateway = useGateway({}, { clock, workers: false });
const WITHIN_MILLISECONDS = 1_000;
const FORBIDDEN = 4403;
const HOUR = 3_600_000;

const PRIVATE_FIELDS = graphql(`
  query PrivateFields($id: ID!) {
    identity(id: $id) {
      enterpriseId
      userId
      programId
      debugStatus
      debugFailureReason
      customer {
        verificationLink
        allowedActions
      }
      documents {
        findings {
          code
        }
        fileUploads {
          url
          fileName
          reads {
            reader
          }
        }
      }
    }
  }
`);

const ACTORS = graphql(`
  query Actors($customerId: ID!) {
    auditTrail(filter: { customerId: $customerId }) {
      nodes {
        operation
        actor
        role
      }
    }
  }
`);

const OWN_CUSTOMER = graphql(`
  query OwnCustomer {
    customer {
      id
    }
  }
`);

/** A partner with a customer, and the customer's own client. */
async function applicant(input: Parameters<typeof clientToken>[2] = {}) {
  const organization = await gateway.organization();
  const customerId = await newCustomer(organization.partner, { email: 'ada@example.com', partnerUserId: 'ada' });
  return { ...organization, customerId, client: gateway.client(await clientToken(organization.partner, customerId, input)) };
}

describe('createClientToken', () => {
  it('makes a token of minutes for one customer, by either of its ids', async () => {
    const { partner, customerId } = await applicant();
    for (const input of [{ customerId }, { partnerUserId: 'ada' }]) {
      const { createClientToken } = await partner.request(CREATE_CLIENT_TOKEN, { input });
      const claims = decodeJwt(createClientToken.token);
      expect(decodeProtectedHeader(createClientToken.token)).toMatchObject({ alg: 'EdDSA', typ: 'JWT' });
      expect(claims).toMatchObject({ iss: gateway.url, aud: 'client', sub: customerId });
      expect(claims.exp! - claims.iat!).toBe(900);
      expect(new Date(createClientToken.expiresAt).getTime()).toBe(claims.exp! * 1_000);
      expect((await gateway.client(createClientToken.token).request(OWN_CUSTOMER, {})).customer?.id).toBe(customerId);
    }
  });

  it.each([-1, 0, 59, 3_601, 2_147_483_647])('for %i seconds is BAD_USER_INPUT', async (expiresInSeconds) => {
    const { partner, customerId } = await applicant();
    expect(await partner.refusal(CREATE_CLIENT_TOKEN, { input: { customerId, expiresInSeconds } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'expiresInSeconds' }] });
  });

  it('takes exactly one id, of a customer of the organization', async () => {
    const { partner, customerId } = await applicant();
    const other = await applicant();
    expect(await partner.refusal(CREATE_CLIENT_TOKEN, { input: {} })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ code: 'exactly_one' }] });
    expect(await partner.refusal(CREATE_CLIENT_TOKEN, { input: { customerId, partnerUserId: 'ada' } })).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await partner.refusal(CREATE_CLIENT_TOKEN, { input: { customerId: other.customerId } })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await partner.refusal(CREATE_CLIENT_TOKEN, { input: { partnerUserId: 'nobody' } })).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('never outlives the key that makes it', async () => {
    const { id, customerId } = await applicant();
    const expiresAt = new Date(Date.now() + 120_000).toISOString();
    const { createApiKey } = await gateway.operator.request(CREATE_KEY, { input: { organizationId: id, role: 'PARTNER', name: 'Brief', expiresAt } });
    const token = await clientToken(gateway.client(createApiKey.secret), customerId);
    expect(decodeJwt(token).exp! * 1_000).toBeLessThanOrEqual(Date.parse(expiresAt));
  });

  it('renews itself while it is valid, keeps its transaction type, and not for more than a day', async () => {
    const { client, customerId } = await applicant({ transactionType: 'EU_INDIVIDUAL' });
    try {
      let token = client.key!;
      const first = decodeJwt(token);
      let renewals = 0;
      while (decodeJwt(token).exp! < Number(first['renewable_until'])) {
        clock.ahead += 800_000;
        token = await clientToken(gateway.client(token), customerId);
        expect(decodeJwt(token)).toMatchObject({ sub: customerId, transaction_type: 'EU_INDIVIDUAL', renewable_until: first['renewable_until'] });
        renewals += 1;
      }
      expect(decodeJwt(token).exp! - first.iat!).toBe(86_400);
      expect(renewals).toBeGreaterThan(100);
      clock.ahead = 24 * HOUR;
      expect((await gateway.client(token).post({ query: '{ errorCodes { code } }' })).status).toBe(401);
    } finally {
      clock.ahead = 0;
    }
  });

  it('lets no applicant choose a transaction type, nor another customer', async () => {
    const { partner, client, customerId } = await applicant();
    const somebodyElse = await newCustomer(partner, { partnerUserId: 'eve' });
    expect(await client.refusal(CREATE_CLIENT_TOKEN, { input: { customerId, transactionType: 'EU_INDIVIDUAL' } })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await client.refusal(CREATE_CLIENT_TOKEN, { input: { customerId: somebodyElse } })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await client.refusal(CREATE_CLIENT_TOKEN, { input: { partnerUserId: 'eve' } })).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an applicant', () => {
  it('goes the whole way by its token: submits, uploads, signs and watches over WebSocket and SSE', async () => {
    const { partner, client, customerId } = await applicant({ transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
    await newCustomer(partner, { partnerUserId: 'eve' });
    const [socket, stream] = [await client.subscribe(CUSTOMER_CHANGES, {}), await EventSource.open(client, IDENTITY_CHANGES, {})];
    const input = { customerId, kycData: { ...CALIFORNIAN, politicallyExposedPerson: true } };
    const { submitIdentity } = await client.request(SUBMIT_IDENTITY, { input });
    const identityId = submitIdentity.identity.id;
    await advance(partner, EVALUATION);
    const stored = (await partner.request(SNAPSHOT, { id: customerId })).customer!.identities.nodes[0]!;
    expect(stored).toMatchObject({ status: 'AWAITING_DOCUMENT_UPLOAD', transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
    await submitPassport(client, identityId);
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    const seen = await client.request(CUSTOMER, { id: customerId });
    expect(seen.customer).toMatchObject({ identity: { status: 'AWAITING_SIGNATURE' } });
    const before = Date.now();
    const signatures = (['CSA', 'MPA', 'MIC'] as const).map((contractType) => ({ contractType, contractVersion: '1.0', contractSignerNameFull: 'Grace Hopper', userAgreesToTerms: true }));
    await client.request(SUBMIT_SIGNATURES, { input: { identityId, signatures } });
    await advance(partner, 0);
    const { customer } = await partner.request(SNAPSHOT, { id: customerId });
    expect(customer).toMatchObject({ status: 'ACTIVE' });
    for (const signature of customer!.identities.nodes[0]!.signatures) {
      expect(signature.contractSignedIPAddress).toMatch(/^(127\.0\.0\.1|::1)$/);
      expect(Date.parse(signature.contractSignedDate)).toBeGreaterThanOrEqual(before - 1_000);
    }
    const statuses = (await socket.take(4)).map(({ customerStatusChanged }) => customerStatusChanged.newStatus);
    expect(statuses).toEqual(['UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'UNDER_REVIEW', 'ACTIVE']);
    const steps = (await stream.take(8)).map(({ data }) => data?.data?.identityStatusChanged.newStatus);
    expect(steps.at(-1)).toBe('APPROVED');
    stream.close();
    await socket.close();
  });

  it('is who acted, in the audit trail', async () => {
    const { id, client, customerId } = await applicant();
    await client.request(PATCH_CUSTOMER, { input: { customerId, kycData: GERMAN } });
    const { auditTrail } = await gateway.client(await gateway.key(id, 'ADMIN')).request(ACTORS, { customerId });
    expect(auditTrail.nodes[0]).toEqual({ operation: 'patchCustomer', actor: customerId, role: 'APPLICANT' });
  });

  it('patches its way through: the token lays down the transaction type of the first attempt too', async () => {
    const { partner, client, customerId } = await applicant({ transactionType: 'EU_INDIVIDUAL' });
    await client.request(PATCH_CUSTOMER, { input: { customerId, kycData: GERMAN } });
    expect((await partner.request(SNAPSHOT, { id: customerId })).customer?.identities.nodes[0]?.transactionType).toBe('EU_INDIVIDUAL');
  });

  it('may repeat the transaction type of its token, and no other', async () => {
    const { client, customerId } = await applicant({ transactionType: 'EU_INDIVIDUAL' });
    expect(await client.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: GERMAN, transactionType: 'INSTITUTIONAL_INDIVIDUAL' } })).toMatchObject({ code: 'FORBIDDEN' });
    await client.request(SUBMIT_IDENTITY, { input: { customerId, kycData: GERMAN, transactionType: 'EU_INDIVIDUAL' } });
  });

  it('is asked only for what it may do', async () => {
    const { partner, client, customerId } = await applicant();
    const [its, theirs] = [(await client.request(CUSTOMER, { id: customerId })).customer!, (await partner.request(CUSTOMER, { id: customerId })).customer!];
    expect(its.allowedActions).toEqual(['SUBMIT_IDENTITY', 'PATCH_CUSTOMER']);
    expect(theirs.allowedActions).toEqual(['SUBMIT_IDENTITY', 'PATCH_CUSTOMER', 'DEACTIVATE']);
  });

  it('is FORBIDDEN what is not its own to say, in every input, and nothing changes', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const client = gateway.client(await clientToken(person.partner, person.customerId));
    const [customerId, identityId] = [person.customerId, person.identityId];
    const before = await person.partner.request(SNAPSHOT, { id: customerId });
    const names = { enterpriseId: 'E', userId: 'U', programId: 'P', debugStatus: 'PASSED', debugFailureReason: 'expired' } as const;
    let refused = 0;
    for (const [name, value] of [...Object.entries({ ...names, ipAddress: '192.0.2.1' }), ...Object.keys(names).map((each) => [each, null] as const)]) {
      expect([name, (await client.refusal(SUBMIT_IDENTITY, { input: { customerId, kycData: CALIFORNIAN, [name]: value } })).code]).toEqual([name, 'FORBIDDEN']);
      if (name !== 'ipAddress') expect([name, (await client.refusal(PATCH_IDENTITY, { input: { identityId, [name]: value } })).code]).toEqual([name, 'FORBIDDEN']);
      refused += name === 'ipAddress' ? 1 : 2;
    }
    for (const [name, value] of [['contractSignedDate', '2026-01-31T09:30:00Z'], ['contractSignedIPAddress', '192.0.2.7']]) {
      expect(await client.refusal(PATCH_IDENTITY, { input: { identityId, signer: { [name!]: value } } })).toMatchObject({ code: 'FORBIDDEN' });
      expect(await client.refusal(SUBMIT_SIGNATURES, { input: { identityId, signatures: [{ contractType: 'CSA', [name!]: value }] } })).toMatchObject({ code: 'FORBIDDEN' });
      refused += 2;
    }
    expect(await client.refusal(PATCH_CUSTOMER, { input: { customerId, partnerUserId: 'eve' } })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await person.partner.request(SNAPSHOT, { id: customerId })).toEqual(before);
    console.log(`inputs that are not an applicant's to give: ${refused + 1} refused`);
  });

  it('signs at the time and from the address that the gateway sees, whatever the signer’s defaults say', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const { partner, customerId, identityId } = person;
    await partner.request(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED', signer: { contractSignerNameFull: 'Grace Hopper', contractVersion: '1.0', contractSignedDate: '2020-01-31T09:30:00Z', contractSignedIPAddress: '192.0.2.7', userAgreesToTerms: true } } });
    const client = gateway.client(await clientToken(partner, customerId));
    await client.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } });
    await advance(partner, DOCUMENT_CHECK + REVIEWING);
    await client.request(SUBMIT_SIGNATURES, { input: { identityId, signatures: [{ contractType: 'CSA' }] } });
    const [signature] = (await partner.request(SNAPSHOT, { id: customerId })).customer!.identities.nodes[0]!.signatures;
    expect(signature!.contractSignedIPAddress).not.toBe('192.0.2.7');
    expect(signature!.contractSignedDate.startsWith('2020')).toBe(false);
  });

  it('is shown nothing that the partner keeps to itself', async () => {
    const { partner, customerId, identityId } = await bringTo(gateway, 'IN_REVIEW');
    const client = gateway.client(await clientToken(partner, customerId));
    const [its, theirs] = [(await client.request(PRIVATE_FIELDS, { id: identityId })).identity!, (await partner.request(PRIVATE_FIELDS, { id: identityId })).identity!];
    expect(its).toMatchObject({ enterpriseId: null, userId: null, programId: null, debugStatus: null, debugFailureReason: null, customer: { verificationLink: null, allowedActions: [] } });
    for (const document of its.documents) {
      expect(document.findings).toEqual([]);
      for (const file of document.fileUploads) expect(file).toMatchObject({ url: null, reads: [], fileName: 'front.jpg' });
    }
    expect(theirs).toMatchObject({ debugStatus: 'PASSED', documents: [{ fileUploads: [{ url: expect.stringContaining('/files/') as string }] }, {}] });
    expect(theirs.customer.verificationLink).toMatch(/\/verify#/);
  });
});

describe('the end of a token', () => {
  it('comes at once with its key: requests are UNAUTHENTICATED, sockets close with 4403 and streams end within a second', async () => {
    const { id, partner, customerId } = await applicant();
    const { createApiKey } = await gateway.operator.request(CREATE_KEY, { input: { organizationId: id, role: 'PARTNER', name: 'Doomed' } });
    const minter = gateway.client(createApiKey.secret);
    const client = gateway.client(await clientToken(minter, customerId));
    const renewed = gateway.client(await clientToken(client, customerId));
    const exchanged = gateway.client(await linkCode(minter, customerId));
    const unharmed = gateway.client(await clientToken(partner, customerId));
    const [socket, stream] = [await RawSocket.connect(client), await EventSource.open(renewed, CUSTOMER_CHANGES, {})];
    await gateway.operator.request(REVOKE_API_KEY, { input: { apiKeyId: createApiKey.apiKey.id } });
    const revoked = performance.now();
    expect(await socket.closed).toBe(FORBIDDEN);
    expect((await stream.next())?.data?.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(performance.now() - revoked).toBeLessThan(WITHIN_MILLISECONDS);
    for (const dead of [client, renewed, exchanged]) expect((await dead.post({ query: '{ __typename }' })).status).toBe(401);
    expect((await unharmed.request(OWN_CUSTOMER, {})).customer?.id).toBe(customerId);
  });

  it('comes with its time: its sockets close with 4403 within a second, those of its key and of longer tokens stay', async () => {
    const { partner, customerId, client } = await applicant({ expiresInSeconds: 60 });
    const longer = gateway.client(await clientToken(partner, customerId, { expiresInSeconds: 3_600 }));
    const [socket, stream] = [await RawSocket.connect(client), await EventSource.open(client, CUSTOMER_CHANGES, {})];
    const [staying, partners] = [await longer.subscribe(CUSTOMER_CHANGES, {}), await partner.subscribe(CUSTOMER_CHANGES, {})];
    try {
      clock.ahead = 61_000;
      const expired = performance.now();
      expect(await socket.closed).toBe(FORBIDDEN);
      expect((await stream.next())?.data?.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(performance.now() - expired).toBeLessThan(WITHIN_MILLISECONDS);
      await partner.request(PATCH_CUSTOMER, { input: { customerId, kycData: GERMAN } });
      await Promise.all([staying.take(1), partners.take(1)]);
    } finally {
      clock.ahead = 0;
      await Promise.all([staying.close(), partners.close()]);
    }
  });

  it('does not follow the sandbox’s clock', async () => {
    const { partner, client, customerId } = await applicant();
    await advance(partner, 10 * 86_400);
    expect((await client.request(OWN_CUSTOMER, {})).customer?.id).toBe(customerId);
  });
});

describe('verificationLink', () => {
  it('leads to the hosted page with a code in the fragment; reading it makes nothing', async () => {
    const { partner, reviewer, client, customerId } = await applicant();
    const before = await partner.request(SNAPSHOT, { id: customerId });
    const { customer } = await partner.request(VERIFICATION_LINK, { id: customerId });
    expect(customer!.verificationLink).toMatch(new RegExp(`^${gateway.url}/verify#[\\w-]+\\.[\\w-]+\\.[\\w-]+$`));
    expect(decodeJwt(new URL(customer!.verificationLink!).hash.slice(1))).toMatchObject({ aud: 'verification-code', sub: customerId });
    expect(await partner.request(SNAPSHOT, { id: customerId })).toEqual(before);
    for (const other of [reviewer, client]) expect((await other.request(VERIFICATION_LINK, { id: customerId })).customer?.verificationLink).toBeNull();
  });

  it('its code is good for exchangeVerificationCode alone, and that for a client token of this customer', async () => {
    const { partner, customerId } = await applicant();
    const code = await linkCode(partner, customerId);
    const visitor = gateway.client(code);
    const { exchangeVerificationCode } = await visitor.request(EXCHANGE_CODE, { input: { code } });
    const client = gateway.client(exchangeVerificationCode.token);
    expect((await client.request(OWN_CUSTOMER, {})).customer?.id).toBe(customerId);
    expect(await visitor.refusal(OWN_CUSTOMER, {})).toMatchObject({ code: 'FORBIDDEN' });
    expect(await visitor.refusal(CREATE_CLIENT_TOKEN, { input: {} })).toMatchObject({ code: 'FORBIDDEN' });
    expect(JSON.stringify(await (await visitor.subscribe(CUSTOMER_CHANGES, {})).failure())).toContain('FORBIDDEN');
    for (const other of [partner, client]) expect(await other.refusal(EXCHANGE_CODE, { input: { code } })).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('another code than the one that the request bears is BAD_USER_INPUT, and one of another day UNAUTHENTICATED', async () => {
    const [one, two] = [await applicant(), await applicant()];
    const [code, others] = [await linkCode(one.partner, one.customerId), await linkCode(two.partner, two.customerId)];
    for (const wrong of [others, 'x', '', code.slice(0, -1), one.client.key!]) {
      expect(await gateway.client(code).refusal(EXCHANGE_CODE, { input: { code: wrong } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'code' }] });
    }
    try {
      clock.ahead = 24 * HOUR + 1_000;
      expect((await gateway.client(code).send(EXCHANGE_CODE, { input: { code } })).status).toBe(401);
    } finally {
      clock.ahead = 0;
    }
  });

  it('is RATE_LIMITED when it is opened too often, and says when to try again', async () => {
    const { partner, customerId } = await applicant();
    const code = await linkCode(partner, customerId);
    const outcomes = [];
    for (let round = 0; round < 12; round += 1) outcomes.push((await gateway.client(code).send(EXCHANGE_CODE, { input: { code } })).errors?.[0]?.extensions);
    expect(outcomes.slice(0, 10)).toEqual(Array(10).fill(undefined));
    expect(outcomes.at(-1)).toMatchObject({ code: 'RATE_LIMITED', statusCode: 429, retryAfter: expect.any(Number) as number });
  });
});
