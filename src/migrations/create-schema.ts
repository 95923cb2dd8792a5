import { Migration } from '@mikro-orm/migrations';
import { ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

/** Ids sort by age only when compared byte by byte. */
const ID = 'text collate "C"';
const MOMENT = 'timestamptz(3)';

const TABLES = [
  `create table organization (
    id ${ID} primary key,
    name text not null,
    environment text not null check (environment in ('SANDBOX', 'LIVE')),
    policy jsonb not null,
    created_at ${MOMENT} not null
  )`,
  `create table organization_ledger (
    organization_id ${ID} primary key references organization (id),
    position bigint not null default 0,
    clock_offset_milliseconds bigint not null default 0
  )`,
  `create table api_key (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    prefix text not null unique,
    secret_hash text not null,
    role text not null check (role in ('ADMIN', 'PARTNER', 'REVIEWER')),
    name text not null,
    created_at ${MOMENT} not null,
    expires_at ${MOMENT},
    revoked_at ${MOMENT},
    last_used_at ${MOMENT}
  )`,
  `create table customer (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    type text not null,
    status text not null,
    kyc_status text not null,
    identity_status text,
    document_attempts_remaining integer,
    has_documents boolean not null,
    partner_user_id text,
    email text,
    first_name text,
    last_name text,
    verified_at ${MOMENT},
    current_identity_id ${ID},
    version integer not null,
    created_at ${MOMENT} not null,
    updated_at ${MOMENT} not null
  )`,
  `create table identity (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    customer_id ${ID} not null references customer (id),
    status text not null,
    step integer not null,
    transaction_type text,
    enterprise_id text,
    user_id text,
    program_id text,
    ip_address text,
    kyc_data jsonb not null,
    policy jsonb not null,
    signer jsonb not null,
    demands jsonb not null,
    provider_state jsonb not null,
    error_description text,
    evaluations integer not null,
    document_submissions integer not null,
    document_attempts_remaining integer not null,
    needs_person boolean not null,
    debug_status text,
    debug_failure_reason text,
    review_note text,
    version integer not null,
    created_at ${MOMENT} not null,
    updated_at ${MOMENT} not null
  )`,
  `create table document (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    identity_id ${ID} not null references identity (id),
    selected_id_class text not null,
    status text not null,
    number text,
    issuing_country text,
    issue_date text,
    expiration_date text,
    rejection_reason text,
    submission integer not null,
    version integer not null,
    created_at ${MOMENT} not null,
    updated_at ${MOMENT} not null
  )`,
  `create table file_upload (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    document_id ${ID} not null references document (id),
    document_type text not null,
    file_name text,
    file_size integer,
    mime_type text,
    width integer,
    height integer,
    sha256 text,
    upload_status text not null,
    storage_key text not null,
    warnings jsonb not null,
    created_at ${MOMENT} not null
  )`,
  `create table signature (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    identity_id ${ID} not null references identity (id),
    contract_type text not null,
    contract_version text not null,
    contract_signer_name_full text,
    contract_signed_date ${MOMENT} not null,
    contract_signed_ip_address text,
    created_at ${MOMENT} not null,
    unique (identity_id, contract_type)
  )`,
  `create table event (
    organization_id ${ID} not null references organization (id),
    position bigint not null,
    id ${ID} not null unique,
    type text not null,
    customer_id ${ID} not null,
    identity_id ${ID},
    document_id ${ID},
    signature_id ${ID},
    old_status text,
    new_status text,
    version integer not null,
    details jsonb not null,
    actor text not null,
    occurred_at ${MOMENT} not null,
    primary key (organization_id, position)
  )`,
];

const INDEXES = [
  'create index api_key_organization on api_key (organization_id)',
  'create unique index customer_partner_user on customer (organization_id, partner_user_id)',
  'create index customer_newest on customer (organization_id, id desc)',
  'create index customer_status_newest on customer (organization_id, status, id desc)',
  'create index customer_email on customer (organization_id, lower(email))',
  'create index identity_newest on identity (organization_id, id desc)',
  'create index identity_status_newest on identity (organization_id, status, id desc)',
  'create index identity_customer on identity (customer_id, id desc)',
  'create index document_identity on document (identity_id, id)',
  'create index file_upload_document on file_upload (document_id, id)',
  'create index signature_identity on signature (identity_id, id)',
  'create index event_customer on event (customer_id, position)',
];

/** The tables whose rows belong to one organization, with the column that says to which. */
const TENANT_TABLES: Readonly<Record<string, string>> = {
  organization: 'id',
  organization_ledger: 'organization_id',
  api_key: 'organization_id',
  customer: 'organization_id',
  identity: 'organization_id',
  document: 'organization_id',
  file_upload: 'organization_id',
  signature: 'organization_id',
  event: 'organization_id',
};

/** What the session role may do. Events are only ever appended; keys and organizations are the owner's to change. */
const GRANTS: Readonly<Record<string, string>> = {
  organization: 'select',
  organization_ledger: 'select, update',
  api_key: 'select',
  customer: 'select, insert, update',
  identity: 'select, insert, update',
  document: 'select, insert, update',
  file_upload: 'select, insert, delete',
  signature: 'select, insert',
  event: 'select, insert',
};

/** The first schema: every table under forced row-level security, and the session role that it holds for. */
export class CreateSchema extends Migration {
  override up(): void {
    for (const statement of TABLES) this.addSql(statement);
    for (const statement of INDEXES) this.addSql(statement);
    // Roles belong to the whole server: another database's migration may have made it already, or be about to.
    this.addSql(`do $$ begin
      create role ${TENANT_ROLE} nologin;
    exception when duplicate_object or unique_violation then null; end $$`);
    this.addSql(`do $$ begin
      if not pg_has_role(current_user, '${TENANT_ROLE}', 'member') then grant ${TENANT_ROLE} to current_user; end if;
    end $$`);
    this.addSql(`do $$ begin execute format('grant usage on schema %I to ${TENANT_ROLE}', current_schema()); end $$`);
    for (const [table, column] of Object.entries(TENANT_TABLES)) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy tenant on ${table} to ${TENANT_ROLE}
        using (${column} = (select current_setting('${ORGANIZATION_SETTING}', true)))
        with check (${column} = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
      // Where the gateway's user is no superuser, forced row-level security would shut it out of its own tables.
      this.addSql(`create policy owner on ${table} to current_user using (true) with check (true)`);
      this.addSql(`grant ${GRANTS[table]} on ${table} to ${TENANT_ROLE}`);
    }
  }
}
