import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { notFound } from '../core/errors.js';

export interface ListedFile { key: string; modifiedAt: Date }

/**
 * Where the bytes of documents are kept, encrypted (encrypted-files.ts). A key is one to four segments such as
 * `org_…/fup_…`. Small, so that a local directory (below) and S3 (s3-storage.ts) stand side by side.
 */
export interface FileStorage {
  /** Stores all of the source or, when it fails, nothing. The file is visible only when it is complete. */
  put(key: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** A stream that fails with NOT_FOUND when there is no such file. */
  read(key: string): Readable;
  /** Deletes the file, and what an interrupted `put` left of it. A file that is not there is no error. */
  delete(key: string): Promise<void>;
  /** Every file, unfinished ones included, so that a sweep finds what a crash left. A sweep spares the young ones. */
  list(): AsyncIterable<ListedFile>;
}

/** No dot, hence no `..`, no hidden file and no clash with the suffix of unfinished files. */
const KEY = /^[A-Za-z0-9_-]{1,100}(?:\/[A-Za-z0-9_-]{1,100}){0,3}$/;
/** Of a file that is still written. */
const PARTIAL = '.partial';
/** Documents are read by this process's user alone. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export function isStorageKey(key: string): boolean {
  return KEY.test(key);
}

/** The key. Keys are made here, never taken from a request: a wrong one is a bug and not the caller's fault. */
export function requireStorageKey(key: string): string {
  if (!isStorageKey(key)) throw new Error('A storage key has one to four segments of letters, digits, _ and -.');
  return key;
}

/** Storage in a local directory, which is made when the first file comes. */
export function localStorage(directory: string): FileStorage {
  const pathOf = (key: string): string => join(directory, requireStorageKey(key));
  return {
    put: async (key, source) => writeWhole(pathOf(key), source),
    read: (key) => Readable.from(readChunks(pathOf(key)), { objectMode: false }),
    delete: async (key) => {
      const path = pathOf(key);
      await rm(path, { force: true });
      await rm(path + PARTIAL, { force: true });
    },
    list: () => listFiles(directory, ''),
  };
}

async function writeWhole(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = path + PARTIAL;
  // A stream may fail before it is read, and without a listener that would end the process. Reading it throws all the same.
  if (source instanceof Readable) source.on('error', () => undefined);
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  // Exclusive: two writers of one key would mix their bytes.
  const file = await open(partial, 'wx', FILE_MODE);
  try {
    try {
      for await (const chunk of source) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** A rename survives a power cut only when its directory was written too. */
async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory, and journals the rename itself.
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? notFound('file') : error;
  });
  yield* file.createReadStream();
}

async function* listFiles(directory: string, prefix: string): AsyncGenerator<ListedFile> {
  for (const entry of await entriesOf(directory)) {
    const path = join(directory, entry.name);
    const key = prefix + (entry.name.endsWith(PARTIAL) ? entry.name.slice(0, -PARTIAL.length) : entry.name);
    if (entry.isDirectory()) yield* listFiles(path, `${key}/`);
    // Other files are not ours, and `delete` would not take their key.
    else if (entry.isFile() && isStorageKey(key)) {
      const found = await stat(path).catch(ignoreMissing);
      if (found) yield { key, modifiedAt: found.mtime };
    }
  }
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  return (await readdir(directory, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
}

/** What vanishes while it is listed, or was never made, is not there. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** SHA-256 of a stream, in hex, of which nothing else is kept. */
export async function digestOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Takes all files of a request at once, which no order of arrival can dead-lock: `take` reads each stream. When one fails,
 * the others' streams are destroyed, what was already taken is given to `discard`, and only then is the first error thrown.
 */
export async function receiveFiles<Incoming extends { createReadStream(): Readable }, Taken>(
  uploads: readonly Promise<Incoming>[],
  take: (stream: Readable, file: Incoming, index: number) => Promise<Taken>,
  discard: (taken: Taken) => Promise<void>,
): Promise<Taken[]> {
  const streams = new Set<Readable>();
  const running = new Set<Promise<Taken>>();
  let failure: { error: unknown } | undefined;
  const receive = async (upload: Promise<Incoming>, index: number): Promise<Taken> => {
    const file = await upload;
    if (failure) throw failure.error;
    const stream = file.createReadStream();
    // Permanent: `take` may have something to do before it listens.
    streams.add(stream.on('error', () => undefined));
    const taking = take(stream, file, index);
    running.add(taking);
    // Also when `take` has left bytes unread: the next file waits behind them.
    return taking.finally(() => stream.destroy());
  };
  try {
    return await Promise.all(uploads.map(receive));
  } catch (error) {
    failure = { error };
    for (const stream of streams) stream.destroy(error instanceof Error ? error : new Error('another file failed'));
    // Files that have not arrived are not waited for: the answer need not wait for the client to send them.
    for (const outcome of await Promise.allSettled(running)) if (outcome.status === 'fulfilled') await discard(outcome.value);
    throw error;
  }
}
