import { Migration } from '@mikro-orm/migrations';
import { CUSTOMER_ROLE, CUSTOMER_SETTING, ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const ID = 'text collate "C"';

/** The Idempotency-Keys of requests, with what came of them. The operator's belong to no organization. */
export class Idempotency extends Migration {
  override up(): void {
    this.addSql(`create table idempotency_key (
      scope ${ID} not null,
      key ${ID} not null,
      organization_id ${ID} references organization (id),
      digest text not null,
      outcome jsonb,
      created_at timestamptz(3) not null,
      primary key (scope, key)
    )`);
    this.addSql('create index idempotency_key_created on idempotency_key (created_at)');
    this.addSql('alter table idempotency_key enable row level security');
    this.addSql('alter table idempotency_key force row level security');
    this.addSql(`create policy tenant on idempotency_key to ${TENANT_ROLE}
      using (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))
      with check (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
    this.addSql('create policy owner on idempotency_key to current_user using (true) with check (true)');
    const own = `scope like '% ' || (select current_setting('${CUSTOMER_SETTING}', true))`;
    this.addSql(`create policy customer on idempotency_key as restrictive to ${CUSTOMER_ROLE} using (${own}) with check (${own})`);
    this.addSql(`grant select, insert, update on idempotency_key to ${TENANT_ROLE}`);
  }
}
