import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectRaw } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import { createLog } from '../../src/core/log.js';
import { hashOf } from '../../src/graphql/trusted-documents.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { rawAnswer, type Client, type RawAnswer } from '../support/client.js';
import { TestGateway, useGateway } from '../support/gateway.js';
import { CREATE_CUSTOMER, CUSTOMER } from '../support/operations.js';
import { RawSocket } from '../support/streams.js';

const SUBSCRIPTION = { query: print(CUSTOMER_CHANGES), variables: {} };
const STREAMED = { 'content-type': 'application/json', accept: 'text/event-stream' };

async function stream({ url, headers }: Client, body: unknown, more: Record<string, string> = {}): Promise<RawAnswer> {
  return rawAnswer(await fetch(`${url}/graphql/stream`, { method: 'POST', headers: { ...headers, ...STREAMED, ...more }, body: JSON.stringify(body) }));
}

/** Writes bytes as they are to the gateway. @returns what comes back before the connection ends. */
function raw(url: string, ...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectRaw(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    // A client that is still sending may see the connection reset: what has come has come.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    socket.setTimeout(5_000, () => reject(new Error(`No end: ${text}`)));
    for (const part of parts) socket.write(part);
  });
}

function upgrade(url: string, headers: Record<string, string>): Promise<string> {
  const all = { host: new URL(url).host, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-protocol': 'graphql-transport-ws', ...headers };
  return new Promise((resolve) => {
    const socket = connectRaw(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.once('data', (chunk) => {
      resolve(String(chunk));
      socket.destroy();
    });
    socket.write(`GET /graphql HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  });
}

const SECURITY = ['content-security-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy', 'referrer-policy', 'x-content-type-options', 'x-frame-options', 'x-request-id', 'cache-control'];

describe('answers', () => {
  const gateway = useGateway({ CORS_ORIGINS: 'https://app.example.com, https://other.example.com' }, { workers: false });

  it('bear the security headers and an id, whatever they are', async () => {
    const { partner } = await gateway.organization();
    const urls = ['/graphql', '/graphql/stream', '/nothing', '/health/live', '/health/ready', '/.well-known/jwks.json', '/files/x'];
    for (const url of urls) {
      for (const headers of [{}, partner.headers]) {
        const response = await fetch(`${gateway.url}${url}`, { headers: headers as Record<string, string> });
        await response.arrayBuffer();
        expect([url, SECURITY.filter((name) => !response.headers.has(name))]).toEqual([url, []]);
        expect(response.headers.has('x-powered-by')).toBe(false);
      }
    }
    const refused = await upgrade(gateway.url, { origin: 'https://evil.example.com' });
    for (const name of SECURITY) expect(refused).toContain(`${name}: `);
  });

  it('CORS_ORIGINS may ask from their pages, with a preflight that needs no key; others may not', async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${gateway.url}/graphql`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' } });
    const allowed = await preflight('https://app.example.com');
    expect([allowed.status, allowed.headers.get('access-control-allow-origin'), allowed.headers.get('access-control-allow-headers')]).toEqual([204, 'https://app.example.com', 'authorization,content-type']);
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    expect((await preflight('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull();
    const { partner } = await gateway.organization();
    const answer = await partner.post({ query: '{ __typename }' }, { origin: 'https://other.example.com' });
    expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('access-control-expose-headers')]).toEqual(['https://other.example.com', 'x-request-id,retry-after,idempotency-replayed']);
  });

  it.each([
    ['none, as programs send', undefined, '101'],
    ['the gateway’s own', 'own', '101'],
    ['one of CORS_ORIGINS', 'https://app.example.com', '101'],
    ['another', 'https://evil.example.com', '403'],
    ['null, as a sandboxed page sends', 'null', '403'],
    ['another port of this host', 'http://localhost:1', '403'],
    ['no origin at all', 'not an origin', '403'],
  ])('a WebSocket whose Origin is %s', async (_name, origin, status) => {
    const answer = await upgrade(gateway.url, origin === undefined ? {} : { origin: origin === 'own' ? gateway.url : origin });
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(answer).toMatch(/x-request-id: [0-9a-f-]{36}\r\n/);
    if (status === '403') expect(JSON.parse(answer.split('\r\n\r\n')[1]!).errors[0].extensions.code).toBe('FORBIDDEN');
  });

  it.each([
    ['no HTTP at all', ['garbage\r\n\r\n'], '400', 'BAD_REQUEST'],
    ['NUL in a header', ['GET /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \u0000\r\n\r\n'], '400', 'BAD_REQUEST'],
    ['a megabyte of a header', ['GET /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ', 'k'.repeat(1_000_000), '\r\n\r\n'], '431', 'PAYLOAD_TOO_LARGE'],
    ['a megabyte of headers', ['GET /graphql HTTP/1.1\r\nhost: x\r\n', 'a: b\r\n'.repeat(170_000), '\r\n'], '431', 'PAYLOAD_TOO_LARGE'],
    ['a megabyte of a path', ['GET /', 'x'.repeat(1_000_000), ' HTTP/1.1\r\nhost: x\r\n\r\n'], '431', 'PAYLOAD_TOO_LARGE'],
    ['two lengths', ['POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'], '400', 'BAD_REQUEST'],
    ['a length and chunks', ['POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'], '400', 'BAD_REQUEST'],
  ])('%s is refused as JSON within 100 ms, and the next request is served', async (_name, parts, status, code) => {
    let [answer, quickest] = ['', Infinity];
    // Others use the machine too: the quickest of a few tries says how long the gateway takes.
    for (let attempt = 0; attempt < 5 && quickest > 100; attempt += 1) {
      const begun = performance.now();
      answer = await raw(gateway.url, ...parts);
      quickest = Math.min(quickest, performance.now() - begun);
    }
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    const { extensions } = JSON.parse(body).errors[0];
    expect(extensions.code).toBe(code);
    expect(head).toContain(`x-request-id: ${extensions.requestId}`);
    expect(quickest).toBeLessThan(100);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  });
});

describe('without a key', () => {
  const gateway = useGateway({}, { workers: false });

  it('nothing of the schema can be learnt, over no transport and by no form of request', async () => {
    const known = '{ customers { nodes { id } } }';
    const bodies = [known, '{ customerz }', '{ broken', '{ __schema { types { name } } }', ''].map((query) => JSON.stringify({ query }));
    const wires: [string, RequestInit][] = [
      ...[...bodies, 'null', '5', '[]', '{', '"x"', ''].flatMap((body): [string, RequestInit][] => ['/graphql', '/graphql/stream'].map((path) => [path, { method: 'POST', headers: STREAMED, body }])),
      ...['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'].flatMap((method): [string, RequestInit][] => ['/graphql', '/graphql/stream'].map((path) => [`${path}?query=${encodeURIComponent(known)}`, { method, headers: { accept: 'text/event-stream, application/json', 'apollo-require-preflight': '1' } }])),
      ['/graphql', { method: 'POST', headers: { 'apollo-require-preflight': '1', 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' }],
      ['/graphql', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: known }],
    ];
    const answers = new Set<string>();
    for (const [path, init] of wires) {
      const response = await fetch(gateway.url + path, init);
      expect([path, init.method, response.status]).toEqual([path, init.method, 401]);
      answers.add((await response.text()).replace(/"requestId":"[^"]*"/, ''));
    }
    // HEAD has no body.
    expect(answers.size).toBe(2);
    for (const frame of [{ type: 'connection_init' }, { type: 'connection_init', payload: { authorization: 'Bearer x' } }, { id: '1', type: 'subscribe', payload: { query: known } }]) {
      const socket = await RawSocket.open(gateway.client(null));
      socket.send(frame);
      expect([4401, 4403]).toContain((await socket.closed()).code);
    }
    console.log(`without a key: ${wires.length} requests, ${answers.size - 1} answer`);
  });
});

describe('trusted documents', () => {
  const TRUSTED = [print(CUSTOMER), print(CREATE_CUSTOMER), SUBSCRIPTION.query, '{ __typename }'];
  const persisted = (document: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(document) } } });
  let directory: string;
  const gateway = new TestGateway({}, { workers: false });
  let trusting: TestGateway;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kyc-trusted-'));
    const path = join(directory, 'manifest.json');
    await writeFile(path, JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: TRUSTED.map((body) => ({ id: hashOf(body), body, name: 'x', type: 'query' })) }));
    trusting = new TestGateway({ TRUSTED_DOCUMENTS: path }, { workers: false });
    await trusting.create();
  });
  afterAll(async () => {
    await trusting.destroy();
    await rm(directory, { recursive: true });
  });

  it('run by their text and by their hash, and nothing else does, on every transport', async () => {
    await trusting.start();
    const operator = trusting.operator;
    for (const body of [{ query: '{ __typename }' }, persisted('{ __typename }'), { query: '{ __typename }', ...persisted('{ __typename }') }]) {
      expect((await operator.post(body)).json).toEqual({ data: { __typename: 'Query' } });
      const streamed = await fetch(`${operator.url}/graphql/stream`, { method: 'POST', headers: { ...operator.headers, ...STREAMED }, body: JSON.stringify(body) });
      expect(await streamed.text()).toContain('"__typename":"Query"');
      const socket = await RawSocket.open(operator);
      await socket.init(operator);
      socket.send({ id: '1', type: 'subscribe', payload: { query: '', ...body } });
      expect((await socket.frame('next')).payload).toEqual({ data: { __typename: 'Query' } });
      socket.close();
    }
    const refused: [unknown, string][] = [
      [{ query: '{ errorCodes { code } }' }, 'OPERATION_NOT_ALLOWED'],
      [{ query: '{  __typename }' }, 'OPERATION_NOT_ALLOWED'],
      [{ query: '{ broken' }, 'OPERATION_NOT_ALLOWED'],
      [{ query: '', ...persisted('{ errorCodes { code } }') }, 'PERSISTED_QUERY_NOT_FOUND'],
      [{ query: '{ errorCodes { code } }', ...persisted('{ __typename }') }, 'BAD_REQUEST'],
      [{ query: '{ errorCodes { code } }', ...persisted('{ errorCodes { code } }') }, 'OPERATION_NOT_ALLOWED'],
    ];
    for (const [body, code] of refused) {
      const post = await operator.post((body as { query: string }).query === '' ? { extensions: (body as { extensions: unknown }).extensions } : body);
      expect([body, post.json.errors?.[0]?.extensions.code]).toEqual([body, code]);
      const expected = code === 'OPERATION_NOT_ALLOWED' && 'extensions' in (body as object) ? expect.stringMatching(/^(OPERATION_NOT_ALLOWED|PERSISTED_QUERY_NOT_FOUND)$/) : code;
      expect([body, (await stream(operator, body)).json.errors?.[0]?.extensions.code]).toEqual([body, expected]);
      const socket = await RawSocket.open(operator);
      await socket.init(operator);
      socket.send({ id: '1', type: 'subscribe', payload: body });
      const [error] = (await socket.frame('error')).payload as { extensions: { code: string } }[];
      expect([body, error!.extensions.code]).toEqual([body, expected]);
      socket.close();
    }
    const get = `?extensions=${encodeURIComponent(JSON.stringify(persisted('{ __typename }').extensions))}`;
    const answer = await rawAnswer(await fetch(`${operator.url}/graphql${get}`, { headers: { ...operator.headers, 'apollo-require-preflight': '1' } }));
    expect(answer.json).toEqual({ data: { __typename: 'Query' } });
  });

  it.each([
    ['is not there', null],
    ['is not JSON', '{'],
    ['is a list', '[]'],
    ['is empty', '{}'],
    ['is of an unknown format', '{"format":"x","operations":[]}'],
    ['has a document of another hash', JSON.stringify({ [hashOf('{ a }')]: '{ b }' })],
    ['has a document that is no GraphQL', JSON.stringify({ [hashOf('{')]: '{' })],
    ['has an operation that is no object', '{"format":"apollo-persisted-query-manifest","operations":[1]}'],
  ])('a manifest that %s ends the start with one sentence', async (_name, content) => {
    const path = join(directory, 'wrong.json');
    await rm(path, { force: true });
    if (content !== null) await writeFile(path, content);
    const wrong = new TestGateway({ TRUSTED_DOCUMENTS: path }, { workers: false });
    await wrong.create();
    await expect(wrong.start()).rejects.toThrow(/^TRUSTED_DOCUMENTS [^\n]*$/);
    await wrong.destroy();
  });

  it('persisted queries without a manifest are PERSISTED_QUERY_NOT_SUPPORTED', async () => {
    await gateway.create();
    await gateway.start();
    const body = persisted('{ __typename }');
    expect((await gateway.operator.post(body)).json.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_SUPPORTED');
    expect((await stream(gateway.operator, body)).json.errors?.[0]?.extensions.code).toBe('PERSISTED_QUERY_NOT_SUPPORTED');
    await gateway.destroy();
  });
});

