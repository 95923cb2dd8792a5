import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { rawAnswer, type Client, type RawAnswer } from '../support/client.js';
import { useGateway } from '../support/gateway.js';
import { EventStream, RawSocket } from '../support/streams.js';

const QUERY = { query: '{ __typename }' };
const POLICY_VIOLATION = { tooMany: 4429, forbidden: 4403 };

/** Asks until it is refused. @returns how many were answered, and the refusal. */
async function until(ask: () => Promise<RawAnswer>, code: string, most: number): Promise<{ answered: number; refusal: RawAnswer }> {
  for (let answered = 0; answered <= most; answered += 1) {
    const answer = await ask();
    if (answer.json.errors?.[0]?.extensions.code === code) return { answered, refusal: answer };
  }
  throw new Error(`Never refused with ${code}`);
}

function expectRateLimited({ status, headers, json }: RawAnswer): void {
  const { code, statusCode, retryAfter, requestId } = json.errors![0]!.extensions;
  expect([status, code, statusCode, requestId]).toEqual([429, 'RATE_LIMITED', 429, headers.get('x-request-id')]);
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(60);
  expect(headers.get('retry-after')).toBe(String(retryAfter));
}

/** The answer to an upgrade that is refused, as fetch reads it. */
function connect({ url }: Client, headers: Record<string, string> = {}): Promise<{ status: number; headers: Headers; text: string }> {
  return import('node:http').then(
    ({ request }) =>
      new Promise((resolve, reject) => {
        const asked = request(`${url}/graphql`, {
          headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-protocol': 'graphql-transport-ws', ...headers },
        });
        asked.on('upgrade', (response, socket) => {
          socket.destroy();
          resolve({ status: 101, headers: new Headers(response.headers as Record<string, string>), text: '' });
        });
        asked.on('response', (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += String(chunk)));
          response.on('end', () => resolve({ status: response.statusCode!, headers: new Headers(response.headers as Record<string, string>), text }));
        });
        asked.on('error', reject);
        asked.end();
      }),
  );
}

const redisUrl = process.env['TEST_REDIS_URL'];
/** Redis has sixteen databases: one for each use of it here, on each database that the suites run on. */
const FIRST_REDIS_DATABASE = process.env['TEST_DATABASE'] === 'postgresql' ? 12 : 8;

/** The variables that count requests in an emptied database of Redis; none where they are counted in memory. */
function countedIn(backend: string, index: number): Record<string, string> {
  if (backend === 'memory') return {};
  const url = `${redisUrl}/${FIRST_REDIS_DATABASE + index}`;
  beforeAll(async () => {
    const redis = new Redis(url);
    await redis.flushdb();
    redis.disconnect();
  });
  return { REDIS_URL: url };
}

describe.each(redisUrl ? ['memory', 'Redis'] : ['memory'])('rate limits in %s', (backend) => {
  describe('by key', () => {
    const gateway = useGateway({ ...countedIn(backend, 0), RATE_LIMIT_PER_KEY: '20' }, { workers: false });

    it('a key that has asked too often is RATE_LIMITED over HTTP, SSE and WebSocket, and another key is not', async () => {
      const { partner, reviewer } = await gateway.organization();
      const { answered, refusal } = await until(() => partner.post(QUERY), 'RATE_LIMITED', 25);
      expect(answered).toBe(20);
      expectRateLimited(refusal);
      const stream = await fetch(`${partner.url}/graphql/stream`, { method: 'POST', headers: { ...partner.headers, 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify(QUERY) });
      expectRateLimited(await rawAnswer(stream));
      const socket = await RawSocket.open(partner);
      socket.send({ type: 'connection_init', payload: partner.headers });
      const { code, reason } = await socket.closed();
      expect([code, reason]).toEqual([POLICY_VIOLATION.tooMany, expect.stringMatching(/^RATE_LIMITED: try again in \d+ s$/)]);
      expect((await reviewer.post(QUERY)).status).toBe(200);
    });

    it('every operation on a socket counts', async () => {
      const { partner } = await gateway.organization();
      const socket = await RawSocket.open(partner);
      await socket.init(partner);
      for (let index = 0; index < 20; index += 1) socket.send({ id: String(index), type: 'subscribe', payload: QUERY });
      const { payload, id } = await socket.frame('error');
      expect([id, payload]).toEqual(['19', [expect.objectContaining({ extensions: expect.objectContaining({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) }) })]]);
      expect((await partner.post(QUERY)).status).toBe(429);
      socket.close();
    });
  });

  describe('by address', () => {
    const gateway = useGateway({ ...countedIn(backend, 1), RATE_LIMIT_PER_ADDRESS: '30', RATE_LIMIT_FAILURES: '5', TRUST_PROXY: 'loopback' }, { workers: false });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const block = '10.1.2';

    it('an address that has asked too often is RATE_LIMITED before its key is looked at, and may open no socket; another address is not', async () => {
      const { partner } = await gateway.organization();
      const { answered, refusal } = await until(() => partner.post(QUERY, from(`${block}.1`)), 'RATE_LIMITED', 35);
      expect(answered).toBe(30);
      expectRateLimited(refusal);
      expectRateLimited(await gateway.client(null).post(QUERY, from(`${block}.1`)));
      const socket = await connect(partner, from(`${block}.1`));
      expect([socket.status, JSON.parse(socket.text).errors[0].extensions]).toEqual([429, expect.objectContaining({ code: 'RATE_LIMITED', requestId: socket.headers.get('x-request-id') })]);
      expect((await partner.post(QUERY, from(`${block}.2`))).status).toBe(200);
    });

    it('failed authentications are counted by address; a valid key is let through meanwhile', async () => {
      const { partner } = await gateway.organization();
      const { answered, refusal } = await until(() => gateway.client('kyc_wrong').post(QUERY, from(`${block}.3`)), 'RATE_LIMITED', 10);
      expect(answered).toBe(5);
      expectRateLimited(refusal);
      expect((await partner.post(QUERY, from(`${block}.3`))).status).toBe(200);
      expect((await gateway.client('kyc_wrong').post(QUERY, from(`${block}.4`))).status).toBe(401);
    });
  });
});

