import { afterAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { invite, linkOf, useBrowser, type Visitor } from '../support/browser.js';
import type { Client } from '../support/client.js';
import { advance, DOCUMENT_CHECK, EVALUATION, newCustomer, REVIEWING, submit } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER, PATCH_IDENTITY } from '../support/operations.js';
import { CALIFORNIAN as CALIFORNIAN_DATA } from '../support/people.js';
import { CALIFORNIAN, GERMAN, giveDetails, giveDocuments, giveNumber, looking } from '../support/person.js';

// Each flow of the sandbox's table (docs/domain.md), from the link to its end, as a person goes through it in a browser.
const gateway = useGateway();
const browser = useBrowser();

const SIGNED = graphql(`
  query SignedOnThePage($id: ID!) {
    customer(id: $id) {
      identity {
        signatures {
          contractType
          contractVersion
          contractSignerNameFull
        }
      }
    }
  }
`);

/** test-delay@example.com: seconds. */
const DELAY = 300;
let ended = 0;
let screens = 0;

async function statusOf(partner: Client, id: string): Promise<string> {
  return (await partner.request(CUSTOMER, { id })).customer!.status;
}

/** Opens the link of a new customer in an organization of their own. */
async function begin(email: string): Promise<{ partner: Client; customerId: string; visitor: Visitor }> {
  const { partner } = await gateway.organization();
  const { customerId, link } = await invite(partner, { email });
  const visitor = await browser.visitor();
  await visitor.page.goto(link);
  return { partner, customerId, visitor };
}

async function end({ partner, customerId, visitor }: { partner: Client; customerId: string; visitor: Visitor }, status: 'ACTIVE' | 'REJECTED'): Promise<void> {
  await visitor.arrives(status === 'ACTIVE' ? 'You are verified' : 'You could not be verified');
  expect(await statusOf(partner, customerId)).toBe(status);
  expect(visitor.complaints).toEqual([]);
  ended += 1;
  screens += visitor.screensChecked;
  await visitor.leave();
}

/** From the documents to the approval. */
async function checkAndReview(partner: Client, visitor: Visitor): Promise<void> {
  await advance(partner, DOCUMENT_CHECK);
  await visitor.arrives('A person is taking a look');
  await advance(partner, REVIEWING);
}

afterAll(() => {
  console.log(`browser: ${ended} flows from the link to their end, ${screens} screens without a violation of WCAG 2.2 AA`);
  expect(ended).toBeGreaterThanOrEqual(13);
  expect(screens).toBeGreaterThanOrEqual(25);
});

