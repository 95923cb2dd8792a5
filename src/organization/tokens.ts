import { jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { Caller, KeyHolder, Member, Principal, TokenHolder } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY, type Clock } from '../core/clock.js';
import type { Database } from '../core/database.js';
import type { TokenKey } from '../core/token-key.js';
import type { TransactionType } from '../kyc/vocabularies.js';
import { callerOfKey } from './reads.js';

/** What each kind of token is for; one is never taken for another (RFC 8725, 3.9). */
const AUDIENCES = { client: 'client', session: 'session', code: 'verification-code' } as const;
type Audience = (typeof AUDIENCES)[keyof typeof AUDIENCES];

const ALGORITHM = 'EdDSA';
/** The clocks of replicas differ by less; a token is good from so long before it was made. Its end is not stretched. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** A client token may be renewed for so long: whoever has got hold of one has it no longer than that. */
const RENEWABLE_SECONDS = SECONDS_PER_DAY;
/** Long enough to find the link in one's mail; the partner reads a new one whenever it likes. */
const CODE_SECONDS = SECONDS_PER_DAY;
const SESSION_SECONDS = 900;
/** Longer than any token of ours. */
const LONGEST_TOKEN = 4_096;
/** Three parts in base64url (RFC 7515); what they hold is looked at once they are known to be ours. */
const COMPACT_FORM = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** A token as it is handed out. */
export interface MintedToken {
  token: string;
  expiresAt: Date;
}

/** Whom a token is minted for, and by which key's right. */
export interface Grant {
  organizationId: string;
  customerId: string;
  keyId: string;
  /** When the key ends by itself: nothing that it has minted outlives it. */
  keyExpiresAt: Date | null;
}

/** A grant by the right of whoever asks for it. */
export function grantBy(caller: Member, customerId: string): Grant {
  const keyExpiresAt = 'keyExpiresAt' in caller ? caller.keyExpiresAt : caller.expiresAt;
  return { organizationId: caller.organizationId, customerId, keyId: caller.keyId, keyExpiresAt };
}

interface Claims extends JWTPayload {
  sub: string;
  exp: number;
  iat: number;
  organization_id: string;
  key_id: string;
  renewable_until?: number;
  transaction_type?: string;
  hosted_page?: true;
  partner_user_id?: string;
}

