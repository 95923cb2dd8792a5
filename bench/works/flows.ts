import { kycDataOf } from '../data/people.ts';
import type { Step } from '../load/order.ts';

// What the writing works ask of the gateway.

const CREATE = 'mutation CreateCustomer($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id status } } }';
const SUBMIT = 'mutation SubmitIdentity($input: SubmitIdentityInput!) { submitIdentity(input: $input) { identity { status } } }';

/** How many different people there are. */
const PEOPLE = 100;

/** A new customer, and its first attempt with all that is asked of it. */
export function creations(): readonly (readonly Step[])[] {
  return Array.from({ length: PEOPLE }, (_, number) => {
    const { firstName, lastName } = kycDataOfNames(number);
    return [
      { body: JSON.stringify({ query: CREATE, variables: { input: { email: '{{unique}}@example.com', partnerUserId: '{{unique}}', firstName, lastName } } }), keep: '"id":"(cus_[^"]+)"' },
      { body: JSON.stringify({ query: SUBMIT, variables: { input: { customerId: '{{id}}', transactionType: 'EU_INDIVIDUAL', kycData: kycDataOf(number) } } }) },
    ];
  });
}

function kycDataOfNames(number: number): { firstName: string; lastName: string } {
  const { legalFirstName, legalLastName } = kycDataOf(number);
  return { firstName: legalFirstName, lastName: legalLastName };
}
