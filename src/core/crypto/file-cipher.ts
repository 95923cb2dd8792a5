import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { moveInto, partsOf } from '../parts.js';
import { DATA_KEY_ID_BYTES, SealBroken, type DataKey } from './cipher.js';
import { KEY_BYTES } from './key-ring.js';

/** Where a file belongs: elsewhere, under another name or of another row, it does not open. */
export interface FilePlace {
  organizationId: string;
  /** The id of its row. */
  id: string;
  storageKey: string;
}

/*
 * A file in segments, each encrypted and authenticated by itself, so that no more than one is held and none is shown that was
 * not verified (STREAM: Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015; the layout is that of Tink's streaming AEAD):
 *
 *   header   version, id of the data key, salt, nonce prefix
 *   segment  ciphertext, tag
 *
 * Segments have SEGMENT_BYTES, the header counted in the first, so that the n-th begins at n * SEGMENT_BYTES; the last may be
 * shorter. Each file has a key of its own, derived from the data key by the salt (HKDF, RFC 5869). The nonce of a segment is the
 * prefix, its number and whether it is the last: what is cut off, appended, repeated or reordered does not open. Header and
 * place are the additional data of every segment.
 */
const VERSION = 1;
const SALT_BYTES = 32;
const PREFIX_BYTES = 7;
const HEADER_BYTES = 1 + DATA_KEY_ID_BYTES + SALT_BYTES + PREFIX_BYTES;
const TAG_BYTES = 16;
export const SEGMENT_BYTES = 64 * 1024;
/** NIST SP 800-38D's length for GCM: prefix, number of the segment (four bytes), last or not. */
const NONCE_BYTES = PREFIX_BYTES + 4 + 1;

/** The table of the rows that name files. */
const FILE_TABLE_NAME = 'file_upload';

/** Encrypts a file as it streams. What it gives is used up before the next is asked for: that lies in the same memory. */
export async function* sealFile(key: DataKey, place: FilePlace, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const header = Buffer.concat([Buffer.from([VERSION]), Buffer.from(key.id, 'hex'), randomBytes(SALT_BYTES + PREFIX_BYTES)]);
  const segments = new Segments(key, place, header);
  const plainBytes = SEGMENT_BYTES - TAG_BYTES;
  yield header;
  for await (const { bytes, isLast } of partsOf(source, plainBytes, plainBytes - HEADER_BYTES)) yield segments.seal(bytes, isLast);
}

/**
 * Decrypts what `sealFile` made for this very place, as it streams: nothing is given that was not verified. Each piece has memory
 * of its own. Throws SealBroken.
 */
export async function* openFile(key: DataKey, place: FilePlace, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer<ArrayBuffer>> {
  let segments: Segments | null = null;
  for await (const { bytes, isLast } of partsOf(source, SEGMENT_BYTES)) {
    let sealed = bytes;
    if (segments === null) {
      if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION || bytes.toString('hex', 1, 1 + DATA_KEY_ID_BYTES) !== key.id) throw broken(place);
      segments = new Segments(key, place, Buffer.from(bytes.subarray(0, HEADER_BYTES)));
      sealed = bytes.subarray(HEADER_BYTES);
    }
    const plain = segments.open(sealed, isLast);
    if (plain.length > 0) yield plain;
  }
}

/** The segments of one file, one after the other. */
class Segments {
  readonly #secret: KeyObject;
  readonly #prefix: Buffer;
  readonly #additionalData: Buffer;
  /** Of what is sealed, segment after segment. */
  readonly #sealed = Buffer.allocUnsafeSlow(SEGMENT_BYTES);
  #number = 0;

  constructor(
    key: DataKey,
    private readonly place: FilePlace,
    header: Buffer,
  ) {
    const saltEnd = HEADER_BYTES - PREFIX_BYTES;
    this.#secret = createSecretKey(Buffer.from(hkdfSync('sha256', key.secret, header.subarray(saltEnd - SALT_BYTES, saltEnd), 'kyc-gateway file', KEY_BYTES)));
    this.#prefix = header.subarray(saltEnd);
    // No part of it has a line break, so no two places give the same.
    this.#additionalData = Buffer.concat([header, Buffer.from([place.organizationId, FILE_TABLE_NAME, place.id, place.storageKey].join('\n'))]);
  }

  seal(plain: Buffer, isLast: boolean): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#secret, this.#nonce(isLast)).setAAD(this.#additionalData);
    moveInto(this.#sealed, cipher.update(plain));
    cipher.final();
    cipher.getAuthTag().copy(this.#sealed, plain.length);
    return this.#sealed.subarray(0, plain.length + TAG_BYTES);
  }

  open(sealed: Buffer, isLast: boolean): Buffer<ArrayBuffer> {
    const tagStart = sealed.length - TAG_BYTES;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#secret, this.#nonce(isLast), { authTagLength: TAG_BYTES });
      decipher.setAAD(this.#additionalData).setAuthTag(sealed.subarray(tagStart));
      const plain = decipher.update(sealed.subarray(0, tagStart));
      decipher.final();
      return plain;
    } catch {
      throw broken(this.place);
    }
  }

  #nonce(isLast: boolean): Buffer {
    const nonce = Buffer.alloc(NONCE_BYTES);
    this.#prefix.copy(nonce);
    nonce.writeUInt32BE(this.#number, PREFIX_BYTES);
    nonce[NONCE_BYTES - 1] = isLast ? 1 : 0;
    this.#number += 1;
    return nonce;
  }
}

function broken({ organizationId, id }: FilePlace): SealBroken {
  return new SealBroken({ organizationId, table: FILE_TABLE_NAME, rowId: id });
}
