import { describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { useGateway } from '../support/gateway.js';
import { GERMAN } from '../support/people.js';

const gateway = useGateway();

const CREATE = graphql(`
  mutation CreateCustomer($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      customer {
        id
        status
        kycStatus
        version
      }
    }
  }
`);

const PATCH = graphql(`
  mutation PatchCustomer($input: PatchCustomerInput!) {
    patchCustomer(input: $input) {
      customer {
        id
        status
      }
      identity {
        id
        status
      }
    }
  }
`);

describe('the Customer API flow', () => {
  it('a submission answers INITIATING at once', async () => {
    const { partner } = await gateway.organization();
    const { createCustomer } = await partner.request(CREATE, { input: { email: 'ada@example.com' } });
    const { patchCustomer } = await partner.request(PATCH, { input: { customerId: createCustomer.customer.id, kycData: GERMAN } });
    expect(patchCustomer.identity?.status).toBe('INITIATING');
    expect(patchCustomer.customer.status).toBe('UNDER_REVIEW');
  });
});
