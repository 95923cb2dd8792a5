import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Pool, type PoolClient } from 'pg';
import { PgBoss } from 'pg-boss';
import { idOf } from '../data/seed.ts';
import { PORT } from './bare-http.ts';
import { createServer } from 'node:http';

// M1 by hand: the statements that the gateway sends for createCustomer and submitIdentity, in the same two transactions, prepared,
// one after the other. What the gateway encrypts, hashes and checks is made up here: bytes and texts of the same length.

const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 20, idleTimeoutMillis: 0 });
const boss = new PgBoss({ connectionString: process.env['DATABASE_URL'] ?? '', migrate: false, supervise: false, schedule: false, max: 1 });
await boss.start();
/** The gateway's: one that starts later on this database refuses keys that its ring does not have. */
const WRAPPING_KEY = (await pool.query<{ key_id: string }>('select key_id from gateway_key')).rows[0]?.key_id;

/** Bytes of a sealed customer, of an attempt, of a wrapped data key, and of what opens an entry of the trail, as the gateway's people come to. */
const SEALED_BYTES = { customer: 122, identity: 720, key: 76, opening: 120 } as const;
/** After which an attempt is looked at that nobody has taken further, by the default policy: 72 hours. */
const STUCK_MILLISECONDS = 259_200_000;
const NOTHING_BUT_TAKEN = 'with taken as (insert into idempotency_key (scope, key, organization_id, digest, created_at) values ($1, $2, $3, $4, $5) on conflict (scope, key) do update set digest = excluded.digest, outcome = null, created_at = excluded.created_at where idempotency_key.created_at <= $6 returning key) select exists (select from taken) as taken, (select clock_offset_milliseconds from organization_ledger where organization_id = $3) as offset';

const APPEND = `
  with ledger as materialized (
    select position, audit_position + 1 as place, audit_hash as previous from organization_ledger where organization_id = $1 for no key update
  ), entered as materialized (
    select position, place, $2::text || place || $3::text || previous || $4::text as entry from ledger
  ), head as materialized (
    select position, place, entry, encode(sha256(convert_to(entry, 'UTF8')), 'hex') as hash from entered
  ), entry as (
    insert into audit_entry (organization_id, position, kind, actor, customer_id, occurred_at, entry, hash)
    select $1::text, head.place, $5::text, $6::text, $7::text, $8::timestamptz, head.entry, head.hash from head
  ), opening as (
    insert into audit_opening (organization_id, position, id, customer_id, sealed) select $1::text, head.place, $9::text, $7::text, $10::bytea from head
  ), events as (
    insert into event (organization_id, position, id, type, customer_id, new_status, version, details, actor, occurred_at)
    select $1::text, head.position + new.ordinal, new.id, new.type, new.customer_id, new.new_status, new.version, new.details, $6::text, $8::timestamptz
    from head, jsonb_to_recordset($11::jsonb) as new (ordinal integer, id text, type text, customer_id text, new_status text, version integer, details jsonb)
  )
  update organization_ledger as ledger set position = head.position + $12::integer, audit_position = head.place, audit_hash = head.hash
  from head where ledger.organization_id = $1
  returning ledger.position`;

/** One request: the caller by its key, and the transaction of its command. */
interface Caller {
  id: string;
  organization_id: string;
}

let made = 0;
function newId(prefix: string): string {
  made += 1;
  return idOf(prefix, made * 1_000 + (process.pid % 1_000), Date.now());
}

/** Held as the gateway holds them: a caller's key is not read with each request. */
const callers = new Map<string, Promise<Caller>>();

function callerOf(prefix: string): Promise<Caller> {
  const known = callers.get(prefix) ?? readCaller(prefix);
  callers.set(prefix, known);
  return known;
}

async function readCaller(prefix: string): Promise<Caller> {
  const { rows } = await pool.query<Caller>({ name: 'caller', text: 'select id, organization_id, secret_hash, role, expires_at, revoked_at from api_key where prefix = $1', values: [prefix] });
  const [caller] = rows;
  if (!caller) throw new Error('Nobody has this key');
  return caller;
}