describe('introspection and the explorer', () => {
  const SCHEMA = { query: '{ __schema { queryType { name } } }' };
  const open = useGateway({ INTROSPECTION: 'true', EXPLORER: 'true' }, { workers: false });
  const closed = useGateway({ INTROSPECTION: 'false', EXPLORER: 'false' }, { workers: false });
  const standard = useGateway({}, { workers: false });
  const page = async (url: string): Promise<string | null> => (await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })).headers.get('content-type');

  it('are there where they are switched on', async () => {
    expect((await open.operator.post(SCHEMA)).status).toBe(200);
    expect(await page(open.url)).toContain('text/html');
  });

  it('are OPERATION_NOT_ALLOWED and gone where they are off, on every transport and in no disguise; __typename is there', async () => {
    const disguises = [SCHEMA, { query: '{ a: __type(name: "Query") { name } }' }, { query: 'query ($x: Boolean!) { ...F } fragment F on Query { ... @include(if: $x) { __schema { types { name } } } }', variables: { x: true } }];
    for (const body of disguises) {
      const { json } = await closed.operator.post(body);
      expect([json.errors?.[0]?.extensions.code, json.errors?.[0]?.message]).toEqual(['OPERATION_NOT_ALLOWED', expect.stringContaining('Introspection is off')]);
      expect((await stream(closed.operator, body)).json.errors?.[0]?.extensions.code).toBe('OPERATION_NOT_ALLOWED');
    }
    expect((await closed.operator.post({ query: '{ __typename }' })).json.data).toEqual({ __typename: 'Query' });
    // Nor do errors suggest names.
    expect((await closed.operator.post({ query: '{ customerz { id } }' })).text).not.toContain('customers');
    expect(await page(closed.url)).toContain('application/json');
  });

  it('are off by themselves with DATABASE_URL, and on without', async () => {
    const isEmbedded = standard.databaseUrl === null;
    expect((await standard.operator.post(SCHEMA)).json.errors?.[0]?.extensions.code).toBe(isEmbedded ? undefined : 'OPERATION_NOT_ALLOWED');
    expect(await page(standard.url)).toContain(isEmbedded ? 'text/html' : 'application/json');
  });
});

