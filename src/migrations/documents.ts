import { Migration } from '@mikro-orm/migrations';
import { TENANT_ROLE } from '../core/database.js';

/** Documents by URL: kept with the attempt, then files that are still to be fetched. The machine-readable zone of documents. */
export class Documents extends Migration {
  override up(): void {
    this.addSql(`alter table identity add column documents_by_url jsonb not null default '[]'`);
    this.addSql('alter table file_upload add column source_url text');
    this.addSql('alter table document add column mrz text');
    this.addSql(`grant update on file_upload to ${TENANT_ROLE}`);
  }
}
