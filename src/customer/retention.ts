import type { Kysely } from 'kysely';
import { systemPrincipal } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY } from '../core/clock.js';
import { clockOffsetOf, execute, type Core } from '../core/command.js';
import { statementsOver } from '../core/statement.js';
import type { EventTables } from '../core/event-log.js';
import type { Job, JobKind, NewJob } from '../core/jobs.js';
import { errorFacts } from '../core/log.js';
import { RETENTION_JOB } from '../organization/commands.js';
import { organizationsThatErase, readOrganization } from '../organization/reads.js';
import { lockErasable } from './commands.js';
import { erase } from './erasure.js';
import { customersClosedBefore } from './reads.js';

/** Often enough that nothing is kept for noticeably longer than policy says, which counts in days. */
const EVERY_MILLISECONDS = 3_600 * MILLISECONDS_PER_SECOND;
/** Each is erased in a transaction of its own; all of them within the time of a job. */
const BATCH = 100;
const RETENTION_ENDED = 'Policy keeps the data no longer.';

/** Erases what policy keeps no longer: by a job for each organization whose policy erases, made now and every hour. */
export class CustomerRetention {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly core: () => Core) {}

  start(): void {
    const begin = (): void => {
      this.#running = this.#enqueue().catch((error: unknown) => this.core().log.error(errorFacts(error), 'retention could not begin'));
    };
    this.#timer = setInterval(begin, EVERY_MILLISECONDS).unref();
    begin();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #enqueue(): Promise<void> {
    const names = (await organizationsThatErase(this.core().database)).map((organizationId) => ({ name: RETENTION_JOB, organizationId, data: {} }));
    await enqueueNow(this.core(), names);
  }

  /** The job of one organization. */
  kind(): JobKind {
    return { name: RETENTION_JOB, handle: (job) => this.#run(job), unhurried: true };
  }

  /** Erases a batch of what an organization keeps no longer, and leaves the rest to another job. One that fails keeps none of the others. */
  async #run({ organizationId, data }: Job): Promise<void> {
    const core = this.core();
    const { policy } = await readOrganization(core.database, organizationId);
    if (policy.retentionDays === null) return;
    const keptFor = policy.retentionDays * SECONDS_PER_DAY * MILLISECONDS_PER_SECOND;
    const offset = await core.database.read<EventTables, number>(organizationId, (reader) => clockOffsetOf(statementsOver(reader), organizationId));
    const before = new Date(core.clock.now().getTime() + offset - keptFor);
    const due = await customersClosedBefore(core.database, organizationId, before, { after: String(data['after'] ?? ''), limit: BATCH });
    let failures = 0;
    for (const customerId of due) {
      await this.#erase(organizationId, customerId, keptFor).catch((error: unknown) => {
        failures += 1;
        core.log.error({ job: RETENTION_JOB, ...errorFacts(error) }, 'a customer could not be erased');
      });
    }
    const last = due.at(-1);
    if (due.length === BATCH && last !== undefined) {
      const rest = { name: RETENTION_JOB, organizationId, data: { after: last } };
      await enqueueNow(core, [rest]);
    }
    if (failures > 0) throw new Error(`${failures} customers could not be erased`);
  }

  /** Erases a customer, unless it has been begun with anew, erased or put under a hold meanwhile. */
  async #erase(organizationId: string, customerId: string, keptFor: number): Promise<void> {
    const core = this.core();
    const { erasedAt } = await execute(core, systemPrincipal(organizationId, RETENTION_JOB), async (unit) => {
      const customer = await lockErasable(unit, customerId);
      const isDue = customer.closedAt != null && customer.closedAt.getTime() + keptFor <= unit.organizationNow.getTime();
      if (isDue && customer.erasedAt == null && customer.legalHoldSince == null) await erase(unit, customer, RETENTION_ENDED);
      return customer;
    });
    if (erasedAt != null) core.database.vault.destroyed(customerId);
  }
}

/** Enqueues beside any command. */
async function enqueueNow({ database, jobs }: Core, due: readonly NewJob[]): Promise<void> {
  const statements = statementsOver(database.owner().getKysely() as unknown as Kysely<never>);
  await jobs.enqueue(statements, due, 0);
  await statements.settled();
}
