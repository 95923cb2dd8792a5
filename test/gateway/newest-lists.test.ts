import { afterAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import { graphql } from '../generated/index.js';
import type { CustomerStatus, IdentityStatus } from '../generated/graphql.js';
import { bringTo } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';

// Whose list is read, and how many rows others have added since, is nothing that the one should cost the other.

const NEWEST_CUSTOMERS = graphql(`
  query NewestCustomers($first: Int!, $after: String, $filter: CustomerFilter) {
    customers(first: $first, after: $after, filter: $filter) {
      nodes {
        id
      }
      pageInfo {
        endCursor
      }
    }
  }
`);
const NEWEST_IDENTITIES = graphql(`
  query NewestIdentities($first: Int!, $after: String, $filter: IdentityFilter) {
    identities(first: $first, after: $after, filter: $filter) {
      nodes {
        id
      }
      pageInfo {
        endCursor
      }
    }
  }
`);

/** Enough that to walk over them by the primary key looks cheap to the planner, as their ids and places have one order. */
const OTHERS = 20_000;
const FEW = 3;
/** Every status, one, and several. */
const FILTERS: readonly (readonly [CustomerStatus[] | null, IdentityStatus[] | null])[] = [
  [null, null],
  [['NEEDS_ADDITIONAL_INFORMATION'], ['AWAITING_DOCUMENT_UPLOAD']],
  [['NEEDS_ADDITIONAL_INFORMATION', 'ACTIVE'], ['AWAITING_DOCUMENT_UPLOAD', 'APPROVED']],
];
/** A first page and the one after it, of customers and of attempts. */
const PAGES = 2 * 2;

describe('a list, newest first', () => {
  const asked: string[] = [];
  const gateway = useGateway({}, { workers: false, database: (opened) => listened(opened) });

  function listened(database: Database): Database {
    return {
      ...database,
      select: (organizationId, statement, parameters) => (asked.push(statement.text), database.select(organizationId, statement, parameters)),
      forCustomer: (customerId) => listened(database.forCustomer(customerId)),
    } as Database;
  }

  let checked = 0;
  afterAll(() => {
    console.log(`lists, newest first: ${checked} plans looked at`);
    expect(checked).toBe(FILTERS.length * PAGES);
  });

  it('is read by an index of the organization’s own rows, however many newer ones others have', async () => {
    const someone = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    for (let more = 1; more < FEW; more += 1) await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD', { organization: someone });
    const { id: other } = await gateway.organization();
    await gateway.behindItsBack(async (query) => {
      for (const table of ['customer', 'identity']) {
        const copied = `jsonb_build_object('id', left(copied.id, 4) || 'zz' || lpad(number::text, 22, '0') || '00', 'organization_id', $1::text, 'partner_user_id', null, 'partner_user_index', null)`;
        await query(
          `insert into ${table} select made.* from (select * from ${table} where organization_id = $2 limit 1) as copied, generate_series(1, ${OTHERS}) as number, jsonb_populate_record(copied::${table}, ${copied}) as made`,
          [other, someone.id],
        );
        await query(`analyze ${table}`);
      }
    });
    const partner = gateway.client(someone.partner.key);
    asked.length = 0;
    for (const [customers, identities] of FILTERS) {
      const ask = async (afterCustomer: string | null, afterIdentity: string | null) => {
        const one = await partner.request(NEWEST_CUSTOMERS, { first: 1, after: afterCustomer, filter: { status: customers } });
        const two = await partner.request(NEWEST_IDENTITIES, { first: 1, after: afterIdentity, filter: { status: identities } });
        expect([one.customers.nodes.length, two.identities.nodes.length]).toEqual([1, 1]);
        return [one.customers.pageInfo.endCursor ?? null, two.identities.pageInfo.endCursor ?? null] as const;
      };
      await ask(...(await ask(null, null)));
    }
    const lists = asked.filter((text) => / order by id .*limit /.test(text));
    await gateway.behindItsBack(async (query) => {
      // As the gateway has it planned: once, whatever the values.
      await query('set plan_cache_mode = force_generic_plan');
      for (const text of lists) {
        const values = new Set(text.match(/\$\d+/g));
        await query(`prepare list as ${text}`);
        const plan = (await query(`explain (costs off) execute list (${[...values].fill('null').join(', ')})`)).map((row) => String(row['QUERY PLAN'])).join('\n');
        expect(plan, text).toMatch(/Index (Only )?Scan using \w+_newest on /);
        expect(plan, text).not.toMatch(/_pkey|Seq Scan|Sort/);
        await query('deallocate list');
        checked += 1;
      }
    });
  });
});
