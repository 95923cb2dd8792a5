import { Migration } from '@mikro-orm/migrations';

/**
 * What every command appends no longer asks PostgreSQL whether its organization exists, which it would for each row, and each time
 * by a lock on the one row of the organization that all of its commands share. Row-level security holds these rows to the
 * organization of their command, which has its position from the ledger's row, and that row refers to the organization.
 */
export class OrganizationReferences extends Migration {
  override up(): void {
    for (const table of ['event', 'idempotency_key']) this.addSql(`alter table ${table} drop constraint ${table}_organization_id_fkey`);
  }
}
