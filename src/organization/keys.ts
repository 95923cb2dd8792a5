import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key as it is handed out, once: `kyc_<prefix>_<secret>`. */
export interface MintedKey {
  secret: string;
  prefix: string;
  secretHash: string;
}

const KEY_FORM = /^kyc_([0-9a-f]{12})_([0-9A-Za-z_-]{43})$/;
const PREFIX_BYTES = 6;
/** 256 bits: a fast digest suffices to keep it, since it cannot be guessed. */
const SECRET_BYTES = 32;

/** Makes a new API key. Only its prefix and its digest are ever stored. */
export function mintKey(): MintedKey {
  const prefix = randomBytes(PREFIX_BYTES).toString('hex');
  const secret = `kyc_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { secret, prefix, secretHash: digestOf(secret) };
}

/** The public prefix of something that has the form of a key, or null. */
export function prefixOf(secret: string): string | null {
  return KEY_FORM.exec(secret)?.[1] ?? null;
}

/** The digest under which a key is kept. */
export function digestOf(secret: string): string {
  return hash('sha256', secret);
}

/** Compares in constant time. */
export function sameDigest(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
