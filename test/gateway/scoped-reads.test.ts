import { Client as DatabaseClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import { nameOf } from '../../src/core/statement-names.js';
import { CUSTOMER_SETTING, ORGANIZATION_SETTING } from '../../src/core/tenancy.js';
import { newCustomer } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';

// A read enters its scope and asks in one message to the database. Whatever it forgets, it finds nothing beyond, and what
// runs next on the connection finds nothing of it.

const FORGETFUL = { name: 'test_forgetful', text: 'select id, organization_id from customer where $1::text is not null' };
/** Each holds so many customers; so many reads run at once. */
const CUSTOMERS = 3;
const READS = 300;
/** More statements of as many texts than connections keep prepared, each asked often enough to be prepared, and what they keep at most. */
const TEXTS = 700;
const ASKED_EACH = 4;
const MOST_PREPARED = 350;
const INSUFFICIENT_PRIVILEGE = '42501';
/**
 * A lock of this test's own, for which a read waits three seconds at most; how many are asked right after that read, several times as many
 * as all connections take at once; and how many of them share its connection.
 */
const LOCK = 47_110;
const OTHERS = 100;
const BESIDE = 3;

describe('reads in their scope', () => {
  let database: Database;
  const gateway = useGateway({}, { workers: false, database: (opened) => (database = opened) });
  const organizations: { organization: TestOrganization; customers: string[] }[] = [];
  let [asked, found] = [0, 0];

  beforeAll(async () => {
    for (const name of ['first', 'second', 'third']) {
      const organization = await gateway.organization();
      const customers: string[] = [];
      while (customers.length < CUSTOMERS) customers.push(await newCustomer(organization.partner, { email: `${name}.${customers.length}@example.com` }));
      organizations.push({ organization, customers });
    }
  });

  afterAll(() => {
    console.log(`scoped reads: ${asked} that forget their conditions found ${found} rows of their own and no other`);
    expect(asked).toBeGreaterThan(READS);
  });

  /** What a statement without any condition finds for one organization or one of its customers. */
  async function everything(organizationId: string, customerId: string | null): Promise<string[]> {
    const rows = await database.forCustomer(customerId).select<{ id: string }>(organizationId, FORGETFUL, ['']);
    asked += 1;
    found += rows.length;
    return rows.map(({ id }) => id).sort();
  }

  it('a query that forgets its conditions finds the rows of its own organization or customer, among hundreds at once', async () => {
    await Promise.all(
      Array.from({ length: READS }, async (_, index) => {
        const { organization, customers } = organizations[index % organizations.length]!;
        const customerId = index % 2 === 0 ? null : customers[index % CUSTOMERS]!;
        expect(await everything(organization.id, customerId)).toEqual(customerId === null ? customers.toSorted() : [customerId]);
      }),
    );
  });

  it('a scope ends with its read: nothing of it is left on the connection', async () => {
    const [{ organization, customers }] = organizations as [(typeof organizations)[number]];
    const left = (): Promise<{ organization: string | null; customer: string | null; role: string; writable: string }[]> =>
      database.owner().execute(`select current_setting('${ORGANIZATION_SETTING}', true) as organization, current_setting('${CUSTOMER_SETTING}', true) as customer,
        current_setting('role') as role, current_setting('transaction_read_only') as writable`);
    await everything(organization.id, customers[0]!);
    for (let times = 0; times < 10; times += 1) {
      const [settings] = await left();
      expect([settings!.organization ?? '', settings!.customer ?? '', settings!.role, settings!.writable]).toEqual(['', '', 'none', 'off']);
      await everything(organization.id, null);
    }
  });

  it('a read writes nothing, whatever it asks, by a prepared statement or another', async () => {
    const [{ organization, customers }] = organizations as [(typeof organizations)[number]];
    const text = 'with changed as (update customer set version = version + 1 where id = $1 returning id) select id from changed';
    for (const name of ['test_reading_writes', null]) await expect(database.select(organization.id, { name, text }, [customers[0]])).rejects.toMatchObject({ code: '25006' });
  });

  it('what fails takes along nothing of what was asked at once with it, whoever asked that', async () => {
    const failing = [{ name: 'test_together_syntax', text: 'selekt $1' }, { name: null, text: 'select 1 / (length($1::text) - length($1::text))' }];
    const outcomes = await Promise.allSettled(
      Array.from({ length: READS }, (_, index) => {
        const { organization } = organizations[index % organizations.length]!;
        const statement = index % 3 === 1 ? failing[index % failing.length] : undefined;
        return statement ? database.select<{ id: string }>(organization.id, statement, ['']) : everything(organization.id, null);
      }),
    );
    const told = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'refused'));
    expect(told).toEqual(Array.from({ length: READS }, (_, index) => (index % 3 === 1 ? 'refused' : organizations[index % organizations.length]!.customers.toSorted())));
  });

  // The embedded database has one connection for all.
  it.runIf(process.env['TEST_DATABASE'] === 'postgresql')('a read that waits holds up the few that were asked right after it, and none of all others asked at once with it', async () => {
    const [{ organization, customers }] = organizations as [(typeof organizations)[number]];
    const holder = new DatabaseClient(gateway.databaseUrl!);
    await holder.connect();
    try {
      await holder.query('select pg_advisory_lock($1)', [LOCK]);
      const answered: number[] = [];
      const waiting = database.select<{ id: string }>(organization.id, { name: null, text: `select id from customer, pg_advisory_xact_lock_shared(${LOCK}) where $1::text is not null` }, ['']);
      const others = Array.from({ length: OTHERS }, async (_, index) => {
        const ids = await everything(organization.id, null);
        answered.push(index);
        return ids;
      });
      await Promise.all(others.slice(BESIDE));
      expect(answered.toSorted((one, other) => one - other)).toEqual(Array.from({ length: OTHERS - BESIDE }, (_, index) => index + BESIDE));
      await holder.query('select pg_advisory_unlock($1)', [LOCK]);
      expect((await waiting).map(({ id }) => id).sort()).toEqual(customers.toSorted());
      expect(await Promise.all(others)).toEqual(Array(OTHERS).fill(customers.toSorted()));
    } finally {
      await holder.end();
    }
  });

  it('a statement that fails leaves the connection as it was, for whoever is next', async () => {
    const [{ organization, customers }, other] = organizations as [(typeof organizations)[number], (typeof organizations)[number]];
    for (const [name, text] of [
      ['test_syntax', 'selekt $1'],
      ['test_division', 'select 1 / (length($1::text) - length($1::text))'],
      // The embedded database's driver does not know of transactions that only read.
      ...(gateway.databaseUrl === null ? [] : ([['test_write', "update customer set version = version + 1 where $1::text is not null returning id"]] as const)),
    ] as const) {
      for (let times = 0; times < 2; times += 1) {
        await expect(database.select(organization.id, { name, text }, ['']), name).rejects.toThrow();
        expect(await everything(other.organization.id, null)).toEqual(other.customers.toSorted());
        expect(await everything(organization.id, null)).toEqual(customers.toSorted());
      }
    }
  });

  it('a policy that stands is nobody’s to change: an organization’s own commands may not write there', async () => {
    const [{ organization }] = organizations as [(typeof organizations)[number]];
    const kept = (): Promise<object[]> => database.owner().execute('select * from policy where organization_id = ?', [organization.id]);
    const before = await kept();
    for (const text of [
      "update policy set rules = rules || '{\"minimumAge\": 1}' where organization_id = $1",
      'delete from policy where organization_id = $1',
      "insert into policy (organization_id, id, rules) values ($1, 'mine', '{}')",
    ]) {
      await expect(database.transact(organization.id, (transaction) => transaction.run(text, [organization.id])), text).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    }
    expect(await kept()).toEqual(before);
    expect(before).toHaveLength(1);
  });

  it('whoever asks for ever new statements takes nobody else’s place: what is asked stays prepared, and what nobody asks for is closed', async () => {
    const [{ organization, customers }] = organizations as [(typeof organizations)[number]];
    const ask = async (text: string): Promise<string[]> => (await database.select<{ id: string }>(organization.id, nameOf(text), [''])).map(({ id }) => id).sort();
    const common = `${FORGETFUL.text} and 'common' = 'common'`;
    for (let times = 0; times < ASKED_EACH; times += 1) await ask(common);
    const { name } = nameOf(common);
    for (let text = 0; text < TEXTS; text += 1) {
      // At once, over several connections, each of which closes what is forgotten before it goes on.
      const found = await Promise.all(Array.from({ length: ASKED_EACH }, () => ask(`${FORGETFUL.text} and ${text} = ${text}`)));
      expect([...found, await ask(common)]).toEqual(Array(ASKED_EACH + 1).fill(customers.toSorted()));
    }
    expect([name, nameOf(`${FORGETFUL.text} and ${TEXTS - 1} = ${TEXTS - 1}`).name]).not.toContain(null);
    expect(nameOf(common).name).toBe(name);
    const prepared = await Promise.all(Array.from({ length: READS }, () => database.select<{ count: number }>(organization.id, { name: null, text: 'select count(*)::int as count from pg_prepared_statements where $1::text is not null' }, [''])));
    expect(Math.max(...prepared.map(([row]) => row!.count))).toBeLessThan(MOST_PREPARED);
  });

  it('a read of nobody finds nothing', async () => {
    expect(await everything('', null)).toEqual([]);
    expect(await everything(organizations[0]!.organization.id, '')).toEqual([]);
    expect(await everything(organizations[0]!.organization.id, organizations[1]!.customers[0]!)).toEqual([]);
  });
});
