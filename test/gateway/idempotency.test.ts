import { PGlite } from '@electric-sql/pglite';
import { getNamedType, getOperationAST, GraphQLObjectType, isLeafType, isObjectType, parse, type GraphQLFormattedError } from 'graphql';
import { createHash, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as DatabaseClient } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { advance, bringTo, CONTRACTS, newCustomer, photo, signature, type Applicant } from '../support/flows.js';
import { OPERATOR_KEY, TestGateway, useGateway } from '../support/gateway.js';
// After what loads the decorators' metadata.
import { canonicalRequest } from '../../src/graphql/idempotency.js';
import { CREATE_CUSTOMER, CUSTOMER, EVENTS, PATCH_CUSTOMER, PATCH_IDENTITY, REVIEW, SNAPSHOT, SUBMIT_DOCUMENT, SUBMIT_IDENTITY } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';
import { MovableClock } from '../support/receiver.js';
import { documentOf, ROOTS, type Root } from '../support/roots.js';

const clock = new MovableClock();
const gateway = useGateway({ ALLOW_PRIVATE_URLS: 'true' }, { workers: false, clock });

const under = (key: string): Record<string, string> => ({ 'idempotency-key': key });
const codeOf = (errors: readonly GraphQLFormattedError[] | undefined): unknown => errors?.[0]?.extensions?.['code'];
const REPLAYED = 'idempotency-replayed';

/** Everything that is kept of somebody, and how often something was written about them. */
async function traces({ partner, customerId }: Pick<Applicant, 'partner' | 'customerId'>) {
  return { ...(await partner.request(SNAPSHOT, { id: customerId })), ...(await partner.request(EVENTS, { filter: { customerId } })) };
}

/** A mutation that succeeds: who asks it, and with what. */
interface Asking {
  client: Client;
  input: Record<string, unknown>;
}

const of = (status: Parameters<typeof bringTo>[1], ask: (person: Applicant) => Record<string, unknown> | Promise<Record<string, unknown>>, role: 'partner' | 'reviewer' = 'partner') => async (): Promise<Asking> => {
  const person = await bringTo(gateway, status);
  return { client: person[role], input: await ask(person) };
};
const byPartner = (ask: (client: Client, organizationId: string) => Record<string, unknown> | Promise<Record<string, unknown>>) => async (): Promise<Asking> => {
  const { partner, id } = await gateway.organization();
  return { client: partner, input: await ask(partner, id) };
};
const byOperator = (ask: (organizationId: string) => Record<string, unknown> | Promise<Record<string, unknown>>) => async (): Promise<Asking> => ({
  client: gateway.client(OPERATOR_KEY),
  input: await ask((await gateway.organization()).id),
});
const byAdmin = (ask: (customerId: string, admin: Client) => Record<string, unknown> | Promise<Record<string, unknown>>) => async (): Promise<Asking> => {
  const { partner, id } = await gateway.organization();
  const admin = gateway.client(await gateway.key(id, 'ADMIN'));
  return { client: admin, input: await ask(await newCustomer(partner), admin) };
};

async function endpoint(client: Client): Promise<string> {
  const answer = await client.post({ query: 'mutation ($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { endpoint { id } } }', variables: { input: ENDPOINT } });
  return (answer.json.data as { createWebhookEndpoint: { endpoint: { id: string } } }).createWebhookEndpoint.endpoint.id;
}
async function delivery(client: Client): Promise<string> {
  const answer = await client.post({ query: 'mutation ($input: SendTestEventInput!) { sendTestEvent(input: $input) { delivery { id } } }', variables: { input: { endpointId: await endpoint(client) } } });
  return (answer.json.data as { sendTestEvent: { delivery: { id: string } } }).sendTestEvent.delivery.id;
}
async function apiKey(organizationId: string): Promise<string> {
  const answer = await gateway.operator.post({
    query: 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } } }',
    variables: { input: { organizationId, role: 'PARTNER', name: 'Test' } },
  });
  return (answer.json.data as { createApiKey: { apiKey: { id: string } } }).createApiKey.apiKey.id;
}
const ENDPOINT = { url: 'http://127.0.0.1:9/hook', events: ['*'] };

