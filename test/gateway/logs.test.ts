import { createClient } from 'graphql-ws';
import { beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { readConfig } from '../../src/core/config.js';
import { createLog, errorFacts } from '../../src/core/log.js';
import { openDatabase } from '../../src/core/database.js';
import { databaseParts } from '../../src/gateway.js';
import type { Client } from '../support/client.js';
import { bringTo, photo, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER, REVIEW, SUBMIT_DOCUMENT } from '../support/operations.js';
import { KEY_RING } from '../support/key-ring.js';
import { TOKEN_KEY } from '../support/token-key.js';
import { documentOf, LEAVES, leastVariables, withValue, type Leaf } from '../support/roots.js';

const lines: string[] = [];
const log = createLog({ logLevel: 'trace' }, { write: (line) => void lines.push(line) });
const gateway = useGateway({}, { workers: false, log });

/** A canary that is a name, a word, an address: whatever a field takes. */
const CANARY = 'Canaria4711';

type Line = Record<string, string | number | undefined>;
const parsed = (from = 0): Line[] => lines.slice(from).map((line) => JSON.parse(line) as Line);
const requests = (from = 0): Line[] => parsed(from).filter(({ msg }) => msg === 'request');

let person: Applicant;
let admin: Client;

beforeAll(async () => {
  person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
  admin = gateway.client(await gateway.key(person.id, 'ADMIN'));
});

/** The lines that a request has written, once there are so many: the line comes when the answer has left. */
async function linesOf(count: number, act: () => Promise<unknown>): Promise<Line[]> {
  const from = lines.length;
  await act();
  await expect.poll(() => requests(from).length).toBeGreaterThanOrEqual(count);
  return requests(from);
}

describe('a request is one line of the log', () => {
  it('over HTTP: its id, who asked what, how it ended and how long it took', async () => {
    let requestId: string | null = null;
    const [line, ...more] = await linesOf(1, async () => (requestId = (await person.partner.send(CUSTOMER, { id: person.customerId })).headers.get('x-request-id')));
    expect(more).toEqual([]);
    expect(line).toMatchObject({ transport: 'http', method: 'POST', route: '/graphql', operation: 'customer', role: 'PARTNER', organizationId: person.id, statusCode: 200, requestId });
    expect(line!['actor']).toMatch(/^key_/);
    expect(line!['durationMilliseconds']).toBeGreaterThan(0);
    expect(line!['code']).toBeUndefined();
  });

  it('with the code of what was refused, signed in or not', async () => {
    const [forbidden] = await linesOf(1, () => person.partner.refusal(REVIEW, { input: { identityId: person.identityId, decision: 'APPROVE' } }));
    expect(forbidden).toMatchObject({ operation: 'reviewIdentity', code: 'FORBIDDEN' });
    const [unknown] = await linesOf(1, () => gateway.client('nobody').post({ query: '{ lifecycle { to } }' }));
    expect(unknown).toMatchObject({ statusCode: 401, code: 'UNAUTHENTICATED' });
    expect(unknown!['actor']).toBeUndefined();
  });

  it('over WebSocket: the connection and each operation', async () => {
    const socket = person.partner.socket();
    const found = await linesOf(2, () => new Promise<void>((resolve, reject) => void socket.subscribe({ query: `query ${CANARY} { lifecycle { to } }` }, { next: () => undefined, error: reject, complete: resolve })));
    await socket.dispose();
    expect(found).toMatchObject([{ transport: 'websocket', route: 'connection_init' }, { transport: 'websocket', route: 'subscribe', operation: 'lifecycle', role: 'PARTNER' }]);
    const refused = createClient({ url: `${gateway.url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization: `Bearer ${CANARY}` } });
    const [line] = await linesOf(1, () => new Promise<void>((resolve) => void refused.subscribe({ query: '{ lifecycle { to } }' }, { next: () => undefined, error: () => resolve(), complete: resolve })));
    expect(line).toMatchObject({ transport: 'websocket', route: 'connection_init', code: 'UNAUTHENTICATED' });
  });

  it('over Server-Sent Events, uploads and links too', async () => {
    const [events] = await linesOf(1, async () => (await fetch(`${gateway.url}/graphql/stream`, { method: 'POST', headers: { ...person.partner.headers, 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query: '{ lifecycle { to } }' }) })).text());
    expect(events).toMatchObject({ transport: 'http', route: '/graphql/stream', operation: 'lifecycle', statusCode: 200 });
    const [upload] = await linesOf(1, async () => person.partner.send(SUBMIT_DOCUMENT, { input: { identityId: person.identityId, selectedIdClass: 'UTILITY_BILL', number: CANARY, frontPhoto: await photo(`${CANARY}.jpg`) } }));
    expect(upload).toMatchObject({ route: '/graphql', operation: 'submitDocument', code: 'BAD_USER_INPUT' });
    const [link] = await linesOf(1, () => fetch(`${gateway.url}/files/${CANARY}?viewer=${CANARY}&signature=${CANARY}`));
    expect(link).toMatchObject({ route: '/files', code: 'FORBIDDEN', statusCode: 403 });
    const [elsewhere] = await linesOf(1, () => fetch(`${gateway.url}/${CANARY}`));
    expect(elsewhere).toMatchObject({ route: 'other', code: 'NOT_FOUND', statusCode: 404 });
  });
});

describe('the log holds no value', () => {
  const TEXTS = LEAVES.filter(({ type, root }) => root.operation !== 'subscription' && ['String', 'ID', 'EmailAddress', 'URL', 'Date', 'DateTime', 'CountryCode', 'IPAddress'].includes(type.name));
  const VALUES: Readonly<Record<string, string>> = { EmailAddress: `${CANARY}@example.com`, URL: `https://example.com/${CANARY}` };

  async function ask(leaf: Leaf): Promise<void> {
    const { root, path, type } = leaf;
    const defaults = {
      id: person.customerId, customerId: person.customerId, identityId: person.identityId, documentId: person.documentId, apiKeyId: 'key_01kb3v6k8pe2mvb5s3w3x0d2qz',
      kycData: {}, partnerUserId: 'nobody', reason: CANARY, fields: ['nationalIdNumber'], decision: 'REQUEST_INFORMATION', selectedIdClass: 'PASSPORT', contractType: 'CSA', seconds: 0,
      name: CANARY, environment: 'SANDBOX', role: 'PARTNER', policy: {}, path: 'kycData', type: 'CSA', version: '1.0', endpointId: 'whe_01kb3v6k8pe2mvb5s3w3x0d2qz',
      deliveryId: 'whd_01kb3v6k8pe2mvb5s3w3x0d2qz', url: 'https://example.com/hook', events: ['*'], after: '2026-01-01', before: '2026-01-02', frontImageUrl: 'https://example.com/front.jpg',
      code: CANARY, token: CANARY,
    };
    const variables = withValue(leastVariables(root, defaults), path, VALUES[type.name] ?? CANARY);
    for (const client of [person.partner, person.reviewer, admin, gateway.operator]) await client.post({ query: documentOf(root), variables, operationName: null });
  }

  it('of any input of any root field, accepted or refused, by any role', async () => {
    const from = lines.length;
    for (const leaf of TEXTS) await ask(leaf);
    await expect.poll(() => requests(from).length).toBeGreaterThanOrEqual(TEXTS.length * 4);
    const answers = requests(from);
    console.log(`log: ${answers.length} lines of ${TEXTS.length} places by four roles, ${answers.filter(({ code }) => code === undefined).length} accepted; canaries found: ${lines.filter((line) => line.includes(CANARY)).length}`);
    expect(TEXTS.length).toBeGreaterThanOrEqual(80);
    expect(lines.filter((line) => line.includes(CANARY))).toEqual([]);
  }, 120_000);

  it('of headers, names of operations, cursors and paths', async () => {
    const from = lines.length;
    await person.partner.post({ query: `query ${CANARY} { customers(after: "${CANARY}") { nodes { id } } }`, operationName: CANARY }, { 'x-request-id': CANARY, 'user-agent': CANARY, referer: CANARY, cookie: CANARY });
    await person.partner.post(`{ "query": "${CANARY}`);
    await person.partner.post({ query: `{ ${CANARY} }` });
    await expect.poll(() => requests(from).length).toBe(3);
    expect(lines.filter((line) => line.includes(CANARY))).toEqual([]);
  });

  it('of an unexpected error, which says what and where: a database that quotes its rows', async () => {
    // The database itself breaks, and its words quote the statement with its values.
    const from = lines.length;
    await alterDatabase('alter table organization add constraint canary check (name <> \'Canaria4711\') not valid');
    const { json } = await gateway.operator.post({ query: 'mutation ($input: CreateOrganizationInput!) { createOrganization(input: $input) { organization { id } } }', variables: { input: { name: CANARY, environment: 'LIVE' } } });
    const refused = json.errors![0]!.extensions;
    expect(refused).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    const [line] = parsed(from).filter(({ msg }) => msg === 'unexpected error');
    expect(line).toMatchObject({ requestId: refused.requestId, errorCode: '23514' });
    expect(line!['error']).toMatch(/Exception|Error/);
    expect(line!['stack']).toMatch(/^ {4}at .*convertException/m);
    for (const text of lines.slice(from)) expect(text).not.toMatch(/Canaria4711|canary@example|insert into/i);
  });

  it('of a key that nobody has allowed, or an error’s own words', () => {
    const from = lines.length;
    log.info({ email: CANARY, variables: { firstName: CANARY }, err: new Error(CANARY), operation: 'known' }, 'a line');
    log.error(errorFacts(Object.assign(new Error(`${CANARY}\n    at ${CANARY} (file:///${CANARY})`), { code: `${CANARY}!`, detail: CANARY, name: `${CANARY} ?` })), 'an error');
    log.error(errorFacts(CANARY), 'no error');
    expect(parsed(from)[0]).toMatchObject({ operation: 'known', msg: 'a line' });
    expect(parsed(from)[1]!['stack']).toMatch(/logs\.test/);
    expect(lines.slice(from).join()).not.toContain(CANARY);
  });
});

/** Runs a statement on the gateway's database with its owner's rights, while the gateway is away. */
async function alterDatabase(statement: string): Promise<void> {
  await gateway.stop();
  const database = await openDatabase(readConfig({ DATA_DIR: gateway.dataDirectory, DATABASE_URL: gateway.databaseUrl ?? undefined, TOKEN_KEY, KEY_RING }), databaseParts, createLog({ logLevel: 'silent' }));
  await database.owner().execute(statement);
  await database.close();
  await gateway.start();
}
