import { SEALED_TABLES } from '../../src/kyc/personal-data.js';
import { graphql } from '../generated/index.js';
import type { Client } from './client.js';
import type { TestGateway } from './gateway.js';
import { nodeDocument } from './roots.js';

export const ERASE = graphql(`
  mutation EraseCustomer($input: EraseCustomerInput!) {
    eraseCustomer(input: $input) {
      customer {
        id
        status
        kycStatus
        verifiedAt
        erasedAt
        email
        version
        allowedActions
        kycData {
          legalFirstName
        }
      }
    }
  }
`);

export const PLACE_HOLD = graphql(`
  mutation HoldBeforeErasing($input: PlaceLegalHoldInput!) {
    placeLegalHold(input: $input) {
      customer {
        id
      }
    }
  }
`);

export const RELEASE_HOLD = graphql(`
  mutation ReleaseBeforeErasing($input: ReleaseLegalHoldInput!) {
    releaseLegalHold(input: $input) {
      customer {
        id
      }
    }
  }
`);


/** Erases a customer. @returns what is left of it. */
export async function erase(client: Client, customerId: string, reason = 'The person asked for it.') {
  return (await client.request(ERASE, { input: { customerId, reason } })).eraseCustomer.customer;
}

/** Everything that is shown of an object, as text. */
export async function shown(client: Client, type: string, id: string): Promise<string> {
  return JSON.stringify((await client.post({ query: nodeDocument(type), variables: { id } })).json.data);
}

/** What the tables still hold of erased customers that is or may be personal, as table and column. */
export function leftOf(gateway: TestGateway, customerIds: readonly string[]): Promise<string[]> {
  return gateway.behindItsBack(async (query) => {
    const left: string[] = [];
    for (const { table, fields, indexes, unsealed } of SEALED_TABLES) {
      const columns = [...Object.values(fields).map(({ plainColumn }) => plainColumn), ...Object.values(indexes).map(({ column }) => column), ...Object.values(unsealed)];
      for (const row of await query(`select * from ${table} where ${table === 'customer' ? 'id' : 'customer_id'} = any($1)`, [customerIds])) {
        if ((row['sealed'] as Uint8Array).length > 0) left.push(`${table}.sealed`);
        left.push(...columns.filter((column) => row[column] !== null).map((column) => `${table}.${column}`));
      }
    }
    const mustBeNone: Record<string, string> = {
      data_key: 'select 1 from data_key where customer_id = any($1) and (wrapped is not null or key_id is not null or destroyed_at is null)',
      'event.details': "select 1 from event where customer_id = any($1) and (jsonb_exists(details, 'errorDescription') or jsonb_exists(details, 'reason'))",
      audit_opening: "select 1 from audit_opening o join audit_entry e using (organization_id, position) where o.customer_id = any($1) and e.kind <> 'ERASURE'",
      'idempotency_key.digest': "select 1 from idempotency_key where jsonb_exists_any(outcome->'ids', $1) and digest <> ''",
      'webhook_delivery.body': "select 1 from webhook_delivery where lane = any($1) and (body::jsonb->'payload'->>'reason' is not null or body::jsonb->'payload'->>'errorDescription' is not null)",
    };
    for (const [place, statement] of Object.entries(mustBeNone)) if ((await query(statement, [customerIds])).length > 0) left.push(place);
    return left;
  });
}
