import type { Client } from '../../support/client.js';
import { CUSTOMER, EVENTS } from '../../support/operations.js';

/** What happened to somebody's attempt, as the event table tells it, and where it stands. */
export interface History {
  changes: readonly { oldStatus?: string | null; newStatus?: string | null; version: number }[];
  status: string;
  version: number;
}

export async function historyOf(partner: Client, customerId: string): Promise<History> {
  const { events } = await partner.request(EVENTS, { filter: { customerId, types: ['identity.status_changed'] } });
  const { customer } = await partner.request(CUSTOMER, { id: customerId });
  return { changes: events.nodes, status: customer!.identity!.status, version: customer!.identity!.version };
}

/** What is wrong with a history: each change begins where the last ended, versions grow, and the attempt stands where the last one led. */
export function brokenBy({ changes, status, version }: History): string[] {
  const faults: string[] = [];
  for (const [index, change] of changes.entries()) {
    const before = changes[index - 1];
    if ((before?.newStatus ?? null) !== (change.oldStatus ?? null)) faults.push(`change ${index} begins in ${change.oldStatus}, the one before ended in ${before?.newStatus}`);
    if (before && change.version <= before.version) faults.push(`change ${index} has version ${change.version} after ${before.version}`);
  }
  const last = changes.at(-1);
  if (last?.newStatus !== status) faults.push(`it is ${status}, its last event says ${last?.newStatus}`);
  if ((last?.version ?? 0) > version) faults.push(`its version is ${version}, its last event says ${last?.version}`);
  return faults;
}
