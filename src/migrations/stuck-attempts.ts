import { Migration } from '@mikro-orm/migrations';

/** Policies, and the copies that attempts under way keep of them, say how long an attempt may be stuck: the default of that time. */
export class StuckAttempts extends Migration {
  override up(): void {
    for (const table of ['organization', 'identity']) {
      this.addSql(`update ${table} set policy = policy || '{"stuckAfterHours": 72}' where policy->'stuckAfterHours' is null`);
    }
  }
}
