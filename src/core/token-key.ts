import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type Config } from './config.js';

/** The public half of the key, as /.well-known/jwks.json shows it (RFC 8037). */
export interface PublicJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  alg: 'EdDSA';
  use: 'sig';
  kid: string;
  x: string;
}

/** The key that client tokens and sessions are signed with. */
export interface TokenKey {
  /** The RFC 7638 thumbprint of the public half: another key has another name. */
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  publicJwk: PublicJwk;
  /** A secret of 32 bytes for one other purpose; what leaks of one says nothing of another, nor of the key (HKDF, RFC 5869). */
  derive(purpose: string): Buffer;
}

const KEY_FILE = 'token-key.json';
/** For the owner's eyes: whoever has it is whoever they like. */
const KEY_FILE_MODE = 0o600;
const DERIVED_BYTES = 32;

/** The configured key, or the one that the first start has made and kept in the data directory. Throws ConfigError. */
export async function openTokenKey({ tokenKey, dataDirectory }: Pick<Config, 'tokenKey' | 'dataDirectory'>): Promise<TokenKey> {
  if (tokenKey !== null) return parseTokenKey(tokenKey, 'TOKEN_KEY');
  const path = join(dataDirectory, KEY_FILE);
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (kept !== null) return parseTokenKey(kept, `${path}, which holds TOKEN_KEY,`);
  const made = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
  await writeFile(`${path}.new`, made, { mode: KEY_FILE_MODE, flush: true });
  await rename(`${path}.new`, path);
  return parseTokenKey(made, 'TOKEN_KEY');
}

/** Reads a private Ed25519 JWK. Throws ConfigError with a sentence that begins with `name` and never repeats the key. */
export function parseTokenKey(text: string, name: string): TokenKey {
  const malformed = new ConfigError(`${name} must be a private Ed25519 key as a JWK: {"kty":"OKP","crv":"Ed25519","d":"…","x":"…"}.`);
  let jwk: Record<string, unknown>;
  let privateKey: KeyObject;
  try {
    jwk = JSON.parse(text) as Record<string, unknown>;
    privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw malformed;
  }
  const publicKey = createPublicKey(privateKey);
  const { x } = publicKey.export({ format: 'jwk' });
  // A public half that is not the private one's would be shown to partners and verify nothing.
  if (privateKey.asymmetricKeyType !== 'ed25519' || x === undefined || x !== jwk['x']) throw malformed;
  const kid = createHash('sha256').update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })).digest('base64url');
  return {
    kid,
    privateKey,
    publicKey,
    publicJwk: { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x },
    derive: (purpose) => Buffer.from(hkdfSync('sha256', Buffer.from(String(jwk['d']), 'base64url'), '', `kyc-gateway ${purpose}`, DERIVED_BYTES)),
  };
}
