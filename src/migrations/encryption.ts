import { Migration } from '@mikro-orm/migrations';
import { CUSTOMER_ROLE, CUSTOMER_SETTING, ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const ID = 'text collate "C"';
const MOMENT = 'timestamptz(3)';

const STATEMENTS = [
  // One a customer. Its row outlives the key: a key that was destroyed is told from one that was lost.
  `create table data_key (
    customer_id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    id text not null,
    key_id text,
    wrapped bytea,
    created_at ${MOMENT} not null,
    destroyed_at ${MOMENT},
    check ((wrapped is null) = (destroyed_at is not null) and (wrapped is null) = (key_id is null))
  )`,
  'create index data_key_organization on data_key (organization_id)',
  // A rotation looks for the keys that are wrapped by another than the newest.
  'create index data_key_wrapping on data_key (key_id, customer_id)',
  // Keys of the whole gateway, wrapped as data keys are. The owner's alone: no organization has anything to do with them.
  'create table gateway_key (name text primary key, key_id text not null, wrapped bytea not null)',
  'alter table customer add column sealed bytea, add column email_index text, add column partner_user_index text, add column erased_at timestamptz(3)',
  'alter table identity add column sealed bytea, add column enterprise_index text, add column user_index text, add column national_id_index text',
  `alter table document add column customer_id ${ID}, add column sealed bytea`,
  `alter table file_upload add column customer_id ${ID}, add column sealed bytea`,
  `alter table signature add column customer_id ${ID}, add column sealed bytea`,
  // What was stored before stays in these columns until it has been encrypted, while the gateway serves; nothing new is written to them.
  'alter table identity alter column kyc_data drop not null, alter column signer drop not null, alter column provider_state drop not null',
  'alter table identity alter column documents_by_url drop not null, alter column documents_by_url drop default',
  'create unique index customer_partner_user_index on customer (organization_id, partner_user_index)',
  'create index customer_email_index on customer (organization_id, email_index)',
  'create index identity_enterprise_index on identity (organization_id, enterprise_index) where enterprise_index is not null',
  'create index identity_user_index on identity (organization_id, user_index) where user_index is not null',
  'create index identity_national_id_index on identity (organization_id, national_id_index) where national_id_index is not null',
  // Empty but for the time of that work.
  'create index customer_unsealed on customer (id) where sealed is null',
];

/** Data keys, and the columns that hold what is encrypted under them. */
export class Encryption extends Migration {
  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement);
    this.addSql('alter table data_key enable row level security');
    this.addSql('alter table data_key force row level security');
    this.addSql(`create policy tenant on data_key to ${TENANT_ROLE}
      using (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))
      with check (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
    const own = `customer_id = (select current_setting('${CUSTOMER_SETTING}', true))`;
    this.addSql(`create policy customer on data_key as restrictive to ${CUSTOMER_ROLE} using (${own}) with check (${own})`);
    this.addSql('create policy owner on data_key to current_user using (true) with check (true)');
    this.addSql(`grant select, insert, update on data_key to ${TENANT_ROLE}`);
  }
}
