import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localStorage, receiveFiles, type FileStorage } from '../src/document/storage.js';
import { behavesAsStorage, KEY, keysOf } from './support/storage.js';

let directory: string;
let storage: FileStorage;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'storage-')), 'documents');
  storage = localStorage(directory);
});
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

/** Every file on the disk. */
async function files(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

behavesAsStorage('local storage', () => storage, async () => {
  expect((await files()).filter((name) => name.includes('.'))).toEqual([]);
});

describe('local storage on its disk', () => {
  test('a file and its directories are for this user alone', async () => {
    await storage.put(KEY, Readable.from([randomBytes(10)]));
    expect((await stat(join(directory, KEY))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'org_01jx'))).mode & 0o777).toBe(0o700);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('two writers of one key do not mix', async () => {
    const source = new PassThrough();
    source.write(randomBytes(1000));
    const writing = storage.put(KEY, source);
    await expect.poll(() => files()).toEqual(['fup_01jy.partial']);
    await expect(storage.put(KEY, Readable.from([]))).rejects.toMatchObject({ code: 'EEXIST' });
    source.end();
    await writing;
    expect((await buffer(storage.read(KEY))).length).toBe(1000);
    expect(await files()).toEqual(['fup_01jy']);
  });

  test('what a killed process left is listed, and deleted by its key', async () => {
    await storage.put('org_01jx/fup_whole', Readable.from([randomBytes(10)]));
    await writeFile(join(directory, 'org_01jx', 'fup_torn.partial'), 'half');
    expect(await keysOf(storage)).toEqual(['org_01jx/fup_torn', 'org_01jx/fup_whole']);
    await storage.delete('org_01jx/fup_torn');
    expect(await keysOf(storage)).toEqual(['org_01jx/fup_whole']);
  });
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
    expect(await keysOf(storage)).toEqual([]);
    expect(await readFile(join(directory, 'org_1', 'fup_0.partial')).catch(() => 'gone')).toBe('gone');
  });
});
