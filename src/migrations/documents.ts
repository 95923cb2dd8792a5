import { Migration } from '@mikro-orm/migrations';
import { ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const ID = 'text collate "C"';

/** Documents by URL: kept with the attempt, then files that are still to be fetched. The machine-readable zone of documents. Who has read which file. */
export class Documents extends Migration {
  override up(): void {
    this.addSql(`alter table identity add column documents_by_url jsonb not null default '[]'`);
    this.addSql('alter table file_upload add column source_url text');
    this.addSql('alter table document add column mrz text');
    this.addSql(`create table file_read (
      id ${ID} primary key,
      organization_id ${ID} not null references organization (id),
      file_id ${ID} not null,
      document_id ${ID} not null,
      reader ${ID} not null,
      read_at timestamptz(3) not null
    )`);
    this.addSql('create index file_read_file on file_read (file_id, id)');
    this.addSql('alter table file_read enable row level security');
    this.addSql('alter table file_read force row level security');
    this.addSql(`create policy tenant on file_read to ${TENANT_ROLE}
      using (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))
      with check (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
    this.addSql('create policy owner on file_read to current_user using (true) with check (true)');
    this.addSql(`grant select, insert on file_read to ${TENANT_ROLE}`);
    this.addSql(`grant update on file_upload to ${TENANT_ROLE}`);
  }
}
