import type { KeyedRequest } from './idempotency.js';

/** What a key lets its holder do: one organization's partner or reviewer or administrator, or the whole gateway's operator. */
export const ROLES = ['OPERATOR', 'ADMIN', 'PARTNER', 'REVIEWER'] as const;
export type Role = (typeof ROLES)[number];

/**
 * Who is asking, as established from the credentials before the document is parsed. In a rehearsal commands check all
 * that they would check and then take everything back: that is how every fault of an input is found at once.
 */
export type Caller =
  | { role: 'OPERATOR'; organizationId: null; actor: string; rehearsal?: true; idempotency?: KeyedRequest | undefined }
  | {
      role: Exclude<Role, 'OPERATOR'>;
      organizationId: string;
      /** The id of the key. */
      actor: string;
      /** When the credential ends by itself; null when it does not. */
      expiresAt: Date | null;
      rehearsal?: true;
      /** The key that the command is to be done under, once, where the request bears one. */
      idempotency?: KeyedRequest | undefined;
    };

/** A caller that belongs to an organization: everyone but the operator. */
export type Member = Exclude<Caller, { role: 'OPERATOR' }>;

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
