import type { Kysely } from 'kysely';
import { systemPrincipal, type SystemActor } from '../core/caller.js';
import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY } from '../core/clock.js';
import { execute, type Core } from '../core/command.js';
import type { Job, JobKind } from '../core/jobs.js';
import { RETENTION_JOB } from '../organization/commands.js';
import { organizationOf } from '../organization/reads.js';
import { lockCustomer } from './commands.js';

/** What is said of an erasure that nobody asked for. */
const REASON = 'The time for which the policy keeps the data of a finished customer is over.';
/** Customers that are looked up at a time. */
const BATCH = 500;

/** Destroys a customer's data; twice is the same as once. */
export type Erase = (core: Core, principal: SystemActor, input: { customerId: string; reason: string }) => Promise<unknown>;

/**
 * Erases the data of customers that have ended, when it has been kept for as long as policy says. A customer's job is made
 * when it ends, when its hold is released, and for all that have ended when the policy changes; each looks at what holds then.
 */
export function retentionKinds(core: () => Core, erase: Erase): JobKind[] {
  return [
    {
      name: RETENTION_JOB,
      handle: (job) => (job.data['customerId'] == null ? scheduleAll(core(), job.organizationId) : retain(core(), job, erase)),
    },
  ];
}

/** Erases a customer that is due; makes a job for later of one that is not yet; leaves alone whom nothing ends. */
async function retain(core: Core, job: Job, erase: Erase): Promise<void> {
  const principal = systemPrincipal(job.organizationId, RETENTION_JOB);
  const customerId = String(job.data['customerId']);
  const isDue = await execute(core, principal, async (unit) => {
    const customer = await lockCustomer(unit, customerId);
    const { retentionDays } = (await organizationOf(unit)).policy;
    if (customer.endedAt == null || customer.erasedAt != null || customer.legalHoldSince != null || retentionDays === null) return false;
    const dueAt = new Date(customer.endedAt.getTime() + retentionDays * SECONDS_PER_DAY * MILLISECONDS_PER_SECOND);
    if (dueAt <= unit.organizationNow) return true;
    unit.enqueue({ name: RETENTION_JOB, data: { customerId }, dueAt });
    return false;
  });
  if (isDue) await erase(core, principal, { customerId, reason: REASON });
}

interface EndedTables {
  customer: { id: string; organization_id: string; ended_at: string | null; erased_at: string | null };
}

/** Makes a job for each customer that has ended: what the policy now says decides about it. */
async function scheduleAll(core: Core, organizationId: string): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await core.database.read<EndedTables, { id: string }[]>(organizationId, (reader) =>
      reader.selectFrom('customer').select('id').where('organization_id', '=', organizationId).where('ended_at', 'is not', null).where('erased_at', 'is', null).where('id', '>', after).orderBy('id').limit(BATCH).execute(),
    );
    const jobs = rows.map(({ id }) => ({ name: RETENTION_JOB, organizationId, data: { customerId: id } }));
    await core.database.owner().transactional((em) => core.jobs.enqueue(em.getKysely() as unknown as Kysely<never>, jobs, 0));
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return;
    after = last.id;
  }
}
