import { Migration } from '@mikro-orm/migrations';
import { ORGANIZATION_SETTING, TENANT_ROLE } from '../core/tenancy.js';

const ID = 'text collate "C"';
const MOMENT = 'timestamptz(3)';

const STATEMENTS = [
  `create table webhook_endpoint (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    url text not null,
    events jsonb not null,
    parallel boolean not null,
    description text,
    secret text not null,
    retiring_secrets jsonb not null,
    state text not null check (state in ('ENABLED', 'DISABLED')),
    disabled_reason text,
    position bigint not null,
    failing_since ${MOMENT},
    version integer not null,
    created_at ${MOMENT} not null,
    updated_at ${MOMENT} not null
  )`,
  `create table webhook_delivery (
    id ${ID} primary key,
    organization_id ${ID} not null references organization (id),
    endpoint_id ${ID} not null references webhook_endpoint (id) on delete cascade,
    number bigint not null generated always as identity,
    lane ${ID} not null,
    event_id ${ID} not null,
    event_type text not null,
    replay_of ${ID},
    body text not null,
    state text not null check (state in ('PENDING', 'SUCCEEDED', 'FAILED')),
    attempts integer not null,
    attempt_log jsonb not null,
    started_at ${MOMENT} not null,
    next_attempt_at ${MOMENT},
    leased_until ${MOMENT},
    created_at ${MOMENT} not null,
    completed_at ${MOMENT}
  )`,
  'create index webhook_endpoint_organization on webhook_endpoint (organization_id, id)',
  'create index webhook_delivery_newest on webhook_delivery (organization_id, id desc)',
  'create index webhook_delivery_endpoint_newest on webhook_delivery (endpoint_id, id desc)',
  "create index webhook_delivery_due on webhook_delivery (endpoint_id, next_attempt_at) where state = 'PENDING'",
  "create index webhook_delivery_lane on webhook_delivery (endpoint_id, lane, number) where state = 'PENDING'",
  // The log is kept for so long and no longer.
  'create index webhook_delivery_completed on webhook_delivery (completed_at) where completed_at is not null',
  // Ranges of time are replayed.
  'create index event_occurred on event (organization_id, occurred_at)',
];

/** What the session role may do with the rows of its organization. */
const GRANTS: Readonly<Record<string, string>> = {
  webhook_endpoint: 'select, insert, update, delete',
  webhook_delivery: 'select, insert, update, delete',
};

/** Endpoints of organizations and the deliveries to them, under forced row-level security as every table. */
export class Webhooks extends Migration {
  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement);
    for (const [table, grant] of Object.entries(GRANTS)) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`alter table ${table} force row level security`);
      this.addSql(`create policy tenant on ${table} to ${TENANT_ROLE}
        using (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))
        with check (organization_id = (select current_setting('${ORGANIZATION_SETTING}', true)))`);
      this.addSql(`create policy owner on ${table} to current_user using (true) with check (true)`);
      this.addSql(`grant ${grant} on ${table} to ${TENANT_ROLE}`);
    }
  }
}
