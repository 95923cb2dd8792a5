import { readFile } from 'node:fs/promises';
import { print } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/core/config.js';
import { newRingEntry, parseKeyRing, type KeyManagement } from '../../src/core/crypto/key-ring.js';
import { SEALED_TABLES } from '../../src/kyc/personal-data.js';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { erase } from '../support/erasing.js';
import { bringTo, newCustomer, sign, submit, type Applicant } from '../support/flows.js';
import { TestGateway, useGateway } from '../support/gateway.js';
import { KEY_RING } from '../support/key-ring.js';
import { CREATE_CUSTOMER, PATCH_CUSTOMER } from '../support/operations.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';

const PERSON = graphql(`
  query WhatIsKnown($id: ID!) {
    customer(id: $id) {
      email
      firstName
      lastName
      partnerUserId
      identity {
        enterpriseId
        userId
        kycData {
          legalFirstName
          legalLastName
          nationalIdNumber
          address {
            addressLine1
            city
          }
        }
        documents {
          number
          issuingCountry
          fileUploads {
            fileName
            sha256
          }
        }
        signatures {
          contractSignerNameFull
          contractSignedIPAddress
        }
      }
    }
  }
`);

const SEALS = graphql(`
  query SealsOfRows {
    auditTrail(filter: { kinds: [SEAL_BROKEN] }) {
      nodes {
        actor
        customerId
        subjects
        fields
        count
      }
    }
  }
`);

const STATUS_ONLY = graphql(`
  query StatusOnly($first: Int!) {
    customers(first: $first) {
      nodes {
        id
        status
        kycStatus
        identity {
          id
          status
          version
        }
      }
    }
  }
`);

const BY_EMAIL = graphql(`
  query ByEmail($email: EmailAddress!) {
    customers(filter: { email: $email }) {
      nodes {
        id
        email
      }
    }
  }
`);

const BY_PARTNER_USER = graphql(`
  query ByPartnerUser($id: String!) {
    kycStatus(partnerUserId: $id) {
      status
    }
    customer(partnerUserId: $id) {
      id
      partnerUserId
    }
  }
`);

const DUPLICATES = graphql(`
  query DuplicatesOf($id: ID!) {
    identity(id: $id) {
      duplicates {
        id
      }
    }
  }
`);

const BY_USER = graphql(`
  query ByUser($userId: String!) {
    identities(filter: { userId: $userId }) {
      nodes {
        id
        userId
      }
    }
  }
`);

/** Counts what key management is asked, in front of a real key ring that answers as slowly as one over the network. */
class DistantKeys implements KeyManagement {
  unwrapped = 0;
  readonly #ring = parseKeyRing(KEY_RING, 'KEY_RING');
  readonly ids = this.#ring.ids;
  async wrap(...wanted: Parameters<KeyManagement['wrap']>) {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#ring.wrap(...wanted);
  }
  async unwrap(...wanted: Parameters<KeyManagement['unwrap']>) {
    this.unwrapped += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return this.#ring.unwrap(...wanted);
  }
}

