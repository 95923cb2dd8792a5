import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { GatewayClient } from '../../src/demo/client.js';
import { walkCustomer } from '../../src/demo/customer-walk.js';
import { walkInstitution } from '../../src/demo/institutional-walk.js';
import { walkRefusal } from '../../src/demo/refusal-walk.js';
import { Terminal } from '../../src/demo/terminal.js';
import { jpeg } from '../files.js';
import { graphql } from '../generated/index.js';
import type { Client, Subscription } from '../support/client.js';
import { useGateway } from '../support/gateway.js';
import { curlsOf, sectionOf, stepsOf, type ReadmeStep } from '../support/readme.js';

const gateway = useGateway();

const STATE = graphql(`
  query ReadmeState($identityId: ID!) {
    identity(id: $identityId) {
      status
      customer {
        status
      }
    }
  }
`);

/** A gateway leaves by itself what waits for nobody; a busy machine may take its time over it. */
const REACH_MILLISECONDS = 30_000;

type Operation = TypedDocumentNode<Record<string, unknown>, Record<string, unknown>>;

/** A reader who pastes the steps of a flow one after the other, with the ids of earlier answers. */
class Reader {
  readonly #ids = new Map<string, string>();
  readonly subscriptions: Subscription<Record<string, unknown>>[] = [];

  constructor(private readonly client: Client) {}

  async follow({ operation, variables, identityStatus, customerStatus, refusal }: ReadmeStep): Promise<void> {
    const document = parse(operation) as Operation;
    const filled = await this.#fill(variables);
    if (operation.startsWith('subscription')) {
      this.subscriptions.push(await this.client.subscribe(document, filled));
    } else if (refusal !== null) {
      expect((await this.client.refusal(document, filled)).code).toBe(refusal);
    } else {
      this.#remember(await this.client.request(document, filled));
    }
    if (identityStatus !== null) await this.#reach(identityStatus, customerStatus!);
  }

  async close(): Promise<void> {
    for (const subscription of this.subscriptions) await subscription.close();
  }

  /** Puts ids in the place of `cus_…` and its like, and a picture in the place of an empty file. */
  async #fill(variables: Record<string, unknown>): Promise<Record<string, unknown>> {
    const withIds = JSON.stringify(variables).replaceAll(/(cus|idn|doc)_…/g, (_all, prefix: string) => this.#ids.get(prefix) ?? 'unknown');
    const filled = JSON.parse(withIds) as Record<string, unknown>;
    return 'frontPhoto' in filled ? { ...filled, frontPhoto: new File([await jpeg({ width: 1100, height: 700 })], 'passport.jpg', { type: 'image/jpeg' }) } : filled;
  }

  #remember(data: Record<string, unknown>): void {
    for (const [id, prefix] of JSON.stringify(data).matchAll(/(?<=")(cus|idn|doc)_\w+(?=")/g)) this.#ids.set(prefix!, id);
  }

  /** What is left to do at once is done by the gateway itself, in its own time. */
  async #reach(identityStatus: string, customerStatus: string): Promise<void> {
    const state = async () => (await this.client.request(STATE, { identityId: this.#ids.get('idn')! })).identity;
    await expect.poll(state, { timeout: REACH_MILLISECONDS }).toEqual({ status: identityStatus, customer: { status: customerStatus } });
  }
}

describe('README.md, as one pastes it', () => {
  it.each(['The Customer API flow', 'The institutional flow', 'A refusal'])('%s ends where it says', async (title) => {
    const { partner } = await gateway.organization();
    const reader = new Reader(partner);
    const steps = stepsOf(title);
    expect(steps.length).toBeGreaterThan(2);
    for (const step of steps) await reader.follow(step);
    for (const subscription of reader.subscriptions) {
      const last = (await subscription.take(6)).at(-1) as { identityStatusChanged: { newStatus: string } };
      expect(last.identityStatusChanged.newStatus).toBe('APPROVED');
    }
    await reader.close();
  });

  it.skipIf(spawnSync('curl', ['--version']).error)('its commands work in a shell', async () => {
    const { id, partner } = await gateway.organization();
    const folder = await mkdtemp(join(tmpdir(), 'kyc-readme-'));
    await writeFile(join(folder, 'passport.jpg'), await jpeg({ width: 1100, height: 700 }));
    const environment = { ...process.env, API_KEY: await gateway.key(id, 'PARTNER') };
    const run = async (command: string, identityId = ''): Promise<string> => {
      const here = command.replaceAll('http://localhost:4000', gateway.url).replaceAll('idn_…', identityId);
      return (await promisify(execFile)('sh', ['-c', here], { cwd: folder, env: environment })).stdout;
    };
    try {
      const [create] = curlsOf(sectionOf('The explorer'));
      expect(JSON.parse(await run(create!))).toMatchObject({ data: { createCustomer: { customer: { status: 'CREATED' } } } });
      const upload = curlsOf(sectionOf('The Customer API flow')).find((command) => command.includes('passport.jpg'));
      const identityId = await waitingForDocuments(partner);
      expect(JSON.parse(await run(upload!, identityId))).toMatchObject({ data: { submitDocument: { document: { status: 'PENDING' } } } });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** An attempt as the Customer API flow leaves it before its upload. */
async function waitingForDocuments(partner: Client): Promise<string> {
  const reader = new Reader(partner);
  const steps = stepsOf('The Customer API flow');
  for (const step of steps.slice(0, steps.findIndex(({ operation }) => operation.includes('submitDocument')))) await reader.follow(step);
  await reader.close();
  const { identities } = await partner.request(graphql(`query ReadmeIdentities { identities { nodes { id } } }`), {});
  return identities.nodes[0]!.id;
}

describe('npm run demo', () => {
  it('its walks end APPROVED, APPROVED and with PATCH_NOT_ALLOWED, and print every status', async () => {
    const { id } = await gateway.organization();
    const lines: string[] = [];
    const client = new GatewayClient(gateway.url, { secret: await gateway.key(id, 'PARTNER'), source: 'the test' });
    // Drawn by the demo in a process of its own: the gateway, which runs in this one, blocks the loaders that it needs.
    const photo = new File([await jpeg({ width: 1100, height: 700 })], 'passport.jpg', { type: 'image/jpeg' });
    const walk = { client, terminal: new Terminal({ write: (line) => lines.push(line), colours: false }), pictures: { good: photo, poor: photo }, run: 'test' };
    await walkCustomer(walk);
    await walkInstitution(walk);
    await walkRefusal(walk);
    await client.close();
    const printed = lines.join('\n');
    expect(printed.match(/IN_REVIEW → APPROVED|SIGNATURE_SUBMITTED → APPROVED/g)).toHaveLength(2);
    expect(printed).toMatch(/RECORDS_UPLOADED → INCOMPLETE_VERIFICATIONS/);
    expect(printed).toMatch(/PATCH_NOT_ALLOWED [^]*customerStatus +UNDER_REVIEW[^]*allowedActions/);
  });
});
