import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { bringTo } from '../support/flows.js';
import { TestGateway } from '../support/gateway.js';
import { REVIEW } from '../support/operations.js';

// A real OpenID provider, with pages of its own where a person signs in and consents.
const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
let provider: Server;
let gateway: TestGateway;
/** What the provider says of who signs in: the organization of each subject. */
const organizations = new Map<string, string>();
const REVEAL = graphql(`
  mutation RevealToWhoSignedIn($input: RevealKycDataInput!) {
    revealKycData(input: $input) {
      kycData {
        legalFirstName
      }
    }
  }
`);
const CLIENT = { client_id: 'kyc-gateway', client_secret: 'the-secret-of-the-client' };

beforeAll(async () => {
  provider = createServer();
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  gateway = new TestGateway({ OIDC_ISSUER: issuer, OIDC_CLIENT_ID: CLIENT.client_id, OIDC_CLIENT_SECRET: CLIENT.client_secret }, { clock, workers: false });
  await gateway.create();
  await gateway.start();
  const oidc = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${gateway.url}/auth/callback`] }],
    claims: { openid: ['sub', 'organization_id'] },
    conformIdTokenClaims: false,
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...(organizations.has(sub) ? { organization_id: organizations.get(sub)! } : {}) }) }),
    cookies: { keys: ['a key of the test'] },
  });
  provider.on('request', (request, response) => void oidc.callback()(request, response));
});

afterAll(async () => {
  await gateway.destroy();
  await new Promise((resolve) => provider.close(resolve));
});

/** A browser: it keeps cookies by host, and follows what it is sent to. */
class Browser {
  readonly cookies = new Map<string, string>();

  async get(url: string, form?: Record<string, string>): Promise<{ url: string; response: Response }> {
    const { host } = new URL(url);
    const cookie = [...this.cookies].filter(([name]) => name.startsWith(`${host} `)).map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}) });
    for (const set of response.headers.getSetCookie()) {
      const [pair] = set.split(';');
      const [name, ...value] = pair!.split('=');
      this.cookies.set(`${host} ${name}`, value.join('='));
    }
    const location = response.headers.get('location');
    // The way back to the gateway is the caller's to go.
    if (location === null || new URL(location, url).pathname === '/auth/callback') return { url: location ?? url, response };
    return this.get(new URL(location, url).href);
  }

  /** Signs in at the provider and consents. @returns where the provider sends the browser back to. */
  async signIn(subject: string): Promise<string> {
    let step = await this.get(`${gateway.url}/auth/login`);
    for (const form of [{ prompt: 'login', login: subject, password: 'x' }, { prompt: 'consent' }]) {
      const action = /action="([^"]+)"/.exec(await step.response.text())![1]!;
      step = await this.get(new URL(action, step.url).href, form as Record<string, string>);
    }
    return step.url;
  }
}

interface SignedIn {
  token: string;
  role: string;
  subject: string;
  expiresAt: string;
  errors?: { extensions: { code: string } }[];
}

async function callback(browser: Browser, url: string): Promise<{ status: number; json: SignedIn }> {
  const { response } = await browser.get(url);
  return { status: response.status, json: (await response.json()) as SignedIn };
}

describe('a reviewer who signs in at the OpenID provider', () => {
  it('gets a REVIEWER key of an hour for the organization of the claim, and decides with it', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    organizations.set('alice', person.id);
    const browser = new Browser();
    const { status, json } = await callback(browser, await browser.signIn('alice'));
    expect([status, json.role, json.subject]).toEqual([200, 'REVIEWER', 'alice']);
    expect(Date.parse(json.expiresAt) - Date.now()).toBeLessThanOrEqual(3_600_000);
    const reviewer = gateway.client(json.token);
    const { reviewIdentity } = await reviewer.request(REVIEW, { input: { identityId: person.identityId, decision: 'APPROVE' } });
    expect(reviewIdentity.identity.status).toBe('AWAITING_SIGNATURE');
    clock.ahead = 3_601_000;
    expect((await reviewer.post({ query: '{ __typename }' })).status).toBe(401);
    clock.ahead = 0;
  });

  it('reveals 300 times an hour, however often one signs in meanwhile; another who signs in is not counted with them', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const signedIn = async (subject: string) => {
      organizations.set(subject, person.id);
      const browser = new Browser();
      return gateway.client((await callback(browser, await browser.signIn(subject))).json.token);
    };
    const input = { identityId: person.identityId, fields: ['legalFirstName'], reason: 'Asked for.' };
    const [first, second] = [await signedIn('dora'), await signedIn('dora')];
    let revealed = 0;
    for (let round = 0; round < 150; round += 1) for (const client of [first, second]) if ((await client.request(REVEAL, { input })).revealKycData.kycData.legalFirstName) revealed += 1;
    expect(revealed).toBe(300);
    for (const client of [first, second, await signedIn('dora')]) expect(await client.refusal(REVEAL, { input })).toMatchObject({ code: 'RATE_LIMITED' });
    expect((await (await signedIn('emil')).send(REVEAL, { input })).errors).toBeUndefined();
  }, 120_000);

  it.each([
    ['none', undefined],
    ['no id', 'Example Bank'],
    ['one that there is not', 'org_01kb3v6k8pe2mvb5s3w3x0d2qz'],
  ])('is let in nowhere when the claim names %s', async (_name, claim) => {
    organizations.delete('bob');
    if (claim !== undefined) organizations.set('bob', claim);
    const browser = new Browser();
    const { status, json } = await callback(browser, await browser.signIn('bob'));
    expect([403, 404]).toContain(status);
    expect(json.token).toBeUndefined();
  });

  it('is not signed in by a return that this browser did not begin, that is changed, or that comes twice', async () => {
    organizations.set('carol', (await gateway.organization()).id);
    const browser = new Browser();
    const back = await browser.signIn('carol');
    const changed = (name: string): string => {
      const url = new URL(back);
      url.searchParams.set(name, 'forged');
      return url.href;
    };
    expect((await callback(new Browser(), back)).status).toBe(401);
    for (const name of ['state', 'iss', 'code']) {
      const kept = [...browser.cookies];
      expect([name, (await callback(browser, changed(name))).status]).toEqual([name, 401]);
      for (const [cookie, value] of kept) browser.cookies.set(cookie, value);
    }
    const fresh = new Browser();
    const whole = await fresh.signIn('carol');
    expect((await callback(fresh, whole)).status).toBe(200);
    expect((await callback(fresh, whole)).status).toBe(401);
  });

  it('is sent to the provider alone, with PKCE, state and nonce, and a cookie that no script reads', async () => {
    const response = await fetch(`${gateway.url}/auth/login?redirect_uri=https://example.com&return_to=//example.com`, { redirect: 'manual' });
    const target = new URL(response.headers.get('location')!);
    expect(response.status).toBe(302);
    expect(Object.fromEntries(target.searchParams)).toMatchObject({ redirect_uri: `${gateway.url}/auth/callback`, code_challenge_method: 'S256', response_type: 'code', state: expect.stringMatching(/.{20}/) as string, nonce: expect.stringMatching(/.{20}/) as string });
    expect(target.href).not.toContain('example.com');
    expect(response.headers.get('set-cookie')).toMatch(/Path=\/auth\/callback;.*HttpOnly; SameSite=Lax/);
  });
});