/** Every mutation there is, so that one that is added is tried too. */
const MUTATIONS: Readonly<Record<string, () => Promise<Asking>>> = {
  createOrganization: byOperator(() => ({ name: 'Example Bank', environment: 'SANDBOX' })),
  updatePolicy: byOperator((organizationId) => ({ organizationId, policy: { minimumAge: 21 } })),
  createApiKey: byOperator((organizationId) => ({ organizationId, role: 'PARTNER', name: 'Test' })),
  revokeApiKey: byOperator(async (organizationId) => ({ apiKeyId: await apiKey(organizationId) })),
  createCustomer: byPartner(() => ({ email: 'ada@example.com' })),
  patchCustomer: byPartner(async (client) => ({ customerId: await newCustomer(client), kycData: CALIFORNIAN })),
  submitIdentity: byPartner(async (client) => ({ customerId: await newCustomer(client), kycData: CALIFORNIAN })),
  patchIdentity: of('INPUT_ERROR', ({ identityId }) => ({ identityId, kycData: { address: { city: 'Oakland' } } })),
  submitDocument: of('AWAITING_DOCUMENT_UPLOAD', async ({ identityId }) => ({ identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() })),
  updateDocument: of('INCOMPLETE_VERIFICATIONS', async ({ documentId }) => ({ documentId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() })),
  submitSignatures: of('AWAITING_SIGNATURE', ({ identityId }) => ({ identityId, signatures: CONTRACTS.map((contract) => signature(contract)) })),
  deactivateCustomer: of('IN_REVIEW', ({ customerId }) => ({ customerId, reason: 'Asked for.' })),
  reactivateCustomer: byPartner(async (client) => {
    const customerId = await newCustomer(client);
    await client.post({ query: 'mutation ($input: DeactivateCustomerInput!) { deactivateCustomer(input: $input) { customer { id } } }', variables: { input: { customerId, reason: 'Asked for.' } } });
    return { customerId };
  }),
  reviewIdentity: of('IN_REVIEW', ({ identityId }) => ({ identityId, decision: 'DECLINE' }), 'reviewer'),
  requireReverification: of('APPROVED', ({ customerId }) => ({ customerId, reason: 'The data is old.' }), 'reviewer'),
  advanceSandboxClock: byPartner(() => ({ seconds: 3_600 })),
  createClientToken: byPartner(async (client) => ({ customerId: await newCustomer(client) })),
  exchangeVerificationCode: async () => {
    const { partner } = await gateway.organization();
    const { json } = await partner.post({ query: 'query ($id: ID!) { customer(id: $id) { verificationLink } }', variables: { id: await newCustomer(partner) } });
    const code = (json.data as { customer: { verificationLink: string } }).customer.verificationLink.split('#')[1]!;
    return { client: gateway.client(code), input: { code } };
  },
  createSession: async () => {
    const partnerUserId = randomUUID();
    return { client: (await bringTo(gateway, 'APPROVED', { partnerUserId })).partner, input: { partnerUserId } };
  },
  revealKycData: of('IN_REVIEW', ({ identityId }) => ({ identityId, fields: ['nationalIdNumber'], reason: 'A review.' }), 'reviewer'),
  inspectFile: byPartner(async () => ({ documentType: 'FRONT_PHOTO', file: await photo() })),
  eraseCustomer: of('IN_REVIEW', ({ customerId }) => ({ customerId, reason: 'The person asked for it.' })),
  placeLegalHold: byAdmin((customerId) => ({ customerId, reason: 'A court asked.' })),
  releaseLegalHold: byAdmin(async (customerId, admin) => {
    await admin.post({ query: 'mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { customer { id } } }', variables: { input: { customerId, reason: 'A court asked.' } } });
    return { customerId, reason: 'The case is closed.' };
  }),
  updateHostedPage: byOperator((organizationId) => ({ organizationId, colour: '#003366' })),
  createWebhookEndpoint: byPartner(() => ENDPOINT),
  updateWebhookEndpoint: byPartner(async (client) => ({ endpointId: await endpoint(client), description: 'Changed' })),
  deleteWebhookEndpoint: byPartner(async (client) => ({ endpointId: await endpoint(client) })),
  rotateWebhookSecret: byPartner(async (client) => ({ endpointId: await endpoint(client) })),
  sendTestEvent: byPartner(async (client) => ({ endpointId: await endpoint(client) })),
  replayWebhookDelivery: byPartner(async (client) => ({ deliveryId: await delivery(client) })),
  replayWebhookEvents: byPartner(async (client) => ({ endpointId: await endpoint(client), after: '2026-01-01T00:00:00Z', before: '2026-01-02T00:00:00Z' })),
};
/** What answers with a secret, which is shown once; inspectFile, whose answer nothing is kept of, is refused like them. */
const SECRET = ['inspectFile', 'createApiKey', 'createClientToken', 'exchangeVerificationCode', 'createSession', 'revealKycData', 'createWebhookEndpoint', 'rotateWebhookSecret'];
const mutations = ROOTS.filter(({ operation }) => operation === 'mutation');
const counts = { replayed: 0, secrets: 0 };

