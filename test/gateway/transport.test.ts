import { print } from 'graphql';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { RawAnswer } from '../support/client.js';
import { rawAnswer } from '../support/client.js';
import { newCustomer } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { CREATE_CUSTOMER, CUSTOMER } from '../support/operations.js';
import { RawSocket } from '../support/streams.js';
import { BOUNDARY, MALFORMED } from '../multipart.js';

const gateway = useGateway();

const QUERY = '{ errorCodes { code } }';
const MUTATION = { query: print(CREATE_CUSTOMER), variables: { input: { email: 'nobody@example.com' } } };
const SUBSCRIPTION = { query: print(CUSTOMER_CHANGES), variables: {} };
const JSON_TYPE = { 'content-type': 'application/json' };
/** Sets no type where none is given: fetch would. */
const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

interface Wire {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer> | string;
}

/** Requests that no GraphQL comes of, and the code that each is refused with. */
const REFUSED: Record<string, Wire & { code: string; status: number }> = {
  'malformed JSON': { headers: JSON_TYPE, body: '{"query": "{', code: 'BAD_REQUEST', status: 400 },
  'JSON that is a string': { headers: JSON_TYPE, body: '"{ errorCodes }"', code: 'BAD_REQUEST', status: 400 },
  'JSON that is null': { headers: JSON_TYPE, body: 'null', code: 'BAD_REQUEST', status: 400 },
  'JSON that is a list': { headers: JSON_TYPE, body: '[]', code: 'BAD_REQUEST', status: 400 },
  'a batch': { headers: JSON_TYPE, body: JSON.stringify([{ query: QUERY }, { query: QUERY }]), code: 'BAD_REQUEST', status: 400 },
  'an empty body': { headers: JSON_TYPE, body: '', code: 'BAD_REQUEST', status: 400 },
  'an empty object': { headers: JSON_TYPE, body: '{}', code: 'BAD_REQUEST', status: 400 },
  'a query that is no string': { headers: JSON_TYPE, body: '{"query":1}', code: 'BAD_REQUEST', status: 400 },
  'variables that are a string': { headers: JSON_TYPE, body: JSON.stringify({ query: QUERY, variables: 'x' }), code: 'BAD_REQUEST', status: 400 },
  'no content type': { body: bytes(JSON.stringify({ query: QUERY })), code: 'BAD_REQUEST', status: 400 },
  'text/plain': { headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ query: QUERY }), code: 'BAD_REQUEST', status: 400 },
  'a form': { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'query=%7B__typename%7D', code: 'BAD_REQUEST', status: 400 },
  'JSON of another charset': { headers: { 'content-type': 'application/json; charset=koi8-r' }, body: '{}', code: 'UNSUPPORTED_MEDIA_TYPE', status: 415 },
  'JSON in UTF-16': { headers: { 'content-type': 'application/json; charset=utf-16le' }, body: new Uint8Array(Buffer.from(JSON.stringify({ query: QUERY }), 'utf16le')), code: 'UNSUPPORTED_MEDIA_TYPE', status: 415 },
  'JSON in an encoding that nobody knows': { headers: { ...JSON_TYPE, 'content-encoding': 'zstd5' }, body: '{}', code: 'UNSUPPORTED_MEDIA_TYPE', status: 415 },
  'JSON that says it is compressed and is not': { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: '{}', code: 'BAD_REQUEST', status: 400 },
  'a body of 3 MB': { headers: JSON_TYPE, body: JSON.stringify({ query: QUERY, variables: { x: 'x'.repeat(3_000_000) } }), code: 'PAYLOAD_TOO_LARGE', status: 413 },
  'a document that does not parse': { headers: JSON_TYPE, body: JSON.stringify({ query: '{ errorCodes {' }), code: 'GRAPHQL_PARSE_FAILED', status: 400 },
  'a document of 20,000 tokens': { headers: JSON_TYPE, body: JSON.stringify({ query: `{ ${'a '.repeat(20_000)} }` }), code: 'OPERATION_TOO_COMPLEX', status: 400 },
  'a field that there is not': { headers: JSON_TYPE, body: JSON.stringify({ query: '{ nothing }' }), code: 'GRAPHQL_VALIDATION_FAILED', status: 400 },
  'null for a directive that does not take it': { headers: JSON_TYPE, body: JSON.stringify({ query: 'query($x: Boolean = true) { errorCodes { code @include(if: $x) } }', variables: { x: null } }), code: 'BAD_USER_INPUT', status: 400 },
  'null for an argument that does not take it, in a fragment': { headers: JSON_TYPE, body: JSON.stringify({ query: 'query($n: Int) { ...Q } fragment Q on Query { customers(first: $n) { nodes { id } } }', variables: { n: null } }), code: 'BAD_USER_INPUT', status: 400 },
  'null for a field of an input that does not take it': { headers: JSON_TYPE, body: JSON.stringify({ query: 'mutation($t: CustomerType) { createCustomer(input: { type: $t, email: "nobody@example.com" }) { customer { id } } }', variables: { t: null } }), code: 'BAD_USER_INPUT', status: 400 },
  'two operations and no name': { headers: JSON_TYPE, body: JSON.stringify({ query: 'query A { __typename } query B { __typename }' }), code: 'BAD_REQUEST', status: 400 },
  'a subscription': { headers: JSON_TYPE, body: JSON.stringify(SUBSCRIPTION), code: 'OPERATION_NOT_ALLOWED', status: 400 },
  'a mutation by GET': { method: 'GET', path: `/graphql?query=${encodeURIComponent('mutation { createCustomer(input: { email: "nobody@example.com" }) { customer { id } } }')}`, headers: { 'apollo-require-preflight': '1' }, code: 'BAD_REQUEST', status: 405 },
  'a GET without a query': { method: 'GET', headers: JSON_TYPE, code: 'BAD_REQUEST', status: 400 },
  PUT: { method: 'PUT', headers: JSON_TYPE, body: JSON.stringify({ query: QUERY }), code: 'BAD_REQUEST', status: 405 },
  DELETE: { method: 'DELETE', code: 'BAD_REQUEST', status: 400 },
  'a path that there is not': { path: '/grapqhl', headers: JSON_TYPE, body: '{}', code: 'NOT_FOUND', status: 404 },
  'a path below': { path: '/graphql/x', headers: JSON_TYPE, body: '{}', code: 'NOT_FOUND', status: 404 },
  'a path that cannot be decoded': { path: '/%E0%A4%A', headers: JSON_TYPE, body: '{}', code: 'NOT_FOUND', status: 404 },
  'a mutation over SSE': { path: '/graphql/stream', headers: { ...JSON_TYPE, accept: 'text/event-stream' }, body: JSON.stringify(MUTATION), code: 'OPERATION_NOT_ALLOWED', status: 400 },
  'malformed JSON over SSE': { path: '/graphql/stream', headers: { ...JSON_TYPE, accept: 'text/event-stream' }, body: '{', code: 'BAD_REQUEST', status: 400 },
  'a document that does not parse over SSE': { path: '/graphql/stream', headers: { ...JSON_TYPE, accept: 'text/event-stream' }, body: JSON.stringify({ query: '{' }), code: 'GRAPHQL_PARSE_FAILED', status: 400 },
  'no query over SSE': { path: '/graphql/stream', headers: { ...JSON_TYPE, accept: 'text/event-stream' }, body: '{}', code: 'BAD_REQUEST', status: 400 },
  'SSE that accepts no event stream': { path: '/graphql/stream', headers: { ...JSON_TYPE, accept: 'text/html' }, body: JSON.stringify(SUBSCRIPTION), code: 'BAD_REQUEST', status: 406 },
  'a stream reserved by PUT': { method: 'PUT', path: '/graphql/stream', code: 'BAD_REQUEST', status: 405 },
  'a body of 3 MB over SSE': { path: '/graphql/stream', headers: { ...JSON_TYPE, accept: 'text/event-stream' }, body: JSON.stringify({ query: QUERY, variables: { x: 'x'.repeat(3_000_000) } }), code: 'PAYLOAD_TOO_LARGE', status: 413 },
  'variables that are no JSON, by GET over SSE': { method: 'GET', path: '/graphql/stream?query=%7B__typename%7D&variables=x', headers: { accept: 'text/event-stream' }, code: 'BAD_REQUEST', status: 400 },
  'a path below the stream': { path: '/graphql/stream/x', headers: JSON_TYPE, body: '{}', code: 'NOT_FOUND', status: 404 },
};

