import { Migration } from '@mikro-orm/migrations';

/** What opens the commitments of entries about a customer is encrypted under its data key; that of before is while the gateway serves. */
export class AuditOpenings extends Migration {
  override up(): void {
    this.addSql('alter table audit_opening add column sealed bytea, alter column salt drop not null');
    this.addSql(`alter table audit_opening add column id text collate "C" generated always as (organization_id || '/' || position::text) stored`);
    // Empty but for the time of that work.
    this.addSql('create index audit_opening_unsealed on audit_opening (customer_id) where sealed is null and customer_id is not null');
  }
}
