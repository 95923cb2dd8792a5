import { Migration } from '@mikro-orm/migrations';

/** Which files are encrypted. Those of before are not, until they have been while the gateway serves. */
export class FileEncryption extends Migration {
  override up(): void {
    this.addSql('alter table file_upload add column encrypted boolean not null default false');
    // Empty but for the time of that work.
    this.addSql("create index file_upload_plain on file_upload (id) where not encrypted and upload_status = 'UPLOADED'");
  }
}
