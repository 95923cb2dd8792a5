import { Migration } from '@mikro-orm/migrations';
import { NEWEST_ORDER } from '../core/newest.js';

/** Which rows each list is of, by its table and the name of its index. */
const LISTS: readonly (readonly [table: string, index: string, of: string])[] = [
  ['customer', 'customer_newest', 'organization_id'],
  ['customer', 'customer_status_newest', 'organization_id, status'],
  ['identity', 'identity_newest', 'organization_id'],
  ['identity', 'identity_status_newest', 'organization_id, status'],
  ['identity', 'identity_customer', 'customer_id'],
  ['webhook_delivery', 'webhook_delivery_newest', 'organization_id'],
  ['webhook_delivery', 'webhook_delivery_endpoint_newest', 'endpoint_id'],
];

/** Lists are in an order that the primary key does not have, so that none is read by walking over the rows of other organizations. */
export class NewestFirst extends Migration {
  override up(): void {
    for (const [table, index, of] of LISTS) {
      this.addSql(`drop index ${index}`);
      this.addSql(`create index ${index} on ${table} (${of}, ${NEWEST_ORDER} desc)`);
    }
  }
}
