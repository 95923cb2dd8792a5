import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/core/config.js';
import { startGateway } from '../../src/gateway.js';
import { Client } from '../support/client.js';
import { newCustomer } from '../support/flows.js';
import { OPERATOR_KEY, TestGateway } from '../support/gateway.js';
import { DEACTIVATE, REACTIVATE } from '../support/operations.js';
import { kill, startProcess } from '../support/process.js';
import { customerOf, MovableClock, Receiver, verify } from '../support/receiver.js';
import { deliveriesOf, newEndpoint } from '../support/webhooks.js';
import { TOKEN_KEY } from '../support/token-key.js';

// Processes that die without a word, and processes that share one database.

vi.setConfig({ testTimeout: 180_000 });
const ENVIRONMENT = { ALLOW_PRIVATE_URLS: 'true' };
const CUSTOMERS = 10;
const TIMES = 2;
const EXPECTED = CUSTOMERS * (1 + 2 * TIMES);
const clock = new MovableClock();

let gateway: TestGateway;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
  gateway = new TestGateway(ENVIRONMENT, { clock });
  await gateway.create();
  await gateway.start();
});
afterEach(async () => {
  await receiver.stop();
  await gateway.destroy();
});

/** Writes events about several customers side by side. @returns the customers. */
async function happen(clients: readonly Client[]): Promise<string[]> {
  const at = (index: number): Client => clients[index % clients.length]!;
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, (_, index) => newCustomer(at(index))));
  await Promise.all(
    customers.map(async (customerId, index) => {
      for (let time = 0; time < TIMES; time += 1) {
        await at(index + time).request(DEACTIVATE, { input: { customerId, reason: 'Test' } });
        await at(index + time + 1).request(REACTIVATE, { input: { customerId } });
      }
    }),
  );
  return customers;
}

function expectOrder(customers: readonly string[]): void {
  for (const customerId of customers) {
    const sequences = [...new Set(receiver.taken.filter(({ event }) => customerOf(event) === customerId).map(({ event }) => event.sequence))];
    expect(sequences).toHaveLength(1 + 2 * TIMES);
    expect(sequences).toEqual(sequences.toSorted((left, right) => left - right));
  }
}

const arrived = (): number => new Set(receiver.taken.map(({ event }) => event.id)).size;

describe('a gateway that is killed', () => {
  it('while requests are under way has lost nothing: the next process sends them all, in order', async () => {
    const organization = await gateway.organization();
    const { secret } = await newEndpoint(organization.partner, receiver.url());
    await gateway.stop();
    const first = await startProcess(gateway, ENVIRONMENT);
    // Some are taken; then every request hangs until the process dies.
    receiver.treat = () => (receiver.received.length < 5 ? { status: 204 } : 'hang');
    const customers = await happen([new Client(first.url, organization.partner.key)]);
    await receiver.until(() => receiver.received.length >= 9);
    await kill(first.child);
    const before = arrived();
    receiver.treat = () => ({ status: 204 });
    const second = await startProcess(gateway, ENVIRONMENT);
    try {
      await receiver.until(() => arrived() === EXPECTED);
      for (const request of receiver.received) verify(secret, request, new Date());
      expectOrder(customers);
      console.log(`Killed after ${before} of ${EXPECTED} events with requests under way: all ${arrived()} arrived, in order per customer`);
      expect(before).toBeLessThan(EXPECTED);
    } finally {
      await kill(second.child);
    }
  });
});

describe('two gateways on one database', () => {
  it.skipIf(process.env['TEST_DATABASE'] !== 'postgresql')('send every event once, in order per customer', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kyc-replica-'));
    const variables = { PORT: '0', DATA_DIR: directory, DATABASE_URL: gateway.databaseUrl!, LOG_LEVEL: 'silent', OPERATOR_KEY, TOKEN_KEY, ...ENVIRONMENT };
    const replica = await startGateway(readConfig(variables), { clock });
    try {
      const { partner } = await gateway.organization();
      await newEndpoint(partner, receiver.url());
      const customers = await happen([partner, new Client(replica.url, partner.key)]);
      await receiver.until(() => arrived() === EXPECTED);
      expect(receiver.received).toHaveLength(EXPECTED);
      expectOrder(customers);
      console.log(`Two replicas: ${EXPECTED} events, ${receiver.received.length} requests`);
    } finally {
      await replica.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('the delivery log', () => {
  it('is kept for ninety days', async () => {
    const { partner } = await gateway.organization();
    await newEndpoint(partner, receiver.url());
    await newCustomer(partner);
    await vi.waitFor(async () => expect((await deliveriesOf(partner)).map(({ status }) => status)).toEqual(['SUCCEEDED']), { timeout: 30_000 });
    const restart = async (days: number): Promise<Client> => {
      clock.advance(days * 86_400_000);
      await gateway.stop();
      await gateway.start();
      return gateway.client(partner.key);
    };
    expect(await deliveriesOf(await restart(89))).toHaveLength(1);
    const later = await restart(2);
    await vi.waitFor(async () => expect(await deliveriesOf(later)).toEqual([]), { timeout: 30_000 });
  });
});
