import type { IncomingMessage } from 'node:http';
import type { Bench, Work } from '../bench.ts';
import type { Server } from '../contenders/server.ts';
import type { Organization } from '../data/generate.ts';
import { processorTimes, spent } from '../machine/processes.ts';
import { figure, single } from '../measure/statistics.ts';
import type { Figure, Result } from '../section.ts';
import { asked, posted } from './asking.ts';

// E1: a person from createCustomer to ACTIVE. The status is followed by a subscription, as a partner's back end would.

const CREATE = 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }';
const SUBMIT = 'mutation ($input: SubmitIdentityInput!) { submitIdentity(input: $input) { identity { id } } }';
const SIGN = 'mutation ($input: SubmitSignaturesInput!) { submitSignatures(input: $input) { identity { id } } }';
const STATUS = 'query ($id: ID!) { customer(id: $id) { status identity { status } } }';
const WATCH = 'subscription { identityStatusChanged { newStatus identity { id } } }';

/** A US citizen outside New York, of whom no document is asked; the EU contract has to be signed. */
const PERSON = {
  legalFirstName: 'Maya', legalLastName: 'Carter', dateOfBirth: '1986-09-02', nationality: 'US', countryOfResidence: 'US',
  address: { addressLine1: '580 California Street', city: 'San Francisco', stateCode: 'CA', postalCode: '94104', country: 'US' },
  nationalIdType: 'SSN', nationalIdNumber: '123-45-6789', politicallyExposedPerson: false,
};
const SIGNATURE = { contractType: 'CSA', contractSignerNameFull: 'Maya Carter', contractSignedDate: '2026-01-01T12:00:00Z', contractSignedIPAddress: '192.0.2.1', userAgreesToTerms: true };
/** Flows at once. */
const CONCURRENCY = 16;
const WARM_FLOWS = 2_000;
const FLOWS_A_ROUND = 200;
/** One after another: what a flow takes when nothing else does. */
const LONE_FLOWS = 20;
const FLOW_TIMEOUT_MILLISECONDS = 30_000;

/** Hears of the statuses of attempts, whenever they come. */
class Statuses {
  readonly #seen = new Map<string, Set<string>>();
  readonly #waiting = new Map<string, () => void>();
  readonly #abort = new AbortController();

  async open(server: Server, { apiKey }: Organization): Promise<void> {
    const response = await posted(`${server.url}/stream`, { authorization: `Bearer ${apiKey}`, accept: 'text/event-stream' }, { query: WATCH }, this.#abort.signal);
    if (response.statusCode !== 200) throw new Error(`The subscription was answered ${response.statusCode}`);
    // Whoever still waits says what they waited for.
    response.on('error', () => undefined);
    this.#read(response);
  }

  #read(body: IncomingMessage): void {
    let text = '';
    body.setEncoding('utf8').on('data', (piece: string) => {
      const events = (text + piece).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const [, status, id] = /"newStatus":"(\w+)","identity":\{"id":"(\w+)"/.exec(event) ?? [];
        if (status === undefined || id === undefined) continue;
        this.#seen.set(id, (this.#seen.get(id) ?? new Set()).add(status));
        this.#waiting.get(`${id} ${status}`)?.();
      }
    });
  }

  async reached(id: string, status: string): Promise<void> {
    const key = `${id} ${status}`;
    if (!this.#seen.get(id)?.has(status)) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${id} did not become ${status}: ${[...(this.#seen.get(id) ?? [])].join(', ')}`)), FLOW_TIMEOUT_MILLISECONDS);
        this.#waiting.set(key, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      this.#waiting.delete(key);
    }
  }

  close(): void {
    this.#abort.abort();
  }
}

/** What one person's flow came to. */
interface Flow {
  customerId: string;
  milliseconds: number;
}

/** One person from createCustomer to APPROVED, which is committed together with the customer's ACTIVE. */
async function flow(server: Server, { apiKey }: Organization, statuses: Statuses): Promise<Flow> {
  const started = performance.now();
  const caller = { authorization: `Bearer ${apiKey}` };
  const ask = <Data>(query: string, input: object): Promise<Data> => asked<Data>(server, { ...caller, 'idempotency-key': crypto.randomUUID() }, query, { input });
  const { createCustomer } = await ask<{ createCustomer: { customer: { id: string } } }>(CREATE, { partnerUserId: crypto.randomUUID(), firstName: 'Maya', lastName: 'Carter' });
  const { submitIdentity } = await ask<{ submitIdentity: { identity: { id: string } } }>(SUBMIT, { customerId: createCustomer.customer.id, transactionType: 'EU_INDIVIDUAL', kycData: PERSON });
  const { id: identityId } = submitIdentity.identity;
  await statuses.reached(identityId, 'AWAITING_SIGNATURE');
  await ask(SIGN, { identityId, signatures: [{ ...SIGNATURE, contractVersion: '1.0' }] });
  await statuses.reached(identityId, 'APPROVED');
  return { customerId: createCustomer.customer.id, milliseconds: performance.now() - started };
}

