import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, RefusalFacts } from '../support/client.js';
import { useGateway } from '../support/gateway.js';
import { RawSocket } from '../support/streams.js';

const gateway = useGateway({ INTROSPECTION: 'true' }, { workers: false });

const EVENT_STREAM = { 'content-type': 'application/json', accept: 'text/event-stream' };
/** Milliseconds in which each of them is to be refused. */
const IN_TIME = 100;
/** Others use the machine too: the quickest of a few tries says how long the gateway takes. */
const TRIES = 5;

const times = (count: number, of: (index: number) => string, between = ' '): string => Array.from({ length: count }, (_, index) => of(index)).join(between);
/** Fragments each of which spreads the next twice: twice as much with each. */
const doubling = (count: number): string =>
  `${times(count, (index) => `fragment F${index} on Customer { identity { customer { a${index}: id b: identity { customer { ...F${index + 1} } } ...F${index + 1} } } }`)} fragment F${count} on Customer { id }`;
const nested = (open: string, close: string, count: number): string => `${open.repeat(count)}${close.repeat(count)}`;

/** What is asked, and which code it is refused with. */
interface Bomb {
  query: string;
  variables?: unknown;
  code: string;
}

/** What costs a server more than it costs to ask. */
const BOMBS: Readonly<Record<string, Bomb>> = {
  '100,000 tokens': { query: `{ ${'id '.repeat(100_000)} }`, code: 'OPERATION_TOO_COMPLEX' },
  '20,000 opening braces': { query: '{'.repeat(20_000), code: 'OPERATION_TOO_COMPLEX' },
  '20,000 opening brackets': { query: `{ customers(first: ${'['.repeat(20_000)}`, code: 'OPERATION_TOO_COMPLEX' },
  '20,000 lists in a literal': { query: `{ customers(first: ${nested('[', ']', 20_000)}) { nodes { id } } }`, code: 'OPERATION_TOO_COMPLEX' },
  '20,000 objects in a literal': { query: `{ customers(filter: ${'{a:'.repeat(20_000)}1${'}'.repeat(20_000)}) { nodes { id } } }`, code: 'OPERATION_TOO_COMPLEX' },
  '20,000 lists in a type': { query: `query ($x: ${nested('[', ']', 20_000)}) { __typename }`, code: 'OPERATION_TOO_COMPLEX' },
  '1,900 braces': { query: `${'{a'.repeat(1_900)}${'}'.repeat(1_900)}`, code: 'OPERATION_TOO_COMPLEX' },
  '30 fields within fields': { query: `{ customers { nodes { ${'identity { customer { '.repeat(14)} id ${'} }'.repeat(14)} } } }`, code: 'OPERATION_TOO_COMPLEX' },
  'depth through fragments': { query: `{ customers { nodes { ...F0 } } } ${times(20, (index) => `fragment F${index} on Customer { identity { customer { ...F${index + 1} } } }`)} fragment F20 on Customer { id }`, code: 'OPERATION_TOO_COMPLEX' },
  '1,000 aliases': { query: `{ ${times(1_000, (index) => `a${index}: __typename`)} }`, code: 'OPERATION_TOO_COMPLEX' },
  '51 aliases of one field': { query: `{ ${times(51, (index) => `a${index}: errorCodes { code }`)} }`, code: 'OPERATION_TOO_COMPLEX' },
  '1,000 directives at one field': { query: `{ __typename ${'@include(if: true) '.repeat(1_000)} }`.slice(0, 60_000), code: 'OPERATION_TOO_COMPLEX' },
  '51 unknown directives': { query: `{ __typename ${times(51, (index) => `@d${index}`)} }`, code: 'OPERATION_TOO_COMPLEX' },
  '101 fragments': { query: `{ ...F0 } ${times(101, (index) => `fragment F${index} on Query { __typename }`)}`, code: 'OPERATION_TOO_COMPLEX' },
  '101 operations': { query: times(101, (index) => `query Q${index} { __typename }`), code: 'OPERATION_TOO_COMPLEX' },
  'one field 1,900 times': { query: `{ ${'__typename '.repeat(1_900)} }`, code: 'OPERATION_TOO_COMPLEX' },
  'one field 101 times': { query: `{ ${'__typename '.repeat(101)} }`, code: 'OPERATION_TOO_COMPLEX' },
  '1,001 fields and spreads': { query: `{ ${'...F '.repeat(1_001)} } fragment F on Query { __typename }`, code: 'OPERATION_TOO_COMPLEX' },
  'fragments that double 15 times': { query: `{ customers(first: 100) { nodes { ...F0 } } } ${doubling(15)}`, code: 'OPERATION_TOO_COMPLEX' },
  'fragments that double 90 times': { query: `{ customers(first: 100) { nodes { ...F0 } } } ${times(90, (index) => `fragment F${index} on Customer { ...F${index + 1} ... { ...F${index + 1} } }`)} fragment F90 on Customer { identities(first: 100) { nodes { events(first: 100) { nodes { id } } } } }`, code: 'OPERATION_TOO_COMPLEX' },
  'pages within pages': { query: '{ customers(first: 100) { nodes { identities(first: 100) { nodes { customer { identities(first: 100) { nodes { id } } } } } } } }', code: 'OPERATION_TOO_COMPLEX' },
  'pages whose sizes are variables': { query: 'query ($n: Int!) { customers(first: $n) { nodes { identities(first: $n) { nodes { events(first: $n) { nodes { id } } } } } } }', variables: { n: 100 }, code: 'OPERATION_TOO_COMPLEX' },
  'pages whose sizes are defaults of variables': { query: 'query ($n: Int! = 100) { customers(first: $n) { nodes { identities(first: $n) { nodes { events(first: $n) { nodes { id } } } } } } }', code: 'OPERATION_TOO_COMPLEX' },
  '50 aliases of a page': { query: `{ ${times(50, (index) => `a${index}: customers(first: 100) { nodes { id status email firstName lastName createdAt updatedAt verifiedAt version kycStatus } }`)} }`, code: 'OPERATION_TOO_COMPLEX' },
  'the whole schema 20 times': { query: `{ ${times(20, (index) => `a${index}: __schema { types { ...T } }`)} } fragment T on __Type { ${times(3, () => 'name kind description fields { name description args { name type { name ofType { name ofType { name } } } } type { name ofType { name ofType { name } } } } inputFields { name type { name } } enumValues { name description }')} }`, code: 'OPERATION_TOO_COMPLEX' },
  'introspection that goes round': { query: '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }', code: 'GRAPHQL_VALIDATION_FAILED' },
  'fragments that spread each other': { query: '{ customers { nodes { ...A } } } fragment A on Customer { ...B } fragment B on Customer { ...A }', code: 'GRAPHQL_VALIDATION_FAILED' },
  'a ring of 100 fragments': { query: `{ ...F0 } ${times(99, (index) => `fragment F${index} on Query { __typename ...F${(index + 1) % 99} }`)}`, code: 'GRAPHQL_VALIDATION_FAILED' },
  'fields that all differ in their arguments': { query: `{ ${times(99, (index) => `customers(first: ${index + 1}) { nodes { id } }`)} }`, code: 'GRAPHQL_VALIDATION_FAILED' },
  'fields that differ far below': { query: `{ ${times(99, (index) => `customers { nodes { identity { customer { identities(first: ${index + 1}) { __typename } } } } }`)} }`, code: 'GRAPHQL_VALIDATION_FAILED' },
  'fragments that all collide': { query: `{ ${times(49, (index) => `...F${index}`)} } ${times(49, (index) => `fragment F${index} on Query { customers(first: ${index + 1}) { nodes { id } } identities(first: ${index + 1}) { nodes { id } } }`)}`, code: 'GRAPHQL_VALIDATION_FAILED' },
  '900 unknown fields': { query: `{ ${times(900, (index) => `customerz${index}`)} }`, code: 'GRAPHQL_VALIDATION_FAILED' },
  'a name of 900 kB': { query: `{ ${'a'.repeat(900_000)} }`, code: 'OPERATION_TOO_COMPLEX' },
  'a name of 90 kB': { query: `{ ${'a'.repeat(90_000)} }`, code: 'GRAPHQL_VALIDATION_FAILED' },
  '90 kB of comments and nothing': { query: '#\n'.repeat(45_000), code: 'GRAPHQL_PARSE_FAILED' },
  'a text that never ends': { query: `{ customer(id: "${'\\u0041'.repeat(15_000)}`, code: 'GRAPHQL_PARSE_FAILED' },
  '20,000 lists in a variable': { query: 'query ($f: CustomerFilter) { customers(filter: $f) { nodes { id } } }', variables: JSON.parse(`{"f":${nested('[', ']', 20_000)}}`), code: 'OPERATION_TOO_COMPLEX' },
  '20,000 objects in a variable that nobody uses': { query: '{ __typename }', variables: JSON.parse(`{"f":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`), code: 'OPERATION_TOO_COMPLEX' },
  '100,000 items in a variable': { query: 'query ($f: CustomerFilter) { customers(filter: $f) { nodes { id } } }', variables: { f: { status: Array.from({ length: 100_000 }, () => 'X') } }, code: 'OPERATION_TOO_COMPLEX' },
  '9,000 faults in a variable': { query: 'query ($f: CustomerFilter) { customers(filter: $f) { nodes { id } } }', variables: { f: { status: Array.from({ length: 9_000 }, () => 'X') } }, code: 'BAD_USER_INPUT' },
};

