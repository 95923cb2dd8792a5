import { Migration } from '@mikro-orm/migrations';
import { ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const ID = 'text collate "C"';
/** Ids only have to be one for each content: from now on they are made of another text of it. */
const ID_OF = (policy: string): string => `left(encode(sha256(convert_to(${policy}::text, 'UTF8')), 'hex'), 32)`;

/** Which column of each table that had a copy of a policy names the organization. */
const HOLDERS: Readonly<Record<string, string>> = { organization: 'id', identity: 'organization_id' };

/**
 * A policy stands once for each organization, where every attempt had a copy of the one that it began under. Whoever refers to one
 * has no foreign key to it: to check that, each attempt would lock the same row, which nobody may change or delete anyway.
 */
export class SharedPolicies extends Migration {
  override up(): void {
    this.addSql(`create table policy (organization_id ${ID} not null references organization (id), id ${ID} not null, rules jsonb not null, primary key (organization_id, id))`);
    const copies = Object.entries(HOLDERS).map(([table, owner]) => `select ${owner} as organization_id, policy from ${table}`);
    this.addSql(`insert into policy (organization_id, id, rules) select organization_id, ${ID_OF('policy')}, policy from (${copies.join(' union ')}) as copies`);
    for (const table of Object.keys(HOLDERS)) {
      this.addSql(`alter table ${table} add column policy_id ${ID}`);
      this.addSql(`update ${table} set policy_id = ${ID_OF('policy')}`);
      this.addSql(`alter table ${table} alter column policy_id set not null, drop column policy`);
    }
    this.addSql('alter table policy enable row level security');
    this.addSql('alter table policy force row level security');
    this.addSql(`create policy tenant on policy to ${TENANT_ROLE}
      using (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))
      with check (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
    this.addSql('create policy owner on policy to current_user using (true) with check (true)');
    this.addSql(`grant select on policy to ${TENANT_ROLE}`);
  }
}