/** The document that asks for whatever a mutation answers, with the ids of its objects. */
function selectingIds(root: Root): ReturnType<typeof parse> {
  const payload = getNamedType(root.field.type) as GraphQLObjectType;
  const fields = Object.values(payload.getFields()).map(({ name, type }) => {
    const named = getNamedType(type);
    return isLeafType(named) ? name : `${name} { ${isObjectType(named) && 'id' in named.getFields() ? 'id' : '__typename'} }`;
  });
  return parse(documentOf(root).replace('{ __typename }', `{ ${fields.join(' ')} }`));
}

describe('a repeat with the same Idempotency-Key', () => {
  it('is tried of every mutation', () => {
    expect(Object.keys(MUTATIONS).toSorted()).toEqual(mutations.map(({ name }) => name).toSorted());
  });

  it.each(mutations.filter(({ name }) => !SECRET.includes(name)))('of $name answers the same objects, and says so', async (root) => {
    const { client, input } = await MUTATIONS[root.name]!();
    const document = selectingIds(root) as Parameters<Client['send']>[0];
    const first = await client.send(document, { input }, under(root.name));
    expect([first.errors, first.headers.get(REPLAYED)]).toEqual([undefined, null]);
    for (let time = 0; time < 2; time += 1) {
      const again = await client.send(document, { input }, under(root.name));
      expect([again.errors, again.headers.get(REPLAYED)]).toEqual([undefined, 'true']);
      if (root.name !== 'advanceSandboxClock') expect(again.data).toEqual(first.data);
    }
    counts.replayed += 1;
  });

  it.each(mutations.filter(({ name }) => SECRET.includes(name)))('of $name is refused: its secret is shown once', async (root) => {
    const { client, input } = await MUTATIONS[root.name]!();
    const document = selectingIds(root) as Parameters<Client['send']>[0];
    const first = await client.send(document, { input }, under(root.name));
    expect(first.errors).toBeUndefined();
    const again = await client.send(document, { input }, under(root.name));
    expect([codeOf(again.errors), again.data ?? null, again.headers.get(REPLAYED)]).toEqual(['IDEMPOTENCY_KEY_EXISTS', null, null]);
    counts.secrets += 1;
  });

  afterAll(() => {
    console.log(`idempotency: ${counts.replayed} mutations replayed, ${counts.secrets} with a secret refused`);
    expect(counts.replayed + counts.secrets).toBeGreaterThanOrEqual(27);
  });

  it('has no second effect, though its own effect is what the state would refuse', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const ask = () => person.reviewer.send(REVIEW, { input: { identityId: person.identityId, decision: 'DECLINE', message: 'Not the same face.' } }, under('decide'));
    const first = await ask();
    const after = await traces(person);
    const again = await ask();
    expect(again.data).toEqual(first.data);
    expect(await traces(person)).toEqual(after);
  });

  it('shows the objects as they are now, with whatever is selected of them', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const ask = () => partner.send(SUBMIT_IDENTITY, { input: { customerId, kycData: CALIFORNIAN } }, under('submit'));
    const first = await ask();
    expect(first.data?.submitIdentity.identity.status).toBe('INITIATING');
    await advance(partner, 60);
    const again = await ask();
    expect(again.data?.submitIdentity.identity).toMatchObject({ id: first.data?.submitIdentity.identity.id, status: 'INPUT_ERROR' });
  });

  it('of a sandbox clock arrives where the first was to arrive, and goes no further', async () => {
    const { partner } = await gateway.organization();
    const advanceTo = async (key: string): Promise<number> => {
      const answer = await partner.post({ query: 'mutation { advanceSandboxClock(input: { seconds: 3600 }) { now } }' }, under(key));
      return Date.parse((answer.json.data as { advanceSandboxClock: { now: string } }).advanceSandboxClock.now) - clock.now().getTime();
    };
    const first = await advanceTo('hour');
    expect(Math.abs((await advanceTo('hour')) - first)).toBeLessThan(60_000);
    expect((await advanceTo('another')) - first).toBeGreaterThan(3_500_000);
  });

  it('counts whatever the spaces of the document and the order of the variables', async () => {
    const { partner } = await gateway.organization();
    const send = (query: string, variables: unknown) => partner.post(JSON.stringify({ query, variables }), under('spaces'));
    await send('mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }', { input: { email: 'a@example.com', firstName: 'Ada' } });
    const again = await send('mutation($input:CreateCustomerInput!){\n  # the same\n createCustomer(input: $input) { customer { id } } }', { input: { firstName: 'Ada', email: 'a@example.com' } });
    expect(again.headers.get(REPLAYED)).toBe('true');
  });
});

