import { beforeAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { newCustomer } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';

const gateway = useGateway({}, { workers: false });

const PLACE = graphql(`
  mutation PlaceLegalHold($input: PlaceLegalHoldInput!) {
    placeLegalHold(input: $input) {
      customer {
        id
        legalHoldSince
        version
      }
    }
  }
`);

const RELEASE = graphql(`
  mutation ReleaseLegalHold($input: ReleaseLegalHoldInput!) {
    releaseLegalHold(input: $input) {
      customer {
        legalHoldSince
        version
      }
    }
  }
`);

const HELD = graphql(`
  query HeldSince($id: ID!) {
    customer(id: $id) {
      legalHoldSince
    }
  }
`);

const HOLDS = graphql(`
  query HoldsAudited($customerId: ID!) {
    auditTrail(filter: { customerId: $customerId }) {
      nodes {
        operation
        role
        reason
        customerId
      }
    }
  }
`);

const REASON = 'Asked for by the court, case 4711.';

let organization: TestOrganization;
let admin: Client;

beforeAll(async () => {
  organization = await gateway.organization();
  admin = gateway.client(await gateway.key(organization.id, 'ADMIN'));
});

describe('a legal hold', () => {
  it('is shown to staff and to nobody else, from its placing to its release, each with its reason in the audit trail', async () => {
    const customerId = await newCustomer(organization.partner);
    const held = async (client: Client) => (await client.request(HELD, { id: customerId })).customer?.legalHoldSince ?? null;
    const { placeLegalHold } = await admin.request(PLACE, { input: { customerId, reason: REASON } });
    expect(placeLegalHold.customer.legalHoldSince).toMatch(/^\d{4}-/);
    expect([await held(admin), await held(organization.reviewer), await held(organization.partner)]).toEqual([placeLegalHold.customer.legalHoldSince, placeLegalHold.customer.legalHoldSince, null]);
    expect((await admin.request(PLACE, { input: { customerId, reason: REASON } })).placeLegalHold.customer).toEqual(placeLegalHold.customer);
    const { releaseLegalHold } = await admin.request(RELEASE, { input: { customerId, reason: 'The case is closed.' } });
    expect(releaseLegalHold.customer).toMatchObject({ legalHoldSince: null, version: placeLegalHold.customer.version + 1 });
    expect((await admin.request(RELEASE, { input: { customerId, reason: 'Again.' } })).releaseLegalHold.customer).toEqual(releaseLegalHold.customer);
    const { nodes } = (await admin.request(HOLDS, { customerId })).auditTrail;
    expect(nodes.map(({ operation, reason }) => [operation, reason ?? null])).toEqual([
      ['releaseLegalHold', 'Again.'], ['releaseLegalHold', 'The case is closed.'], ['placeLegalHold', REASON], ['placeLegalHold', REASON], ['createCustomer', null],
    ]);
  });

  it('takes a reason and a customer of the organization, and ADMIN alone', async () => {
    const customerId = await newCustomer(organization.partner);
    for (const reason of ['', '  ', '\u0000', 'x'.repeat(70_000)]) expect(await admin.refusal(PLACE, { input: { customerId, reason } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'reason' }] });
    const other = await gateway.organization();
    expect(await admin.refusal(PLACE, { input: { customerId: await newCustomer(other.partner), reason: REASON } })).toMatchObject({ code: 'NOT_FOUND' });
    for (const client of [organization.partner, organization.reviewer, gateway.operator]) {
      expect(await client.refusal(PLACE, { input: { customerId, reason: REASON } })).toMatchObject({ code: 'FORBIDDEN' });
      expect(await client.refusal(RELEASE, { input: { customerId, reason: REASON } })).toMatchObject({ code: 'FORBIDDEN' });
    }
    expect((await admin.request(HELD, { id: customerId })).customer?.legalHoldSince ?? null).toBeNull();
  });
});
