import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import { invite, linkOf, useBrowser } from '../support/browser.js';
import { advance, EVALUATION, newCustomer, submit } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CALIFORNIAN, GERMAN } from '../support/people.js';
import { sign } from '../support/flows.js';
import { picture } from '../support/person.js';

// The page itself: its size, its headers, its languages, small screens and keyboards, the look of an organization, and embedding.
const gateway = useGateway();
const browser = useBrowser();
const withoutCamera = useBrowser({ hasCamera: false });

/** Bytes. */
const LARGEST_FIRST_LOAD = 200_000;
const LARGEST_EMBED_SCRIPT = 4_096;

const UPDATE_HOSTED_PAGE = graphql(`
  mutation UpdateHostedPage($input: UpdateHostedPageInput!) {
    updateHostedPage(input: $input) {
      organization {
        hostedPage {
          logo
          colour
          origins
        }
      }
    }
  }
`);

/** One red pixel. */
const LOGO = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

describe('the first load', () => {
  it(`is under ${LARGEST_FIRST_LOAD} bytes compressed, in all languages`, async () => {
    const { partner } = await gateway.organization();
    for (const locale of ['en', 'de', 'es']) {
      const { link } = await invite(partner);
      const visitor = await browser.visitor();
      await visitor.page.goto(link.replace('#', `?locale=${locale}#`));
      await visitor.page.getByRole('heading', { level: 1 }).waitFor();
      let total = 0;
      for (const url of new Set(visitor.requested.filter((each) => !each.includes('/graphql')).map((each) => each.replace(/#.*/, '')))) {
        // fetch would unpack it: what travels is the length that the gateway says.
        const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
        total += Number(response.headers.get('content-length'));
        if (/\.(js|css)$/.test(url)) expect(response.headers.get('content-encoding')).toBe('gzip');
      }
      console.log(`browser: first load ${locale}: ${total} bytes with gzip`);
      expect(total).toBeGreaterThan(50_000);
      expect(total).toBeLessThan(LARGEST_FIRST_LOAD);
      await visitor.leave();
    }
    expect((await (await fetch(`${gateway.url}/embed.js`)).arrayBuffer()).byteLength).toBeLessThan(LARGEST_EMBED_SCRIPT);
  });

  it('comes with a strict content security policy, and the camera for itself alone', async () => {
    const { headers } = await fetch(`${gateway.url}/verify`);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers.get('permissions-policy')).toContain('camera=(self)');
    expect(headers.get('cache-control')).toBe('no-store');
    const other = await fetch(`${gateway.url}/verify`);
    expect(other.headers.get('content-security-policy')).not.toBe(policy);
    for (const path of ['/verify/assets/nothing.js', '/verify/assets/..%2findex.html', '/verify/index.html', '/verify/x']) {
      const response = await fetch(gateway.url + path);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 404, expect.stringContaining('application/json')]);
    }
  });
});

