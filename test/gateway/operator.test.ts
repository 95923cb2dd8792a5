import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockDirectory } from '../../src/core/directory-lock.js';
import { newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { operate } from '../support/operator.js';

const gateway = useGateway();
const isEmbedded = process.env['TEST_DATABASE'] !== 'postgresql';

describe('npm run gateway --', () => {
  it('makes an organization and a key of it, which the gateway takes', async () => {
    await gateway.stop();
    expect(await operate(gateway, 'migrate')).toMatchObject({ code: 0, out: 'The schema is up to date.' });
    const organization = await operate(gateway, 'organization', 'create', '--name', 'Example Bank', '--environment', 'SANDBOX');
    expect(organization).toMatchObject({ code: 0, out: expect.stringMatching(/^org_[0-9a-z]{26}$/), error: '' });
    const key = await operate(gateway, 'api-key', 'create', '--organization', organization.out, '--role', 'PARTNER', '--name', 'Web backend');
    expect(key).toMatchObject({ code: 0, out: expect.stringMatching(/^kyc_[0-9a-f]{12}_[\w-]{43}$/), error: '' });
    await gateway.start();
    expect(await newCustomer(gateway.client(key.out))).toMatch(/^cus_/);
  });

  it('exports from a database without an organization what there is: the verifier', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-empty-'));
    const to = join(directory, 'export');
    expect(await operate({ dataDirectory: directory, databaseUrl: null }, 'audit', 'export', '--to', to)).toEqual({ code: 0, out: join(to, 'verify-audit.mjs'), error: '' });
    expect(await readdir(to)).toEqual(['verify-audit.mjs']);
    await rm(directory, { recursive: true });
  });

  it('works while the gateway serves, on its very database, says what it refuses, and finds relative paths', async () => {
    const organization = await operate(gateway, 'organization', 'create', '--name', 'Beside \u2028 it', '--environment', 'SANDBOX');
    expect(organization).toMatchObject({ code: 0, error: '' });
    const key = await operate(gateway, 'api-key', 'create', '--organization', organization.out, '--role', 'PARTNER', '--name', 'Web backend');
    expect(await newCustomer(gateway.client(key.out))).toMatch(/^cus_/);
    expect(await operate(gateway, 'audit', 'verify', '--organization', organization.out)).toMatchObject({ code: 0, out: expect.stringContaining('unbroken') });
    expect(await operate(gateway, 'audit', 'verify', '--organization', 'x')).toEqual({ code: 1, out: '', error: '--organization names no organization.' });
    const anchor = relative(process.cwd(), join(gateway.dataDirectory, 'anchor.json'));
    await writeFile(anchor, JSON.stringify({ organizationId: organization.out, position: 1, hash: 'another' }));
    expect(await operate(gateway, 'audit', 'verify', '--organization', organization.out, '--anchor', anchor)).toEqual({ code: 1, out: '', error: `${organization.out}: entry 1 is not the one that was anchored` });
  });

  it.runIf(isEmbedded)('keeps off an embedded database that another process has and nobody opens, and says so in a sentence', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-taken-'));
    const release = await lockDirectory(directory);
    const { code, out, error } = await operate({ dataDirectory: directory, databaseUrl: null }, 'migrate');
    expect([code, out]).toEqual([1, '']);
    expect(error).toMatch(/^DATA_DIR .* is in use by another gateway \(process \d+\): stop it first, or choose another DATA_DIR\.$/);
    await release();
    await rm(directory, { recursive: true });
  });

  it.runIf(isEmbedded)('is let in by nobody but the owner, and not by what a killed gateway has left', async () => {
    const socket = join(gateway.dataDirectory, 'operator.sock');
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    await gateway.stop();
    expect(await stat(socket).catch(() => null)).toBe(null);
    await writeFile(socket, '');
    expect(await operate(gateway, 'migrate')).toMatchObject({ code: 0, out: 'The schema is up to date.' });
    await gateway.start();
    expect(await operate(gateway, 'migrate')).toMatchObject({ code: 0, out: 'The schema is up to date.' });
  });

  it.each([
    [[], /npm run gateway -- migrate/],
    [['frobnicate'], /^There is no such command\./],
    [['organization', 'create'], /^organization create needs --name, --environment: npm run gateway -- /],
    [['organization', 'create', '--name', 'x', '--environment', 'MOON'], /^--environment must be one of SANDBOX, LIVE\.$/],
    [['organization', 'create', '--name', 'x', '--colour', 'red'], /^organization create does not take that: npm run gateway -- /],
    [['migrate', 'now'], /^migrate does not take that: /],
  ])('%j is refused with what would do, and an exit code of 1', async (words, said) => {
    const { code, out, error } = await operate(gateway, ...words);
    expect([code, out]).toEqual([1, '']);
    expect(error).toMatch(said);
    expect(error).not.toContain('    at ');
  });
});