describe('rows', () => {
  const keys = new DistantKeys();
  const gateway = useGateway({}, { workers: false, keyManagement: keys });
  let signing: Applicant;

  beforeAll(async () => {
    signing = await bringTo(gateway, 'AWAITING_SIGNATURE');
    await sign(signing.partner, signing.identityId, ['CSA']);
  });

  it('hold what is personal in one ciphertext and nowhere else', async () => {
    const columns = SEALED_TABLES.flatMap((table) => Object.values(table.fields).map(({ plainColumn }) => [table.table, plainColumn] as const));
    const found = await gateway.behindItsBack(async (query) => {
      const left: string[] = [];
      for (const [table, column] of columns) {
        const [row] = await query(`select count(*) as rows, count(${column}) as plain, count(sealed) as sealed from ${table}`);
        expect([table, Number(row!['rows']) > 0]).toEqual([table, true]);
        expect([table, Number(row!['sealed'])]).toEqual([table, Number(row!['rows'])]);
        if (Number(row!['plain']) > 0) left.push(`${table}.${column}`);
      }
      return left;
    });
    expect(found).toEqual([]);
    expect(columns.length).toBeGreaterThanOrEqual(20);
  });

  it('cost one unwrapping a customer, and none where nothing personal is asked', async () => {
    const { partner } = await gateway.organization();
    for (let index = 0; index < 5; index += 1) await submit(partner, await newCustomer(partner, { email: `person${index}@example.com` }), CALIFORNIAN);
    await gateway.stop();
    await gateway.start();
    const again = gateway.client(partner.key);
    const before = keys.unwrapped;
    const { customers } = await again.request(STATUS_ONLY, { first: 50 });
    expect(customers.nodes).toHaveLength(5);
    expect(keys.unwrapped).toBe(before);
    for (const { id } of customers.nodes) await again.request(PERSON, { id });
    for (const { id } of customers.nodes) await again.request(PERSON, { id });
    expect(keys.unwrapped).toBe(before + 5);
  });

  it('that are written after a start find their key by themselves, from a key management that takes its time', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await gateway.stop();
    await gateway.start();
    const again = gateway.client(partner.key);
    await again.request(PATCH_CUSTOMER, { input: { customerId, firstName: 'Zoë', kycData: GERMAN } });
    expect((await again.request(PERSON, { id: customerId })).customer).toMatchObject({ firstName: 'Zoë', email: 'ada@example.com', identity: { kycData: { legalLastName: 'Lovelace' } } });
  });

  it.each(['identity', 'document', 'file_upload', 'signature', 'customer'])('a ciphertext of %s that was moved or changed is INTERNAL_SERVER_ERROR, with nothing of it shown, and an entry of the audit trail', async (table) => {
    const one = await bringTo(gateway, 'AWAITING_SIGNATURE');
    await sign(one.partner, one.identityId);
    const two = await bringTo(gateway, 'AWAITING_SIGNATURE');
    await sign(two.partner, two.identityId);
    const mine = table === 'customer' ? 'id = $1' : 'customer_id = $1';
    const changes: [string, (string | null)[]][] = [
      [`update ${table} set sealed = (select sealed from ${table} where ${mine.replace('$1', '$2')} limit 1) where ${mine}`, [one.customerId, two.customerId]],
      [`update ${table} set sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1) where ${mine}`, [one.customerId]],
      [`update ${table} set sealed = substring(sealed from 1 for 10) where ${mine}`, [one.customerId]],
      // As what is erased looks, but its key is not destroyed.
      [`update ${table} set sealed = '' where ${mine}`, [one.customerId]],
    ];
    // Of the same customer and key: another row's, of this table and of another.
    const other = table === 'identity' ? 'document' : 'identity';
    changes.push([`update ${table} set sealed = (select sealed from ${other} where customer_id = $1 limit 1) where ${mine}`, [one.customerId]]);
    for (const [statement, parameters] of changes) {
      const sealed = await gateway.behindItsBack(async (query) => {
        const before = await query(`select id, sealed from ${table} where ${mine}`, [one.customerId]);
        await query(statement, parameters);
        return before;
      });
      const { json, text } = await gateway.client(one.partner.key).post({ query: print(PERSON), variables: { id: one.customerId } });
      expect([statement, json.errors?.[0]?.extensions.code]).toEqual([statement, 'INTERNAL_SERVER_ERROR']);
      expect(text).not.toMatch(/sealed|cipher|Unsupported state/i);
      await gateway.behindItsBack(async (query) => {
        for (const row of sealed) await query(`update ${table} set sealed = $2 where id = $1`, [row['id'], row['sealed']]);
      });
      expect((await gateway.client(one.partner.key).request(PERSON, { id: one.customerId })).customer?.email).toBe('ada@example.com');
    }
    const rows = await gateway.behindItsBack((query) => query(`select id from ${table} where ${mine}`, [one.customerId]));
    // What came again within the minute is counted at its end, or at the stop.
    await gateway.stop();
    await gateway.start();
    const { nodes } = (await gateway.client(await gateway.key(one.id, 'ADMIN')).request(SEALS, {})).auditTrail;
    expect(nodes.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(changes.length);
    for (const entry of nodes) {
      expect(entry).toMatchObject({ actor: expect.stringMatching(/^key_/), customerId: one.customerId, fields: [table] });
      expect(rows.map(({ id }) => id)).toContain(entry.subjects[0]);
    }
  }, 180_000);
});

