import { Migration } from '@mikro-orm/migrations';
import { TENANT_ROLE } from '../core/tenancy.js';

/** What erasing changes: who may, since when a customer is closed, and how what is said of one customer is found. */
export class Erasure extends Migration {
  override up(): void {
    // By the organization's clock. Of what was closed before, the last change is the nearest that is known.
    this.addSql('alter table customer add column closed_at timestamptz(3)');
    this.addSql("update customer set closed_at = updated_at where status in ('DEACTIVATED', 'REJECTED') or identity_status = 'EXPIRED'");
    this.addSql('create index customer_closed on customer (organization_id, closed_at) where closed_at is not null and erased_at is null');
    this.addSql('create index file_upload_customer on file_upload (customer_id)');
    this.addSql('create index webhook_delivery_lane_newest on webhook_delivery (organization_id, lane)');
    // What has happened is never changed; the words that explain it go with the person's data.
    this.addSql(`grant update (details) on event to ${TENANT_ROLE}`);
    this.addSql(`grant update on signature to ${TENANT_ROLE}`);
  }
}