describe('the flows of the sandbox', () => {
  it('nothing special: a German comes to ACTIVE by a passport and a selfie', async () => {
    const flow = await begin('ada@example.com');
    const { partner, visitor } = flow;
    const look = looking(visitor, 'german');
    await giveDetails(visitor, GERMAN, look);
    await advance(partner, EVALUATION);
    await giveDocuments(visitor, {}, look);
    await advance(partner, DOCUMENT_CHECK);
    await look('A person is taking a look', '15-review');
    await advance(partner, REVIEWING);
    await look('You are verified', '16-verified');
    await end(flow, 'ACTIVE');
  });

  it.each(['test-success@example.com', 'test-rfi@example.com'])('%s is asked for documents and comes to ACTIVE', async (email) => {
    const flow = await begin(email);
    await giveDetails(flow.visitor, GERMAN);
    await advance(flow.partner, EVALUATION);
    await giveDocuments(flow.visitor);
    await checkAndReview(flow.partner, flow.visitor);
    await end(flow, 'ACTIVE');
  });

  it('test-rejected@example.com is REJECTED, is told why, and may start again with what was given', async () => {
    const flow = await begin('test-rejected@example.com');
    const { partner, visitor, customerId } = flow;
    await giveDetails(visitor, GERMAN);
    await advance(partner, EVALUATION);
    await visitor.sees('You could not be verified', 'rejected-1');
    await visitor.page.getByText('The identity could not be verified.').waitFor();
    await visitor.press('Start again');
    await visitor.arrives('About you');
    expect(await visitor.page.getByLabel('First name').inputValue()).toBe('Ada');
    for (const title of ['Where you live', 'Identification number', 'Your work', 'How you will use the account', 'Check your answers']) {
      await visitor.press('Continue');
      await visitor.arrives(title);
    }
    await visitor.page.getByText('Given before, kept as it is').waitFor();
    await visitor.press('Send my details');
    await visitor.arrives('We are checking your details');
    await advance(partner, EVALUATION);
    expect(await statusOf(partner, customerId)).toBe('REJECTED');
    await end(flow, 'REJECTED');
  });

  it('test-delay@example.com waits five minutes for the evaluation', async () => {
    const flow = await begin('test-delay@example.com');
    await giveDetails(flow.visitor, GERMAN);
    await advance(flow.partner, EVALUATION);
    expect(await statusOf(flow.partner, flow.customerId)).toBe('UNDER_REVIEW');
    await advance(flow.partner, DELAY - EVALUATION);
    await giveDocuments(flow.visitor);
    await checkAndReview(flow.partner, flow.visitor);
    await end(flow, 'ACTIVE');
  });

  it.each(['000-00-0000', '333-33-3333'])('the SSN %s is asked for a government id, looked at by a person, and comes to ACTIVE', async (number) => {
    const flow = await begin('ada@example.com');
    await giveDetails(flow.visitor, { ...CALIFORNIAN, number });
    await advance(flow.partner, EVALUATION);
    await giveDocuments(flow.visitor);
    await checkAndReview(flow.partner, flow.visitor);
    await end(flow, 'ACTIVE');
  });

  it('the SSN 222-22-2222 is asked for a proof of address beside the government id', async () => {
    const flow = await begin('ada@example.com');
    await giveDetails(flow.visitor, { ...CALIFORNIAN, number: '222-22-2222' });
    await advance(flow.partner, EVALUATION);
    await giveDocuments(flow.visitor, { withProof: true }, looking(flow.visitor, 'proof'));
    await checkAndReview(flow.partner, flow.visitor);
    await end(flow, 'ACTIVE');
  });

  it.each([['111-11-1111', false], ['444-44-4444', true]] as const)('the SSN %s is contradicted: it is entered again, and documents are asked for', async (number, withProof) => {
    const flow = await begin('ada@example.com');
    const { partner, visitor } = flow;
    await giveDetails(visitor, { ...CALIFORNIAN, number });
    await advance(partner, EVALUATION);
    await visitor.sees('Identification number', `ssn-error-${number.slice(0, 3)}`);
    await visitor.page.getByText(/does not match the records/).first().waitFor();
    await giveNumber(visitor, '123-45-6789');
    await visitor.press('Continue');
    await visitor.press('Send my details');
    await visitor.arrives('We are checking your details');
    await advance(partner, EVALUATION);
    await giveDocuments(visitor, { withProof });
    await checkAndReview(partner, visitor);
    await end(flow, 'ACTIVE');
  });

  it('the SSN 888-88-8888 expires: the person starts again and comes to ACTIVE', async () => {
    const flow = await begin('ada@example.com');
    const { partner, visitor } = flow;
    await giveDetails(visitor, { ...CALIFORNIAN, number: '888-88-8888' });
    await advance(partner, EVALUATION);
    await visitor.sees('This verification has expired', 'expired-1');
    await visitor.press('Start again');
    for (const title of ['About you', 'Where you live']) {
      await visitor.arrives(title);
      await visitor.press('Continue');
    }
    await visitor.arrives('Identification number');
    await giveNumber(visitor, '123-45-6789');
    for (const title of ['Your work', 'How you will use the account', 'Check your answers']) {
      await visitor.press('Continue');
      await visitor.arrives(title);
    }
    await visitor.press('Send my details');
    await visitor.arrives('We are checking your details');
    await advance(partner, EVALUATION);
    await giveDocuments(visitor);
    await checkAndReview(partner, visitor);
    await end(flow, 'ACTIVE');
  });

  it('debugStatus FAILED: each re-upload is told the reason, and once the attempts are spent the person is REJECTED', async () => {
    const flow = await begin('ada@example.com');
    const { partner, visitor, customerId } = flow;
    await giveDetails(visitor, GERMAN);
    await advance(partner, EVALUATION);
    await visitor.arrives('Photo of your id');
    const { customer } = await partner.request(CUSTOMER, { id: customerId });
    await partner.request(PATCH_IDENTITY, { input: { identityId: customer!.identity!.id, debugStatus: 'FAILED', debugFailureReason: 'portrait_not_clear' } });
    await giveDocuments(visitor);
    for (const left of ['2 more times', 'one more time']) {
      await advance(partner, DOCUMENT_CHECK);
      await visitor.sees('Photo of your id', `again-${left.slice(0, 1)}`);
      await visitor.page.getByText('The portrait on the document is not clear.').first().waitFor();
      await visitor.page.getByText(`You can send documents ${left}.`).waitFor();
      await giveDocuments(visitor);
    }
    await advance(partner, DOCUMENT_CHECK);
    await visitor.arrives('A person is taking a look');
    await advance(partner, REVIEWING);
    await end(flow, 'REJECTED');
  });

  it('a US citizen of an institution has no document step, gives what the partner did not, and signs three contracts', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const { address, dateOfBirth, ...rest } = CALIFORNIAN_DATA;
    await submit(partner, customerId, { ...rest, address: { ...address!, city: null } }, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
    await advance(partner, EVALUATION);
    const visitor = await browser.visitor();
    await visitor.page.goto(await linkOf(partner, customerId));
    await visitor.sees('About you', 'institutional-1-person');
    expect(await visitor.page.getByLabel('First name').count()).toBe(0);
    await visitor.date('dateOfBirth', dateOfBirth!.split('-') as [string, string, string]);
    await visitor.press('Continue');
    await visitor.arrives('Where you live');
    await visitor.fill('Town or city', 'San Francisco');
    await visitor.press('Continue');
    await visitor.press('Send my details');
    await visitor.arrives('We are checking your details');
    await advance(partner, EVALUATION);
    await visitor.sees('Read and sign', 'institutional-2-sign');
    await visitor.press('Sign');
    expect(await visitor.page.getByText('Please confirm that you agree.').count()).toBe(3);
    for (const consent of await visitor.page.getByText(/^I have read/).all()) await consent.click();
    await visitor.fill('Your full name, as your signature', 'Grace Hopper');
    await visitor.sees('Read and sign', 'institutional-3-signed');
    await visitor.press('Sign');
    await end({ partner, customerId, visitor }, 'ACTIVE');
    const { customer } = await partner.request(SIGNED, { id: customerId });
    expect(customer!.identity!.signatures.map(({ contractType, contractVersion, contractSignerNameFull }) => [contractType, contractVersion, contractSignerNameFull])).toEqual(
      ['CSA', 'MPA', 'MIC'].map((contract) => [contract, '1.0', 'Grace Hopper']),
    );
  });
});