describe('an Idempotency-Key', () => {
  const create = (client: Client, key: string, email = 'ada@example.com') => client.send(CREATE_CUSTOMER, { input: { email } }, under(key));

  it('of another request is IDEMPOTENCY_KEY_EXISTS, and changes nothing', async () => {
    const { partner } = await gateway.organization();
    await create(partner, 'one');
    const other = await create(partner, 'one', 'grace@example.com');
    expect(other.errors?.[0]?.extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_EXISTS', statusCode: 409 });
    expect((await partner.request(EVENTS, {})).events.nodes).toHaveLength(1);
  });

  it('is its caller’s own: another role, another organization and the operator have theirs', async () => {
    const one = await gateway.organization();
    const other = await gateway.organization();
    const first = await create(one.partner, 'shared');
    const second = await create(other.partner, 'shared');
    expect(second.headers.get(REPLAYED)).toBeNull();
    expect(second.data?.createCustomer.customer.id).not.toBe(first.data?.createCustomer.customer.id);
    const asked = { query: 'mutation { advanceSandboxClock(input: { seconds: 0 }) { now } }' };
    expect((await one.reviewer.post(asked, under('shared'))).headers.get(REPLAYED)).toBeNull();
    expect((await one.partner.post(asked, under('shared'))).json.errors?.[0]?.extensions.code).toBe('IDEMPOTENCY_KEY_EXISTS');
    // The organization and role have it, whichever of their keys asks.
    const sameRole = gateway.client(await gateway.key(one.id, 'PARTNER'));
    expect((await create(sameRole, 'shared')).data).toEqual(first.data);
  });

  it('of a client token is its customer’s own', async () => {
    const { partner } = await gateway.organization();
    const applicants = await Promise.all(
      ['one', 'other'].map(async (name) => {
        const customerId = await newCustomer(partner, { email: `${name}@example.com` });
        const { json } = await partner.post({ query: 'mutation ($input: CreateClientTokenInput!) { createClientToken(input: $input) { token } }', variables: { input: { customerId } } });
        return { customerId, client: gateway.client((json.data as { createClientToken: { token: string } }).createClientToken.token) };
      }),
    );
    for (const time of ['first', 'again']) {
      for (const { client, customerId } of applicants) {
        const answer = await client.send(PATCH_CUSTOMER, { input: { customerId, firstName: 'Ada' } }, under('mine'));
        expect([answer.errors, answer.data?.patchCustomer.customer.id, answer.headers.get(REPLAYED)]).toEqual([undefined, customerId, time === 'again' ? 'true' : null]);
      }
    }
  });

  it.each([['', 'empty'], ['k'.repeat(256), '256 characters'], ['k'.repeat(4_000), '4,000 characters']])('that has the wrong length is BAD_USER_INPUT (%#)', async (key) => {
    const { partner } = await gateway.organization();
    const { errors, status } = await create(partner, key);
    expect([status, codeOf(errors), errors?.[0]?.extensions?.['fields']]).toEqual([400, 'BAD_USER_INPUT', [expect.objectContaining({ path: 'Idempotency-Key', code: 'out_of_range' })]]);
    expect((await partner.request(EVENTS, {})).events.nodes).toEqual([]);
  });

  it.each(['k', 'k'.repeat(255), randomUUID(), '"quoted", with = signs; \u00e9'])('of 1 to 255 characters is good (%#)', async (key) => {
    const { partner } = await gateway.organization();
    const first = await create(partner, key);
    expect((await create(partner, key)).data).toEqual(first.data);
  });

  it.each([
    ['two fields', 'mutation { a: createCustomer(input: { email: "a@example.com" }) { customer { id } } b: createCustomer(input: { email: "b@example.com" }) { customer { id } } }'],
    ['two fields in fragments', 'mutation { ...One ... on Mutation { b: createCustomer(input: { email: "b@example.com" }) { customer { id } } } } fragment One on Mutation { a: createCustomer(input: { email: "a@example.com" }) { customer { id } } }'],
    ['none', 'mutation { __typename }'],
  ])('with %s is BAD_USER_INPUT, and changes nothing', async (_name, query) => {
    const { partner } = await gateway.organization();
    const { json, status } = await partner.post({ query }, under('two'));
    expect([status, json.errors?.[0]?.extensions.fields]).toEqual([400, [expect.objectContaining({ path: 'Idempotency-Key', code: 'exactly_one' })]]);
    expect((await partner.request(EVENTS, {})).events.nodes).toEqual([]);
  });

  it('says nothing of a query', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    for (const key of ['q', 'q', '']) {
      const { errors, headers } = await partner.send(CUSTOMER, { id: customerId }, under(key));
      expect([errors, headers.get(REPLAYED)]).toEqual([undefined, null]);
    }
  });

  it('is not kept by a refusal: of the state, of the domain, of the schema, of the role', async () => {
    const { partner, reviewer } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const refused = [
      await partner.send(PATCH_IDENTITY, { input: { identityId: 'idn_01kb3v6k8pe2mvb5s3w3x0d2qz', userId: 'x' } }, under('again')),
      await partner.send(PATCH_CUSTOMER, { input: { customerId, firstName: ' ' } }, under('again')),
      await partner.send(PATCH_CUSTOMER, { input: { customerId, email: 'nowhere', firstName: 'Ada' } }, under('again')),
      await reviewer.send(PATCH_CUSTOMER, { input: { customerId, firstName: 'Ada' } }, under('again')),
    ];
    expect(refused.map(({ errors }) => codeOf(errors))).toEqual(['NOT_FOUND', 'BAD_USER_INPUT', 'BAD_USER_INPUT', 'FORBIDDEN']);
    const accepted = await partner.send(PATCH_CUSTOMER, { input: { customerId, firstName: 'Ada' } }, under('again'));
    expect([accepted.errors, accepted.headers.get(REPLAYED)]).toEqual([undefined, null]);
  });

  it('is IDEMPOTENCY_KEY_EXISTS for every repeat where policy says STRICT', async () => {
    const { partner, id } = await gateway.organization();
    await gateway.operator.post({ query: 'mutation ($input: UpdatePolicyInput!) { updatePolicy(input: $input) { organization { id } } }', variables: { input: { organizationId: id, policy: { idempotency: 'STRICT' } } } });
    expect((await create(partner, 'strict')).errors).toBeUndefined();
    for (let time = 0; time < 2; time += 1) expect(codeOf((await create(partner, 'strict')).errors)).toBe('IDEMPOTENCY_KEY_EXISTS');
    expect((await partner.request(EVENTS, {})).events.nodes).toHaveLength(1);
  });

  it('many times at once has one effect: the same answer, or IDEMPOTENCY_KEY_EXISTS', async () => {
    const person = await bringTo(gateway, 'IN_REVIEW');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => person.reviewer.send(REVIEW, { input: { identityId: person.identityId, decision: 'APPROVE' } }, under('at once'))),
    );
    const answered = answers.filter(({ errors }) => !errors);
    expect(answers.flatMap(({ errors }) => codeOf(errors) ?? []).every((code) => code === 'IDEMPOTENCY_KEY_EXISTS')).toBe(true);
    expect(answered.filter(({ headers }) => headers.get(REPLAYED) === null)).toHaveLength(1);
    for (const { data } of answered) expect(data).toEqual(answered[0]?.data);
  });
});

