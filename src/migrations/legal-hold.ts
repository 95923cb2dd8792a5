import { Migration } from '@mikro-orm/migrations';
import { CUSTOMER_ROLE } from '../core/tenancy.js';

/** What keeps a customer's data from being erased. And nothing of the audit trail is shown to a customer, whatever a query asks. */
export class LegalHold extends Migration {
  override up(): void {
    this.addSql('alter table customer add column legal_hold_since timestamptz(3)');
    for (const table of ['audit_entry', 'audit_opening']) {
      // Its own commands are entered all the same: what it may not do is read.
      this.addSql(`create policy customer on ${table} as restrictive for select to ${CUSTOMER_ROLE} using (false)`);
    }
  }
}
