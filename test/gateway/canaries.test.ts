import { beforeAll, describe, expect, it } from 'vitest';
import type { Client, RawAnswer } from '../support/client.js';
import { bringTo, newCustomer, photo, signature, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { SNAPSHOT, SUBMIT_DOCUMENT, SUBMIT_SIGNATURES } from '../support/operations.js';
import { documentOf, LEAVES, leastVariables, nameOf, withValue, type Defaults, type Leaf } from '../support/roots.js';
import { linkCode } from '../support/tokens.js';

// Whatever is refused is refused without repeating it: it may be personal data. And no text at all is an unexpected error.
const gateway = useGateway({}, { workers: false });

const CANARY = 'CANARY-4711';
/** Each is refused everywhere: it cannot be stored, or it is longer than anything may be. */
const HOSTILE: Record<string, string> = { 'U+0000': `${CANARY}\u0000`, 'half a surrogate pair': `${CANARY}\ud800`, '70 kB': CANARY.repeat(6_500) };
/** Names what is compared or shown and never stored: nothing there is malformed, it is only not found. */
const ONLY_COMPARED = /^(kycStatus|session|customers|identities|events|auditTrail|webhookDeliveries)\(/;
/** Moments that a calendar has and PostgreSQL, or JavaScript's own notation, may not. */
const MOMENTS = ['0000-01-01', '0000-12-31T23:59:59Z', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00', '9999-12-31'];

let fresh: string;
let admin: Client;
let correcting: Applicant;
let reviewed: Applicant;
let signing: Applicant;
let approved: Applicant;
const everybody = (): Applicant[] => [correcting, reviewed, signing, approved];

beforeAll(async () => {
  correcting = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
  reviewed = await bringTo(gateway, 'IN_REVIEW');
  signing = await bringTo(gateway, 'AWAITING_SIGNATURE');
  approved = await bringTo(gateway, 'APPROVED');
  admin = gateway.client(await gateway.key(correcting.id, 'ADMIN'));
  fresh = await newCustomer(correcting.partner);
});

/** Who asks, and about whom: somebody whose state allows it, so that the value alone can be refused. */
function asked({ root }: Leaf): { person: Applicant; defaults: Defaults } {
  const person = { reviewIdentity: reviewed, requireReverification: approved, submitSignatures: signing }[root.name] ?? correcting;
  const customerId = root.name === 'submitIdentity' ? fresh : person.customerId;
  return {
    person,
    defaults: {
      fields: ['nationalIdNumber'],
      code: 'none', token: 'none', id: customerId, customerId, identityId: person.identityId, documentId: person.documentId, apiKeyId: 'key_01kb3v6k8pe2mvb5s3w3x0d2qz',
      kycData: {}, partnerUserId: 'nobody', reason: 'Asked for.', decision: 'REQUEST_INFORMATION', selectedIdClass: 'PASSPORT', contractType: 'CSA', documentType: 'FRONT_PHOTO', seconds: 0,
      name: 'Test', environment: 'SANDBOX', role: 'PARTNER', policy: {}, path: 'kycData', type: 'CSA', version: '1.0',
      endpointId: 'whe_01kb3v6k8pe2mvb5s3w3x0d2qz', deliveryId: 'whd_01kb3v6k8pe2mvb5s3w3x0d2qz', url: 'https://example.com/hook', events: ['*'], after: '2026-01-01', before: '2026-01-02', frontImageUrl: 'https://example.com/front.jpg',
    },
  };
}

async function ask(leaf: Leaf, value: unknown): Promise<RawAnswer> {
  const { person, defaults } = asked(leaf);
  const { name } = leaf.root;
  const isOperators = ['createOrganization', 'createApiKey', 'revokeApiKey', 'updatePolicy', 'updateHostedPage'].includes(name);
  const staff = ['reviewIdentity', 'requireReverification'].includes(name) ? person.reviewer : person.partner;
  const visitor = name === 'exchangeVerificationCode' ? gateway.client(await linkCode(person.partner, person.customerId)) : null;
  const client = visitor ?? (['auditTrail', 'apiKeys'].includes(name) ? admin : isOperators ? gateway.operator : staff);
  const least = leastVariables(leaf.root, defaults);
  const variables = withValue(['createApiKey', 'updatePolicy', 'updateHostedPage'].includes(name) ? withValue(least, ['input', 'organizationId'], person.id) : least, leaf.path, value);
  return client.post({ query: documentOf(leaf.root), variables });
}

const TEXTS = LEAVES.filter(({ root }) => root.operation !== 'subscription');
const DATES = TEXTS.filter(({ type }) => type.name === 'Date' || type.name === 'DateTime');

describe('values that are refused', () => {
  it.each(Object.entries(HOSTILE))('%s in any field of any input is refused with a code of its own, never repeated, and changes nothing', async (_name, text) => {
    const before = await Promise.all(everybody().map(({ partner, customerId }) => partner.request(SNAPSHOT, { id: customerId })));
    let refused = 0;
    for (const leaf of TEXTS) {
      const answer = await ask(leaf, text);
      const codes = (answer.json.errors ?? []).map(({ extensions }) => extensions.code);
      const expected = ONLY_COMPARED.test(nameOf(leaf)) && leaf.type.name !== 'DateTime' ? /^(|BAD_USER_INPUT|NOT_FOUND)$/ : /^(BAD_USER_INPUT|NOT_FOUND)$/;
      expect([nameOf(leaf), codes.join()]).toEqual([nameOf(leaf), expect.stringMatching(expected)]);
      if (codes.length > 0) expect([nameOf(leaf), answer.text.includes('CANARY')]).toEqual([nameOf(leaf), false]);
      refused += codes.length;
    }
    expect(await Promise.all(everybody().map(({ partner, customerId }) => partner.request(SNAPSHOT, { id: customerId })))).toEqual(before);
    console.log(`canaries: ${refused} refused of ${TEXTS.length} places`);
    expect(refused).toBeGreaterThanOrEqual(200);
  }, 180_000);

  it('of another type than the schema’s are never repeated either', async () => {
    let refused = 0;
    for (const leaf of TEXTS) {
      for (const value of [{ [CANARY]: CANARY }, [[CANARY]], [CANARY, { CANARY }], 4711.4711]) {
        if (leaf.type.name === 'Float' && typeof value === 'number') continue;
        const { json, text } = await ask(leaf, value);
        if (!json.errors) continue;
        expect([nameOf(leaf), json.errors[0]?.extensions.code]).toEqual([nameOf(leaf), expect.stringMatching(/^(BAD_USER_INPUT|NOT_FOUND)$/)]);
        // The path of a field that there is not names it; a request's id may have any digits.
        const said = text.replaceAll(/"(?:path|requestId)":"[^"]*"/g, '');
        expect([nameOf(leaf), said]).toEqual([nameOf(leaf), expect.not.stringContaining('4711')]);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThanOrEqual(400);
  }, 180_000);

  it('as literals in a document are not repeated: not by validation, not by the parser', async () => {
    const { partner } = correcting;
    // Nobody: what is not refused for its form finds no customer.
    const customerId = 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz';
    const documents = [
      ...['"CANARY-4711"', 'CANARY_4711', '{ CANARY_4711: 1 }', '["CANARY-4711"]', '4711.4711', '47114711471147114711', '"""CANARY-4711"""'].flatMap((literal) => [
        `{ customers(first: ${literal}) { nodes { id } } }`,
        `{ customers(filter: { status: ${literal} }) { nodes { id } } }`,
        `{ customers(filter: { createdAfter: ${literal} }) { nodes { id } } }`,
        `mutation { patchCustomer(input: { customerId: "${customerId}", kycData: { dateOfBirth: ${literal} } }) { customer { id } } }`,
        `mutation { patchCustomer(input: { customerId: "${customerId}", kycData: { nationality: ${literal} } }) { customer { id } } }`,
        `mutation { patchCustomer(input: { customerId: "${customerId}", kycData: { isIntermediary: ${literal} } }) { customer { id } } }`,
        `mutation { patchCustomer(input: { customerId: "${customerId}", kycData: { employmentStatus: ${literal} } }) { customer { id } } }`,
        `mutation { patchCustomer(input: { customerId: "${customerId}", kycData: { notionalTradedEachMonth: ${literal} } }) { customer { id } } }`,
        `mutation { createCustomer(input: { email: ${literal} }) { customer { id } } }`,
      ]),
      '{ customer(id: "a" "CANARY-4711") { id } }',
      '{ "CANARY-4711" }',
      '{ customer(id: "CANARY-4711) { id } }',
      '{ customer(id: "a") { id } } 4711.4711',
    ];
    let refused = 0;
    for (const query of documents) {
      const { json, text } = await partner.post({ query });
      if (!json.errors) continue;
      expect([query, json.errors[0]?.extensions.code]).toEqual([query, expect.stringMatching(/^(BAD_USER_INPUT|NOT_FOUND|GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED)$/)]);
      expect([query, text.replaceAll(/"requestId":"[^"]*"/g, '')]).toEqual([query, expect.not.stringContaining('4711')]);
      refused += 1;
    }
    console.log(`literals: ${refused} refused of ${documents.length}`);
    expect(refused).toBeGreaterThanOrEqual(50);
  });

  it('dates at the ends of the calendar are accepted or refused, and nowhere an unexpected error', async () => {
    let tried = 0;
    for (const leaf of DATES) {
      for (const moment of MOMENTS) {
        const { json } = await ask(leaf, moment);
        expect([nameOf(leaf), moment, json.errors?.[0]?.extensions.code ?? '']).toEqual([nameOf(leaf), moment, expect.stringMatching(/^(|BAD_USER_INPUT|NOT_FOUND|PATCH_NOT_ALLOWED)$/)]);
        tried += 1;
      }
    }
    for (const issueDate of MOMENTS) {
      const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
      const { errors } = await person.partner.send(SUBMIT_DOCUMENT, { input: { identityId: person.identityId, selectedIdClass: 'PASSPORT', issueDate, frontPhoto: await photo() } });
      expect([issueDate, errors?.[0]?.extensions?.['code'] ?? '']).toEqual([issueDate, expect.stringMatching(/^(|BAD_USER_INPUT)$/)]);
    }
    for (const contractSignedDate of MOMENTS) {
      const person = await bringTo(gateway, 'AWAITING_SIGNATURE');
      const { errors } = await person.partner.send(SUBMIT_SIGNATURES, { input: { identityId: person.identityId, signatures: [signature('CSA', { contractSignedDate })] } });
      expect([contractSignedDate, errors?.[0]?.extensions?.['code'] ?? '']).toEqual([contractSignedDate, expect.stringMatching(/^(|BAD_USER_INPUT)$/)]);
    }
    expect(tried).toBeGreaterThanOrEqual(30);
  }, 180_000);
});
