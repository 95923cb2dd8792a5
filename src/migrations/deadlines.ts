import { Migration } from '@mikro-orm/migrations';

/** Until when an attempt may stand at its status, and when a job next looks whether it does. Attempts of before have a job for each step. */
export class Deadlines extends Migration {
  override up(): void {
    this.addSql('alter table identity add column deadline_at timestamptz(3), add column looks_at timestamptz(3)');
  }
}
