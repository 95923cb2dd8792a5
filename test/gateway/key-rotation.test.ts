import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/core/config.js';
import { newRingEntry } from '../../src/core/crypto/key-ring.js';
import { graphql } from '../generated/index.js';
import { advance, EVALUATION, newCustomer, photo, submit } from '../support/flows.js';
import { TestGateway, useGateway, type TestOrganization } from '../support/gateway.js';
import { KEY_RING } from '../support/key-ring.js';
import { operateWith } from '../support/operator.js';
import { CREATE_CUSTOMER, PATCH_CUSTOMER, SUBMIT_DOCUMENT } from '../support/operations.js';
import { GERMAN } from '../support/people.js';
import { withDatabase } from '../support/raw-database.js';

const PERSON = graphql(`
  query PersonAcrossRotation($id: ID!) {
    customer(id: $id) {
      email
      identity {
        kycData {
          legalLastName
        }
        documents {
          fileUploads {
            fileName
            url
          }
        }
      }
    }
  }
`);
const KEY_CHANGES = graphql(`
  query KeyChanges {
    auditTrail(first: 100, filter: { kinds: [KEY_CHANGE] }) {
      nodes {
        operation
        actor
        role
        subjects
        count
      }
    }
  }
`);
const isServer = process.env['TEST_DATABASE'] === 'postgresql';
const idOf = (entry: string): string => entry.split(':')[0]!;

describe('npm run gateway -- keys rotate', () => {
  const CUSTOMERS = 15;
  const NEXT = newRingEntry();
  const both = { KEY_RING: `${NEXT},${KEY_RING}` };
  const gateway = useGateway();
  const organizations: TestOrganization[] = [];
  const known: { key: string; id: string; email: string }[] = [];
  let withFile: { key: string; id: string };

  beforeAll(async () => {
    for (const name of ['one', 'two']) {
      const organization = await gateway.organization();
      organizations.push(organization);
      for (let index = 0; index < CUSTOMERS; index += 1) {
        const email = `${name}-${index}@example.com`;
        known.push({ key: organization.partner.key!, id: await newCustomer(organization.partner, { email }), email });
      }
    }
    const { partner } = organizations[0]!;
    const id = known[0]!.id;
    const identityId = await submit(partner, id, GERMAN);
    await advance(partner, EVALUATION);
    await partner.request(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo('kept.jpg') } });
    withFile = { key: partner.key!, id };
    await gateway.stop();
    await gateway.start(both);
    // Some are under the new key already.
    known.push({ key: partner.key!, id: await newCustomer(gateway.client(partner.key), { email: 'newer@example.com' }), email: 'newer@example.com' });
  });

  /** Everything that was written before is there, and opens. */
  async function everythingOpens(): Promise<void> {
    for (const { key, id, email } of known) expect((await gateway.client(key).request(PERSON, { id })).customer?.email).toBe(email);
    const { customer } = await gateway.client(withFile.key).request(PERSON, { id: withFile.id });
    const [file] = customer!.identity!.documents[0]!.fileUploads;
    expect([customer!.identity!.kycData!.legalLastName, file!.fileName, (await fetch(file!.url!)).status]).toEqual(['Lovelace', 'kept.jpg', 200]);
  }

  /** Writes and reads until it is over. @returns how much was asked, and every answer that was an error. */
  async function load(isOver: () => boolean): Promise<{ asked: number; errors: unknown[] }> {
    const errors: unknown[] = [];
    let asked = 0;
    while (!isOver()) {
      const { key, id, email } = known[asked % known.length]!;
      const client = gateway.client(key);
      const read = await client.send(PERSON, { id });
      const made = await client.send(CREATE_CUSTOMER, { input: { email: `while-rotating-${asked}@example.com` } });
      const changed = await client.send(PATCH_CUSTOMER, { input: { customerId: made.data?.createCustomer.customer.id ?? '', lastName: 'Changed' } });
      if (read.data?.customer?.email !== email) errors.push(read.data);
      errors.push(...[read, made, changed].flatMap((answer) => answer.errors ?? []));
      if (made.data) known.push({ key, id: made.data.createCustomer.customer.id, email: `while-rotating-${asked}@example.com` });
      asked += 3;
    }
    return { asked, errors };
  }

  const wrappings = (): Promise<string[]> =>
    withDatabase(gateway, async (query) => (await query('select key_id from data_key where key_id is not null union select key_id from gateway_key order by 1')).map((row) => row['key_id'] as string));

  it('wraps every key under the newest one, under load without an error, twice at once as once', async () => {
    let over = false;
    const loads = [load(() => over), load(() => over)];
    const ran = await Promise.all([operateWith(both, gateway, 'keys', 'rotate'), operateWith(both, gateway, 'keys', 'rotate')]);
    over = true;
    const answered = await Promise.all(loads);
    for (const { code, out, error } of ran) expect([code, out, error]).toEqual([0, expect.stringMatching(new RegExp(`^\\d+ keys wrapped anew; all are under ${idOf(NEXT)}\\.$`)), expect.stringMatching(/^\d+ keys to be wrapped under /)]);
    const rewrapped = ran.reduce((sum, { out }) => sum + Number(out.split(' ')[0]), 0);
    // Each customer of before, and the key of the blind indexes.
    expect(rewrapped).toBe(2 * CUSTOMERS + 1);
    expect(answered.flatMap(({ errors }) => errors)).toEqual([]);
    console.log(`key rotation: ${rewrapped} keys wrapped anew; ${answered.reduce((sum, { asked }) => sum + asked, 0)} requests meanwhile, 0 errors`);
    expect(answered.every(({ asked }) => asked >= 3)).toBe(true);
    await gateway.stop();
    await gateway.start(both);
    await everythingOpens();
  }, 180_000);

  it('says so in the trail of each organization, which is unbroken', async () => {
    for (const organization of organizations) {
      const admin = gateway.client(await gateway.key(organization.id, 'ADMIN'));
      const entries = (await admin.request(KEY_CHANGES, {})).auditTrail.nodes.filter(({ operation }) => operation === 'keys rotate');
      expect(entries.map(({ actor, role, subjects }) => [actor, role, subjects])).toEqual(entries.map(() => ['operator command line', 'OPERATOR', [idOf(NEXT)]]));
      expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(CUSTOMERS);
    }
    await gateway.stop();
    expect(await operateWith(both, gateway, 'audit', 'verify')).toMatchObject({ code: 0 });
    await gateway.start(both);
  });

  it('done again wraps nothing; then the old key may be dropped, and everything opens; the new one may not', async () => {
    await gateway.stop();
    expect(await operateWith(both, gateway, 'keys', 'rotate')).toMatchObject({ code: 0, out: `0 keys wrapped anew; all are under ${idOf(NEXT)}.` });
    await expect(gateway.start()).rejects.toThrow(ConfigError);
    await gateway.start({ KEY_RING: NEXT });
    await everythingOpens();
    await gateway.stop();
    expect(await wrappings()).toEqual([idOf(NEXT)]);
  });

  it('leaves alone what does not open, names it, and wraps the others', async () => {
    const third = newRingEntry();
    const broken = known[0]!;
    await withDatabase(gateway, (query) => query('update data_key set wrapped = set_byte(wrapped, length(wrapped) - 1, get_byte(wrapped, length(wrapped) - 1) # 1) where customer_id = $1', [broken.id]));
    const ran = await operateWith({ KEY_RING: `${third},${NEXT}` }, gateway, 'keys', 'rotate');
    expect([ran.code, ran.out, ran.error]).toEqual([1, '', expect.stringContaining(`which do not open: ${broken.id}. Keep the older keys of KEY_RING`)]);
    await gateway.start({ KEY_RING: `${third},${NEXT}` });
    for (const { key, id, email } of known.slice(1)) expect((await gateway.client(key).request(PERSON, { id })).customer?.email).toBe(email);
    const { errors } = await gateway.client(broken.key).send(PERSON, { id: broken.id });
    expect(errors?.[0]?.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
  });
});