describe('everybody', () => {
  it.each([['de', 'Über Sie', 'Bitte füllen Sie dieses Feld aus.'], ['es', 'Sobre usted', 'Rellene este campo.']] as const)('who reads %s is spoken to in it, at 320 pixels too', async (locale, title, required) => {
    const { partner } = await gateway.organization();
    const { link } = await invite(partner);
    const visitor = await browser.visitor({ locale, viewport: { width: 320, height: 640 } });
    await visitor.page.goto(link);
    await visitor.arrives(title);
    await visitor.page.locator('.primary').click();
    await visitor.page.getByText(required).first().waitFor();
    await visitor.sees(title, `320-${locale}`);
    expect(await visitor.page.evaluate<boolean>('document.documentElement.scrollWidth <= 320')).toBe(true);
    expect(await visitor.page.evaluate<string>('document.documentElement.lang')).toBe(locale);
    await visitor.page.locator('select').selectOption('en');
    await visitor.arrives('About you');
    expect(visitor.complaints).toEqual([]);
    await visitor.leave();
  });

  it('who has but a keyboard gets through the form', async () => {
    const { partner } = await gateway.organization();
    const { link } = await invite(partner);
    const visitor = await browser.visitor({ viewport: { width: 1280, height: 900 } });
    await visitor.page.goto(link);
    await visitor.sees('About you', 'desktop');
    const { keyboard } = visitor.page;
    for (const text of ['Ada', '', 'Lovelace', '31', '1', '1990']) {
      await keyboard.press('Tab');
      await keyboard.type(text);
    }
    await keyboard.press('Tab');
    await keyboard.type('Germ');
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await keyboard.type('+4930901820');
    await keyboard.press('Enter');
    await visitor.arrives('Where you live');
    expect(await visitor.page.evaluate<string>('document.activeElement.textContent')).toBe('Where you live');
    await visitor.leave();
  });

  it('who returns verified sees that at once', async () => {
    const { partner } = await gateway.organization();
    const customerId = await verified(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(await linkOf(partner, customerId));
    await visitor.sees('You are verified');
    await visitor.leave();
  });

  it('who has no camera uploads documents as files, and is offered the link as a QR code for the selfie', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    const visitor = await withoutCamera.visitor();
    await visitor.page.goto(await linkOf(partner, customerId));
    await visitor.arrives('Photo of your id');
    await visitor.press('Continue');
    await visitor.press('Use the camera');
    await visitor.page.getByText('You can upload a file instead.', { exact: false }).waitFor();
    await visitor.isAccessible();
    await visitor.keepPicture('camera-absent');
    await visitor.press('Cancel');
    await visitor.upload('Page with your photo', await picture());
    await visitor.page.getByText('Looks good').waitFor();
    await visitor.press('Continue');
    await visitor.press('Start the camera');
    await visitor.page.getByRole('img', { name: 'Code that holds the link to this verification' }).waitFor();
    await visitor.sees('A photo of your face', 'qr-code');
    await visitor.leave();
  });

  it('who takes the photo of a document with the camera sees it before it is used', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    await submit(partner, customerId, GERMAN);
    await advance(partner, EVALUATION);
    const visitor = await browser.visitor();
    await visitor.page.goto(await linkOf(partner, customerId));
    await visitor.arrives('Photo of your id');
    await visitor.press('Continue');
    await visitor.press('Use the camera');
    await visitor.page.getByRole('button', { name: 'Take photo' }).and(visitor.page.locator(':enabled')).waitFor();
    await visitor.isAccessible();
    await visitor.keepPicture('camera');
    await visitor.press('Take photo');
    await visitor.press('Use this photo');
    await visitor.page.getByText('You may want to take it again:').waitFor();
    await visitor.sees('Passport', 'camera-taken');
    expect(visitor.complaints).toEqual([]);
    await visitor.leave();
  });
});

