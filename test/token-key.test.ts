import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/core/config.js';
import { openTokenKey, parseTokenKey } from '../src/core/token-key.js';
import { TOKEN_KEY } from './support/token-key.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kyc-key-'));
});
afterEach(() => rm(directory, { recursive: true }));

const keyFile = (): string => join(directory, 'token-key.json');
const open = (environment: Record<string, string> = {}) => openTokenKey(readConfig({ DATA_DIR: directory, ...environment }));

describe('TOKEN_KEY', () => {
  it('is made at the first start, readable by its owner alone, and found again', async () => {
    const made = await open();
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
    expect((await open()).publicJwk).toEqual(made.publicJwk);
    expect(Object.keys(made.publicJwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  it('comes before a key that has been made, and none is made then', async () => {
    const told = await open({ TOKEN_KEY });
    await expect(stat(keyFile())).rejects.toThrow('ENOENT');
    expect(told.publicJwk.x).toBe((JSON.parse(TOKEN_KEY) as { x: string }).x);
  });

  it('is asked for with DATABASE_URL, where replicas must share it', () => {
    expect(() => readConfig({ DATABASE_URL: 'postgres://localhost/kyc' })).toThrow(ConfigError);
    expect(() => readConfig({ DATABASE_URL: 'postgres://localhost/kyc' })).toThrow(/^TOKEN_KEY /);
    expect(readConfig({ DATABASE_URL: 'postgres://localhost/kyc', TOKEN_KEY }).tokenKey).toBe(TOKEN_KEY);
  });

  const exported = (key: { export(options: { format: 'jwk' }): object }): Record<string, unknown> => key.export({ format: 'jwk' }) as Record<string, unknown>;
  const good = JSON.parse(TOKEN_KEY) as Record<string, unknown>;
  const { d: _d, ...publicHalf } = good;
  it.each([
    ['no JSON', 'SECRET-4711'],
    ['no object', '"SECRET-4711"'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['a public key', JSON.stringify(publicHalf)],
    ['an RSA key', JSON.stringify(exported(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey))],
    ['an elliptic key of another curve', JSON.stringify(exported(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey))],
    ['an Ed448 key', JSON.stringify(exported(generateKeyPairSync('ed448').privateKey))],
    ['an X25519 key', JSON.stringify(exported(generateKeyPairSync('x25519').privateKey))],
    ['halves of two keys', JSON.stringify({ ...good, x: exported(generateKeyPairSync('ed25519').publicKey)['x'] })],
    ['a key cut short', JSON.stringify({ ...good, d: String(good['d']).slice(0, 20) })],
    ['a symmetric key', JSON.stringify({ kty: 'oct', k: 'SECRET-4711' })],
  ])('%s ends the start with one sentence that names the variable and keeps the value to itself', async (_name, value) => {
    const refused = await open({ TOKEN_KEY: value }).then(() => null, (error: unknown) => error);
    expect(refused).toBeInstanceOf(ConfigError);
    expect((refused as Error).message).toMatch(/^TOKEN_KEY must be [^\n]+\.$/);
    expect((refused as Error).message).not.toContain('4711');
  });

  it('that was kept and is damaged is named by its file, and not replaced', async () => {
    await writeFile(keyFile(), '{');
    await expect(open()).rejects.toThrow(/^\/.*token-key\.json, which holds TOKEN_KEY, must be /);
    expect(await readFile(keyFile(), 'utf8')).toBe('{');
  });

  it('gives a secret of its own to each purpose, the same at every start', () => {
    const [one, again] = [parseTokenKey(TOKEN_KEY, 'TOKEN_KEY'), parseTokenKey(TOKEN_KEY, 'TOKEN_KEY')];
    expect(one.derive('file links')).toEqual(again.derive('file links'));
    expect(one.derive('file links')).not.toEqual(one.derive('other'));
    expect(one.derive('file links')).toHaveLength(32);
  });
});
