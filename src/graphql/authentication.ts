import type { CountedTrail } from '../audit/counted-trail.js';
import type { Caller, KeyHolder } from '../core/caller.js';
import type { Clock } from '../core/clock.js';
import type { Database } from '../core/database.js';
import { refusal } from '../core/errors.js';
import { callerOf } from '../organization/reads.js';
import type { KeyUse } from '../organization/key-use.js';
import type { Tokens } from '../organization/tokens.js';

/** Who holds the credential of an Authorization value. Throws UNAUTHENTICATED. */
export type Authenticate = (authorization: unknown) => Promise<Caller>;

/** Longer than any credential; what is longer is not even looked at. */
const LONGEST_AUTHORIZATION = 4_096;
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** Makes the check that every transport asks before it parses anything. */
export function authenticator(database: Database, clock: Clock, { operatorKey, tokens, keyUse, trail }: { operatorKey: string | null; tokens: Tokens; keyUse: KeyUse; trail: CountedTrail }): Authenticate {
  const onEnded = (key: KeyHolder): Promise<void> => trail.refused({ actor: key, operation: 'authenticate', code: 'UNAUTHENTICATED' });
  return async (authorization) => {
    const credential = typeof authorization === 'string' && authorization.length <= LONGEST_AUTHORIZATION ? BEARER.exec(authorization)?.[1] : undefined;
    const caller = credential === undefined ? null : ((await callerOf(database, clock, operatorKey, credential, onEnded)) ?? (await tokens.holderOf(credential)));
    if (!caller) throw refusal('UNAUTHENTICATED', 'Send a valid key or token: `Authorization: Bearer <key or token>`.');
    if ('keyId' in caller && caller.keyId === caller.actor) await keyUse.note(caller.keyId);
    return caller;
  };
}