describe('an upload under an Idempotency-Key', () => {
  const upload = async (person: Applicant, file: File, changes: Record<string, unknown> = {}) =>
    person.partner.send(SUBMIT_DOCUMENT, { input: { identityId: person.identityId, selectedIdClass: 'PASSPORT', frontPhoto: file, ...changes } }, under('upload'));
  const filesKept = async ({ id }: Applicant): Promise<number> => (await readdir(join(gateway.dataDirectory, 'documents', id)).catch(() => [])).length;

  it('is one document, one attempt and one file, however often it is sent', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await filesKept(person);
    const first = await upload(person, await photo());
    const after = await traces(person);
    for (let time = 0; time < 3; time += 1) {
      const again = await upload(person, await photo());
      expect([again.errors, again.headers.get(REPLAYED)]).toEqual([undefined, 'true']);
      expect(again.data?.submitDocument).toEqual(first.data?.submitDocument);
    }
    expect(await traces(person)).toEqual(after);
    expect(await filesKept(person)).toBe(before + 1);
  });

  it('of other bytes, or with other details, is another request', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    expect((await upload(person, await photo())).errors).toBeUndefined();
    const bytes = Buffer.concat([Buffer.from(await (await photo()).arrayBuffer()), Buffer.from([0])]);
    const before = [await traces(person), await filesKept(person)];
    expect(codeOf((await upload(person, new File([bytes], 'front.jpg', { type: 'image/jpeg' }))).errors)).toBe('IDEMPOTENCY_KEY_EXISTS');
    expect(codeOf((await upload(person, await photo(), { number: 'X1' })).errors)).toBe('IDEMPOTENCY_KEY_EXISTS');
    expect([await traces(person), await filesKept(person)]).toEqual(before);
  });

  it('many times at once is one document and one file', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await filesKept(person);
    const answers = await Promise.all(Array.from({ length: 10 }, async () => upload(person, await photo())));
    const documents = new Set(answers.flatMap(({ data }) => data?.submitDocument.document.id ?? []));
    expect(answers.flatMap(({ errors }) => codeOf(errors) ?? []).filter((code) => code !== 'IDEMPOTENCY_KEY_EXISTS')).toEqual([]);
    expect(documents.size).toBe(1);
    expect(await filesKept(person)).toBe(before + 1);
  });

  it('that was refused keeps neither key nor file', async () => {
    const person = await bringTo(gateway, 'AWAITING_DOCUMENT_UPLOAD');
    const before = await filesKept(person);
    expect(codeOf((await upload(person, new File(['no picture'], 'front.jpg', { type: 'image/jpeg' }))).errors)).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect(await filesKept(person)).toBe(before);
    expect((await upload(person, await photo())).errors).toBeUndefined();
  });
});

