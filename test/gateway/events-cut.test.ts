import { createClient, type Client as SocketClient } from 'graphql-ws';
import { Client as DatabaseClient } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { newCustomer } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { EVENTS } from '../support/operations.js';
import type { Client } from '../support/client.js';

const gateway = useGateway();
const isPostgreSql = process.env['TEST_DATABASE'] === 'postgresql';
/** EVENTS_SCALE=10 is the full size: 1,000 subscribers and 10,000 changes. */
const SCALE = Number(process.env['EVENTS_SCALE'] ?? 1);
const SUBSCRIBERS = 100 * SCALE;
const CHANGES = 1_000 * SCALE;
const CUSTOMERS = 20 * SCALE;
/** Changes that one request makes, each in a transaction of its own. */
const CHANGES_PER_REQUEST = 50;
/** One in so many subscribers watches the whole organization, the rest one customer each. */
const WATCHES_ALL = 20;
/** How often each is cut off on average, however much it has to see. */
const CUTS_EACH = 7;
const MILLISECONDS = 180_000 * SCALE;

/** Switches customers off and on, turn by turn. */
async function change(partner: Client, customers: readonly string[], from: number, count: number): Promise<void> {
  const fields = Array.from({ length: count }, (_each, index) => {
    const turn = from + index;
    const id = JSON.stringify(customers[turn % customers.length]);
    const isOn = Math.floor(turn / customers.length) % 2 === 0;
    return `c${index}: ${isOn ? `deactivateCustomer(input: { customerId: ${id}, reason: "A test" })` : `reactivateCustomer(input: { customerId: ${id} })`} { customer { id } }`;
  });
  const response = await fetch(`${partner.url}/graphql`, {
    method: 'POST',
    headers: { ...partner.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: `mutation { ${fields.join(' ')} }` }),
  });
  expect(((await response.json()) as { errors?: unknown }).errors).toBeUndefined();
}

/** A subscriber that loses its connection again and again, and resumes from the last cursor that it has seen. */
class CutSubscriber {
  readonly seen: string[] = [];
  cuts = 0;
  #cursor: string;
  #socket: SocketClient | null = null;
  #ended = false;
  #done: () => void = () => undefined;

  constructor(
    private readonly partner: Client,
    private readonly customerId: string | null,
    after: string,
    private readonly expected: number,
  ) {
    this.#cursor = after;
  }

