import type { Step } from '../load/order.ts';

// M1 for PostGraphile: one function of the database, which it shows as a mutation, leaves the rows that createCustomer and
// submitIdentity leave. SQL encrypts nothing: what is sealed are bytes of the same length, as by-hand.ts has them.

/** As ids have them; hexadecimal digits are among these. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** Makes the function. The queue has to be there, as a gateway makes it. Each row is written once, as it is when both commands are through. */
export const CREATE_FUNCTION = `
  create or replace function bench_random(bytes integer) returns bytea language sql volatile as $$
    select substring(decode(repeat(replace(gen_random_uuid()::text, '-', ''), bytes / 16 + 1), 'hex') from 1 for bytes)
  $$;
  create or replace function bench_digest(content text) returns text language sql immutable as $$ select encode(sha256(convert_to(content, 'UTF8')), 'hex') $$;
  create or replace function bench_index(content text) returns text language sql immutable as $$
    select translate(encode(substring(sha256(convert_to(content, 'UTF8')) from 1 for 16), 'base64'), '+/=', '-_')
  $$;
  create or replace function bench_id(prefix text, moment timestamptz) returns text language sql volatile as $$
    select prefix || '_' || string_agg(substr('${DIGITS}', (((extract(epoch from moment) * 1000)::bigint >> (45 - 5 * place)) & 31)::integer + 1, 1), '' order by place)
      || left(replace(gen_random_uuid()::text, '-', ''), 16)
    from generate_series(0, 9) as place
  $$;
  comment on function bench_random(integer) is '@behavior -*';
  comment on function bench_digest(text) is '@behavior -*';
  comment on function bench_index(text) is '@behavior -*';
  comment on function bench_id(text, timestamptz) is '@behavior -*';

  create or replace function onboard(first_key text, second_key text, email text, partner_user_id text, transaction_type text, kyc_data jsonb)
  returns text language plpgsql volatile as $$
  declare
    caller record;
    ledger record;
    policy text;
    at timestamptz := date_trunc('milliseconds', clock_timestamp());
    new_customer text := bench_id('cus', at);
    new_identity text := bench_id('idn', at);
    texts text[];
    hashes text[];
  begin
    select k.id, k.organization_id as organization, k.organization_id || ' PARTNER' as scope into strict caller from api_key k where k.prefix = current_setting('bench.key_prefix') and k.revoked_at is null;
    perform set_config('role', 'kyc_gateway_tenant', true), set_config('kyc_gateway.organization_id', caller.organization, true), set_config('kyc_gateway.customer_id', '', true);
    insert into idempotency_key (scope, key, organization_id, digest, outcome, created_at)
      select caller.scope, taken.key, caller.organization, bench_digest(taken.key || kyc_data), jsonb_build_object('ids', jsonb_build_array(new_customer), 'number', null), at
      from unnest(array[first_key, second_key]) as taken (key);
    perform 1 from customer c where c.organization_id = caller.organization and c.partner_user_index = bench_index(onboard.partner_user_id);
    if found then raise exception 'This partner has such a customer'; end if;
    insert into data_key (id, key_id, wrapped, customer_id, organization_id, created_at)
      values (encode(bench_random(8), 'hex'), (select g.key_id from bench_wrapping g), bench_random(76), new_customer, caller.organization, at);
    insert into customer (id, organization_id, type, status, kyc_status, identity_status, document_attempts_remaining, current_identity_id, has_documents, sealed, email_index, partner_user_index, version, created_at, updated_at)
      values (new_customer, caller.organization, 'INDIVIDUAL', 'UNDER_REVIEW', 'PENDING', 'INITIATING', 3, new_identity, false, bench_random(122), bench_index(onboard.email), bench_index(onboard.partner_user_id), 2, at, at);
    select o.policy_id into strict policy from organization o where o.id = caller.organization;
    insert into identity (id, organization_id, customer_id, status, step, transaction_type, sealed, national_id_index, policy_id, demands, evaluations, document_submissions, document_attempts_remaining, needs_person, deadline_at, looks_at, version, created_at, updated_at)
      values (new_identity, caller.organization, new_customer, 'INITIATING', 1, onboard.transaction_type, bench_random(720), bench_index(kyc_data->>'nationalIdNumber'), policy, '{"fields":[],"documents":[]}', 0, 0, 3, false, at + interval '72 hours', at + interval '72 hours', 1, at, at);
    insert into pgboss.job (name, data, start_after, keep_until, expire_seconds, deletion_seconds, retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds)
      select q.name, jsonb_build_object('identityId', new_identity, 'step', 1, 'organizationId', caller.organization, 'dueAt', null), at + due.after, at + due.after + q.retention_seconds * interval '1s',
        q.expire_seconds, q.deletion_seconds, q.retry_limit, q.retry_delay, q.retry_backoff, q.retry_delay_max, q.policy, q.dead_letter, q.heartbeat_seconds
      from (values ('verification.continue', interval '1 hour'), ('identity.stuck', interval '72 hours')) as due (queue, after) join pgboss.queue q on q.name = due.queue;
    select l.position, l.audit_position, l.audit_hash into strict ledger from organization_ledger l where l.organization_id = caller.organization for no key update;
    insert into event (organization_id, position, id, type, customer_id, new_status, version, details, actor, occurred_at)
      select caller.organization, ledger.position + new.number, bench_id('evt', at), new.type, new_customer, 'UNDER_REVIEW', 1, '{}', caller.id, at
      from unnest(array['customer.created', 'identity.status_changed', 'kyc.verification.submitted', 'customer.state_changed']) with ordinality as new (type, number);
    texts[1] := jsonb_build_object('actor', caller.id, 'at', at, 'customerId', new_customer, 'position', ledger.audit_position + 1, 'previous', ledger.audit_hash, 'requestId', gen_random_uuid(), 'inputCommitment', bench_digest(email || partner_user_id), 'events', array['customer.created'])::text;
    hashes[1] := bench_digest(texts[1]);
    texts[2] := jsonb_build_object('actor', caller.id, 'at', at, 'customerId', new_customer, 'position', ledger.audit_position + 2, 'previous', hashes[1], 'requestId', gen_random_uuid(), 'inputCommitment', bench_digest(kyc_data::text), 'events', array['identity.status_changed', 'kyc.verification.submitted', 'customer.state_changed'])::text;
    hashes[2] := bench_digest(texts[2]);
    insert into audit_entry (organization_id, position, kind, actor, customer_id, occurred_at, entry, hash)
      select caller.organization, ledger.audit_position + place, 'COMMAND', caller.id, new_customer, at, texts[place], hashes[place] from generate_series(1, 2) as place;
    insert into audit_opening (organization_id, position, customer_id, sealed)
      select caller.organization, ledger.audit_position + place, new_customer, bench_random(120) from generate_series(1, 2) as place;
    update organization_ledger l set position = ledger.position + 4, audit_position = ledger.audit_position + 2, audit_hash = hashes[2] where l.organization_id = caller.organization;
    return new_customer;
  end $$;

  -- The owner's table of wrapping keys is closed to the role of an organization: this gives its ids alone.
  create or replace view bench_wrapping as select key_id from gateway_key limit 1;
  grant select on bench_wrapping to kyc_gateway_tenant;
`;

const ONBOARD = 'mutation Onboard($input: OnboardInput!) { onboard(input: $input) { result } }';

/** What the two requests of each flow give, in one. Whose it is says the key, as to the others. */
export function onboardings(flows: readonly (readonly Step[])[]): readonly (readonly Step[])[] {
  return flows.map((flow) => {
    const inputs = flow.map(({ body }) => (JSON.parse(body) as { variables: { input: Record<string, unknown> } }).variables.input);
    const { email, partnerUserId, transactionType, kycData } = Object.assign({}, ...inputs) as Record<string, unknown>;
    const input = { firstKey: '{{unique}} 1', secondKey: '{{unique}} 2', email, partnerUserId, transactionType, kycData };
    return [{ body: JSON.stringify({ query: ONBOARD, variables: { input } }), keep: '"result":"(cus_[^"]+)"' }];
  });
}
