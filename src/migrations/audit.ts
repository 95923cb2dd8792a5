import { Migration } from '@mikro-orm/migrations';
import { GENESIS } from '../core/audit-entry.js';
import { ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const ID = 'text collate "C"';

const STATEMENTS = [
  'alter table organization_ledger add column audit_position bigint not null default 0',
  `alter table organization_ledger add column audit_hash text not null default '${GENESIS}'`,
  // No foreign key: it would be checked at every command, and row-level security holds an entry to its organization.
  `create table audit_entry (
    organization_id ${ID} not null,
    position bigint not null,
    kind text not null,
    actor ${ID} not null,
    customer_id ${ID},
    occurred_at timestamptz(3) not null,
    entry text not null,
    hash text not null,
    primary key (organization_id, position)
  )`,
  // What opens the commitments of entries, apart from them: it is destroyed with the customer's data.
  `create table audit_opening (
    organization_id ${ID} not null,
    position bigint not null,
    customer_id ${ID},
    salt text not null,
    reason text,
    primary key (organization_id, position)
  )`,
  'create index audit_entry_customer on audit_entry (organization_id, customer_id, position) where customer_id is not null',
  "create index audit_entry_kind on audit_entry (organization_id, kind, position) where kind <> 'COMMAND'",
  'create index audit_opening_customer on audit_opening (organization_id, customer_id) where customer_id is not null',
];

/** What the session role may do with the rows of its organization: entries are only ever appended. */
const GRANTS: Readonly<Record<string, string>> = {
  audit_entry: 'select, insert',
  audit_opening: 'select, insert, delete',
};

/** The audit trail, under forced row-level security as every table, with its head in the organization's ledger. */
export class Audit extends Migration {
  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement);
    for (const [table, grant] of Object.entries(GRANTS)) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy tenant on ${table} to ${TENANT_ROLE}
        using (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))
        with check (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
      this.addSql(`create policy owner on ${table} to current_user using (true) with check (true)`);
      this.addSql(`grant ${grant} on ${table} to ${TENANT_ROLE}`);
    }
  }
}
