import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { bringTo, newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CREATE_KEY, DEACTIVATE, REACTIVATE, REVOKE_API_KEY } from '../support/operations.js';
import { clientToken, linkCode } from '../support/tokens.js';

const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
const gateway = useGateway({}, { clock, workers: false });

const CREATE_SESSION = graphql(`
  mutation CreateSession($input: CreateSessionInput!) {
    createSession(input: $input) {
      token
      expiresAt
    }
  }
`);

const SESSION = graphql(`
  query Session($token: String!) {
    session(token: $token) {
      active
      customerId
      partnerUserId
      expiresAt
    }
  }
`);

const API_KEYS = graphql(`
  query ApiKeys($first: Int! = 20, $organizationId: ID) {
    apiKeys(first: $first, organizationId: $organizationId) {
      nodes {
        id
        prefix
        role
        name
        lastUsedAt
        revokedAt
      }
    }
  }
`);

const REPORT = graphql(`
  query KycStatusReport($partnerUserId: String!) {
    kycStatus(partnerUserId: $partnerUserId) {
      partnerUserId
      status
      verifiedAt
    }
  }
`);

const ada = { input: { partnerUserId: 'ada' } };

/** What a service of the partner does, which has nothing but the gateway's address. */
const verified = (token: string, audience = 'session') =>
  jwtVerify(token, createRemoteJWKSet(new URL(`${gateway.url}/.well-known/jwks.json`)), { issuer: gateway.url, audience, algorithms: ['EdDSA'] });

describe('createSession', () => {
  it('gives a verified customer a token that a service verifies by the published key alone', async () => {
    const { partner, customerId } = await bringTo(gateway, 'APPROVED', { partnerUserId: 'ada' });
    const client = gateway.client(await clientToken(partner, customerId));
    for (const caller of [partner, client]) {
      const { createSession } = await caller.request(CREATE_SESSION, ada);
      const { payload, protectedHeader } = await verified(createSession.token);
      expect(protectedHeader).toMatchObject({ alg: 'EdDSA' });
      expect(payload).toMatchObject({ sub: customerId, partner_user_id: 'ada' });
      expect(new Date(createSession.expiresAt).getTime()).toBe(payload.exp! * 1_000);
      await expect(verified(createSession.token, 'client')).rejects.toThrow('aud');
      // It is no key to the gateway, nor is a client token a session.
      expect((await gateway.client(createSession.token).post({ query: '{ __typename }' })).status).toBe(401);
      await expect(verified(client.key!)).rejects.toThrow('aud');
    }
  });

  it('is KYC_REQUIRED before, with the link that leads on; a person never seen has none', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner, { partnerUserId: 'ada' });
    const refused = await partner.refusal(CREATE_SESSION, ada);
    expect(refused).toMatchObject({ code: 'KYC_REQUIRED', statusCode: 422, partnerUserId: 'ada', customerStatus: 'CREATED' });
    const link = new URL(refused['verificationLink'] as string);
    expect(link.href.startsWith(`${gateway.url}/verify#`)).toBe(true);
    expect(decodeJwt(link.hash.slice(1))).toMatchObject({ sub: customerId });
    expect(await partner.refusal(CREATE_SESSION, { input: { partnerUserId: 'nobody' } })).toMatchObject({ code: 'KYC_REQUIRED', partnerUserId: 'nobody', verificationLink: null, customerStatus: null });
    expect(await gateway.client(await clientToken(partner, customerId)).refusal(CREATE_SESSION, ada)).toMatchObject({ code: 'KYC_REQUIRED', verificationLink: null });
  });

  it('is KYC_REQUIRED while the customer is deactivated, and says so', async () => {
    const { partner, customerId } = await bringTo(gateway, 'APPROVED', { partnerUserId: 'ada' });
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'Asked for.' } });
    expect(await partner.refusal(CREATE_SESSION, ada)).toMatchObject({ code: 'KYC_REQUIRED', customerStatus: 'DEACTIVATED' });
    await partner.request(REACTIVATE, { input: { customerId } });
    expect((await partner.request(CREATE_SESSION, ada)).createSession.token).toContain('.');
  });

  it.each(['', ' ', 'a\u0000', '\ud800', 'x'.repeat(256)])('%j is no partnerUserId, and is not repeated', async (partnerUserId) => {
    const { partner } = await gateway.organization();
    expect(await partner.refusal(CREATE_SESSION, { input: { partnerUserId } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'partnerUserId' }] });
  });
});

