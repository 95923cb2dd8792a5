import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MILLISECONDS_PER_SECOND } from '../../src/core/clock.js';
import { invite, linkOf, useBrowser } from '../support/browser.js';
import { advance, EVALUATION, newCustomer, submit } from '../support/flows.js';
import { TestGateway, useGateway } from '../support/gateway.js';
import { CUSTOMER, REVOKE_API_KEY } from '../support/operations.js';
import { GERMAN as GERMAN_DATA } from '../support/people.js';
import { GERMAN, giveDetails, picture } from '../support/person.js';

// What goes wrong around a person: links that are over, tabs, reloads, lines that break, a gateway that restarts.

let ahead = 0;
const clock = { now: () => new Date(Date.now() + ahead * MILLISECONDS_PER_SECOND) };
const gateway = useGateway({}, { clock });
const browser = useBrowser();
const MINUTES = 60;
const DAY = 86_400;

/** A German whose attempt waits for documents. */
async function waitingForDocuments() {
  const { partner } = await gateway.organization();
  const customerId = await newCustomer(partner);
  await submit(partner, customerId, GERMAN_DATA);
  await advance(partner, EVALUATION);
  return { partner, customerId, link: await linkOf(partner, customerId) };
}

describe('a link', () => {
  it('without its code, of another gateway, or none at all, says so and how to get a new one', async () => {
    for (const [code, title, name] of [['', 'This link is not complete', 'link-missing'], ['#nonsense', 'This link no longer works', 'link-invalid'], ['#eyJhbGciOiJub25lIn0.e30.', 'This link no longer works', 'link-invalid']] as const) {
      const visitor = await browser.visitor();
      await visitor.page.goto(`${gateway.url}/verify${code}`);
      await visitor.sees(title, name);
      await visitor.page.getByText('it gives you a new link', { exact: false }).waitFor();
      await visitor.leave();
    }
  });

  it('that has expired, or whose key was revoked, says so; a new one opens the page in the same window', async () => {
    const { partner } = await gateway.organization();
    const { customerId, link } = await invite(partner);
    const visitor = await browser.visitor();
    ahead += 2 * DAY;
    await visitor.page.goto(link);
    await visitor.sees('This link no longer works');
    await visitor.page.evaluate(`location.href = ${JSON.stringify(await linkOf(partner, customerId))}`);
    await visitor.sees('About you');
    await visitor.leave();
  });

  it('is exchanged, and from then on in no address, no storage but the tab’s, and nothing goes elsewhere', async () => {
    const { partner } = await gateway.organization();
    const { link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.sees('About you');
    expect(visitor.page.url()).toBe(`${gateway.url}/verify`);
    const code = new URL(link).hash.slice(1);
    expect(await visitor.page.evaluate<string>('JSON.stringify([localStorage, document.cookie, history.state])')).toBe('[{},"",{"details":0}]');
    expect(visitor.requested.filter((url) => !new URL(url).href.startsWith(`${gateway.url}/`) || url.slice(link.indexOf('#')).includes(code.slice(-20)))).toEqual([]);
    await visitor.page.goBack();
    expect(visitor.page.url()).not.toContain(code);
    await visitor.leave();
  });
});

describe('what was entered', () => {
  it('survives a reload, but for the number, and the back button turns pages', async () => {
    const { partner } = await gateway.organization();
    const { link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.fill('First name', 'Ada');
    await visitor.fill('Last name', 'Lovelace');
    await visitor.date('dateOfBirth', ['1990', '1', '31']);
    await visitor.country('Nationality', 'Germany');
    await visitor.fill('Phone number', '+4930901820');
    await visitor.press('Continue');
    await visitor.arrives('Where you live');
    await visitor.page.goBack();
    await visitor.arrives('About you');
    await visitor.page.goForward();
    await visitor.arrives('Where you live');
    await visitor.page.reload();
    await visitor.arrives('About you');
    expect(await visitor.page.getByLabel('Last name').inputValue()).toBe('Lovelace');
    expect(await visitor.combobox('Nationality').inputValue()).toBe('Germany');
    expect(await visitor.page.evaluate<string>('JSON.stringify(sessionStorage)')).not.toContain('nationalIdNumber');
    await visitor.leave();
  });

  it('is checked as it is typed, with the server’s words', async () => {
    const { partner } = await gateway.organization();
    const { link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.date('dateOfBirth', ['2020', '1', '31']);
    await visitor.fill('Phone number', '+49 1');
    await visitor.page.getByLabel('Phone number').blur();
    await visitor.page.getByText('The person has to be at least 18 years old.').waitFor();
    await visitor.page.getByText('This is not a possible phone number.', { exact: false }).waitFor();
    await visitor.sees('About you', 'faults');
    await visitor.press('Continue');
    expect(await visitor.page.getByText('Please fill this in.').count()).toBe(3);
    await visitor.arrives('About you');
    await visitor.leave();
  });

  it('outlives the token, which is renewed by itself, and the link: a new one goes on with it', async () => {
    const { partner } = await gateway.organization();
    const { customerId, link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.fill('First name', 'Ada');
    ahead += 16 * MINUTES;
    // The token is over; the code is not.
    await visitor.fill('Last name', 'Lovelace');
    await visitor.press('Continue');
    await visitor.page.getByText('Please fill this in.').first().waitFor();
    // The socket ends with its token, and the page finds that there is no further one.
    ahead += 2 * DAY;
    await visitor.sees('Your session has ended', 'session-ended');
    await visitor.page.evaluate(`location.href = ${JSON.stringify(await linkOf(partner, customerId))}`);
    await visitor.arrives('About you');
    expect(await visitor.page.getByLabel('First name').inputValue()).toBe('Ada');
    await visitor.leave();
  });

  it('of a person whose link was revoked goes nowhere', async () => {
    const organization = await gateway.organization();
    const { link } = await invite(organization.partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.arrives('About you');
    const { apiKeys } = await gateway.client(await gateway.key(organization.id, 'ADMIN')).post({ query: '{ apiKeys { nodes { id role } } }' }).then(({ json }) => json.data as { apiKeys: { nodes: { id: string; role: string }[] } });
    await gateway.operator.request(REVOKE_API_KEY, { input: { apiKeyId: apiKeys.nodes.find(({ role }) => role === 'PARTNER')!.id } });
    await visitor.sees('Your session has ended');
    await visitor.leave();
  });
});

describe('a line that breaks', () => {
  it('over an upload: says so, keeps the picture, spends no attempt, and the same pictures can be sent again', async () => {
    const { partner, customerId, link } = await waitingForDocuments();
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.arrives('Photo of your id');
    await visitor.choose('Which document do you have?', 'Identity card');
    await visitor.press('Continue');
    await visitor.upload('Front side', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not a picture') });
    await visitor.page.getByText(/JPEG, PNG or PDF/).first().waitFor();
    await visitor.upload('Front side', await picture('front.jpg'));
    await visitor.page.getByText('Looks good').waitFor();
    await visitor.upload('Back side', await picture('back.jpg'));
    await visitor.page.getByText('Looks good').nth(1).waitFor();
    await visitor.press('Continue');
    await visitor.press('Start the camera');
    await visitor.page.getByRole('button', { name: 'Send documents' }).waitFor();
    await visitor.page.route('**/graphql', (route) => (route.request().postData()?.includes('submitDocument') ? route.abort('connectionreset') : route.continue()));
    await visitor.press('Send documents');
    await visitor.page.getByText('The upload was interrupted.', { exact: false }).waitFor();
    await visitor.sees('A photo of your face', 'upload-interrupted');
    expect((await partner.request(CUSTOMER, { id: customerId })).customer!.identity).toMatchObject({ status: 'AWAITING_DOCUMENT_UPLOAD', documentAttemptsRemaining: 3 });
    await visitor.page.unroute('**/graphql');
    await visitor.press('Send documents');
    await visitor.arrives('We are checking your details');
    expect((await partner.request(CUSTOMER, { id: customerId })).customer!.identity!.documentAttemptsRemaining).toBe(2);
    await visitor.leave();
  });

  it('between two tabs there is one person: what one sends the other shows', async () => {
    const { partner } = await gateway.organization();
    const { customerId, link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    const other = await browser.visitor();
    await other.page.goto(await linkOf(partner, customerId));
    await other.arrives('About you');
    await giveDetails(visitor, GERMAN);
    await other.arrives('We are checking your details');
    await advance(partner, EVALUATION);
    await Promise.all([visitor.arrives('Photo of your id'), other.arrives('Photo of your id')]);
    await visitor.leave();
    await other.leave();
  });
});

describe('a gateway that restarts under an open page', () => {
  let restarted: TestGateway;
  beforeAll(async () => {
    restarted = new TestGateway({ PORT: String(await freePort()) });
    await restarted.create();
    await restarted.start();
  });
  afterAll(() => restarted.destroy());

  it('is waited for, and the page goes on where it was', async () => {
    const { partner } = await restarted.organization();
    const { customerId, link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.fill('First name', 'Ada');
    await restarted.stop();
    await visitor.page.getByText('The connection was lost.', { exact: false }).waitFor();
    await visitor.sees('About you', 'connection-lost');
    await restarted.start();
    await visitor.page.getByText('The connection was lost.', { exact: false }).waitFor({ state: 'hidden' });
    await submit(partner, customerId, GERMAN_DATA);
    await visitor.arrives('We are checking your details');
    await visitor.leave();
  });
});

/** A port that the gateway can come back on. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