describe.skipIf(isServer)('the key ring that the gateway has made for itself', () => {
  const CUSTOMER = 'cus_01m80npay3fvpvwa279nzwqva9';
  const gateway = new TestGateway({ KEY_RING: '' });
  beforeAll(async () => {
    await gateway.createFrom(await readFile(new URL('../fixtures/before-encryption.sql', import.meta.url), 'utf8'));
    await gateway.start();
  });
  afterAll(() => gateway.destroy());

  it('gets a new key by each rotation, and keeps the older ones for the backups that are under them', async () => {
    const key = await gateway.key('org_01m80npamsfvpvwa1pscks8fv6', 'PARTNER');
    const rotate = () => operateWith({ KEY_RING: '' }, gateway, 'keys', 'rotate');
    // The second time two at once, which take turns.
    for (const times of [1, 2]) {
      const ran = await Promise.all(Array.from({ length: times }, rotate));
      const ring = (await readFile(join(gateway.dataDirectory, 'key-ring'), 'utf8')).trim().split('\n').map(idOf);
      expect([ran.map(({ code }) => code), ring.length]).toEqual([ran.map(() => 0), times === 1 ? 2 : 4]);
      expect(ran.some(({ out }) => out.endsWith(`all are under ${ring[0]}.`))).toBe(true);
      await gateway.stop();
      await gateway.start();
      expect((await gateway.client(key).request(PERSON, { id: CUSTOMER })).customer?.email).toBe('plaincanary1@example.com');
    }
  });
});
