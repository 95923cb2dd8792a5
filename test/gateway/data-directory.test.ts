import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/core/config.js';
import { startGateway } from '../../src/gateway.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, REVIEWING, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER, SNAPSHOT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

const gateway = useGateway();

/** Milliseconds in which a second gateway is refused (issue 2, Bad input). */
const REFUSED_WITHIN = 5_000;
const LOCK = 'gateway.lock';
const isEmbedded = process.env['TEST_DATABASE'] !== 'postgresql';
if (!isEmbedded) console.log('data directory: the lock guards the embedded database; on PostgreSQL only the restart is tried.');

describe('a restart', () => {
  it('loses nothing, and the schedule goes on', async () => {
    const { partner, reviewer, id } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, GERMAN);
    await advance(partner, 0);
    const before = await partner.request(SNAPSHOT, { id: customerId });
    expect(before.customer?.identities.nodes[0]?.status).toBe('EVALUATING_SUBMISSION');
    await gateway.stop();
    await gateway.start();
    const again = { id, partner: gateway.client(partner.key), reviewer: gateway.client(reviewer.key) };
    await advance(again.partner, EVALUATION);
    const waiting = await again.partner.request(CUSTOMER, { id: customerId });
    expect(waiting.customer).toMatchObject({ status: 'NEEDS_ADDITIONAL_INFORMATION', identity: { status: 'AWAITING_DOCUMENT_UPLOAD' } });
    await submitPassport(again.partner, identityId);
    await gateway.stop();
    await gateway.start();
    const third = gateway.client(partner.key);
    await advance(third, DOCUMENT_CHECK + REVIEWING);
    expect((await third.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'ACTIVE', identity: { documents: [{ status: 'APPROVED' }] } });
  });

  it('is possible at once and often, and leaves one lock at most', async () => {
    for (let round = 0; round < 3; round += 1) {
      await gateway.stop();
      await gateway.start();
    }
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });
});

const ofEmbedded = (): void => {
  const second = () => startGateway(readConfig({ PORT: '0', DATA_DIR: gateway.dataDirectory, LOG_LEVEL: 'silent' }));

  it('is refused to a second gateway within 5 s, in one sentence, and the first is unharmed', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    for (let round = 0; round < 5; round += 1) {
      const started = performance.now();
      const refused = await second().then(() => null, (error: unknown) => error);
      expect(refused).toBeInstanceOf(ConfigError);
      expect((refused as Error).message).toMatch(/^DATA_DIR .* is in use by another gateway \(process \d+\): .*\.$/);
      expect(performance.now() - started).toBeLessThan(REFUSED_WITHIN);
    }
    expect((await partner.request(CUSTOMER, { id: customerId })).customer?.status).toBe('CREATED');
    expect((await newCustomer(partner)).startsWith('cus_')).toBe(true);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });

  it('is given up by a gateway that stops, and taken by the next', async () => {
    await gateway.stop();
    await expect(readFile(join(gateway.dataDirectory, LOCK))).rejects.toThrow('ENOENT');
    await gateway.start();
    expect(JSON.parse(await readFile(join(gateway.dataDirectory, LOCK), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it.each([
    ['a process that has died', async () => JSON.stringify({ pid: await deadProcess(), startedAt: null })],
    ['a process whose number another has now', async () => JSON.stringify({ pid: process.ppid, startedAt: 'an earlier boot/1' })],
    ['nobody: it is empty', () => Promise.resolve('')],
    ['nobody: it is garbage', () => Promise.resolve('{"pid":')],
  ])('is taken over from %s', async (_name, content) => {
    await gateway.stop();
    await writeFile(join(gateway.dataDirectory, LOCK), await content());
    await gateway.start();
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });
};
if (isEmbedded) describe('the data directory', ofEmbedded);

/** The number of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}
