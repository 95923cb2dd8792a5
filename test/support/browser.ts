import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import type { CreateCustomerInput } from '../generated/graphql.js';
import type { Client } from './client.js';
import { CHROMIUM } from './chromium.js';
import { newCustomer } from './flows.js';
import { ROOT } from './sources.js';
import { VERIFICATION_LINK } from './tokens.js';

/** Where pictures of each step are kept, to be looked at. */
const PICTURES = join(ROOT, 'test-results', 'verify');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const PHONE = { width: 390, height: 844 };
/** Milliseconds that a page may take to show what is waited for. */
const PATIENCE = 20_000;

/** A browser for the tests of the calling file, with a camera that shows a moving picture, or without any. */
export function useBrowser({ hasCamera = true } = {}): { visitor(options?: BrowserContextOptions): Promise<Visitor> } {
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: [...FLAGS, ...(hasCamera ? FAKE_CAMERA : [])] });
  });
  afterAll(() => browser.close());
  return {
    visitor: async (options = {}) => {
      const context = await browser.newContext({ viewport: PHONE, locale: 'en-GB', reducedMotion: 'reduce', ...options });
      if (hasCamera) await context.grantPermissions(['camera']);
      context.setDefaultTimeout(PATIENCE);
      return new Visitor(context, await context.newPage());
    },
  };
}

/** A person at a page, and what went wrong behind their back. */
export class Visitor {
  /** What the page has complained of, the content security policy's violations among it. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly requested: string[] = [];
  #violations = 0;

  constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && this.complaints.push(message.text()));
    page.on('request', (request) => this.requested.push(request.url()));
  }

  /** Waits for a screen by its heading. */
  async arrives(title: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor();
  }

  async keepPicture(name: string): Promise<void> {
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  }

  /** The heading of the screen: waits for it, looks the screen over by axe and takes its picture. */
  async sees(title: string | RegExp, picture?: string): Promise<void> {
    await this.arrives(title);
    await this.isAccessible();
    if (picture) await this.keepPicture(picture);
  }

  /** axe-core's rules for WCAG 2.2 AA: nothing on the page violates one. */
  async isAccessible(): Promise<void> {
    // Evaluated by the debugger, which the page's content security policy does not concern.
    await this.page.evaluate(axe.source);
    // The component library says there what has just been chosen, by the name of an option that has closed since.
    const options = JSON.stringify({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    const { violations: found } = await this.page.evaluate<axe.AxeResults>(`axe.run({ exclude: ['[data-live-announcer]'] }, ${options})`);
    const violations = found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    expect(violations).toEqual([]);
    this.#violations += 1;
  }

  /** How many screens axe has looked over. */
  get screensChecked(): number {
    return this.#violations;
  }

  async press(name: string | RegExp): Promise<void> {
    await this.page.getByRole('button', { name, exact: typeof name === 'string' }).click();
  }

  async fill(label: string | RegExp, value: string): Promise<void> {
    await this.page.getByLabel(label).fill(value);
  }

  async choose(group: string | RegExp, option: string): Promise<void> {
    await this.page.getByRole('radiogroup', { name: group }).getByText(option, { exact: true }).click();
  }

  async country(label: string | RegExp, name: string): Promise<void> {
    await this.combobox(label).fill(name);
    await this.page.getByRole('option', { name, exact: true }).click();
  }

  combobox(label: string | RegExp): Locator {
    return this.page.getByRole('combobox', { name: label });
  }

  async date(name: string, [year, month, day]: readonly [string, string, string]): Promise<void> {
    for (const [part, value] of Object.entries({ year, month, day })) await this.page.locator(`input[name=${name}-${part}]`).fill(value);
  }

  /** Chooses a file for the picture of this name. */
  async upload(slot: string | RegExp, file: { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
    const chooser = this.page.waitForEvent('filechooser');
    await this.page.getByRole('region', { name: slot }).getByRole('button', { name: /Upload a file|Choose another/ }).click();
    await (await chooser).setFiles(file);
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

/** A new customer. @returns its id and the link to its page. */
export async function invite(partner: Client, input?: CreateCustomerInput): Promise<{ customerId: string; link: string }> {
  const customerId = await newCustomer(partner, input);
  return { customerId, link: await linkOf(partner, customerId) };
}

export async function linkOf(partner: Client, customerId: string): Promise<string> {
  return (await partner.request(VERIFICATION_LINK, { id: customerId })).customer!.verificationLink!;
}
