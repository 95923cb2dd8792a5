import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Key } from '../support/client.js';
import { useGateway } from '../support/gateway.js';

// GraphQL over HTTP to the letter: every audit of graphql-http, each under its own id, so that none goes missing.
const gateway = useGateway({ INTROSPECTION: 'true' }, { workers: false });

/** Authenticated as every request must be, and with the header that the protection against CSRF asks of a GET. */
const HEADERS = { 'apollo-require-preflight': 'true' };
let key: Key;

const audits = serverAudits({
  url: () => `${gateway.url}/graphql`,
  fetchFn: (url: string, init: RequestInit = {}) => fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...HEADERS, authorization: `Bearer ${key}` } }),
});

describe('GraphQL over HTTP', () => {
  let passed = 0;

  beforeAll(async () => {
    ({ key } = (await gateway.organization()).partner);
  });

  it.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))('%s', async (_name, audit) => {
    const result = await audit.fn();
    expect([result.status, 'reason' in result ? result.reason : '']).toEqual(['ok', '']);
    passed += 1;
  });

  afterAll(() => {
    console.log(`GraphQL over HTTP: ${passed}/${audits.length} audits of graphql-http`);
    expect([passed, new Set(audits.map(({ id }) => id)).size]).toEqual([61, 61]);
  });
});
