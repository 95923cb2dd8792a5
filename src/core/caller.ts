import type { KeyedRequest } from './idempotency.js';

/**
 * What a credential lets its holder do: the whole gateway's operator; one organization's administrator, partner or
 * reviewer; one customer's applicant, by a client token; or a visitor, who has but the code of a verificationLink.
 */
export const ROLES = ['OPERATOR', 'ADMIN', 'PARTNER', 'REVIEWER', 'APPLICANT', 'VISITOR'] as const;
export type Role = (typeof ROLES)[number];

/** The roles that an API key may have. */
export type KeyRole = Extract<Role, 'ADMIN' | 'PARTNER' | 'REVIEWER'>;

export interface Operator {
  role: 'OPERATOR';
  organizationId: null;
  actor: string;
  rehearsal?: true;
  /** The key that the request's command is to be done under, once, where it bears one. */
  idempotency?: KeyedRequest | undefined;
}

/** Who acts by an API key. */
export interface KeyHolder {
  role: KeyRole;
  organizationId: string;
  /** The id of the key. */
  actor: string;
  /** The same: everything that was minted by a key ends with it. */
  keyId: string;
  /** When the credential ends by itself; null when it does not. */
  expiresAt: Date | null;
  rehearsal?: true;
  /** The key that the request's command is to be done under, once, where it bears one. */
  idempotency?: KeyedRequest | undefined;
}

/** Who acts by a token: for one customer, and as long as the key lives that minted it. */
export interface TokenHolder {
  role: Extract<Role, 'APPLICANT' | 'VISITOR'>;
  organizationId: string;
  /** The only customer that there is for this caller. */
  customerId: string;
  /** The id of the customer: it acts for itself. */
  actor: string;
  /** The key that minted the token, and when that ends by itself. */
  keyId: string;
  keyExpiresAt: Date | null;
  expiresAt: Date;
  /** Until when the token may be exchanged for a further one. */
  renewableUntil: Date;
  /** What the applicant's attempts have, by the partner's word; null: what they had before, or none. */
  transactionType: string | null;
  /** Whether the token came of a verificationLink: its holder goes through the hosted page. */
  hostedPage: boolean;
  /** Where the request comes from, as the gateway sees it; null where no request has an address. */
  address: string | null;
  rehearsal?: true;
  /** The key that the request's command is to be done under, once, where it bears one. */
  idempotency?: KeyedRequest | undefined;
}

/**
 * Who is asking, as established from the credentials before the document is parsed. In a rehearsal commands check all
 * that they would check and then take everything back: that is how every fault of an input is found at once.
 */
export type Caller = Operator | KeyHolder | TokenHolder;

/** A caller that belongs to an organization: everyone but the operator. */
export type Member = KeyHolder | TokenHolder;

/** Work that nobody asked for directly: jobs, timers and the provider's answers, on behalf of one organization. */
export interface SystemActor {
  role: 'SYSTEM';
  organizationId: string;
  actor: string;
  rehearsal?: never;
  idempotency?: never;
}

export type Principal = Member | SystemActor;

/** The principal of background work; `actor` names the job. */
export function systemPrincipal(organizationId: string, actor: string): SystemActor {
  return { role: 'SYSTEM', organizationId, actor };
}

/** Whether a caller goes through the hosted page, where policy may ask for more than elsewhere. */
export function comesByHostedPage(caller: Caller | Principal): boolean {
  return caller.role === 'APPLICANT' && caller.hostedPage;
}

/** The only customer that a caller may see and change; null when all of its organization are. */
export function customerOf(caller: Caller | Principal): string | null {
  return caller.role === 'APPLICANT' || caller.role === 'VISITOR' ? caller.customerId : null;
}
