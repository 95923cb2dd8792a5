import { Migration } from '@mikro-orm/migrations';
import { CUSTOMER_ROLE, CUSTOMER_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const CUSTOMER = `(select current_setting('${CUSTOMER_SETTING}', true))`;
const OF_ATTEMPT = (table: string): string => `exists (select from identity where identity.id = ${table}.identity_id and identity.customer_id = ${CUSTOMER})`;

/** Which rows are a customer's own. Where the setting is missing, none is. */
const OWN_ROWS: Readonly<Record<string, string>> = {
  customer: `id = ${CUSTOMER}`,
  identity: `customer_id = ${CUSTOMER}`,
  event: `customer_id = ${CUSTOMER}`,
  document: OF_ATTEMPT('document'),
  signature: OF_ATTEMPT('signature'),
  file_upload: `exists (select from document join identity on identity.id = document.identity_id where document.id = file_upload.document_id and identity.customer_id = ${CUSTOMER})`,
  // The organization's, and nothing of them concerns a customer.
  api_key: 'false',
  file_read: 'false',
  webhook_endpoint: 'false',
  webhook_delivery: 'false',
};

/**
 * The role of statements on behalf of one customer. It has the rights of the session role, and restrictive policies that
 * leave it nothing but that customer's rows: whatever a query forgets to ask for, an applicant finds nobody else.
 */
export class ClientTokens extends Migration {
  override up(): void {
    // Roles belong to the whole server: another database's migration may have made it already, or be about to.
    this.addSql(`do $$ begin
      create role ${CUSTOMER_ROLE} nologin;
    exception when duplicate_object or unique_violation then null; end $$`);
    this.addSql(`do $$ begin
      if not pg_has_role('${CUSTOMER_ROLE}', '${TENANT_ROLE}', 'member') then grant ${TENANT_ROLE} to ${CUSTOMER_ROLE}; end if;
    exception when unique_violation then null; end $$`);
    this.addSql(`do $$ begin
      if not pg_has_role(current_user, '${CUSTOMER_ROLE}', 'member') then grant ${CUSTOMER_ROLE} to current_user; end if;
    exception when unique_violation then null; end $$`);
    for (const [table, own] of Object.entries(OWN_ROWS)) {
      this.addSql(`create policy customer on ${table} as restrictive to ${CUSTOMER_ROLE} using (${own}) with check (${own})`);
    }
  }
}