describe('an unexpected error', () => {
  const SECRET = 'SECRET-4711';
  let broken = false;
  const lines: string[] = [];
  const unlessBroken = <Result>(read: () => Promise<Result>): Promise<Result> => (broken ? Promise.reject(new Error(`${SECRET} of the database`)) : read());
  const failing = (opened: Database): Database => ({
    ...opened,
    read: (organizationId, query) => unlessBroken(() => opened.read(organizationId, query)),
    select: (organizationId, statement, parameters) => unlessBroken(() => opened.select(organizationId, statement, parameters)),
    forCustomer: (customerId) => failing(opened.forCustomer(customerId)),
  });
  const log = createLog({ logLevel: 'info' }, { write: (line: string) => void lines.push(line) });
  const gateway = useGateway({}, { workers: false, database: failing, log });
  const seen = (): { requestId: string; stack: string }[] => lines.map((line) => JSON.parse(line) as { requestId: string; msg: string; stack: string }).filter(({ msg }) => msg === 'unexpected error');

  it('is INTERNAL_SERVER_ERROR with a request’s id and nothing else on every transport, and the log has the rest under that id', async () => {
    const { partner } = await gateway.organization();
    const socket = await RawSocket.open(partner);
    await socket.init(partner);
    const body = { query: '{ customers { nodes { id } } }' };
    broken = true;
    const post = await partner.post(body);
    expect([post.status, post.json.errors?.[0]?.extensions.requestId]).toEqual([200, post.headers.get('x-request-id')]);
    const streamed = await fetch(`${partner.url}/graphql/stream`, { method: 'POST', headers: { ...partner.headers, ...STREAMED }, body: JSON.stringify(body) });
    const streamedText = await streamed.text();
    socket.send({ id: '1', type: 'subscribe', payload: body });
    const next = await socket.frame('next');
    broken = false;
    const errors = [post.json.errors![0]!, ...[JSON.parse(/^data: (.*)$/m.exec(streamedText)![1]!), next.payload].map((result) => (result as RawAnswer['json']).errors![0]!)];
    for (const error of errors) {
      expect(Object.keys(error).sort()).toEqual(['extensions', 'locations', 'message', 'path']);
      expect(error.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', statusCode: 500, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      expect(error.message).toBe(errors[0]!.message);
    }
    expect(JSON.stringify(errors) + streamedText + post.text).not.toContain(SECRET);
    expect(errors[1]!.extensions.requestId).toBe(streamed.headers.get('x-request-id'));
    expect(seen().map(({ requestId }) => requestId)).toEqual(errors.map(({ extensions }) => extensions.requestId));
    for (const { stack } of seen()) expect(stack).toContain('http.test.ts');
    // What an error says may be of a person: the log has where it arose.
    expect(lines.join()).not.toContain(SECRET);
    socket.close();
  });
});