/** Tokens of customers: JWTs signed with TOKEN_KEY, each kind for an audience of its own. They follow the real time, never a sandbox's clock. */
export class Tokens {
  #issuer = '';
  readonly #header: string;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly key: TokenKey,
  ) {
    this.#header = Buffer.from(JSON.stringify(this.#protectedHeader())).toString('base64url');
  }

  /** From now on tokens are issued by this URL, and accepted of no other. */
  issueFrom(url: string): void {
    this.#issuer = url;
  }

  /** The hosted page with a code for this customer in its fragment, which no server or log gets to see. */
  async verificationLink(grant: Grant): Promise<string> {
    const { token } = await this.#mint(AUDIENCES.code, grant, CODE_SECONDS, {});
    return `${this.#issuer}/verify#${token}`;
  }

  /** A client token that lays down what its holder's attempts have. `renewableUntil` is that of the token that is renewed; null begins anew. */
  clientToken(grant: Grant, seconds: number, { transactionType, hostedPage }: Pick<TokenHolder, 'transactionType' | 'hostedPage'>, renewableUntil: Date | null = null): Promise<MintedToken> {
    const until = renewableUntil === null ? this.#now() + RENEWABLE_SECONDS : toSeconds(renewableUntil);
    const claims: Partial<Claims> = { renewable_until: until, ...(transactionType === null ? {} : { transaction_type: transactionType }), ...(hostedPage ? { hosted_page: true } : {}) };
    return this.#mint(AUDIENCES.client, grant, Math.min(seconds, until - this.#now()), claims);
  }

  /** The right to transact, for the services of the partner. */
  session(grant: Grant, partnerUserId: string): Promise<MintedToken> {
    return this.#mint(AUDIENCES.session, grant, SESSION_SECONDS, { partner_user_id: partnerUserId });
  }

  /** Who holds a client token or the code of a link; null when it is neither, or no longer one. */
  async holderOf(token: string): Promise<TokenHolder | null> {
    const claims = await this.#verify(token, [AUDIENCES.client, AUDIENCES.code]);
    if (!claims) return null;
    const key = await callerOfKey(this.database, this.clock, claims.key_id);
    if (!key || key.organizationId !== claims.organization_id) return null;
    return holderBy(claims, key);
  }

  /** What a session of this organization says; null when it is none, has expired, or its key has ended. */
  async sessionOf(token: string, organizationId: string): Promise<{ customerId: string; partnerUserId: string | null; expiresAt: Date } | null> {
    const claims = await this.#verify(token, [AUDIENCES.session]);
    if (claims?.organization_id !== organizationId || !(await callerOfKey(this.database, this.clock, claims.key_id))) return null;
    return { customerId: claims.sub, partnerUserId: claims.partner_user_id ?? null, expiresAt: new Date(claims.exp * MILLISECONDS_PER_SECOND) };
  }

  #protectedHeader(): { alg: string; kid: string; typ: string } {
    return { alg: ALGORITHM, kid: this.key.kid, typ: 'JWT' };
  }

  async #mint(audience: Audience, grant: Grant, seconds: number, claims: Partial<Claims>): Promise<MintedToken> {
    const now = this.#now();
    const keyEnds = grant.keyExpiresAt === null ? Infinity : toSeconds(grant.keyExpiresAt);
    const expires = Math.min(now + seconds, keyEnds);
    const token = await new SignJWT({ ...claims, organization_id: grant.organizationId, key_id: grant.keyId })
      .setProtectedHeader(this.#protectedHeader())
      .setIssuer(this.#issuer)
      .setAudience(audience)
      .setSubject(grant.customerId)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(expires)
      .sign(this.key.privateKey);
    return { token, expiresAt: new Date(expires * MILLISECONDS_PER_SECOND) };
  }

  /** What a token of ours says; null when it is not ours letter by letter, for none of these audiences, or not of this time. */
  async #verify(token: string, audience: Audience[]): Promise<Claims | null> {
    if (!this.#isCanonical(token)) return null;
    try {
      const { payload } = await jwtVerify<Claims>(token, this.key.publicKey, {
        algorithms: [ALGORITHM],
        issuer: this.#issuer,
        audience,
        currentDate: this.clock.now(),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'organization_id', 'key_id'],
      });
      return payload.exp * MILLISECONDS_PER_SECOND > this.clock.now().getTime() ? payload : null;
    } catch {
      return null;
    }
  }

  /**
   * Whether a token is written as this gateway writes them: its header to the letter, so no other algorithm or key is
   * even considered; no padding, no spare bits, no key twice. Otherwise one token could be shown in many ways.
   */
  #isCanonical(token: string): boolean {
    if (token.length > LONGEST_TOKEN) return false;
    const [, header, payload, signature] = COMPACT_FORM.exec(token) ?? [];
    if (header !== this.#header || payload === undefined || signature === undefined) return false;
    if (![payload, signature].every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)) return false;
    const text = Buffer.from(payload, 'base64url').toString();
    try {
      return JSON.stringify(JSON.parse(text)) === text;
    } catch {
      return false;
    }
  }

  #now(): number {
    return toSeconds(this.clock.now());
  }
}

function holderBy(claims: Claims, key: KeyHolder): TokenHolder {
  const expiresAt = new Date(claims.exp * MILLISECONDS_PER_SECOND);
  return {
    role: claims.aud === AUDIENCES.client ? 'APPLICANT' : 'VISITOR',
    organizationId: claims.organization_id,
    customerId: claims.sub,
    actor: claims.sub,
    keyId: key.keyId,
    keyExpiresAt: key.expiresAt,
    expiresAt,
    renewableUntil: claims.renewable_until === undefined ? expiresAt : new Date(claims.renewable_until * MILLISECONDS_PER_SECOND),
    transactionType: claims.transaction_type ?? null,
    hostedPage: claims.hosted_page === true,
    address: null,
  };
}

/** The transaction type that an applicant's token lays down; null for others, and where it lays down none. */
export function transactionTypeOfToken(caller: Caller | Principal): TransactionType | null {
  return caller.role === 'APPLICANT' ? (caller.transactionType as TransactionType | null) : null;
}

/** Whole seconds, as JWTs count them. */
function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / MILLISECONDS_PER_SECOND);
}