async function send({ partner }: TestOrganization, { method = 'POST', path = '/graphql', headers = {}, body }: Wire): Promise<RawAnswer> {
  return rawAnswer(await fetch(partner.url + path, { method, headers: { ...partner.headers, ...headers }, ...(body === undefined ? {} : { body }) }));
}

function expectJsonError(answer: RawAnswer): void {
  expect(answer.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/);
  expect(answer.text).not.toMatch(/<html|<!doctype|<pre>|node_modules|at .*\.(js|ts):\d+|\/src\/|\/dist\//i);
  const errors = answer.json.errors ?? [];
  expect(errors.length).toBeGreaterThan(0);
  for (const { extensions } of errors) {
    expect(extensions.requestId).toBe(answer.headers.get('x-request-id'));
    expect(typeof extensions.statusCode).toBe('number');
    expect(extensions).not.toHaveProperty('stacktrace');
  }
}

describe('over HTTP', () => {
  it.each(Object.entries(REFUSED))('%s is refused as JSON, with a code and the id of the request', async (_name, { code, status, ...wire }) => {
    const organization = await gateway.organization();
    const answer = await send(organization, wire);
    expect([answer.status, answer.json.errors?.[0]?.extensions.code, answer.json.errors?.[0]?.message]).toEqual([status, code, expect.any(String)]);
    expectJsonError(answer);
  });

  it.each([
    ['behind a byte order mark', {}, bytes(`\uFEFF${JSON.stringify({ query: QUERY })}`)],
    ['that says that it is UTF-8', { 'content-type': 'application/json; Charset="UTF-8"' }, JSON.stringify({ query: QUERY })],
    ['compressed by gzip', { 'content-encoding': 'gzip' }, new Uint8Array(gzipSync(JSON.stringify({ query: QUERY })))],
    ['with a letter that is cut in two by the network', {}, JSON.stringify({ query: QUERY, extensions: { x: 'ß'.repeat(100_000) } })],
  ])('JSON %s is read', async (_name, headers, body) => {
    expect((await send(await gateway.organization(), { headers: { ...JSON_TYPE, ...headers }, body })).json).toHaveProperty('data.errorCodes');
  });

  it('a query by GET is answered, with a preflight header', async () => {
    const organization = await gateway.organization();
    const answer = await send(organization, { method: 'GET', path: `/graphql?query=${encodeURIComponent(QUERY)}`, headers: { 'apollo-require-preflight': '1' } });
    expect(answer.status).toBe(200);
  });

  it(`malformed multipart: all ${Object.keys(MALFORMED).length} bodies are refused as JSON by the real /graphql, and the next request is served`, async () => {
    const { partner } = await gateway.organization();
    const codes = new Map<string, number>();
    for (const [name, { body, contentType = `multipart/form-data; boundary=${BOUNDARY}`, preflight = 'apollo-require-preflight: 1\r\n', length }] of Object.entries(MALFORMED)) {
      // What never ends is the uploads' own suite; here every body is sent whole.
      if (typeof length === 'number') continue;
      const [header = '', value = ''] = preflight.trim().split(/: ?/);
      const headers = { ...partner.headers, 'content-type': contentType, ...(header ? { [header]: value } : {}) };
      const answer = await rawAnswer(await fetch(`${partner.url}/graphql`, { method: 'POST', headers, body: new Uint8Array(body) }));
      expect([name, answer.status]).toEqual([name, expect.toSatisfy((status: number) => status >= 400 && status < 500)]);
      expectJsonError(answer);
      const code = answer.json.errors![0]!.extensions.code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect((await partner.post({ query: QUERY })).status).toBe(200);
    const total = [...codes.values()].reduce((sum, count) => sum + count, 0);
    console.log(`malformed multipart: ${total} refused: ${[...codes].map(([code, count]) => `${count} ${code}`).join(', ')}`);
    expect(total).toBeGreaterThanOrEqual(50);
  });

  it('a client that breaks off in its body harms nobody', async () => {
    const { partner } = await gateway.organization();
    for (let round = 0; round < 20; round += 1) {
      const broken = httpRequest(`${partner.url}/graphql`, { method: 'POST', headers: { ...partner.headers, ...JSON_TYPE, 'content-length': 1_000 } });
      broken.on('error', () => undefined);
      broken.write('{"query":');
      broken.destroy();
    }
    expect((await partner.post({ query: QUERY })).status).toBe(200);
  });

  it('every request has an id of its own', async () => {
    const { partner } = await gateway.organization();
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await partner.post({ query: QUERY }, { 'x-request-id': 'mine' })).headers.get('x-request-id')));
    expect(new Set(ids).size).toBe(20);
    expect(ids).not.toContain('mine');
  });
});

