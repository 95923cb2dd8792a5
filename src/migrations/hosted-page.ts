import { Migration } from '@mikro-orm/migrations';

/** How the hosted page looks for an organization's customers and who may show it; and which attempts have come by it. */
export class HostedPage extends Migration {
  override up(): void {
    this.addSql(`alter table organization add column hosted_page jsonb not null default '{"logo": null, "colour": null, "origins": []}'`);
    this.addSql('alter table identity add column hosted_page boolean not null default false');
  }
}