interface Refusal {
  /** Milliseconds from the last byte of the question to the answer. */
  took: number;
  status: number;
  facts: RefusalFacts;
}

/** JSON.stringify calls itself for every level. */
function bodyOf({ query, variables }: Bomb): string {
  const deep = typeof variables === 'object' && variables !== null && 'f' in variables && !('status' in (variables.f as object));
  if (!deep) return JSON.stringify({ query, variables });
  const json = Array.isArray(variables.f) ? nested('[', ']', 20_000) : `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
  return `{"query":${JSON.stringify(query)},"variables":{"f":${json}}}`;
}

async function overHttp(client: Client, body: string, path = '', headers: Record<string, string> = { 'content-type': 'application/json' }): Promise<Refusal> {
  const begun = performance.now();
  const response = await fetch(`${client.url}/graphql${path}`, { method: 'POST', headers: { ...client.headers, ...headers }, body });
  const { errors } = (await response.json()) as { errors: { extensions: RefusalFacts }[] };
  expect(errors[0]!.extensions.requestId).toBe(response.headers.get('x-request-id'));
  return { took: performance.now() - begun, status: response.status, facts: errors[0]!.extensions };
}

async function overWebSocket(socket: RawSocket, body: string): Promise<Refusal> {
  const earlier = socket.frames.length;
  const begun = performance.now();
  socket.send(`{"id":"${earlier}","type":"subscribe","payload":${body}}`);
  while (socket.frames.length === earlier) await socket.next();
  const frame = socket.frames.at(-1)!;
  const [error] = frame.payload as { extensions: RefusalFacts }[];
  expect(frame.type).toBe('error');
  return { took: performance.now() - begun, status: 400, facts: error!.extensions };
}

describe('what costs more to answer than to ask', () => {
  let partner: Client;
  let socket: RawSocket;
  const counts = { HTTP: 0, WebSocket: 0, SSE: 0 };
  const slowest: [number, string][] = [];

  beforeAll(async () => {
    ({ partner } = await gateway.organization());
    socket = await RawSocket.open(partner);
    await socket.init(partner);
  });

  it.each(Object.entries(BOMBS))('%s: is refused over HTTP, WebSocket and SSE, by its code and within 100 ms', async (name, bomb) => {
    const body = bodyOf(bomb);
    const transports = {
      HTTP: () => overHttp(partner, body),
      WebSocket: () => overWebSocket(socket, body),
      SSE: () => overHttp(partner, body, '/stream', EVENT_STREAM),
    };
    for (const [transport, ask] of Object.entries(transports)) {
      let quickest = Infinity;
      for (let attempt = 0; attempt < TRIES && quickest > IN_TIME; attempt += 1) {
        const { took, status, facts } = await ask();
        expect([name, transport, facts.code, status, facts.statusCode]).toEqual([name, transport, bomb.code, 400, 400]);
        quickest = Math.min(quickest, took);
      }
      expect([name, transport, quickest]).toEqual([name, transport, expect.toSatisfy((milliseconds: number) => milliseconds < IN_TIME)]);
      counts[transport as keyof typeof counts] += 1;
      slowest.push([Math.round(quickest), `${name} over ${transport}`]);
    }
  });

  afterAll(() => {
    console.log(`bombs: ${Object.entries(counts).map(([transport, count]) => `${count} refused over ${transport}`).join(', ')}; the slowest: ${slowest.sort(([one], [other]) => other - one).slice(0, 3).map(([took, what]) => `${what} in ${took} ms`).join(', ')}`);
    expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(36);
    socket.close();
  });
});
