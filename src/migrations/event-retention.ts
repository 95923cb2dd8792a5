import { Migration } from '@mikro-orm/migrations';

/** How far events have been deleted, for cursors that are older; and the timelines of an attempt and of a document. */
export class EventRetention extends Migration {
  override up(): void {
    this.addSql('alter table organization_ledger add column events_deleted_through bigint not null default 0');
    this.addSql('create index event_identity on event (identity_id, position) where identity_id is not null');
    this.addSql('create index event_document on event (document_id, position) where document_id is not null');
  }
}
