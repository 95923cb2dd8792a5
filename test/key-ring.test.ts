import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/core/config.js';
import { newRingEntry, openKeyRing, parseKeyRing } from '../src/core/crypto/key-ring.js';
import { KEY_RING } from './support/key-ring.js';
import { TOKEN_KEY } from './support/token-key.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kyc-ring-'));
});
afterEach(() => rm(directory, { recursive: true }));

const ringFile = (): string => join(directory, 'key-ring');
const open = (environment: Record<string, string> = {}) => openKeyRing(readConfig({ DATA_DIR: directory, ...environment }));
const DATA_KEY = Buffer.alloc(32, 7);
const PURPOSE = 'data-key cus_1';

describe('KEY_RING', () => {
  it('is made at the first start, readable by its owner alone, and found again', async () => {
    const made = await open();
    expect((await stat(ringFile())).mode & 0o777).toBe(0o600);
    const wrapped = await made.wrap(DATA_KEY, PURPOSE);
    expect(await (await open()).unwrap(wrapped, PURPOSE)).toEqual(DATA_KEY);
  });

  it('comes before one that has been made, and none is made then', async () => {
    expect((await open({ KEY_RING })).ids).toEqual(['tests']);
    await expect(stat(ringFile())).rejects.toThrow('ENOENT');
  });

  it('is asked for with DATABASE_URL, where replicas must share it', () => {
    expect(() => readConfig({ DATABASE_URL: 'postgres://localhost/kyc', TOKEN_KEY })).toThrow(/^KEY_RING /);
    expect(readConfig({ DATABASE_URL: 'postgres://localhost/kyc', TOKEN_KEY, KEY_RING }).keyRing).toBe(KEY_RING);
  });

  it('that is malformed is refused in one sentence that names it and does not repeat it', async () => {
    const secret = 'c2VjcmV0';
    const malformed = [secret, `a:${secret}`, `:${'A'.repeat(43)}`, `a b:${'A'.repeat(43)}`, `a:${'A'.repeat(44)}`, `a:${'A'.repeat(43)},b`, `${KEY_RING},${KEY_RING}`, ',', ' , '];
    for (const text of malformed) {
      const error = await open({ KEY_RING: text }).then(() => null, (thrown: unknown) => thrown);
      expect([text, error]).toEqual([text, expect.any(ConfigError)]);
      expect((error as Error).message).toMatch(/^KEY_RING [^\n]*\.$|^KEY_RING [^\n]*prints one\.$/);
      expect((error as Error).message).not.toContain(secret);
    }
    await writeFile(ringFile(), 'torn');
    await expect(open()).rejects.toThrow(/^\/.*key-ring, which holds KEY_RING, must be entries/);
  });

  it('takes entries with spaces, lines or commas between them, the newest first', () => {
    const [old, next] = [newRingEntry(), newRingEntry()];
    const ids = [next, old].map((entry) => entry.split(':')[0]);
    for (const between of [',', ', ', '\n', ' ']) expect(parseKeyRing(`${next}${between}${old}`, 'KEY_RING').ids).toEqual(ids);
  });

  it('renewed has a new newest key, still opens what the old one wrapped, and is found so again', async () => {
    const ring = await open();
    const before = await ring.wrap(DATA_KEY, PURPOSE);
    await ring.renew!();
    const after = await ring.wrap(DATA_KEY, PURPOSE);
    expect(after.keyId).not.toBe(before.keyId);
    const again = await open();
    expect(again.ids).toEqual([after.keyId, before.keyId]);
    for (const wrapped of [before, after]) expect(await again.unwrap(wrapped, PURPOSE)).toEqual(DATA_KEY);
    expect((await stat(ringFile())).mode & 0o777).toBe(0o600);
    expect((await readFile(ringFile(), 'utf8')).trim().split('\n')).toHaveLength(2);
  });
});

describe('a wrapped key', () => {
  it('does not open for another purpose, by another key, under another id, or when any bit of it is another', async () => {
    const ring = parseKeyRing(KEY_RING, 'KEY_RING');
    const { keyId, wrapped } = await ring.wrap(DATA_KEY, PURPOSE);
    await expect(ring.unwrap({ keyId, wrapped }, 'data-key cus_2')).rejects.toThrow();
    await expect(parseKeyRing(newRingEntry(), 'KEY_RING').unwrap({ keyId, wrapped }, PURPOSE)).rejects.toThrow(/no key tests/);
    const [, secret] = newRingEntry().split(':');
    await expect(parseKeyRing(`tests:${secret}`, 'KEY_RING').unwrap({ keyId, wrapped }, PURPOSE)).rejects.toThrow();
    let refused = 0;
    for (let bit = 0; bit < wrapped.length * 8; bit += 1) {
      const changed = Buffer.from(wrapped);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      await expect(ring.unwrap({ keyId, wrapped: changed }, PURPOSE)).rejects.toThrow();
      refused += 1;
    }
    expect(refused).toBe(wrapped.length * 8);
    for (let length = 0; length < wrapped.length; length += 1) await expect(ring.unwrap({ keyId, wrapped: wrapped.subarray(0, length) }, PURPOSE)).rejects.toThrow();
  });
});