/** A customer who has come to ACTIVE. @returns its id. */
async function verified(partner: Parameters<typeof newCustomer>[0]): Promise<string> {
  const customerId = await newCustomer(partner);
  const identityId = await submit(partner, customerId, CALIFORNIAN, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
  await advance(partner, EVALUATION);
  await sign(partner, identityId);
  await advance(partner, 0);
  return customerId;
}

describe('an organization', () => {
  it('lends the page its name, logo and colour', async () => {
    const { partner, id } = await gateway.organization();
    const colour = '#6b21a8';
    const { updateHostedPage } = await gateway.operator.request(UPDATE_HOSTED_PAGE, { input: { organizationId: id, colour, logo: LOGO } });
    expect(updateHostedPage.organization.hostedPage).toEqual({ logo: LOGO, colour, origins: [] });
    const { link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(link);
    await visitor.sees('About you', 'themed');
    await visitor.page.getByRole('img', { name: 'Test' }).waitFor();
    expect(await visitor.page.locator('.primary').evaluate((button) => String((button.ownerDocument.defaultView as unknown as { getComputedStyle(element: unknown): { backgroundColor: string } }).getComputedStyle(button).backgroundColor))).toBe('rgb(107, 33, 168)');
    expect(visitor.complaints).toEqual([]);
    await visitor.leave();
  });

  it('is refused, each at its place and all at once, what could not be read, loaded or trusted', async () => {
    const { id } = await gateway.organization();
    const { fields } = await gateway.operator.refusal(UPDATE_HOSTED_PAGE, {
      input: { organizationId: id, colour: '#ffff00', logo: 'https://example.com/logo.png', origins: ['https://www.example.com', 'http://example.com', 'https://example.com/path', "https://a.example;script-src 'none'", '*'] },
    });
    expect(fields!.map(({ path, code }) => `${path} ${code}`)).toEqual(['logo invalid', 'colour low_contrast', 'origins.1 invalid', 'origins.2 invalid', 'origins.3 invalid', 'origins.4 invalid']);
    const injected = await fetch(`${gateway.url}/verify?embedder=${encodeURIComponent("https://a.example; script-src *")}`);
    expect(injected.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });
});

describe('a partner’s page', () => {
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>Partner</title><main><div id="here" style="height: 700px"></div></main><script src="${gateway.url}/embed.js"></script>`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  const allow = async (organizationId: string, origins: string[]) => gateway.operator.request(UPDATE_HOSTED_PAGE, { input: { organizationId, origins } });
  const open = (link: string) => `KycGateway.open({ link: ${JSON.stringify(link)}, container: '#here', onStatus: ({ status }) => { (window.told ??= []).push(status); } }).catch((error) => ({ refused: error.code }))`;

  it('that is allowed opens the page, is told how it goes, and is told the end', async () => {
    const { partner, id } = await gateway.organization();
    await allow(id, [origin]);
    const customerId = await newCustomer(partner);
    const identityId = await submit(partner, customerId, CALIFORNIAN, { transactionType: 'INSTITUTIONAL_INDIVIDUAL' });
    const visitor = await browser.visitor({ viewport: { width: 1000, height: 800 } });
    await visitor.page.goto(origin);
    await visitor.page.evaluate(`window.outcome = ${open(await linkOf(partner, customerId))}; 0`);
    const frame = visitor.page.frameLocator('iframe');
    await frame.getByRole('heading', { level: 1, name: 'We are checking your details' }).waitFor();
    await visitor.keepPicture('embedded');
    await advance(partner, EVALUATION);
    await frame.getByRole('heading', { level: 1, name: 'Read and sign' }).waitFor();
    await sign(partner, identityId);
    await advance(partner, 0);
    expect(await visitor.page.evaluate('window.outcome')).toEqual({ status: 'ACTIVE', kycStatus: 'VERIFIED' });
    expect(await visitor.page.evaluate('window.told.at(-1)')).toBe('ACTIVE');
    expect(await visitor.page.locator('iframe').getAttribute('allow')).toBe('camera');
    await visitor.leave();
  });

  it('that no organization has named cannot show it', async () => {
    const { partner } = await gateway.organization();
    const { link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(origin.replace('localhost', '127.0.0.1'));
    await visitor.page.evaluate(`${open(link)}; 0`);
    await expect.poll(() => visitor.complaints.join()).toMatch(/frame-ancestors|X-Frame-Options/i);
    await visitor.leave();
  });

  it('of another organization is told that it may not show this customer’s page', async () => {
    const [mine, theirs] = await Promise.all([gateway.organization(), gateway.organization()]);
    await allow(theirs.id, [origin]);
    const { link } = await invite(mine.partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(origin);
    expect(await visitor.page.evaluate(open(link))).toEqual({ refused: 'frame' });
    await visitor.page.frameLocator('iframe').getByRole('heading', { name: 'This page cannot be shown here' }).waitFor();
    await visitor.leave();
  });

  it('over which it opens gets it closed again', async () => {
    const { partner, id } = await gateway.organization();
    await allow(id, [origin]);
    const { link } = await invite(partner);
    const visitor = await browser.visitor();
    await visitor.page.goto(origin);
    await visitor.page.evaluate(`window.outcome = KycGateway.open({ link: ${JSON.stringify(link)} }); 0`);
    await visitor.page.frameLocator('iframe').getByRole('heading', { level: 1, name: 'About you' }).waitFor();
    await visitor.keepPicture('embedded-dialog');
    await visitor.press('Close');
    expect(await visitor.page.evaluate('window.outcome')).toEqual({ status: 'DISMISSED', kycStatus: null });
    await visitor.leave();
  });
});
