import type { CountedTrail } from '../audit/counted-trail.js';
import type { Caller, KeyHolder } from '../core/caller.js';
import type { Clock } from '../core/clock.js';
import type { Database } from '../core/database.js';
import { refusal } from '../core/errors.js';
import type { KeyCache } from '../organization/key-cache.js';
import { digestOf, sameDigest } from '../organization/keys.js';
import { isCustomerErased } from '../customer/reads.js';
import { callerOf } from '../organization/reads.js';
import type { KeyUse } from '../organization/key-use.js';
import type { Tokens } from '../organization/tokens.js';

/** Who holds the credential of an Authorization value. Throws UNAUTHENTICATED. */
export type Authenticate = (authorization: unknown) => Promise<Caller>;

/** Longer than any credential; what is longer is not even looked at. */
const LONGEST_AUTHORIZATION = 4_096;
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** What credentials are compared with. */
interface Credentials {
  operatorKey: string | null;
  keys: KeyCache;
  tokens: Tokens;
  keyUse: KeyUse;
  trail: CountedTrail;
}

/** Makes the check that every transport asks before it parses anything. */
export function authenticator(database: Database, clock: Clock, { operatorKey, keys, tokens, keyUse, trail }: Credentials): Authenticate {
  const operatorDigest = operatorKey === null ? null : digestOf(operatorKey);
  const onEnded = (key: KeyHolder): Promise<void> => trail.refused({ actor: key, operation: 'authenticate', code: 'UNAUTHENTICATED' });
  const holderOf = async (token: string): Promise<Caller | null> => {
    const holder = await tokens.holderOf(token);
    return holder && !(await isCustomerErased(database, holder.customerId)) ? holder : null;
  };
  const callerBy = async (credential: string): Promise<Caller | null> => {
    if (operatorDigest !== null && sameDigest(operatorDigest, digestOf(credential))) return { role: 'OPERATOR', organizationId: null, actor: 'operator' };
    return (await callerOf(keys, clock, credential, onEnded)) ?? holderOf(credential);
  };
  return async (authorization) => {
    const credential = typeof authorization === 'string' && authorization.length <= LONGEST_AUTHORIZATION ? BEARER.exec(authorization)?.[1] : undefined;
    const caller = credential === undefined ? null : await callerBy(credential);
    if (!caller) throw refusal('UNAUTHENTICATED', 'Send a valid key or token: `Authorization: Bearer <key or token>`.');
    if ('keyId' in caller && caller.keyId === caller.actor) await keyUse.note(caller.keyId);
    return caller;
  };
}