describe('over WebSocket', () => {
  const FORBIDDEN = 4403;

  it.each([['no key', null], ['a wrong key', 'kyc_wrong'], ['a key that is no text', '\u00e9']])('with %s it is closed with 4403', async (_name, key) => {
    const socket = await RawSocket.open(gateway.client(null));
    socket.send({ type: 'connection_init', ...(key === null ? {} : { payload: { authorization: `Bearer ${key}` } }) });
    expect((await socket.closed()).code).toBe(FORBIDDEN);
  });

  it.each([
    ['text that is no JSON', 'garbage', 4400],
    ['JSON that is no message', '{"hello":1}', 4400],
    ['a message of no known type', '{"type":"subscribe_all"}', 4400],
    ['a subscription without a payload', '{"id":"1","type":"subscribe"}', 4400],
    ['a subscription whose query is a number', '{"id":"1","type":"subscribe","payload":{"query":1}}', 4400],
    ['bytes', Buffer.from([0, 255, 254]), 4400],
    ['a second connection_init', '{"type":"connection_init"}', 4429],
    ['a frame of 2 MB', 'x'.repeat(2_000_000), 1009],
  ])('%s closes that socket with graphql-transport-ws’ code and harms no other', async (_name, frame, code) => {
    const { partner } = await gateway.organization();
    const bystander = await partner.subscribe(CUSTOMER_CHANGES, {});
    const socket = await RawSocket.open(partner);
    await socket.init(partner);
    socket.send(frame);
    expect((await socket.closed()).code).toBe(code);
    const customerId = await newCustomer(partner);
    expect((await bystander.take(1))[0]?.customerStatusChanged.customer.id).toBe(customerId);
    await bystander.close();
  });

  it('a subscription before connection_init closes the socket with 4401, and one id twice with 4409', async () => {
    const { partner } = await gateway.organization();
    const early = await RawSocket.open(partner);
    early.send({ id: '1', type: 'subscribe', payload: SUBSCRIPTION });
    expect((await early.closed()).code).toBe(4401);
    const twice = await RawSocket.open(partner);
    await twice.init(partner);
    for (let times = 0; times < 2; times += 1) twice.send({ id: '1', type: 'subscribe', payload: SUBSCRIPTION });
    expect((await twice.closed()).code).toBe(4409);
  });

  it.each([
    ['a mutation', MUTATION, 'OPERATION_NOT_ALLOWED'],
    ['a document that does not parse', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    ['a field that there is not', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['a variable of another type', { query: print(CUSTOMER), variables: { id: { a: 1 } } }, 'BAD_USER_INPUT'],
  ])('%s is refused in a frame, with a code and an id, and the socket goes on', async (_name, payload, code) => {
    const { partner } = await gateway.organization();
    const socket = await RawSocket.open(partner);
    await socket.init(partner);
    socket.send({ id: '1', type: 'subscribe', payload });
    const error = (await socket.frame('error')).payload as { extensions: Record<string, unknown> }[];
    expect(error[0]?.extensions).toMatchObject({ code, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), statusCode: 400 });
    socket.send({ id: '2', type: 'subscribe', payload: { query: QUERY } });
    expect((await socket.frame('next')).id).toBe('2');
    socket.close();
  });

  it('a mutation over WebSocket has done nothing', async () => {
    const { partner } = await gateway.organization();
    const socket = await RawSocket.open(partner);
    await socket.init(partner);
    socket.send({ id: '1', type: 'subscribe', payload: MUTATION });
    await socket.frame('error');
    const { json } = await partner.post({ query: '{ customers { nodes { id } } }' });
    expect(json.data).toEqual({ customers: { nodes: [] } });
    socket.close();
  });
});

describe('over Server-Sent Events', () => {
  it.each([['no key', {}], ['a wrong key', { authorization: 'Bearer wrong' }]])('with %s it is 401 UNAUTHENTICATED as JSON', async (_name, headers: Record<string, string>) => {
    const response = await fetch(`${gateway.url}/graphql/stream`, { method: 'POST', headers: { ...JSON_TYPE, ...headers, accept: 'text/event-stream' }, body: JSON.stringify(SUBSCRIPTION) });
    const answer = await rawAnswer(response);
    expect([answer.status, answer.json.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    expectJsonError(answer);
  });
});
