import { type Express, type Request, type Response } from 'express';
import * as oidc from 'openid-client';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import type { Core } from '../core/command.js';
import type { OidcConfig } from '../core/config.js';
import { refusal } from '../core/errors.js';
import { kindOfId } from '../core/ids.js';
import { createApiKey } from '../organization/commands.js';

const LOGIN_PATH = '/auth/login';
const CALLBACK_PATH = '/auth/callback';
const COOKIE = 'kyc_gateway_login';
/** A person signs in at their provider in this time. */
const LOGIN_SECONDS = 600;
/** A working hour; signing in again takes a click. */
const KEY_SECONDS = 3_600;

/** What the browser keeps between leaving for the provider and coming back. */
interface Attempt {
  state: string;
  nonce: string;
  verifier: string;
}

/**
 * Lets reviewers sign in at their own OpenID provider (authorization code with PKCE). Whoever comes back gets a REVIEWER
 * key of an hour for the organization that the provider's claim names; no address to go on to is ever taken from a request.
 */
export class ReviewerLogin {
  #baseUrl = '';
  #provider: Promise<oidc.Configuration> | null = null;

  constructor(
    private readonly core: Core,
    private readonly config: OidcConfig,
  ) {}

  /** From now on the provider sends people back to this. */
  serveAt(baseUrl: string): void {
    this.#baseUrl = baseUrl;
  }

  mount(app: Express): void {
    app.get(LOGIN_PATH, (_request, response, next) => void this.#begin(response).catch(next));
    app.get(CALLBACK_PATH, (request, response, next) => void this.#finish(request, response).catch(next));
  }

  async #begin(response: Response): Promise<void> {
    const provider = await this.#discovered();
    const attempt: Attempt = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier() };
    const url = oidc.buildAuthorizationUrl(provider, {
      redirect_uri: `${this.#baseUrl}${CALLBACK_PATH}`,
      scope: 'openid',
      code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
      state: attempt.state,
      nonce: attempt.nonce,
    });
    this.#setCookie(response, Buffer.from(JSON.stringify(attempt)).toString('base64url'), LOGIN_SECONDS);
    response.set('cache-control', 'no-store').redirect(url.href);
  }

  async #finish(request: Request, response: Response): Promise<void> {
    const attempt = attemptOf(request);
    // Good for one return, whatever comes of it.
    this.#setCookie(response, '', 0);
    if (!attempt) throw refusal('UNAUTHENTICATED', `Begin at ${LOGIN_PATH}, in this browser and within ten minutes.`);
    const provider = await this.#discovered();
    const claims = await oidc
      .authorizationCodeGrant(provider, this.#returnedTo(request), { pkceCodeVerifier: attempt.verifier, expectedState: attempt.state, expectedNonce: attempt.nonce, idTokenExpected: true })
      .then((tokens) => tokens.claims())
      .catch(() => undefined);
    if (!claims) throw refusal('UNAUTHENTICATED', `The provider did not sign you in. Begin again at ${LOGIN_PATH}.`);
    const organizationId = claims[this.config.organizationClaim];
    if (typeof organizationId !== 'string' || kindOfId(organizationId) !== 'organization') {
      throw refusal('FORBIDDEN', `Your provider says no organization: its claim ${this.config.organizationClaim} is to be the id of one.`);
    }
    const expiresAt = new Date(this.core.clock.now().getTime() + KEY_SECONDS * MILLISECONDS_PER_SECOND);
    const actor = { role: 'OPERATOR', organizationId: null, actor: `oidc:${claims.sub}` } as const;
    const { secret } = await createApiKey(this.core, actor, { organizationId, role: 'REVIEWER', name: `Signed in: ${claims.sub}`, subject: claims.sub, expiresAt });
    response.set('cache-control', 'no-store').json({ token: secret, role: 'REVIEWER', organizationId, subject: claims.sub, expiresAt: expiresAt.toISOString() });
  }

  /** Where the provider sends people back to, as it knows it: PUBLIC_URL may lead here through a path of its own. */
  #returnedTo(request: Request): URL {
    return new URL(`${this.#baseUrl}${CALLBACK_PATH}?${request.originalUrl.split('?').slice(1).join('?')}`);
  }

  /** The provider's own description of itself, asked for once; a failure is asked again. */
  #discovered(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.config;
    const options = issuer.protocol === 'http:' ? { execute: [oidc.allowInsecureRequests] } : {};
    this.#provider ??= oidc.discovery(issuer, clientId, clientSecret ?? undefined, clientSecret === null ? oidc.None() : undefined, options);
    return this.#provider.catch((error: unknown) => {
      this.#provider = null;
      this.core.log.warn({ error: error instanceof Error ? error.message : typeof error }, 'the OpenID provider cannot be reached');
      throw refusal('SERVICE_UNAVAILABLE', 'The OpenID provider cannot be reached. Try again shortly.', { retryAfter: 1 });
    });
  }

  #setCookie(response: Response, value: string, maxAge: number): void {
    // Lax: it comes along when the provider sends the person back.
    response.cookie(COOKIE, value, { httpOnly: true, sameSite: 'lax', secure: this.#baseUrl.startsWith('https:'), path: new URL(`${this.#baseUrl}${CALLBACK_PATH}`).pathname, maxAge: maxAge * MILLISECONDS_PER_SECOND });
  }
}

function attemptOf(request: Request): Attempt | null {
  const value = request.headers.cookie?.split(/; */).find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  try {
    const { state, nonce, verifier } = JSON.parse(Buffer.from(value ?? '', 'base64url').toString()) as Partial<Attempt>;
    return state && nonce && verifier ? { state, nonce, verifier } : null;
  } catch {
    return null;
  }
}