  run(): Promise<void> {
    const finished = new Promise<void>((resolve) => (this.#done = resolve));
    this.#connect();
    return finished;
  }

  #connect(): void {
    const socket = createClient({ url: `${this.partner.url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: this.partner.headers, lazy: false, onNonLazyError: () => undefined });
    this.#socket = socket;
    const query = 'subscription Cut($customerId: ID, $after: String) { customerStatusChanged(customerId: $customerId, after: $after) { id cursor } }';
    const again = (): void => {
      if (this.#ended || this.#socket !== socket) return;
      this.cuts += 1;
      this.#connect();
    };
    socket.subscribe<{ customerStatusChanged: { id: string; cursor: string } }>(
      { query, variables: { customerId: this.customerId, after: this.#cursor } },
      { next: ({ data }) => this.#take(socket, data!.customerStatusChanged), error: again, complete: again },
    );
  }

  #take(socket: SocketClient, { id, cursor }: { id: string; cursor: string }): void {
    // What a cut connection still delivers was not seen.
    if (this.#socket !== socket) return;
    this.seen.push(id);
    this.#cursor = cursor;
    if (this.seen.length >= this.expected) {
      this.#ended = true;
      void socket.dispose();
      this.#done();
    } else if (Math.random() * this.expected < CUTS_EACH) {
      this.cuts += 1;
      socket.terminate();
      this.#connect();
    }
  }
}

describe('subscribers that are cut at random', () => {
  it('see, each resuming from its cursor, everything that happened, in order and once', { timeout: MILLISECONDS }, async () => {
    const { partner } = await gateway.organization();
    const customers: string[] = [];
    for (let index = 0; index < CUSTOMERS; index += 1) customers.push(await newCustomer(partner, { email: `c${index}@example.com` }));
    let start: string | null = null;
    for (let more = true; more; ) {
      const page: { endCursor?: string | null; hasNextPage: boolean } = (await partner.request(EVENTS, { after: start })).events.pageInfo;
      start = page.endCursor ?? start;
      more = page.hasNextPage;
    }
    const subscribers = Array.from({ length: SUBSCRIBERS }, (_each, index) => {
      const customerId = index % WATCHES_ALL === 0 ? null : customers[index % CUSTOMERS]!;
      return { customerId, subscriber: new CutSubscriber(partner, customerId, start!, customerId === null ? CHANGES : CHANGES / CUSTOMERS) };
    });
    const finished = subscribers.map(({ subscriber }) => subscriber.run());
    for (let done = 0; done < CHANGES; done += CHANGES_PER_REQUEST) await change(partner, customers, done, CHANGES_PER_REQUEST);
    await Promise.all(finished);
    const happened: { id: string; customerId: string }[] = [];
    for (let after: string | null | undefined = start, more = true; more; ) {
      const { events }: { events: { nodes: { id: string; customerId: string }[]; pageInfo: { endCursor?: string | null; hasNextPage: boolean } } } = await partner.request(EVENTS, { after });
      happened.push(...events.nodes);
      after = events.pageInfo.endCursor;
      more = events.pageInfo.hasNextPage;
    }
    expect(happened).toHaveLength(CHANGES);
    for (const { customerId, subscriber } of subscribers) {
      expect(subscriber.seen).toEqual(happened.filter((event) => customerId === null || event.customerId === customerId).map((event) => event.id));
    }
    const cuts = subscribers.reduce((sum, { subscriber }) => sum + subscriber.cuts, 0);
    const deliveries = subscribers.reduce((sum, { subscriber }) => sum + subscriber.seen.length, 0);
    console.log(`${SUBSCRIBERS} subscribers, ${CHANGES} changes, ${cuts} cuts, ${deliveries} deliveries: no gap, no repeat`);
    expect(cuts).toBeGreaterThan(3 * SUBSCRIBERS);
  });
});

describe.skipIf(!isPostgreSql)('on PostgreSQL', () => {
  const sessions: DatabaseClient[] = [];
  const session = async (): Promise<DatabaseClient> => {
    const client = new DatabaseClient({ connectionString: gateway.databaseUrl! });
    sessions.push(client);
    await client.connect();
    return client;
  };
  afterAll(() => Promise.all(sessions.map((client) => client.end())));

  it('transactions that overlap become visible in the order of their positions, whichever began first', async () => {
    const { id, partner } = await gateway.organization();
    const live = await partner.subscribe(CUSTOMER_CHANGES, {});
    const holder = await session();
    // The ledger row is held, as by a command about to commit: others that have done their work already wait for it.
    await holder.query('begin');
    await holder.query('select position from organization_ledger where organization_id = $1 for update', [id]);
    const waiting = Array.from({ length: 5 }, (_each, index) => newCustomer(partner, { email: `w${index}@example.com` }));
    const watcher = await session();
    const blocked = async (): Promise<number> =>
      (await watcher.query(`select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).rows[0].count as number;
    while ((await blocked()) < waiting.length);
    expect((await partner.request(EVENTS, {})).events.nodes).toEqual([]);
    await holder.query(
      `with ledger as (update organization_ledger set position = position + 1 where organization_id = $1 returning position)
       insert into event select $1, position, 'evt_01kb3v6k8pe2mvb5s3w3x0d2qz', 'customer.created', 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz', null, null, null, null, 'CREATED', 1, '{}', 'test', now() from ledger`,
      [id],
    );
    await holder.query('commit');
    await Promise.all(waiting);
    const polled: string[] = [];
    let after: string | null = null;
    // Page by page from each cursor: nothing that committed later may stand behind one.
    while (polled.length < 6) {
      const { events }: { events: { nodes: { id: string; cursor: string }[] } } = await partner.request(EVENTS, { first: 1, after });
      polled.push(events.nodes[0]!.id);
      after = events.nodes[0]!.cursor;
    }
    expect(polled[0]).toBe('evt_01kb3v6k8pe2mvb5s3w3x0d2qz');
    const rows = await watcher.query('select id from event where organization_id = $1 order by position', [id]);
    expect(polled).toEqual(rows.rows.map((row: { id: string }) => row.id));
    await live.close();
  });

  it('a change whose hint was lost is heard all the same', async () => {
    const { id, partner } = await gateway.organization();
    const customerId = await newCustomer(partner);
    const live = await partner.subscribe(CUSTOMER_CHANGES, { customerId });
    const writer = await session();
    // As a command writes it, but that nothing is notified, and that nobody else commits who would be heard of.
    await writer.query(
      `with ledger as (update organization_ledger set position = position + 1 where organization_id = $1 returning position)
       insert into event select $1, position, 'evt_01kb3v6k8pe2mvb5s3w3x0d2qy', 'customer.state_changed', $2, null, null, null, 'CREATED', 'DEACTIVATED', 2, '{}', 'test', now() from ledger`,
      [id, customerId],
    );
    const [heard] = await live.take(1);
    expect(heard?.customerStatusChanged).toMatchObject({ id: 'evt_01kb3v6k8pe2mvb5s3w3x0d2qy', newStatus: 'DEACTIVATED' });
    await live.close();
  });

  it('the bus reconnects and catches up when its connections are cut', async () => {
    const { partner } = await gateway.organization();
    const live = await partner.subscribe(CUSTOMER_CHANGES, {});
    const killer = await session();
    const emails = Array.from({ length: 20 }, (_each, index) => `b${index}@example.com`);
    let cut = 0;
    for (const email of emails) {
      // A listening connection has last said LISTEN, or the heartbeat.
      const killed = await killer.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle' and (query like 'listen "kyc_gateway_%' or query = 'select 1')`,
      );
      cut += killed.rowCount ?? 0;
      await newCustomer(partner, { email });
    }
    const heard = (await live.take(emails.length)).map((each) => each.customerStatusChanged.id);
    expect(heard).toEqual((await partner.request(EVENTS, {})).events.nodes.map((event) => event.id));
    expect(cut).toBeGreaterThan(0);
    console.log(`${cut} times cut off from the bus, ${heard.length} events heard`);
    await live.close();
  });
});
