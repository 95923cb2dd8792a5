import { describe, expect, it } from 'vitest';
import { jpeg } from '../files.js';
import { invite, useBrowser, type Visitor } from '../support/browser.js';
import { advance, DOCUMENT_CHECK, EVALUATION, REVIEWING } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER } from '../support/operations.js';

// Each flow of the sandbox, from the link to its end, as a person goes through it. Every screen is looked over by axe and
// its picture kept in test-results/verify.
const gateway = useGateway();
const browser = useBrowser();

const PICTURE = async () => ({ name: 'front.jpg', mimeType: 'image/jpeg', buffer: await jpeg({ width: 1200, height: 760 }) });

async function fillPerson(visitor: Visitor, nationality: string): Promise<void> {
  await visitor.fill('First name', 'Ada');
  await visitor.fill('Last name', 'Lovelace');
  await visitor.date('dateOfBirth', ['1990', '1', '31']);
  await visitor.country('Nationality', nationality);
  await visitor.fill('Phone number', '+49 30 901820');
}

describe('a German by the Customer API\'s rules', () => {
  it('comes from the link to ACTIVE by a passport and a selfie', async () => {
    const { partner } = await gateway.organization();
    const { customerId, link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.sees('About you', '01-person');
    await fillPerson(visitor, 'Germany');
    await visitor.press('Continue');
    await visitor.sees('Where you live', '02-address');
    await visitor.country('Country', 'Germany');
    await visitor.fill('Street and number', 'Unter den Linden 1');
    await visitor.fill('Postal code', '10117');
    await visitor.fill('Town or city', 'Berlin');
    await visitor.fill('State, province or region', 'Berlin');
    await visitor.press('Continue');
    await visitor.sees('Identification number', '03-tax-id');
    await visitor.country('Issued by', 'Germany');
    await visitor.choose('Kind of number', 'Passport number');
    await visitor.page.getByLabel('Number', { exact: true }).fill('C01X00T47');
    await visitor.press('Continue');
    await visitor.sees('Your work', '04-work');
    await visitor.choose('What describes you best?', 'Employed');
    await visitor.fill('Your occupation, or your last one', 'Analyst');
    await visitor.press('Continue');
    await visitor.sees('How you will use the account', '05-finances');
    await visitor.choose('Where does the money come from?', 'Salary or pension');
    await visitor.choose('What will you use the account for?', 'Personal payments');
    await visitor.choose(/How much/, 'Less than $10,000');
    await visitor.choose('Do you act for somebody else?', 'No');
    await visitor.press('Continue');
    await visitor.sees('Check your answers', '06-review');
    await visitor.press('Send my details');
    await visitor.sees('We are checking your details', '07-waiting');
    await advance(partner, EVALUATION);
    await visitor.sees('Photo of your id', '08-documents');
    await visitor.press('Continue');
    await visitor.sees('Passport', '09-pictures');
    await visitor.upload('Page with your photo', await PICTURE());
    await visitor.page.getByText('Looks good').waitFor();
    await visitor.sees('Passport', '10-picture-chosen');
    await visitor.press('Continue');
    await visitor.sees('A photo of your face', '11-selfie');
    await visitor.press('Start the camera');
    await visitor.page.getByText('Now look straight into the camera').waitFor();
    await visitor.page.screenshot({ path: 'test-results/verify/12-challenge.png', fullPage: true });
    await visitor.page.getByRole('button', { name: 'Send documents' }).waitFor();
    await visitor.sees('A photo of your face', '13-selfie-taken');
    await visitor.press('Send documents');
    await visitor.sees('We are checking your details', '14-checking-documents');
    await advance(partner, DOCUMENT_CHECK);
    await visitor.sees('A person is taking a look', '15-review');
    await advance(partner, REVIEWING);
    await visitor.sees('You are verified', '16-verified');
    expect((await partner.request(CUSTOMER, { id: customerId })).customer).toMatchObject({ status: 'ACTIVE', requirements: [] });
    expect(visitor.complaints).toEqual([]);
    await visitor.leave();
  });
});