/** What a command begins and ends with: its role and organization, its Idempotency-Key, its events and its entry of the trail. */
async function command(caller: Caller, events: readonly string[], body: (client: PoolClient) => Promise<string>): Promise<string> {
  const client = await pool.connect();
  const { organization_id: organizationId } = caller;
  const [scope, key, now] = [`${organizationId} PARTNER`, randomUUID(), new Date().toISOString()];
  try {
    await client.query('begin');
    await client.query({ name: 'scope', text: "select set_config('role', $1, true), set_config('kyc_gateway.organization_id', $2, true), set_config('kyc_gateway.customer_id', $3, true)", values: ['kyc_gateway_tenant', organizationId, ''] });
    await client.query({ name: 'key', text: NOTHING_BUT_TAKEN, values: [scope, key, organizationId, digest(key), now, new Date(Date.now() - 86_400_000).toISOString()] });
    const customerId = await body(client);
    await client.query({ name: 'outcome', text: 'update idempotency_key set outcome = $1::jsonb where scope = $2 and key = $3', values: [JSON.stringify({ ids: [customerId], number: null }), scope, key] });
    await append(client, caller, customerId, events, now);
    await client.query('commit');
    return customerId;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function append(client: PoolClient, { id: actor, organization_id: organizationId }: Caller, customerId: string, events: readonly string[], now: string): Promise<void> {
  const before = JSON.stringify({ actor, now, customerId, inputCommitment: digest(now), events });
  const rows = events.map((type, index) => ({ ordinal: index + 1, id: newId('evt'), type, customer_id: customerId, new_status: 'UNDER_REVIEW', version: 1, details: {} }));
  await client.query({
    name: 'append',
    text: APPEND,
    values: [
      organizationId, `${before.slice(0, -1)},"position":`, ',"previous":"', `","requestId":"${randomUUID()}"}`, 'COMMAND', actor, customerId, now,
      newId('aud'), randomBytes(SEALED_BYTES.opening), JSON.stringify(rows), rows.length,
    ],
  });
}

function create(caller: Caller): Promise<string> {
  return command(caller, ['customer.created'], async (client) => {
    const [customerId, now] = [newId('cus'), new Date().toISOString()];
    await client.query({ name: 'unused', text: 'select id from customer where organization_id = $1 and partner_user_id = $2', values: [caller.organization_id, customerId] });
    await client.query({ name: 'data key', text: 'insert into data_key (id, key_id, wrapped, customer_id, organization_id, created_at) values ($1, $2, $3, $4, $5, $6)', values: [randomBytes(8).toString('hex'), WRAPPING_KEY, randomBytes(SEALED_BYTES.key), customerId, caller.organization_id, now] });
    await client.query({
      name: 'customer',
      text: "insert into customer (id, organization_id, type, status, kyc_status, has_documents, sealed, email_index, partner_user_index, version, created_at, updated_at) values ($1, $2, 'INDIVIDUAL', 'CREATED', 'NOT_STARTED', false, $3, $4, $5, 1, $6, $6)",
      values: [customerId, caller.organization_id, randomBytes(SEALED_BYTES.customer), randomBytes(16).toString('base64url'), randomBytes(16).toString('base64url'), now],
    });
    return customerId;
  });
}

function submit(caller: Caller, customerId: string): Promise<string> {
  return command(caller, ['identity.status_changed', 'kyc.verification.submitted', 'customer.state_changed'], async (client) => {
    const [identityId, now] = [newId('idn'), new Date().toISOString()];
    await client.query({ name: 'lock', text: 'select * from customer where organization_id = $1 and id = $2 limit 1 for update', values: [caller.organization_id, customerId] });
    const { rows: [organization] } = await client.query<{ policy_id: string }>({ name: 'organization', text: 'select * from organization where id = $1', values: [caller.organization_id] });
    await client.query({
      name: 'identity',
      text: `insert into identity (id, organization_id, customer_id, status, step, transaction_type, sealed, national_id_index, policy_id, demands, evaluations, document_submissions, document_attempts_remaining, needs_person, deadline_at, looks_at, version, created_at, updated_at)
        values ($1, $2, $3, 'INITIATING', 1, 'EU_INDIVIDUAL', $4, $5, $6, '{"fields":[],"documents":[]}', 0, 0, 3, false, $8, $8, 1, $7, $7)`,
      values: [identityId, caller.organization_id, customerId, randomBytes(SEALED_BYTES.identity), randomBytes(16).toString('base64url'), organization?.policy_id, now, new Date(Date.now() + STUCK_MILLISECONDS).toISOString()],
    });
    await client.query({ name: 'move', text: "update customer set status = 'UNDER_REVIEW', kyc_status = 'PENDING', identity_status = 'INITIATING', document_attempts_remaining = 3, current_identity_id = $2, version = 2, updated_at = $3 where id = $1", values: [customerId, identityId, now] });
    const data = { identityId, step: 1, organizationId: caller.organization_id, dueAt: null };
    // Never due: what is measured is the statement, and nobody works here.
    for (const [name, startAfter] of [['verification.continue', 3_600], ['identity.stuck', 259_200]] as const) {
      await boss.send(name, data, { startAfter, db: { executeSql: (text, values) => client.query({ name, text, values: values ?? [] }) } });
    }
    return customerId;
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

createServer((request, response): void => {
  if (request.method === 'GET') return void response.end();
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { variables: { input } } = JSON.parse(Buffer.concat(parts).toString()) as { variables: { input: { customerId?: string } } };
    const prefix = /kyc_([0-9a-f]+)_/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const done = callerOf(prefix).then((caller) => (input.customerId === undefined ? create(caller) : submit(caller, input.customerId)));
    done.then(
      (id) => response.writeHead(200, { 'content-type': 'application/json' }).end(`{"data":{"customer":{"id":"${id}"}}}`),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
}).listen(PORT, '127.0.0.1');
