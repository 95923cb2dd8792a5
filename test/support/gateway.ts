import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { readConfig } from '../../src/core/config.js';
import { startGateway, type Gateway, type Overrides } from '../../src/gateway.js';
import { Client, type Key } from './client.js';
import { createDatabase, dropDatabase } from './databases.js';
import { TOKEN_KEY } from './token-key.js';
import { KEY_RING } from './key-ring.js';
import { withDatabase, type Query } from './raw-database.js';
import { graphql } from '../generated/index.js';

/** The suites hold for both ways to run a query: on the embedded database each is interpreted, on PostgreSQL compiled, unless TEST_EXECUTOR says otherwise. */
const EXECUTOR = process.env['TEST_EXECUTOR'] ?? (process.env['TEST_DATABASE'] === 'postgresql' ? 'compiled' : 'interpreted');
const COMPILE_QUERIES = EXECUTOR === 'compiled' ? 'always' : 'never';

export const OPERATOR_KEY = 'the-operator-key-of-the-test-suites';

const CREATE_ORGANIZATION = graphql(`
  mutation CreateOrganization($input: CreateOrganizationInput!) {
    createOrganization(input: $input) {
      organization {
        id
        name
        environment
      }
    }
  }
`);

export const CREATE_API_KEY = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      secret
      apiKey {
        id
        prefix
        role
        name
        expiresAt
        revokedAt
      }
    }
  }
`);

/** An organization of a test's own, with a client for each of its roles. */
export interface TestOrganization {
  id: string;
  partner: Client;
  reviewer: Client;
}

/** A gateway of a test file's own, on a copy of the template database. */
export class TestGateway {
  #gateway: Gateway | null = null;
  #directory = '';
  #databaseUrl: string | undefined;

  /** `environment` adds to the variables that it runs with. */
  constructor(
    private readonly environment: Readonly<Record<string, string>> = {},
    private readonly overrides: Overrides = {},
  ) {}

  get url(): string {
    if (!this.#gateway) throw new Error('The gateway is not running');
    return this.#gateway.url;
  }

  get dataDirectory(): string {
    return this.#directory;
  }

  /** Null on the embedded database. */
  get databaseUrl(): string | null {
    return this.#databaseUrl ?? null;
  }

  get operator(): Client {
    return this.client(OPERATOR_KEY);
  }

  client(key: Key): Client {
    return new Client(this.url, key);
  }

  /** Starts it; after `stop` again, on the same data. `environment` is for this once. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#gateway = await startGateway(
      readConfig({ PORT: '0', DATA_DIR: this.#directory, DATABASE_URL: this.#databaseUrl, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent', COMPILE_QUERIES, OPERATOR_KEY, TOKEN_KEY, KEY_RING, ...this.environment, ...environment }),
      this.overrides,
    );
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
    this.#gateway = null;
  }

  /** Makes the data that it starts on. */
  async create(): Promise<void> {
    const template = inject('template');
    this.#directory = await mkdtemp(join(tmpdir(), 'kyc-test-'));
    if (process.env['TEST_DATABASE'] === 'postgresql') {
      const name = `kyc_test_${process.pid}_${Date.now()}`;
      this.#databaseUrl = await createDatabase(process.env['TEST_DATABASE_URL']!, name, new URL(template).pathname.slice(1));
    } else {
      await cp(template, this.#directory, { recursive: true });
    }
  }

  /** Makes the data that it starts on: a database that was dumped. */
  async createFrom(dump: string): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'kyc-test-'));
    if (process.env['TEST_DATABASE'] === 'postgresql') this.#databaseUrl = await createDatabase(process.env['TEST_DATABASE_URL']!, `kyc_test_${process.pid}_${Date.now()}`);
    await withDatabase(this, (query) => query(dump));
  }

  /** Speaks to the database past the gateway; an embedded one's is stopped for that time. */
  async behindItsBack<Result>(use: (query: Query) => Promise<Result>): Promise<Result> {
    if (this.databaseUrl !== null) return withDatabase(this, use);
    await this.stop();
    try {
      return await withDatabase(this, use);
    } finally {
      await this.start();
    }
  }

  async destroy(): Promise<void> {
    await this.stop();
    if (this.#databaseUrl !== undefined) await dropDatabase(process.env['TEST_DATABASE_URL']!, new URL(this.#databaseUrl).pathname.slice(1));
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A second gateway on the same PostgreSQL. Stop it before the first is destroyed. */
  async replica(): Promise<{ client(key: Key): Client; stop(): Promise<void> }> {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-replica-'));
    const replica = await startGateway(
      readConfig({ PORT: '0', DATA_DIR: directory, DATABASE_URL: this.#databaseUrl, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent', COMPILE_QUERIES, OPERATOR_KEY, TOKEN_KEY, KEY_RING, ...this.environment }),
      this.overrides,
    );
    return {
      client: (key) => new Client(replica.url, key),
      stop: async () => {
        await replica.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  }

  /** A new organization with a partner's and a reviewer's key. */
  organization(environment: 'SANDBOX' | 'LIVE' = 'SANDBOX'): Promise<TestOrganization> {
    return newOrganization((key) => this.client(key), environment);
  }

  /** A new key of an organization. */
  key(organizationId: string, role: 'ADMIN' | 'PARTNER' | 'REVIEWER'): Promise<string> {
    return newKey(this.operator, organizationId, role);
  }
}

/** Makes an organization of a test's own on whatever gateway the clients speak to. */
export async function newOrganization(clientOf: (key: string) => Client, environment: 'SANDBOX' | 'LIVE' = 'SANDBOX'): Promise<TestOrganization> {
  const operator = clientOf(OPERATOR_KEY);
  const created = await operator.request(CREATE_ORGANIZATION, { input: { name: 'Test', environment } });
  const { id } = created.createOrganization.organization;
  const [partner, reviewer] = await Promise.all([newKey(operator, id, 'PARTNER'), newKey(operator, id, 'REVIEWER')]);
  return { id, partner: clientOf(partner), reviewer: clientOf(reviewer) };
}

async function newKey(operator: Client, organizationId: string, role: 'ADMIN' | 'PARTNER' | 'REVIEWER'): Promise<string> {
  const created = await operator.request(CREATE_API_KEY, { input: { organizationId, role, name: `Test ${role}` } });
  return created.createApiKey.secret;
}

/** Every file of documents that a gateway keeps. */
export async function storedFiles(of: TestGateway): Promise<string[]> {
  const entries = await readdir(join(of.dataDirectory, 'documents'), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** A gateway that runs while the tests of the calling file do. */
export function useGateway(environment: Readonly<Record<string, string>> = {}, overrides: Overrides = {}): TestGateway {
  const gateway = new TestGateway(environment, overrides);
  beforeAll(async () => {
    await gateway.create();
    await gateway.start();
  });
  afterAll(() => gateway.destroy());
  return gateway;
}
