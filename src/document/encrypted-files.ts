import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DataKey } from '../core/crypto/cipher.js';
import { openFile, sealFile, type FilePlace } from '../core/crypto/file-cipher.js';
import { KeyDestroyed, type Vault } from '../core/crypto/vault.js';
import { givenBack } from '../core/parts.js';
import type { FileStorage } from './storage.js';

/** Where a customer's file belongs. */
export interface CustomerFile extends FilePlace {
  customerId: string;
}

/** What was stored, as it came: of the plain text. */
export interface StoredFile {
  size: number;
  sha256: string;
}

/** The files of customers, in whatever storage: nothing reaches it but what is encrypted under the customer's data key. */
export class EncryptedFiles {
  constructor(
    private readonly storage: FileStorage,
    private readonly vault: Vault,
  ) {}

  /**
   * Encrypts a file as it arrives and stores all of it or, when it fails, nothing. The pieces of the source are given away. Throws
   * KeyDestroyed. Not inside a transaction.
   */
  async put(file: CustomerFile, source: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const key = await this.vault.keyOf(file.organizationId, file.customerId);
    if (!key) throw new KeyDestroyed();
    return putSealed(this.storage, key, file, source);
  }

  /**
   * A stream of the file as it came. It fails with NOT_FOUND when there is no such file, with KeyDestroyed when it has been erased, and with SealBroken before the first
   * byte that is not as it was stored. What was stored before files were encrypted, as its row says, passes as it is.
   */
  read(file: CustomerFile, encrypted = true): Readable {
    return encrypted ? Readable.from(this.opened(file), { objectMode: false }) : this.storage.read(file.storageKey);
  }

  /** What `read` streams of an encrypted file, in pieces that have memory of their own. */
  async *opened(file: CustomerFile): AsyncGenerator<Buffer<ArrayBuffer>> {
    const key = await this.vault.keyOf(file.organizationId, file.customerId);
    if (!key) throw new KeyDestroyed();
    try {
      yield* openSealed(this.storage, key, file);
    } catch (error) {
      this.vault.broken(error, file.customerId);
      throw error;
    }
  }

  /** Deletes a file, wherever it belongs. One that is not there is no error. */
  delete(storageKey: string): Promise<void> {
    return this.storage.delete(storageKey);
  }
}

/** Stores a file encrypted under a key. The pieces of the source are given away. */
export async function putSealed(storage: FileStorage, key: DataKey, place: FilePlace, source: AsyncIterable<Uint8Array>): Promise<StoredFile> {
  const hash = createHash('sha256');
  let size = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const chunk of givenBack(source)) {
      hash.update(chunk);
      size += chunk.byteLength;
      yield chunk;
    }
  }
  await storage.put(place.storageKey, sealFile(key, place, measured()));
  return { size, sha256: hash.digest('hex') };
}

/** A file that was stored encrypted under a key, in pieces that have memory of their own. */
export function openSealed(storage: FileStorage, key: DataKey, place: FilePlace): AsyncGenerator<Buffer<ArrayBuffer>> {
  return openFile(key, place, givenBack<Uint8Array>(storage.read(place.storageKey)));
}
