import pg from 'pg';

/** So many connections a key may have at once. */
const SUBSCRIBERS_PER_KEY = 1_000;
/** Where commands announce events. */
const EVENT_CHANNEL = 'kyc_gateway_event';

/** Where an organization is made. */
export interface Place {
  /** The gateway's endpoint. */
  url: string;
  operatorKey: string;
  databaseUrl: string;
}

/** An organization with customers whose changes are written straight into the database: what is measured is the gateway that hears of them. */
export class Organization {
  readonly id: string;
  /** Authorization values; subscribers have them in turn. */
  readonly authorizations: readonly string[];
  readonly customers: readonly string[];
  readonly #database: pg.Client;

  private constructor(id: string, authorizations: readonly string[], customers: readonly string[], database: pg.Client) {
    this.id = id;
    this.authorizations = authorizations;
    this.customers = customers;
    this.#database = database;
  }

  static async create({ url, operatorKey, databaseUrl }: Place, subscribers: number, customers: number): Promise<Organization> {
    const operator = `Bearer ${operatorKey}`;
    const { createOrganization } = await ask<{ createOrganization: { organization: { id: string } } }>(
      url, operator, 'mutation { createOrganization(input: { name: "Bench", environment: SANDBOX }) { organization { id } } }');
    const { id } = createOrganization.organization;
    const authorizations: string[] = [];
    while (authorizations.length * SUBSCRIBERS_PER_KEY < subscribers) {
      const { createApiKey } = await ask<{ createApiKey: { secret: string } }>(
        url, operator, 'mutation ($id: ID!) { createApiKey(input: { organizationId: $id, role: PARTNER, name: "Bench" }) { secret } }', { id });
      authorizations.push(`Bearer ${createApiKey.secret}`);
    }
    const { createCustomer } = await ask<{ createCustomer: { customer: { id: string } } }>(
      url, authorizations[0] ?? '', 'mutation { createCustomer(input: { email: "bench@example.com" }) { customer { id } } }');
    const database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    const first = createCustomer.customer.id;
    const copies = Array.from({ length: customers - 1 }, (_each, index) => `${first.slice(0, -8)}${index.toString().padStart(8, '0')}`);
    await database.query(
      `insert into customer select copy.* from customer original, unnest($2::text[]) other,
        jsonb_populate_record(original, jsonb_build_object('id', other)) copy where original.id = $1`,
      [first, copies],
    );
    // As PostgreSQL does by itself a minute later. Until then a read of one customer is planned for a table that was empty, and goes
    // through all of an organization: what was measured hung on whether that minute was over.
    await database.query('analyze customer');
    return new Organization(id, authorizations, [first, ...copies], database);
  }

  /** The authorization of the subscriber of this number. */
  authorization(subscriber: number): string {
    return this.authorizations[subscriber % this.authorizations.length] ?? '';
  }

  /** Changes a customer as a command does. @returns when the commit was sent, in milliseconds of the monotonic clock. */
  async change(customerId: string): Promise<number> {
    await this.#database.query('begin');
    await this.#write(customerId, 1);
    const at = Number(process.hrtime.bigint()) / 1e6;
    await this.#database.query('commit');
    return at;
  }

  /** Writes so many changes at once. @returns the cursor before the first of them. */
  async backlog(customerId: string, count: number): Promise<string> {
    await this.#database.query('begin');
    const last = await this.#write(customerId, count);
    await this.#database.query('commit');
    return Buffer.from(`event:${this.id}:${last - count}`).toString('base64url');
  }

  async #write(customerId: string, count: number): Promise<number> {
    await this.#database.query('update customer set version = version + $2 where id = $1', [customerId, count]);
    const { rows } = await this.#database.query<{ position: string }>('update organization_ledger set position = position + $2 where organization_id = $1 returning position', [this.id, count]);
    const last = Number(rows[0]?.position);
    await this.#database.query(
      `insert into event select $1, position, 'evt_01' || left(md5($1::text || position), 24), 'customer.state_changed', $2, null, null, null, 'CREATED', 'CREATED', position::int, '{}', 'bench', now()
       from generate_series($3::int, $4::int) position`,
      [this.id, customerId, last - count + 1, last],
    );
    await this.#database.query('select pg_notify($1, $2)', [EVENT_CHANNEL, JSON.stringify({ organizationId: this.id, position: last })]);
    return last;
  }

  /** What a query of its first customer answers. */
  async shown(url: string, selection: string): Promise<unknown> {
    const { customer } = await ask<{ customer: unknown }>(url, this.authorization(0), `query ($id: ID!) { customer(id: $id) ${selection} }`, { id: this.customers[0] });
    return customer;
  }

  close(): Promise<void> {
    return this.#database.end();
  }
}

async function ask<Data>(url: string, authorization: string, query: string, variables: Record<string, unknown> = {}): Promise<Data> {
  const response = await fetch(url, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }) });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(`The gateway refuses what the benchmark asks: ${JSON.stringify(errors)}`);
  return data;
}