describe('a session', () => {
  it('ends at once with its key, with its customer’s verification and with its time, for whoever asks', async () => {
    const { id, partner, customerId } = await bringTo(gateway, 'APPROVED', { partnerUserId: 'ada' });
    const { createApiKey } = await gateway.operator.request(CREATE_KEY, { input: { organizationId: id, role: 'PARTNER', name: 'Doomed' } });
    const doomed = (await gateway.client(createApiKey.secret).request(CREATE_SESSION, ada)).createSession.token;
    const { token } = (await partner.request(CREATE_SESSION, ada)).createSession;
    const isActive = async (each: string): Promise<boolean> => (await partner.request(SESSION, { token: each })).session.active;
    expect((await partner.request(SESSION, { token })).session).toMatchObject({ active: true, customerId, partnerUserId: 'ada' });
    expect(await isActive(doomed)).toBe(true);
    await gateway.operator.request(REVOKE_API_KEY, { input: { apiKeyId: createApiKey.apiKey.id } });
    expect([await isActive(doomed), await isActive(token)]).toEqual([false, true]);
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'Asked for.' } });
    expect(await isActive(token)).toBe(false);
    await partner.request(REACTIVATE, { input: { customerId } });
    expect(await isActive(token)).toBe(true);
    clock.ahead = 900_000;
    expect(await isActive(token)).toBe(false);
    clock.ahead = 0;
  });

  it('is nobody else’s: of another organization, or of another kind, it says nothing', async () => {
    const { partner, customerId } = await bringTo(gateway, 'APPROVED', { partnerUserId: 'ada' });
    const { token } = (await partner.request(CREATE_SESSION, ada)).createSession;
    const other = await gateway.organization();
    const nothing = { active: false, customerId: null, partnerUserId: null, expiresAt: null };
    expect((await other.partner.request(SESSION, { token })).session).toEqual(nothing);
    for (const wrong of [await clientToken(partner, customerId), await linkCode(partner, customerId), '', 'x.y.z', `${token}=`, 'x'.repeat(100_000)]) {
      expect((await partner.request(SESSION, { token: wrong })).session).toEqual(nothing);
    }
  });
});

describe('kycStatus', () => {
  it('is NOT_STARTED for a person never seen', async () => {
    const { partner } = await gateway.organization();
    expect((await partner.request(REPORT, { partnerUserId: 'nobody' })).kycStatus).toEqual({ partnerUserId: 'nobody', status: 'NOT_STARTED', verifiedAt: null });
  });

  it('tells an applicant of itself alone', async () => {
    const { partner, customerId } = await bringTo(gateway, 'APPROVED', { partnerUserId: 'ada' });
    await newCustomer(partner, { partnerUserId: 'eve' });
    const client = gateway.client(await clientToken(partner, customerId));
    expect((await client.request(REPORT, { partnerUserId: 'ada' })).kycStatus.status).toBe('VERIFIED');
    for (const partnerUserId of ['eve', 'nobody']) expect(await client.refusal(REPORT, { partnerUserId })).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the published key', () => {
  it('may be cached, names itself, and holds nothing secret', async () => {
    const response = await fetch(`${gateway.url}/.well-known/jwks.json`);
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    const { keys } = (await response.json()) as { keys: Record<string, string>[] };
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });
});

describe('apiKeys', () => {
  it('lists the keys of an organization by prefix, with their last use to the minute, and never a secret', async () => {
    const { id, partner } = await gateway.organization();
    const admin = gateway.client(await gateway.key(id, 'ADMIN'));
    const secrets = [partner.key!, admin.key!];
    const before = (await admin.request(API_KEYS, {})).apiKeys.nodes;
    // The newest first; two that are made at once have no order.
    expect(before[0]?.role).toBe('ADMIN');
    expect(before.map(({ role }) => role).toSorted()).toEqual(['ADMIN', 'PARTNER', 'REVIEWER']);
    for (const secret of secrets) {
      const own = before.find(({ prefix }) => secret.startsWith(`kyc_${prefix}_`));
      // What is secret of it may have underscores too.
      expect(JSON.stringify(before)).not.toContain(secret.slice(`kyc_${own!.prefix}_`.length));
    }
    expect(before.map(({ lastUsedAt }) => lastUsedAt !== null)).toEqual([true, false, false]);
    const used = async () => (await gateway.operator.request(API_KEYS, { organizationId: id })).apiKeys.nodes.find(({ role }) => role === 'PARTNER')!.lastUsedAt;
    await newCustomer(partner);
    const first = await used();
    expect(Date.now() - Date.parse(first!)).toBeLessThan(60_000);
    await newCustomer(partner);
    expect(await used()).toBe(first);
    clock.ahead = 61_000;
    await newCustomer(partner);
    expect(Date.parse((await used())!) - Date.parse(first!)).toBeGreaterThanOrEqual(60_000);
    clock.ahead = 0;
  });
});