describe('a start', () => {
  it('that cannot ask key management just now says so, and blames no key ring', async () => {
    const silent = new DistantKeys();
    silent.unwrap = () => Promise.reject(new Error('connect ECONNREFUSED'));
    const stranded = new TestGateway({}, { workers: false, keyManagement: silent });
    await stranded.create();
    await expect(stranded.start()).rejects.toThrow('connect ECONNREFUSED');
    await stranded.destroy();
  });
});

describe('look-ups', () => {
  const gateway = useGateway({}, { workers: false });

  it('find by e-mail address in any case, by partnerUserId and by userId, each in its own organization alone', async () => {
    const [mine, other] = [await gateway.organization(), await gateway.organization()];
    for (const { partner } of [mine, other]) {
      const id = await newCustomer(partner, { email: 'Grace@Example.com', partnerUserId: 'user-1' });
      const identityId = await submit(partner, id, CALIFORNIAN, { userId: 'uid-1' });
      for (const email of ['grace@example.com', 'GRACE@example.COM']) expect((await partner.request(BY_EMAIL, { email })).customers.nodes).toEqual([{ id, email: 'Grace@Example.com' }]);
      expect((await partner.request(BY_PARTNER_USER, { id: 'user-1' })).customer).toEqual({ id, partnerUserId: 'user-1' });
      expect((await partner.request(BY_USER, { userId: 'uid-1' })).identities.nodes).toEqual([{ id: identityId, userId: 'uid-1' }]);
      expect((await partner.request(BY_USER, { userId: 'uid-2' })).identities.nodes).toEqual([]);
    }
  });

  it('show reviewers who else gave the same national id, however it was written, in their own organization, until it is erased', async () => {
    const [mine, other] = [await gateway.organization(), await gateway.organization()];
    const people: { id: string; identityId: string }[] = [];
    for (const [organization, nationalIdNumber] of [[mine, '123-45-6789'], [mine, '123456789'], [mine, '123-45-6780'], [other, '123-45-6789']] as const) {
      const id = await newCustomer(organization.partner);
      people.push({ id, identityId: await submit(organization.partner, id, { ...CALIFORNIAN, nationalIdNumber }) });
    }
    const [first, second, third, stranger] = people as [typeof people[0], typeof people[0], typeof people[0], typeof people[0]];
    const duplicates = async (client: Client, { identityId }: { identityId: string }) => (await client.request(DUPLICATES, { id: identityId })).identity!.duplicates.map(({ id }) => id);
    expect([await duplicates(mine.reviewer, first), await duplicates(mine.reviewer, second), await duplicates(mine.reviewer, third)]).toEqual([[second.id], [first.id], []]);
    expect([await duplicates(mine.partner, first), await duplicates(other.reviewer, stranger)]).toEqual([[], []]);
    await erase(mine.partner, second.id);
    expect([await duplicates(mine.reviewer, first), await duplicates(mine.reviewer, second)]).toEqual([[], []]);
  });

  it('keep a partnerUserId unique in its organization, also among twenty at once', async () => {
    const { partner } = await gateway.organization();
    const made = await Promise.all(Array.from({ length: 20 }, () => partner.send(CREATE_CUSTOMER, { input: { partnerUserId: 'the-only-one' } })));
    expect(made.filter(({ data }) => data?.createCustomer != null)).toHaveLength(1);
    const refused = made.flatMap(({ errors }) => errors ?? []);
    expect(refused).toHaveLength(19);
    for (const { extensions } of refused) expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'partnerUserId', code: 'taken' }] });
  });
});

