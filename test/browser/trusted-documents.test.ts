import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print, type DocumentNode } from 'graphql';
import { afterAll, expect, it } from 'vitest';
import { hashOf } from '../../src/graphql/trusted-documents.js';
import * as generated from '../generated/graphql.js';
import { invite, useBrowser } from '../support/browser.js';
import { advance, DOCUMENT_CHECK, EVALUATION, REVIEWING } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER } from '../support/operations.js';
import { GERMAN, giveDetails, giveDocuments } from '../support/person.js';

// What the tests ask as the partner is the manifest; what the page asks is not in it.
const directory = mkdtempSync(join(tmpdir(), 'kyc-trusted-page-'));
const manifest = join(directory, 'manifest.json');
const texts = Object.values(generated).filter((exported): exported is typeof exported & DocumentNode => typeof exported === 'object' && 'kind' in exported).map((document) => print(document));
writeFileSync(manifest, JSON.stringify(Object.fromEntries(texts.map((text) => [hashOf(text), text]))));

const gateway = useGateway({ TRUSTED_DOCUMENTS: manifest });
const browser = useBrowser();
afterAll(() => rmSync(directory, { recursive: true }));

it('with trusted documents the hosted page runs from the link to ACTIVE, and an operation of nobody is refused', async () => {
  const { partner } = await gateway.organization();
  const { customerId, link } = await invite(partner, { email: 'ada@example.com' });
  const visitor = await browser.visitor();
  await visitor.page.goto(link);
  await giveDetails(visitor, GERMAN);
  await advance(partner, EVALUATION);
  await giveDocuments(visitor);
  await advance(partner, DOCUMENT_CHECK);
  await visitor.arrives('A person is taking a look');
  await advance(partner, REVIEWING);
  await visitor.arrives('You are verified');
  expect((await partner.request(CUSTOMER, { id: customerId })).customer!.status).toBe('ACTIVE');
  expect(visitor.complaints).toEqual([]);
  expect((await partner.post({ query: '{ errorCodes { code } }' })).json.errors?.[0]?.extensions.code).toBe('OPERATION_NOT_ALLOWED');
  await visitor.leave();
});
