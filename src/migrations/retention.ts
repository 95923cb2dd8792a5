import { Migration } from '@mikro-orm/migrations';

/** When a customer came to its end, from which retention counts; and what keeps its data all the same. */
export class Retention extends Migration {
  override up(): void {
    this.addSql('alter table customer add column ended_at timestamptz(3)');
    this.addSql('alter table customer add column legal_hold_since timestamptz(3)');
    this.addSql("update customer set ended_at = updated_at where status in ('REJECTED', 'DEACTIVATED') or identity_status = 'EXPIRED'");
    this.addSql('create index customer_ended on customer (organization_id, id) where ended_at is not null');
  }
}