/** Throws unless a customer is ACTIVE, as whoever was told of APPROVED may count on. */
async function requireActive(server: Server, { apiKey }: Organization, id: string): Promise<void> {
  const { customer } = await asked<{ customer: { status: string; identity: { status: string } } }>(server, { authorization: `Bearer ${apiKey}` }, STATUS, { id });
  if (customer.status !== 'ACTIVE' || customer.identity.status !== 'APPROVED') throw new Error(`A flow ended with ${JSON.stringify(customer)}`);
}

/** What flows on one database come to. */
interface Flows {
  /** Milliseconds, one at a time. */
  lone: number[];
  /** Flows a second, and microseconds of processor time a flow, by round. */
  rate: number[];
  serverCpu: number[];
  databaseCpu: number[];
}

/** So many flows, several at once. */
async function many(server: Server, organizations: readonly Organization[], statuses: Statuses, amount: number): Promise<void> {
  let left = amount;
  await Promise.all(Array.from({ length: CONCURRENCY }, async (_, worker) => {
    for (let turn = worker; left > 0; turn += 1) {
      left -= 1;
      const organization = organizations[turn % organizations.length];
      if (organization) await flow(server, organization, statuses);
    }
  }));
}

/** Follows the organizations of a server, for the profiler. @returns what runs so many flows on it. */
export async function openFlows({ dataset: { organizations } }: Bench, server: Server): Promise<(amount: number) => Promise<void>> {
  const statuses = new Statuses();
  await Promise.all(organizations.map((organization) => statuses.open(server, organization)));
  return (amount) => many(server, organizations, statuses, amount);
}

/** Runs flows on copies of the rows, round by round in turn. */
export async function measureFlows(bench: Bench, databases: readonly string[], rounds: number = bench.extent.rounds): Promise<ReadonlyMap<string, Flows>> {
  const { organizations } = bench.dataset;
  const { warmth } = bench.extent;
  const places = await Promise.all(databases.map(async (database) => {
    const [server, statuses] = [await bench.server('fast sandbox', database), new Statuses()];
    await Promise.all(organizations.map((organization) => statuses.open(server, organization)));
    return { database, server, statuses, flows: { lone: [], rate: [], serverCpu: [], databaseCpu: [] } as Flows };
  }));
  for (const { database, server, statuses, flows } of places) {
    await many(server, organizations, statuses, Math.ceil(WARM_FLOWS * warmth));
    // PostgreSQL looks at tables by itself once a minute: until then those that were empty a moment ago are planned for as empty ones.
    await bench.cluster.psql(database, 'analyze');
    for (let lone = 0; lone < LONE_FLOWS; lone += 1) {
      const { customerId, milliseconds } = await flow(server, bench.largest, statuses);
      await requireActive(server, bench.largest, customerId);
      flows.lone.push(milliseconds);
    }
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, statuses, flows } of round % 2 === 0 ? places : places.toReversed()) {
      const look = async () => [await processorTimes([server.pid]), await processorTimes(await bench.cluster.processes())] as const;
      const [serverBefore, databaseBefore] = await look();
      const started = performance.now();
      await many(server, organizations, statuses, FLOWS_A_ROUND);
      flows.rate.push((FLOWS_A_ROUND / (performance.now() - started)) * 1_000);
      const [serverAfter, databaseAfter] = await look();
      flows.serverCpu.push(spent(serverBefore, serverAfter) / FLOWS_A_ROUND);
      flows.databaseCpu.push(spent(databaseBefore, databaseAfter) / FLOWS_A_ROUND);
    }
  }
  for (const { statuses } of places) statuses.close();
  return new Map(places.map(({ database, flows }) => [database, flows]));
}

/** Flows as a line of a table. */
export function flowResult(name: string, { lone, rate, serverCpu, databaseCpu }: Flows): Result {
  const figures: Record<string, Figure> = { 'flows/s': figure(rate), 'server CPU µs': figure(serverCpu), 'database CPU µs': figure(databaseCpu), 'ms of one alone': figure(lone) };
  return { name, figures };
}

/** Milliseconds: the queue is polled this often, and a flow has four jobs. Were one of them to wait for a poll, its flow would take half of it more: the slowest tells. */
const SHORTEST_POLL = 500;

export const E1: Work = {
  name: 'E1',
  async run(bench) {
    const flows = (await measureFlows(bench, ['flows'])).get('flows');
    if (!flows) throw new Error('No flows were measured');
    return {
      name: 'E1',
      title: 'A full flow, from createCustomer to ACTIVE',
      about: `Three mutations, each with its Idempotency-Key, and all the jobs between them, followed by a subscription of each organization; ${CONCURRENCY} people at once, over all organizations. The sandbox’s own delays are divided by a million. One alone: ${LONE_FLOWS} people one after another, each asked for afterwards and ACTIVE, of whom not one may wait for a poll.`,
      rows: [flowResult('gateway', flows)],
      goals: [
        { name: 'E1: flows a second', value: figure(flows.rate), limit: 100, better: 'higher', isAbsolute: true },
        { name: 'E1: ms of the slowest alone', value: single(Math.max(...flows.lone)), limit: SHORTEST_POLL / 2, better: 'lower', isAbsolute: true },
      ],
    };
  },
};