describe('after a day', () => {
  it('a key is free again; until then it is kept, through a restart too', async () => {
    const { partner } = await gateway.organization();
    const create = (client: Client) => client.send(CREATE_CUSTOMER, { input: { email: 'ada@example.com' } }, under('daily'));
    const first = await create(partner);
    await gateway.stop();
    await gateway.start();
    const later = gateway.client(partner.key);
    clock.advance(86_340_000);
    expect((await create(later)).data).toEqual(first.data);
    clock.advance(120_000);
    const fresh = await create(later);
    expect(fresh.headers.get(REPLAYED)).toBeNull();
    expect(fresh.data?.createCustomer.customer.id).not.toBe(first.data?.createCustomer.customer.id);
    expect((await create(later)).data).toEqual(fresh.data);
  });

  it('the sandbox clock plays no part', async () => {
    const { partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const ask = () => partner.send(PATCH_CUSTOMER, { input: { customerId, firstName: 'Ada' } }, under('sandbox'));
    await ask();
    await advance(partner, 10 * 86_400);
    expect((await ask()).headers.get(REPLAYED)).toBe('true');
  });

  it('it is deleted', async () => {
    const kept = new TestGateway({}, { clock });
    await kept.create();
    try {
      await kept.start();
      const { partner } = await kept.organization();
      await partner.send(CREATE_CUSTOMER, { input: { email: 'ada@example.com' } }, under('kept'));
      await kept.stop();
      expect(await keysOf(kept)).toBe(1);
      clock.advance(86_500_000);
      await kept.start();
      await kept.stop();
      expect(await keysOf(kept)).toBe(0);
    } finally {
      await kept.destroy();
    }
  });
});

describe('what is kept of a request', () => {
  it('is a digest under the gateway’s own key and the organization: nobody guesses a person’s data by it', async () => {
    const input = { email: 'guessable@example.com' };
    for (const { partner } of [await gateway.organization(), await gateway.organization()]) await partner.send(CREATE_CUSTOMER, { input }, under('guessed'));
    const digests = await gateway.behindItsBack(async (query) => (await query("select digest from idempotency_key where key = 'guessed'")).map(({ digest }) => String(digest)));
    const request = canonicalRequest(CREATE_CUSTOMER, getOperationAST(CREATE_CUSTOMER)!, { input });
    expect(digests).toHaveLength(2);
    expect(new Set(digests).size).toBe(2);
    expect(digests).not.toContain(createHash('sha256').update(JSON.stringify([request, []])).digest('hex'));
  });
});

/** How many keys a gateway that has stopped has kept. */
async function keysOf({ databaseUrl, dataDirectory }: TestGateway): Promise<number> {
  const statement = 'select count(*)::int as count from idempotency_key';
  if (databaseUrl === null) {
    const database = new PGlite(join(dataDirectory, 'database'));
    const { rows } = await database.query<{ count: number }>(statement);
    await database.close();
    return rows[0]!.count;
  }
  const database = new DatabaseClient({ connectionString: databaseUrl });
  await database.connect();
  const { rows } = await database.query<{ count: number }>(statement);
  await database.end();
  return rows[0]!.count;
}
