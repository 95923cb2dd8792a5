import { systemPrincipal } from '../core/caller.js';
import { execute, type Core } from '../core/command.js';
import type { JobKind } from '../core/jobs.js';
import { ERASE_DELIVERIES_JOB } from '../customer/erasure.js';
import type { AttemptRecord } from './entity.js';
import { withoutExplanations } from './payload.js';
import { tablesOf } from './queue.js';

/** The job that does it. */
export function deliveryErasing(core: () => Core): JobKind {
  return { name: ERASE_DELIVERIES_JOB, handle: ({ organizationId, data }) => eraseDeliveries(core(), organizationId, String(data['customerId'])) };
}

/**
 * Takes out of the log what was said of a customer whose data has been erased: the explanations, and what receivers have
 * answered. One delivery at a time, since the dispatcher locks several at once in an order of its own.
 */
async function eraseDeliveries(core: Core, organizationId: string, customerId: string): Promise<void> {
  const principal = systemPrincipal(organizationId, ERASE_DELIVERIES_JOB);
  const ids = await execute(core, principal, (unit) => tablesOf(unit).selectFrom('webhook_delivery').select('id').where('organization_id', '=', organizationId).where('lane', '=', customerId).execute());
  for (const { id } of ids) {
    await execute(core, principal, async (unit) => {
      const deliveries = tablesOf(unit);
      const row = await deliveries.selectFrom('webhook_delivery').select(['body', 'attempt_log']).where('id', '=', id).forUpdate().executeTakeFirst();
      if (!row) return;
      const attempts = JSON.stringify(row.attempt_log.map((attempt): AttemptRecord => ({ ...attempt, responseBody: null }))) as unknown as AttemptRecord[];
      await deliveries.updateTable('webhook_delivery').set({ body: withoutExplanations(row.body), attempt_log: attempts }).where('id', '=', id).execute();
    });
  }
}
