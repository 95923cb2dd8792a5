import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type Config } from '../config.js';

/** A data key as it is kept: under a key-encryption key, whose id says which. */
export interface WrappedKey {
  keyId: string;
  wrapped: Buffer;
}

/**
 * Who holds the key-encryption keys: the local key ring, or a cloud's key management in its place. Never called inside a
 * transaction, so it may take the time of a request over the network. `purpose` is bound to the wrapped key: it opens
 * for no other.
 */
export interface KeyManagement {
  /** The ids of the keys that it has, newest first. The newest wraps, all unwrap. */
  readonly ids: readonly [string, ...string[]];
  wrap(key: Buffer, purpose: string): Promise<WrappedKey>;
  /** Rejects with UnwrapRefused where it does not have the key, or the wrapped key or its purpose is another than was wrapped. */
  unwrap(key: WrappedKey, purpose: string): Promise<Buffer>;
  /** Makes a new key the newest, where keys are made here; absent where they are given from outside. */
  renew?(): Promise<void>;
}

/** A wrapped key that will never open here, however often it is asked. */
export class UnwrapRefused extends Error {}

/** One key-encryption key with its id. */
interface RingKey {
  id: string;
  secret: KeyObject;
}

/** AES-256. */
export const KEY_BYTES = 32;
/** NIST SP 800-38D's length for GCM. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The form of a wrapped key: this byte, the length of the id and the id, nonce, ciphertext, tag. */
const WRAPPED_VERSION = 1;
const ENTRY = /^([A-Za-z0-9_.-]{1,64}):([A-Za-z0-9+/_-]{43}=?)$/;
const RING_FILE = 'key-ring';
/** For the owner's eyes: it opens everything. */
const RING_FILE_MODE = 0o600;
const ID_BYTES = 4;

/** The key ring of the configuration, or the one that the first start has made and kept in the data directory. Throws ConfigError. */
export async function openKeyRing({ keyRing, dataDirectory }: Pick<Config, 'keyRing' | 'dataDirectory'>): Promise<KeyManagement> {
  if (keyRing !== null) return parseKeyRing(keyRing, 'KEY_RING');
  const path = join(dataDirectory, RING_FILE);
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (kept !== null) return new KeptKeyRing(path, ringKeys(kept, `${path}, which holds KEY_RING,`));
  const made = newRingEntry();
  await writeRing(path, [made]);
  return new KeptKeyRing(path, ringKeys(made, 'KEY_RING'));
}

/** On the disk before it has its name: without it nothing opens that was encrypted since. */
async function writeRing(path: string, entries: readonly string[]): Promise<void> {
  await writeFile(`${path}.new`, `${entries.join('\n')}\n`, { mode: RING_FILE_MODE, flush: true });
  await rename(`${path}.new`, path);
}

/** A new entry of a key ring, as KEY_RING takes it. */
export function newRingEntry(): string {
  return entryOf({ id: `k${randomBytes(ID_BYTES).toString('hex')}`, secret: createSecretKey(randomBytes(KEY_BYTES)) });
}

function entryOf({ id, secret }: RingKey): string {
  return `${id}:${secret.export().toString('base64url')}`;
}

/** Reads a key ring: entries `id:key`, newest first. Throws ConfigError with a sentence that begins with `name` and never repeats a key. */
export function parseKeyRing(text: string, name: string): KeyRing {
  return new KeyRing(ringKeys(text, name));
}

function ringKeys(text: string, name: string): [RingKey, ...RingKey[]] {
  const keys = text.split(/[\s,]+/).filter(Boolean).map((entry): RingKey => {
    const [, id, secret] = ENTRY.exec(entry) ?? [];
    const bytes = Buffer.from(secret ?? '', 'base64url');
    if (bytes.length !== KEY_BYTES) throw new ConfigError(`${name} must be entries id:key, newest first and separated by commas, each key 32 bytes in base64: \`npm run gateway -- keys generate\` prints one.`);
    return { id: id ?? '', secret: createSecretKey(bytes) };
  });
  const [first, ...rest] = keys;
  if (!first) throw new ConfigError(`${name} must have at least one entry: \`npm run gateway -- keys generate\` prints one.`);
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw new ConfigError(`${name} must not have two keys of one id.`);
  return [first, ...rest];
}

/** The key-encryption keys of this process, newest first: AES-256-GCM with the purpose as additional data. */
export class KeyRing implements KeyManagement {
  constructor(protected keys: readonly [RingKey, ...RingKey[]]) {}

  get ids(): readonly [string, ...string[]] {
    const [first, ...rest] = this.keys;
    return [first.id, ...rest.map(({ id }) => id)];
  }

  wrap(key: Buffer, purpose: string): Promise<WrappedKey> {
    const [{ id: keyId, secret }] = this.keys;
    const header = headerOf(keyId);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.concat([header, Buffer.from(purpose)]));
    const wrapped = Buffer.concat([header, nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    return Promise.resolve({ keyId, wrapped });
  }

  async unwrap({ keyId, wrapped }: WrappedKey, purpose: string): Promise<Buffer> {
    const secret = this.keys.find(({ id }) => id === keyId)?.secret;
    if (!secret) throw new UnwrapRefused(`The key ring has no key ${keyId}`);
    const header = headerOf(keyId);
    const nonceEnd = header.length + NONCE_BYTES;
    const tagStart = wrapped.length - TAG_BYTES;
    if (tagStart < nonceEnd || !wrapped.subarray(0, header.length).equals(header)) throw new UnwrapRefused('A wrapped key has another form');
    const decipher = createDecipheriv('aes-256-gcm', secret, wrapped.subarray(header.length, nonceEnd), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.concat([header, Buffer.from(purpose)])).setAuthTag(wrapped.subarray(tagStart));
    try {
      return Buffer.concat([decipher.update(wrapped.subarray(nonceEnd, tagStart)), decipher.final()]);
    } catch {
      throw new UnwrapRefused('A wrapped key is not as it was, or for another purpose');
    }
  }
}

/** A key ring that the gateway has made for itself, in a file. Keys that were replaced stay in it: backups are under them. */
class KeptKeyRing extends KeyRing {
  constructor(
    private readonly path: string,
    keys: readonly [RingKey, ...RingKey[]],
  ) {
    super(keys);
  }

  async renew(): Promise<void> {
    const [made] = ringKeys(newRingEntry(), 'KEY_RING');
    // Written before it is used: what is wrapped with it must be found again.
    await writeRing(this.path, [made, ...this.keys].map(entryOf));
    this.keys = [made, ...this.keys];
  }
}

function headerOf(keyId: string): Buffer {
  const id = Buffer.from(keyId);
  return Buffer.concat([Buffer.from([WRAPPED_VERSION, id.length]), id]);
}
