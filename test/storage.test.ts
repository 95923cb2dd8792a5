import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localStorage, receiveFiles, type FileStorage } from '../src/document/storage.js';

const KEY = 'org_01jx/fup_01jy';
let directory: string;
let storage: FileStorage;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'storage-')), 'documents');
  storage = localStorage(directory);
});
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list()) found.push(key);
  return found.sort();
}

async function* failing(chunks: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < chunks; index += 1) yield randomBytes(1000);
  throw new Error('the client went away');
}

describe('local storage', () => {
  test('what was put is read back, with its size and digest', async () => {
    const bytes = randomBytes(3_000_000);
    const stored = await storage.put(KEY, Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]));
    expect(stored).toEqual({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect((await buffer(storage.read(KEY))).equals(bytes)).toBe(true);
    expect(await keys()).toEqual([KEY]);
  });

  test('an empty file is a file', async () => {
    expect((await storage.put(KEY, Readable.from([]))).size).toBe(0);
    expect((await buffer(storage.read(KEY))).length).toBe(0);
  });

  test('a file and its directories are for this user alone', async () => {
    await storage.put(KEY, Readable.from([randomBytes(10)]));
    expect((await stat(join(directory, KEY))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'org_01jx'))).mode & 0o777).toBe(0o700);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('a source that fails leaves nothing', async () => {
    await expect(storage.put(KEY, failing(5))).rejects.toThrow('the client went away');
    expect(await readdir(join(directory, 'org_01jx'))).toEqual([]);
    await expect(buffer(storage.read(KEY))).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
  });

  test('a stream destroyed in mid-file leaves nothing', async () => {
    const source = new PassThrough();
    source.write(randomBytes(1000));
    const writing = storage.put(KEY, source);
    setTimeout(() => source.destroy(new Error('aborted')), 20);
    await expect(writing).rejects.toThrow('aborted');
    expect(await readdir(join(directory, 'org_01jx'))).toEqual([]);
  });

  test('a stream that failed before it was read leaves nothing and ends nothing', async () => {
    const source = new PassThrough();
    const writing = storage.put(KEY, source);
    source.destroy(new Error('aborted'));
    await expect(writing).rejects.toThrow('aborted');
    expect(await keys()).toEqual([]);
  });

  test('a file is not visible before it is complete', async () => {
    const source = new PassThrough();
    source.write(randomBytes(1000));
    const writing = storage.put(KEY, source);
    await expect.poll(() => readdir(join(directory, 'org_01jx')).catch(() => [])).toEqual(['fup_01jy.partial']);
    await expect(buffer(storage.read(KEY))).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
    await expect(storage.put(KEY, Readable.from([]))).rejects.toMatchObject({ code: 'EEXIST' });
    source.end();
    expect((await writing).size).toBe(1000);
    expect(await readdir(join(directory, 'org_01jx'))).toEqual(['fup_01jy']);
  });

  test('what a killed process left is listed, and deleted by its key', async () => {
    await storage.put('org_01jx/fup_whole', Readable.from([randomBytes(10)]));
    await writeFile(join(directory, 'org_01jx', 'fup_torn.partial'), 'half');
    expect(await keys()).toEqual(['org_01jx/fup_torn', 'org_01jx/fup_whole']);
    await storage.delete('org_01jx/fup_torn');
    expect(await keys()).toEqual(['org_01jx/fup_whole']);
  });

  test('deleting is final, and deleting nothing is no error', async () => {
    await storage.put(KEY, Readable.from([randomBytes(10)]));
    await storage.delete(KEY);
    await storage.delete(KEY);
    expect(await keys()).toEqual([]);
  });

  test('a directory that does not exist yet is an empty storage', async () => {
    expect(await keys()).toEqual([]);
  });

  test.each(['', '..', '../x', 'a/../../x', '/etc/passwd', 'a//b', 'a/', 'a/./b', 'a\\..\\b', 'a/b\0', 'a/b\n', '.hidden', 'a/b.partial', 'C:x', 'a/b/c/d/e', 'x'.repeat(101)])(
    'the key %j is refused everywhere',
    async (key) => {
      await expect(storage.put(key, Readable.from([]))).rejects.toThrow('storage key');
      expect(() => storage.read(key)).toThrow('storage key');
      await expect(storage.delete(key)).rejects.toThrow('storage key');
    },
  );
});

describe('receiving files', () => {
  const incoming = (stream: Readable) => Promise.resolve({ createReadStream: () => stream });

  test('all are taken, in the order they were asked for', async () => {
    const files = [Readable.from([Buffer.from('a')]), Readable.from([Buffer.from('b')])].map(incoming);
    expect(await receiveFiles(files, async (stream) => (await buffer(stream)).toString(), async () => undefined)).toEqual(['a', 'b']);
  });

  test('one that fails takes the others back, and does not wait for those that never come', async () => {
    const endless = new PassThrough();
    endless.write('x');
    const good = Readable.from([Buffer.from('good')]);
    const bad = new PassThrough();
    setTimeout(() => bad.destroy(new Error('too large')), 300);
    const never = new Promise<{ createReadStream(): Readable }>(() => undefined);
    const discarded: string[] = [];
    const uploads = [incoming(endless), incoming(good), incoming(bad), never];
    const store = async (stream: Readable, _file: unknown, index: number): Promise<string> => {
      await storage.put(`org_1/fup_${index}`, stream);
      return `org_1/fup_${index}`;
    };
    await expect(
      receiveFiles(uploads, store, async (key) => {
        discarded.push(key);
        await storage.delete(key);
      }),
    ).rejects.toThrow('too large');
    expect(discarded).toEqual(['org_1/fup_1']);
    expect(endless.destroyed).toBe(true);
    expect(await keys()).toEqual([]);
    expect(await readFile(join(directory, 'org_1', 'fup_0.partial')).catch(() => 'gone')).toBe('gone');
  });
});
