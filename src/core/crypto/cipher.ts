import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, createHmac, type KeyObject } from 'node:crypto';
import { KEY_BYTES } from './key-ring.js';

/** The key of one customer's data. Its id stands in the header of what it has encrypted. The secret is in the form that costs a cipher least. */
export interface DataKey {
  id: string;
  secret: KeyObject;
}

/** Where a ciphertext belongs: elsewhere it does not open. */
export interface Place {
  organizationId: string;
  table: string;
  column: string;
  rowId: string;
}

/** A ciphertext that does not open: changed, cut, moved, or under another key. */
export class SealBroken extends Error {
  constructor(readonly place: Pick<Place, 'organizationId' | 'table' | 'rowId'>) {
    super(`What is stored in ${place.table} ${place.rowId} does not open`);
    this.name = 'SealBroken';
  }
}

/** The form of a ciphertext: this byte, the id of the data key, nonce, ciphertext, tag. */
const VERSION = 1;
export const DATA_KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + DATA_KEY_ID_BYTES;
/** 128 bits: two values of one organization do not meet by chance. */
const INDEX_BYTES = 16;

/** A new data key: random, and unlike any other. */
export function newDataKey(): DataKey {
  return { id: randomBytes(DATA_KEY_ID_BYTES).toString('hex'), secret: createSecretKey(randomBytes(KEY_BYTES)) };
}

/** Encrypts with AES-256-GCM, bound to its place. One key makes far fewer than the 2^32 random nonces that GCM bears. */
export function seal(key: DataKey, place: Place, plaintext: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from([VERSION]), Buffer.from(key.id, 'hex')]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce).setAAD(additionalData(header, place));
  return Buffer.concat([header, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Decrypts what `seal` made for this very place. Throws SealBroken. */
export function unseal(key: DataKey, place: Place, sealed: Buffer): Buffer {
  const nonceEnd = HEADER_BYTES + NONCE_BYTES;
  const tagStart = sealed.length - TAG_BYTES;
  try {
    if (tagStart < nonceEnd || sealed[0] !== VERSION) throw new SealBroken(place);
    const decipher = createDecipheriv('aes-256-gcm', key.secret, sealed.subarray(HEADER_BYTES, nonceEnd), { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData(sealed.subarray(0, HEADER_BYTES), place)).setAuthTag(sealed.subarray(tagStart));
    return Buffer.concat([decipher.update(sealed.subarray(nonceEnd, tagStart)), decipher.final()]);
  } catch {
    throw new SealBroken(place);
  }
}

/** No part of it has a line break, so no two places give the same. */
function additionalData(header: Buffer, { organizationId, table, column, rowId }: Place): Buffer {
  return Buffer.concat([header, Buffer.from([organizationId, table, column, rowId].join('\n'))]);
}

/** Blind indexes: what equal values of one organization have in common and nobody without the key can make. */
export class BlindIndexes {
  readonly #keys = new Map<string, KeyObject>();

  constructor(private readonly secret: Buffer) {}

  /** The index of a value; `purpose` names what is looked up by it, and has a key of its own (HKDF, RFC 5869). */
  of(organizationId: string, purpose: string, value: string): string {
    let key = this.#keys.get(purpose);
    if (!key) {
      key = createSecretKey(Buffer.from(hkdfSync('sha256', this.secret, '', `kyc-gateway blind index ${purpose}`, KEY_BYTES)));
      this.#keys.set(purpose, key);
    }
    return createHmac('sha256', key).update(`${organizationId}\n${value}`).digest().subarray(0, INDEX_BYTES).toString('base64url');
  }
}
