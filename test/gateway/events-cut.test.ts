import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import { Client as DatabaseClient } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { graphql } from '../generated/index.js';
import { CUSTOMER_CHANGES, IDENTITY_CHANGES } from '../support/changes.js';
import type { Client } from '../support/client.js';
import { EventSource } from '../support/event-source.js';
import { newCustomer, submit, submitPassport } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { EVENTS } from '../support/operations.js';
import { GERMAN } from '../support/people.js';

// Applicants are verified by the jobs, at once.
const gateway = useGateway({ SANDBOX_SPEED: '1000' });
const isPostgreSql = process.env['TEST_DATABASE'] === 'postgresql';
/** EVENTS_SCALE=10 is the full size: 1,000 subscribers and more than 10,000 changes. */
const SCALE = Number(process.env['EVENTS_SCALE'] ?? 1);
const SUBSCRIBERS = 100 * SCALE;
/** Each has customers of its own, and all commit at the same time. */
const WRITERS = 4;
const CHANGES_OF_WRITER = 250 * SCALE;
const CUSTOMERS_OF_WRITER = 5 * SCALE;
/** Applicants who are verified meanwhile. */
const APPLICANTS = 10 * SCALE;
/** Changes that one request makes, each in a transaction of its own. */
const CHANGES_PER_REQUEST = 10;
/** How often each is cut off on average, however much it has to see. */
const CUTS_EACH = 7;
const MILLISECONDS = 180_000 * SCALE;

const CUT_CUSTOMERS = graphql(`
  subscription CutCustomers($customerId: ID, $after: String) {
    customerStatusChanged(customerId: $customerId, after: $after) {
      id
      cursor
    }
  }
`);
const CUT_IDENTITIES = graphql(`
  subscription CutIdentities($identityId: ID, $customerId: ID, $after: String) {
    identityStatusChanged(identityId: $identityId, customerId: $customerId, after: $after) {
      id
      cursor
    }
  }
`);
const CUT_DOCUMENTS = graphql(`
  subscription CutDocuments($identityId: ID, $after: String) {
    documentStatusChanged(identityId: $identityId, after: $after) {
      id
      cursor
    }
  }
`);

interface Happened {
  id: string;
  type: string;
  customerId: string;
  identityId?: string | null;
}

/** What a subscriber watches, and which events are those. */
interface Watched {
  document: typeof CUT_CUSTOMERS | typeof CUT_IDENTITIES | typeof CUT_DOCUMENTS;
  variables: { customerId?: string; identityId?: string };
  covers(event: Happened): boolean;
}

function watched(document: Watched['document'], type: RegExp, variables: Watched['variables'] = {}): Watched {
  const { customerId, identityId } = variables;
  return { document, variables, covers: (event) => type.test(event.type) && (customerId === undefined || event.customerId === customerId) && (identityId === undefined || event.identityId === identityId) };
}

const OF_CUSTOMERS = /^customer\./;
const OF_IDENTITIES = /^identity\.status_changed$/;
const OF_DOCUMENTS = /^document\./;

/** Switches customers off and on, turn by turn. */
async function change(partner: Client, customers: readonly string[], from: number, count: number): Promise<void> {
  const fields = Array.from({ length: count }, (_each, index) => {
    const turn = from + index;
    const id = JSON.stringify(customers[turn % customers.length]);
    const isOn = Math.floor(turn / customers.length) % 2 === 0;
    return `c${index}: ${isOn ? `deactivateCustomer(input: { customerId: ${id}, reason: "A test" })` : `reactivateCustomer(input: { customerId: ${id} })`} { customer { id } }`;
  });
  expect((await partner.post({ query: `mutation { ${fields.join(' ')} }` })).json.errors).toBeUndefined();
}

async function write(partner: Client, customers: readonly string[]): Promise<void> {
  for (let done = 0; done < CHANGES_OF_WRITER; done += CHANGES_PER_REQUEST) await change(partner, customers, done, CHANGES_PER_REQUEST);
}