describe('a key ring', () => {
  const gateway = useGateway({}, { workers: false });

  it.each([
    ['another', newRingEntry()],
    ['another of the same id', `tests:${newRingEntry().split(':')[1]}`],
  ])('that is %s than the data was encrypted under ends the start with one sentence, and harms nothing', async (_name, ring) => {
    const { partner } = await gateway.organization();
    const id = await newCustomer(partner, { email: 'kept@example.com' });
    await gateway.stop();
    const error = await gateway.start({ KEY_RING: ring }).then(() => null, (thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/^KEY_RING does not open what is stored: [^\n]*\.$/);
    await gateway.start();
    expect((await gateway.client(partner.key).request(PERSON, { id })).customer?.email).toBe('kept@example.com');
  });

  it('that lacks an older key which data is still under ends the start too', async () => {
    const { partner } = await gateway.organization();
    await newCustomer(partner);
    const next = newRingEntry();
    await gateway.stop();
    await gateway.start({ KEY_RING: `${next},${KEY_RING}` });
    await newCustomer(gateway.client(partner.key), { email: 'newer@example.com' });
    await gateway.stop();
    await expect(gateway.start({ KEY_RING })).rejects.toThrow(/^KEY_RING does not open what is stored/);
    await gateway.start({ KEY_RING: `${KEY_RING},${next}` });
  });
});

describe('what was stored before there was encryption', () => {
  const ORGANIZATION = 'org_01m80npamsfvpvwa1pscks8fv6';
  const CUSTOMERS = ['cus_01m80npay3fvpvwa279nzwqva9', 'cus_01m80npbh4fvpvwa5s8xsja7py', 'cus_01m80npbpgfvpvwa8gbbw93xcv'] as const;
  const overrides = { workers: false };
  const gateway = new TestGateway({}, overrides);
  let key: string;

  beforeAll(async () => {
    await gateway.createFrom(await readFile(new URL('../fixtures/before-encryption.sql', import.meta.url), 'utf8'));
    await gateway.start();
    key = await gateway.key(ORGANIZATION, 'PARTNER');
  });
  afterAll(() => gateway.destroy());

  const everybody = async () => {
    const partner = gateway.client(key);
    return Promise.all(CUSTOMERS.map(async (id) => (await partner.request(PERSON, { id })).customer));
  };
  const inThePlain = (): Promise<number> =>
    gateway.behindItsBack(async (query) => {
      let found = 0;
      for (const { table, fields } of SEALED_TABLES) {
        const [row] = await query(`select count(*) as rows from ${table} where sealed is null or coalesce(${Object.values(fields).map(({ plainColumn }) => `${plainColumn}::text`).join(', ')}) is not null`);
        found += Number(row!['rows']);
      }
      return found;
    });

  it('is shown, found and kept unique as it was', async () => {
    expect(await inThePlain()).toBeGreaterThanOrEqual(7);
    const partner = gateway.client(key);
    const [first, second] = await everybody();
    expect(first).toMatchObject({
      email: 'plaincanary1@example.com',
      partnerUserId: 'plaincanary-user-1',
      identity: { userId: 'plaincanary-uid-1', kycData: { legalFirstName: 'Plaincanaryfirst1' }, documents: [{ issuingCountry: 'US', fileUploads: [{ fileName: 'plain-canary-front.jpg' }] }] },
    });
    expect(second).toMatchObject({ identity: { signatures: [{ contractSignerNameFull: 'Plaincanarysigner', contractSignedIPAddress: '203.0.113.78' }] } });
    expect((await partner.request(BY_EMAIL, { email: 'PLAINCANARY2@example.com' })).customers.nodes).toMatchObject([{ id: CUSTOMERS[1] }]);
    expect((await partner.request(BY_PARTNER_USER, { id: 'plaincanary-user-3' })).customer?.id).toBe(CUSTOMERS[2]);
    expect((await partner.request(BY_USER, { userId: 'plaincanary-uid-1' })).identities.nodes).toHaveLength(1);
    const { errors } = await partner.send(CREATE_CUSTOMER, { input: { partnerUserId: 'plaincanary-user-3' } });
    expect(errors?.[0]?.extensions).toMatchObject({ fields: [{ code: 'taken' }] });
  });

  it('is encrypted, customer by customer, by the command that comes to it', async () => {
    const before = await inThePlain();
    await gateway.client(key).request(PATCH_CUSTOMER, { input: { customerId: CUSTOMERS[2], lastName: 'Changed' } });
    expect((await everybody())[2]).toMatchObject({ email: 'plaincanary3@example.com', lastName: 'Changed', partnerUserId: 'plaincanary-user-3' });
    expect(await inThePlain()).toBe(before - 1);
  });

  it('is encrypted though one customer cannot be, and where the customer is encrypted and what belongs to it is not', async () => {
    const before = await everybody();
    const plain = (): Promise<number[]> =>
      gateway.behindItsBack(async (query) => {
        const [row] = await query('select (select count(*) from customer where sealed is null) as customers, (select count(*) from signature where sealed is null) as signatures');
        return [Number(row!['customers']), Number(row!['signatures'])];
      });
    overrides.workers = true;
    // Its data key does not open: nothing of this customer can be encrypted.
    await gateway.behindItsBack((query) => query("insert into data_key (customer_id, organization_id, id, key_id, wrapped, created_at) select id, organization_id, '00', 'tests', '\\x00', now() from customer where id = $1", [CUSTOMERS[0]]));
    await gateway.stop();
    await gateway.start();
    await expect.poll(plain, { timeout: 30_000, interval: 500 }).toEqual([1, 0]);
    await gateway.stop();
    await gateway.behindItsBack((query) => query("update signature set sealed = null, customer_id = null, contract_signer_name_full = 'Plaincanarysigner', contract_signed_ip_address = '203.0.113.78'"));
    await gateway.stop();
    await gateway.start();
    await expect.poll(plain, { timeout: 30_000, interval: 500 }).toEqual([1, 0]);
    overrides.workers = false;
    await gateway.behindItsBack((query) => query("delete from data_key where customer_id = $1 and id = '00'", [CUSTOMERS[0]]));
    expect(await everybody()).toEqual(before);
  });

  it('is encrypted to the last row while the gateway serves, and then shown, found and kept unique as it was', async () => {
    const before = await everybody();
    overrides.workers = true;
    await gateway.stop();
    await gateway.start();
    // Asked all the time that it takes: nothing is missing for a moment.
    for (let round = 0; round < 20; round += 1) expect(await everybody()).toEqual(before);
    await expect.poll(() => inThePlain(), { timeout: 30_000, interval: 500 }).toBe(0);
    expect(await everybody()).toEqual(before);
    expect((await gateway.client(key).request(BY_EMAIL, { email: 'plaincanary1@example.com' })).customers.nodes).toMatchObject([{ id: CUSTOMERS[0] }]);
    expect((await gateway.client(key).request(BY_PARTNER_USER, { id: 'plaincanary-user-1' })).customer?.id).toBe(CUSTOMERS[0]);
    const { errors } = await gateway.client(key).send(CREATE_CUSTOMER, { input: { partnerUserId: 'plaincanary-user-1' } });
    expect(errors?.[0]?.extensions).toMatchObject({ fields: [{ code: 'taken' }] });
  });
});
