import type { Express } from 'express';
import type { TokenKey } from '../core/token-key.js';

export const JWKS_PATH = '/.well-known/jwks.json';
/** Verifiers ask again after this: a new key is known to them within minutes. */
const CACHED_SECONDS = 300;

/** Shows the public key with which a partner's services check a session's token (RFC 7517). */
export function mountJwks(app: Express, tokenKey: TokenKey): void {
  const body = JSON.stringify({ keys: [tokenKey.publicJwk] });
  app.get(JWKS_PATH, (_request, response) => {
    response.set({ 'cache-control': `public, max-age=${CACHED_SECONDS}`, 'content-type': 'application/jwk-set+json' }).send(Buffer.from(body));
  });
}