/** Takes an applicant from submission to the end, as fast as it is told how far it has come. */
async function verify(partner: Client, identityId: string, after: string): Promise<void> {
  const changes = await partner.subscribe(IDENTITY_CHANGES, { identityId, after });
  for (let count = 1, status = ''; status !== 'APPROVED'; count += 1) {
    status = (await changes.take(count)).at(-1)!.identityStatusChanged.newStatus;
    if (status === 'AWAITING_DOCUMENT_UPLOAD') await submitPassport(partner, identityId);
  }
  await changes.close();
}

/** Everything that has happened since a cursor, and the cursor of the last of it. */
async function happenedSince(partner: Client, cursor: string | null): Promise<{ events: Happened[]; cursor: string | null }> {
  const events: Happened[] = [];
  for (let more = true; more; ) {
    const page: { nodes: Happened[]; pageInfo: { endCursor?: string | null; hasNextPage: boolean } } = (await partner.request(EVENTS, { after: cursor })).events;
    events.push(...page.nodes);
    cursor = page.pageInfo.endCursor ?? cursor;
    more = page.pageInfo.hasNextPage;
  }
  return { events, cursor };
}

interface Change {
  id: string;
  cursor: string;
}

/** Where it is cut before it is open, ws says so by an error: nobody waits for that. */
class CutSocket extends WebSocket {
  constructor(...parameters: ConstructorParameters<typeof WebSocket>) {
    super(...parameters);
    this.on('error', () => undefined);
  }
}

/** A subscriber that loses its connection again and again, and resumes from the last cursor that it has seen. */
class CutSubscriber {
  readonly seen: string[] = [];
  cuts = 0;
  /** How many it has to see; unknown while they are being made. */
  #expected = Infinity;
  #connections = 0;
  #cut: () => void = () => undefined;
  #done: () => void = () => undefined;
  readonly #finished = new Promise<void>((resolve) => (this.#done = resolve));

  constructor(
    private readonly partner: Client,
    readonly carriage: 'graphql-ws' | 'SSE',
    readonly watched: Watched,
    private cursor: string,
    private readonly likely: number,
  ) {
    this.#connect();
  }

  /** Resolves when it has seen so many. */
  async finish(expected: number): Promise<void> {
    this.#expected = expected;
    if (this.seen.length >= expected) this.#end();
    await this.#finished;
  }

  #end(): void {
    this.#connections += 1;
    this.#cut();
    this.#done();
  }

  #connect(): void {
    this.#connections += 1;
    const connection = this.#connections;
    const again = (): void => {
      if (this.#connections !== connection) return;
      this.cuts += 1;
      this.#connect();
    };
    // What a cut connection still delivers was not seen.
    const take = (change: Change): void => (this.#connections === connection ? this.#take(change) : undefined);
    if (this.carriage === 'SSE') void this.#stream(take).then(again, again);
    else this.#socket(take, again);
  }

  #socket(take: (change: Change) => void, again: () => void): void {
    const socket = createClient({ url: `${this.partner.url.replace(/^http/, 'ws')}/graphql`, webSocketImpl: CutSocket, retryAttempts: 0, connectionParams: this.partner.headers, lazy: false, onNonLazyError: () => undefined });
    this.#cut = () => socket.terminate();
    socket.subscribe<Record<string, Change>>(
      { query: print(this.watched.document), variables: { ...this.watched.variables, after: this.cursor } },
      { next: ({ data }) => Object.values(data!).forEach(take), error: again, complete: again },
    );
  }

  /** By Last-Event-ID, as browsers resume. */
  async #stream(take: (change: Change) => void): Promise<void> {
    let isCut = false;
    this.#cut = () => (isCut = true);
    const stream = await EventSource.open<Record<string, Change>, object>(this.partner, this.watched.document as never, this.watched.variables, { 'last-event-id': this.cursor });
    this.#cut = () => stream.close();
    if (isCut) stream.close();
    for (let event = await stream.next(); event?.data?.data; event = await stream.next()) Object.values(event.data.data).forEach(take);
  }

  #take({ id, cursor }: Change): void {
    this.seen.push(id);
    this.cursor = cursor;
    if (this.seen.length >= this.#expected) this.#end();
    else if (Math.random() * this.likely < CUTS_EACH) {
      this.cuts += 1;
      this.#cut();
      this.#connect();
    }
  }
}

