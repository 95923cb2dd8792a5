import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { buildSchema, coerceInputValue, Kind, parse, typeFromAST, validate, type GraphQLInputType, type OperationDefinitionNode } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXPLORER_OPERATIONS } from '../src/graphql/explorer-operations.js';
import { explorer, KEY_PLACEHOLDERS } from '../src/graphql/explorer.js';

const API_KEY = 'demo-api-key-5f2c';
const REVIEWER_KEY = 'demo-reviewer-key-9b1e';
const BROWSER_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
const SCHEMA = new URL('../schema.graphql', import.meta.url);
// The most that Altair opens at once in a browser.
const MOST_TABS = 15;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

interface GatewayOptions {
  hostIsLoopback?: boolean;
  hasDemoKeys?: boolean;
  /** Stands for the address that a socket from elsewhere would have. */
  peer?: string;
}

const servers: Server[] = [];

async function gateway({ hostIsLoopback = true, hasDemoKeys = true, peer }: GatewayOptions = {}): Promise<string> {
  const application = express();
  application.use((request, _response, next) => {
    if (peer !== undefined) Object.defineProperty(request.socket, 'remoteAddress', { value: peer });
    next();
  });
  const keys = { apiKey: API_KEY, reviewerKey: REVIEWER_KEY };
  application.use(explorer({ demoKeys: () => (hasDemoKeys ? keys : null), hostIsLoopback, endpointPath: '/graphql' }));
  application.use((_request, response) => void response.status(418).json({ answeredBy: 'what comes after the explorer' }));
  const server = createServer(application);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** fetch() would not send a Host header of our choosing. */
function ask(base: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(new URL(path, base), { headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.on('error', reject).end();
  });
}

const openPage = (base: string, headers: Record<string, string> = {}) => ask(base, '/graphql', { accept: BROWSER_ACCEPT, ...headers });

let local: string;
beforeAll(async () => {
  local = await gateway();
});
afterAll(() => {
  for (const server of servers) server.close();
});

describe('GET /graphql', () => {
  test('a browser that navigates gets the page', async () => {
    const page = await openPage(local, { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' });
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.body).toContain('AltairGraphQL.init(');
    for (const { title } of EXPLORER_OPERATIONS) expect(page.body).toContain(JSON.stringify(title));
  });

  test.each([
    ['no Accept at all', '/graphql', {}],
    ['Accept: */*', '/graphql', { accept: '*/*' }],
    ['Accept: application/json', '/graphql', { accept: 'application/json' }],
    ['Accept that prefers JSON', '/graphql', { accept: 'application/graphql-response+json, text/html;q=0.5' }],
    ['an operation in the address', '/graphql?query=%7B__typename%7D', { accept: BROWSER_ACCEPT }],
    ['an empty operation in the address', '/graphql?query=', { accept: BROWSER_ACCEPT }],
    ['a persisted operation in the address', '/graphql?extensions=%7B%7D', { accept: BROWSER_ACCEPT }],
    ['an upgrade', '/graphql', { accept: BROWSER_ACCEPT, upgrade: 'h2c', connection: 'upgrade' }],
    ['a script of a page that fetches', '/graphql', { accept: BROWSER_ACCEPT, 'sec-fetch-dest': 'empty' }],
    ['a frame', '/graphql', { accept: BROWSER_ACCEPT, 'sec-fetch-dest': 'iframe' }],
  ])('%s is left to GraphQL', async (_name, path, headers) => {
    const answer = await ask(local, path, headers);
    expect(answer.status).toBe(418);
    expect(answer.headers.vary).toMatch(/accept/i);
    expect(answer.body).not.toContain(API_KEY);
  });

  test('the page is kept by no cache, framed by nobody and lets nothing in or out', async () => {
    const { headers } = await openPage(local, { host: 'localhost:4000' });
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['x-content-type-options']).toBe('nosniff');
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self' ws://localhost:4000 wss://localhost:4000");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy.find((directive) => directive.startsWith('script-src'))).toMatch(/^script-src 'self' 'nonce-[\w+/=]+'$/);
  });

  test('each load has its own nonce', async () => {
    const [first, second] = await Promise.all([openPage(local), openPage(local)]);
    expect(first.headers['content-security-policy']).not.toBe(second.headers['content-security-policy']);
  });

  test('a Host header adds no directive to the policy', async () => {
    const { headers, body } = await openPage(local, { host: 'localhost; script-src *' });
    expect(headers['content-security-policy']).toContain("connect-src 'self';");
    expect(headers['content-security-policy']).not.toContain('*');
    expect(body).not.toContain(API_KEY);
  });

  test('the page names no address of another host', async () => {
    const { body } = await openPage(local);
    expect(body.match(/(?:https?|wss?):\/\/|(?:src|href)="\/\//g)).toBeNull();
  });
});

describe('the demo keys', () => {
  const both = (body: string) => [body.includes(`Bearer ${API_KEY}`), body.includes(`Bearer ${REVIEWER_KEY}`)];

  test.each(['localhost', 'localhost:4000', 'LOCALHOST:4000', '127.0.0.1', '127.0.0.1:65535', '[::1]', '[::1]:4000'])(
    'are in the page when Host is %s',
    async (host) => {
      expect(both((await openPage(local, { host })).body)).toEqual([true, true]);
    },
  );

  test.each([
    'attacker.example',
    'attacker.example:4000',
    'localhost.attacker.example',
    'localhost:4000.attacker.example',
    '127.0.0.1.nip.io:4000',
    'attacker.example@localhost',
    'localhost, attacker.example',
    '192.168.1.20:4000',
    '0.0.0.0:4000',
    '[::]:4000',
    '::1',
    'localhost:',
  ])('are kept from a page whose Host is "%s" (DNS rebinding)', async (host) => {
    expect(both((await openPage(local, { host })).body)).toEqual([false, false]);
  });

  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('are in the page when the peer is %s', async (peer) => {
    expect(both((await openPage(await gateway({ peer }))).body)).toEqual([true, true]);
  });

  test.each(['192.168.1.20', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '2001:db8::1', ''])(
    'are kept from the peer "%s", whatever its Host says',
    async (peer) => {
      const { status, body } = await openPage(await gateway({ peer }), { host: 'localhost:4000', 'x-real-ip': '127.0.0.1' });
      expect(status).toBe(200);
      expect(both(body)).toEqual([false, false]);
    },
  );

  test('are kept when the gateway listens beyond loopback', async () => {
    expect(both((await openPage(await gateway({ hostIsLoopback: false }))).body)).toEqual([false, false]);
  });

  test.each(['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'])(
    'are kept when a proxy on this machine passes the request on (%s)',
    async (name) => {
      expect(both((await openPage(local, { [name]: '127.0.0.1' })).body)).toEqual([false, false]);
    },
  );

  test('have placeholders in their place, which a `<` of theirs cannot turn into markup', async () => {
    const { body } = await openPage(await gateway({ hasDemoKeys: false }));
    expect(body).toContain(`Bearer ${KEY_PLACEHOLDERS.apiKey.replace('<', '\\u003c')}`);
    expect(body).not.toContain(KEY_PLACEHOLDERS.apiKey);
    expect(body).toContain('"schema.reloadOnStart":false');
  });
});

describe('GET /graphql/explorer/…', () => {
  test('everything that the page asks for is served', async () => {
    const { body } = await openPage(local);
    const base = /<base href="([^"]+)">/.exec(body)?.[1] ?? '';
    expect(base).toBe('/graphql/explorer/');
    const names = [...body.matchAll(/(?:href|src)="([^"/][^"]*)"/g)].map((match) => match[1] ?? '');
    expect(names).toEqual(expect.arrayContaining(['main.js', 'polyfills.js', 'styles.css']));
    for (const name of names) {
      const asset = await ask(local, base + name);
      expect([name, asset.status, asset.headers['x-content-type-options']]).toEqual([name, 200, 'nosniff']);
      expect(asset.headers['cache-control']).toBe(name.startsWith('chunk-') ? 'public, max-age=31536000, immutable' : 'no-cache');
    }
  });

  test('a file that has not changed is not sent again', async () => {
    const { headers } = await ask(local, '/graphql/explorer/main.js');
    const again = await ask(local, '/graphql/explorer/main.js', { 'if-none-match': String(headers.etag) });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test.each(['', 'index.html', 'INDEX.HTML', 'index%2ehtml', 'iframe-sandbox/index.html', 'iframe-sandbox/sandbox.png', 'iframe-sandbox', '..%2findex.js', 'none.js'])(
    '"%s" is not served',
    async (name) => {
      expect((await ask(local, `/graphql/explorer/${name}`, { accept: BROWSER_ACCEPT })).status).toBe(418);
    },
  );
});

describe('the tabs', () => {
  test('are no more than Altair opens, under titles of their own', () => {
    expect(EXPLORER_OPERATIONS.length).toBeLessThanOrEqual(MOST_TABS);
    expect(new Set(EXPLORER_OPERATIONS.map(({ title }) => title)).size).toBe(EXPLORER_OPERATIONS.length);
  });

  test.each(EXPLORER_OPERATIONS)('$title holds one operation and the variables that it declares', ({ query, variables }) => {
    const operations = parse(query).definitions.filter((node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION);
    expect(operations).toHaveLength(1);
    const declared = (operations[0]?.variableDefinitions ?? []).map((node) => node.variable.name.value);
    expect(declared).toEqual(expect.arrayContaining(Object.keys(variables)));
  });

  test.skipIf(!existsSync(SCHEMA)).each(EXPLORER_OPERATIONS)('$title fits schema.graphql, and so do its variables', ({ query, variables }) => {
    const schema = buildSchema(readFileSync(SCHEMA, 'utf8'));
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    const [operation] = document.definitions as OperationDefinitionNode[];
    for (const definition of operation?.variableDefinitions ?? []) {
      const value = variables[definition.variable.name.value];
      if (value === undefined && definition.type.kind !== Kind.NON_NULL_TYPE) continue;
      const type = typeFromAST(schema, definition.type as never) as GraphQLInputType;
      // Throws, naming the path, where a value does not fit.
      coerceInputValue(value, type);
    }
  });
});
