import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { FileStorage } from '../../src/document/storage.js';

export const KEY = 'org_01jx/fup_01jy';
const MEGABYTE = 1_048_576;

export async function keysOf(storage: FileStorage): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list()) found.push(key);
  return found.sort();
}

async function* failing(bytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += MEGABYTE) yield randomBytes(Math.min(MEGABYTE, bytes - sent));
  throw new Error('the client went away');
}

/** What every storage of documents does, whatever it stands on. `storage` is a fresh one in each test; `settled`: nothing but whole files is left in it. */
export function behavesAsStorage(name: string, storage: () => FileStorage, settled: () => Promise<void>): void {
  describe(name, () => {
    test.each([0, 1, 70_000, 5 * MEGABYTE, 5 * MEGABYTE + 1, 10 * MEGABYTE, 15 * MEGABYTE])('a file of %d bytes is read back as it was put', async (size) => {
      const bytes = randomBytes(size);
      const cut = Math.floor(size / 3);
      await storage().put(KEY, Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)].filter((part) => part.length > 0)));
      expect((await buffer(storage().read(KEY))).equals(bytes)).toBe(true);
      expect(await keysOf(storage())).toEqual([KEY]);
      await settled();
    });

    test('a file that is not there is NOT_FOUND', async () => {
      await expect(buffer(storage().read(KEY))).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
    });

    test.each([0, 1, 3 * MEGABYTE, 12 * MEGABYTE])('a source that fails after %d bytes leaves nothing', async (bytes) => {
      await expect(storage().put(KEY, failing(bytes))).rejects.toThrow('the client went away');
      expect(await keysOf(storage())).toEqual([]);
      await settled();
    });

    test.each([1000, 7 * MEGABYTE])('a stream destroyed after %d bytes leaves nothing', async (bytes) => {
      const source = new PassThrough({ highWaterMark: MEGABYTE });
      const writing = storage().put(KEY, source);
      source.write(randomBytes(bytes), () => source.destroy(new Error('aborted')));
      await expect(writing).rejects.toThrow('aborted');
      expect(await keysOf(storage())).toEqual([]);
      await settled();
    });

    test('a stream that failed before it was read leaves nothing and ends nothing', async () => {
      const source = new PassThrough();
      const writing = storage().put(KEY, source);
      source.destroy(new Error('aborted'));
      await expect(writing).rejects.toThrow('aborted');
      expect(await keysOf(storage())).toEqual([]);
    });

    test('a file is not visible before it is complete', async () => {
      const source = new PassThrough();
      const writing = storage().put(KEY, source);
      await new Promise((resolve) => source.write(randomBytes(6 * MEGABYTE), resolve));
      await expect(buffer(storage().read(KEY))).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
      source.end();
      await writing;
      expect((await buffer(storage().read(KEY))).length).toBe(6 * MEGABYTE);
      expect(await keysOf(storage())).toEqual([KEY]);
    });

    test('eight files at once arrive each as it was', async () => {
      const files = Array.from({ length: 8 }, (_, index) => ({ key: `org_01jx/fup_${index}`, bytes: randomBytes(6 * MEGABYTE) }));
      await Promise.all(files.map(({ key, bytes }) => storage().put(key, Readable.from([bytes]))));
      for (const { key, bytes } of files) expect((await buffer(storage().read(key))).equals(bytes), key).toBe(true);
      expect(await keysOf(storage())).toEqual(files.map(({ key }) => key));
    });

    test('deleting is final, and deleting nothing is no error', async () => {
      await storage().put(KEY, Readable.from([randomBytes(10)]));
      await storage().delete(KEY);
      await storage().delete(KEY);
      expect(await keysOf(storage())).toEqual([]);
    });

    test('one that holds nothing yet lists nothing', async () => {
      expect(await keysOf(storage())).toEqual([]);
    });

    test.each(['', '..', '../x', 'a/../../x', '/etc/passwd', 'a//b', 'a/', 'a/./b', 'a\\..\\b', 'a/b\0', 'a/b\n', '.hidden', 'a/b.partial', 'C:x', 'a/b/c/d/e', 'x'.repeat(101)])(
      'the key %j is refused everywhere',
      async (key) => {
        await expect(storage().put(key, Readable.from([]))).rejects.toThrow('storage key');
        expect(() => storage().read(key)).toThrow('storage key');
        await expect(storage().delete(key)).rejects.toThrow('storage key');
      },
    );
  });
}
