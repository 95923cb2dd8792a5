import { Migration } from '@mikro-orm/migrations';

/** Who signed in for a key: what is counted by person is counted over all keys of one. */
export class KeySubjects extends Migration {
  override up(): void {
    this.addSql('alter table api_key add column subject text');
    this.addSql('create index api_key_subject on api_key (organization_id, subject) where subject is not null');
  }
}
