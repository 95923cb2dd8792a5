import { Migration } from '@mikro-orm/migrations';

/** What opens an entry bears the entry's id, which is known before its place in the chain is; what was made before keeps the id that its place had given it. */
export class OpeningIds extends Migration {
  override up(): void {
    this.addSql('alter table audit_opening alter column id drop expression');
  }
}