describe.runIf(redisUrl)('rate limits of replicas', () => {
  const shared = { ...countedIn('Redis', 2), RATE_LIMIT_PER_KEY: '20' };
  const [one, other] = [useGateway(shared, { workers: false }), useGateway(shared, { workers: false })];

  it('are counted together in Redis', async () => {
    // The operator's key is the same at both.
    const { answered } = await until(() => one.operator.post(QUERY), 'RATE_LIMITED', 25);
    expect(answered).toBe(20);
    expect((await other.operator.post(QUERY)).status).toBe(429);
  });
});

describe('connections', () => {
  const gateway = useGateway({}, { workers: false, limits: { connections: 3, operationsOfSocket: 4 } });

  it('a key may have so many sockets and event streams at once, and one more when one has closed', async () => {
    const { partner, reviewer } = await gateway.organization();
    const sockets = [await RawSocket.open(partner), await RawSocket.open(partner)];
    for (const socket of sockets) await socket.init(partner);
    const stream = await EventStream.open(partner, CUSTOMER_CHANGES, {});
    const late = await RawSocket.open(partner);
    late.send({ type: 'connection_init', payload: partner.headers });
    expect((await late.closed()).code).toBe(POLICY_VIOLATION.tooMany);
    await expect(EventStream.open(partner, CUSTOMER_CHANGES, {})).rejects.toThrow(/429.*RATE_LIMITED/s);
    const others = await RawSocket.open(reviewer);
    await others.init(reviewer);
    sockets[0]!.close();
    await sockets[0]!.closed();
    const next = await RawSocket.open(partner);
    await next.init(partner);
    for (const socket of [sockets[1]!, others, next]) socket.close();
    stream.close();
  });

  it('a socket may have so many operations at once, and goes on', async () => {
    const { partner } = await gateway.organization();
    const socket = await RawSocket.open(partner);
    await socket.init(partner);
    for (let index = 0; index < 5; index += 1) socket.send({ id: String(index), type: 'subscribe', payload: { query: 'subscription { customerStatusChanged { newStatus } }' } });
    const { id, payload } = await socket.frame('error');
    expect([id, payload]).toEqual(['4', [expect.objectContaining({ extensions: expect.objectContaining({ code: 'RATE_LIMITED' }) })]]);
    socket.send({ id: '0', type: 'complete' });
    socket.send({ id: 'next', type: 'subscribe', payload: QUERY });
    expect((await socket.frame('next')).id).toBe('next');
    socket.close();
  });
});

describe('files', () => {
  const gateway = useGateway({}, { workers: false, limits: { cost: 3_000 } });

  it('count in the cost of a mutation', async () => {
    const { partner } = await gateway.organization();
    const send = (mutations: number): Promise<Response> => {
      const form = new FormData();
      const of = (index: number): string => `a${index}: submitDocument(input: { identityId: "idn_x", selectedIdClass: PASSPORT, frontPhoto: $file }) { document { id } }`;
      form.set('operations', JSON.stringify({ query: `mutation ($file: Upload) { ${Array.from({ length: mutations }, (_, index) => of(index)).join(' ')} }`, variables: { file: null } }));
      form.set('map', '{"0":["variables.file"]}');
      form.set('0', new File(['x'], 'x.jpg'));
      return fetch(`${partner.url}/graphql`, { method: 'POST', headers: { ...partner.headers, 'apollo-require-preflight': '1' }, body: form });
    };
    const code = async (mutations: number) => (await rawAnswer(await send(mutations))).json.errors![0]!.extensions.code;
    expect([await code(1), await code(2)]).toEqual(['NOT_FOUND', 'OPERATION_TOO_COMPLEX']);
  });
});