describe('subscribers that are cut at random', () => {
  it('see, each resuming from its cursor over WebSocket or by Last-Event-ID, everything that several writers do, in order and once', { timeout: MILLISECONDS }, async () => {
    const { partner } = await gateway.organization();
    const written: string[][] = [];
    for (let writer = 0; writer < WRITERS; writer += 1) written.push(await Promise.all(Array.from({ length: CUSTOMERS_OF_WRITER }, (_each, index) => newCustomer(partner, { email: `c${writer}.${index}@example.com` }))));
    const applicants = await Promise.all(Array.from({ length: APPLICANTS }, (_each, index) => newCustomer(partner, { email: `a${index}@example.com` })));
    const { cursor: start } = await happenedSince(partner, null);
    const identityIds = await Promise.all(applicants.map((customerId) => submit(partner, customerId, GERMAN)));
    const customers = written.flat();
    const inTurn = <Each>(all: readonly Each[], index: number): Each => all[index % all.length]!;
    // Of ten subscribers three watch the organization, the others one object each.
    const kinds: ((index: number) => Watched)[] = [
      () => watched(CUT_CUSTOMERS, OF_CUSTOMERS),
      () => watched(CUT_IDENTITIES, OF_IDENTITIES),
      () => watched(CUT_DOCUMENTS, OF_DOCUMENTS),
      (index) => watched(CUT_IDENTITIES, OF_IDENTITIES, { customerId: inTurn(applicants, index) }),
      (index) => watched(CUT_IDENTITIES, OF_IDENTITIES, { identityId: inTurn(identityIds, index) }),
      (index) => watched(CUT_DOCUMENTS, OF_DOCUMENTS, { identityId: inTurn(identityIds, index) }),
      ...Array.from({ length: 4 }, (_each, kind) => (index: number) => watched(CUT_CUSTOMERS, OF_CUSTOMERS, { customerId: inTurn(customers, 4 * index + kind) })),
    ];
    const subscribers = Array.from({ length: SUBSCRIBERS }, (_each, number) => {
      const [kind, index] = [number % kinds.length, Math.floor(number / kinds.length)];
      // The applicants' changes are few, a writer's customer has its share, and the organization has all.
      const likely = kind === 0 ? WRITERS * CHANGES_OF_WRITER : kind < 3 ? APPLICANTS * CUTS_EACH : kind < 6 ? CUTS_EACH : CHANGES_OF_WRITER / CUSTOMERS_OF_WRITER;
      return new CutSubscriber(partner, index % 2 === 0 ? 'graphql-ws' : 'SSE', kinds[kind]!(index), start!, likely);
    });
    await Promise.all([...written.map((ids) => write(partner, ids)), ...identityIds.map((identityId) => verify(partner, identityId, start!))]);
    const { events: happened } = await happenedSince(partner, start);
    expect(happened.filter(({ customerId }) => customers.includes(customerId))).toHaveLength(WRITERS * CHANGES_OF_WRITER);
    expect(happened.filter(({ type }) => OF_DOCUMENTS.test(type)).length).toBeGreaterThanOrEqual(APPLICANTS);
    const expected = subscribers.map(({ watched: { covers } }) => happened.filter(covers).map(({ id }) => id));
    await Promise.all(subscribers.map((subscriber, index) => subscriber.finish(expected[index]!.length)));
    for (const [index, { seen, carriage, watched: { variables } }] of subscribers.entries()) expect(seen, `${carriage} ${JSON.stringify(variables)}`).toEqual(expected[index]);
    const sum = (count: (subscriber: CutSubscriber) => number): number => subscribers.reduce((total, subscriber) => total + count(subscriber), 0);
    console.log(`${SUBSCRIBERS} subscribers, ${WRITERS} writers, ${happened.length} changes, ${sum(({ cuts }) => cuts)} cuts, ${sum(({ seen }) => seen.length)} deliveries: no gap, no repeat`);
    for (const carriage of ['graphql-ws', 'SSE']) {
      const cuts = sum((subscriber) => (subscriber.carriage === carriage ? subscriber.cuts : 0));
      expect(cuts, carriage).toBeGreaterThan(SUBSCRIBERS);
    }
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
