import { jpeg } from '../files.js';
import type { Visitor } from './browser.js';

// What a person does on the screens of the hosted page.

/** Somebody who fills the form in. */
export interface Person {
  nationality: string;
  country: string;
  postalCode: string;
  city: string;
  state: string;
  issuedBy: string;
  /** As the form offers it; null where it does not ask, since US citizens give an SSN. */
  numberKind: string | null;
  number: string;
}

export const GERMAN: Person = {
  nationality: 'Germany', country: 'Germany', postalCode: '10117', city: 'Berlin', state: 'Berlin', issuedBy: 'Germany', numberKind: 'Passport number', number: 'C01X00T47',
};
export const CALIFORNIAN: Person = {
  nationality: 'United States', country: 'United States', postalCode: '94105', city: 'San Francisco', state: 'CA', issuedBy: 'United States', numberKind: null, number: '123-45-6789',
};

/** A picture that no warning applies to. */
export async function picture(name = 'front.jpg') {
  return { name, mimeType: 'image/jpeg', buffer: await jpeg({ width: 1200, height: 760 }) };
}

/** Looks a screen over and keeps its picture where the test is about it; else only waits for it. */
export type Look = (title: string | RegExp, picture: string) => Promise<void>;

export function looking(visitor: Visitor, pictures: string | null): Look {
  return (title, name) => (pictures === null ? visitor.arrives(title) : visitor.sees(title, `${pictures}-${name}`));
}

/** Fills the whole form in and sends it. */
export async function giveDetails(visitor: Visitor, person: Person, look: Look = looking(visitor, null)): Promise<void> {
  await look('About you', '01-person');
  await visitor.fill('First name', 'Ada');
  await visitor.fill('Last name', 'Lovelace');
  await visitor.date('dateOfBirth', ['1990', '1', '31']);
  await visitor.country('Nationality', person.nationality);
  await visitor.fill('Phone number', '+49 (30) 90 18-20');
  await visitor.press('Continue');
  await look('Where you live', '02-address');
  await visitor.country('Country', person.country);
  await visitor.fill('Street and number', 'Unter den Linden 1');
  await visitor.fill('Postal code', person.postalCode);
  await visitor.fill('Town or city', person.city);
  await visitor.fill('State, province or region', person.state);
  await visitor.press('Continue');
  await look('Identification number', '03-tax-id');
  await visitor.country('Issued by', person.issuedBy);
  if (person.numberKind !== null) await visitor.choose('Kind of number', person.numberKind);
  await giveNumber(visitor, person.number);
  await visitor.press('Continue');
  await look('Your work', '04-work');
  await visitor.choose('What describes you best?', 'Employed');
  await visitor.fill('Your occupation, or your last one', 'Analyst');
  await visitor.press('Continue');
  await look('How you will use the account', '05-finances');
  await visitor.choose('Where does the money come from?', 'Salary or pension');
  await visitor.choose('What will you use the account for?', 'Personal payments');
  await visitor.choose(/How much/, 'Less than $10,000');
  await visitor.choose('Do you act for somebody else?', 'No');
  await visitor.press('Continue');
  await look('Check your answers', '06-review');
  await visitor.press('Send my details');
  await look('We are checking your details', '07-waiting');
}

export async function giveNumber(visitor: Visitor, number: string): Promise<void> {
  await visitor.page.getByLabel(/^Number( |$)/).fill(number);
}

/** Sends a passport with a selfie, and a proof of address where that is asked for. */
export async function giveDocuments(visitor: Visitor, { withProof = false } = {}, look: Look = looking(visitor, null)): Promise<void> {
  await look('Photo of your id', '08-documents');
  await visitor.press('Continue');
  await look('Passport', '09-pictures');
  await visitor.upload('Page with your photo', await picture());
  await visitor.page.getByText('Looks good').waitFor();
  if (withProof) {
    await visitor.upload(/Bill, statement/, await picture('bill.jpg'));
    await visitor.page.getByText('Looks good').nth(1).waitFor();
  }
  await look('Passport', '10-picture-chosen');
  await visitor.press('Continue');
  await look('A photo of your face', '11-selfie');
  await visitor.press('Start the camera');
  await visitor.page.getByText('Now look straight into the camera').waitFor();
  await visitor.keepPicture('12-challenge');
  await visitor.page.getByRole('button', { name: 'Send documents' }).waitFor();
  await look('A photo of your face', '13-selfie-taken');
  await visitor.press('Send documents');
  await look('We are checking your details', '14-checking-documents');
}
