import { MILLISECONDS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../core/clock.js';
import type { UnitOfWork } from '../core/command.js';
import type { Identity } from './entity.js';
import { isInOurHands, isWaiting } from './lifecycle.js';

/** Looks whether an attempt has waited for its customer as long as policy lets it (verification/ handles it). */
export const EXPIRE_JOB = 'identity.expire';
/** Looks whether an attempt has stayed in a status that is not the customer's to leave for longer than policy allows (verification/ handles it). */
export const STUCK_JOB = 'identity.stuck';

/** A job that looks, with when it was to do so: clocks of machines differ, and it is not to miss what it comes for. */
export interface Look {
  step: number;
  dueAt: Date | null;
}

/**
 * Says until when an attempt may stand at its new status, and has a job look then. One that will look before is enough: what it finds
 * still standing it looks at again. So an attempt that moves on in time leaves one such job behind, and not one for each of its statuses.
 */
export function beginDeadline(unit: UnitOfWork, identity: Identity): void {
  const seconds = secondsAt(identity);
  identity.deadlineAt = seconds === null ? null : new Date(unit.organizationNow.getTime() + seconds * MILLISECONDS_PER_SECOND);
  lookInTime(unit, identity, unit.organizationNow);
}

/** Whether the deadline of an attempt has passed that a job has come to look at. Else another will look, where there is one still. */
export function hasPassedDeadline(unit: UnitOfWork, identity: Identity, { step, dueAt }: Look): boolean {
  // An attempt of before has a job for each step.
  if (identity.looksAt == null) return identity.step === step;
  const moment = dueAt !== null && dueAt > unit.organizationNow ? dueAt : unit.organizationNow;
  if (identity.deadlineAt != null && identity.deadlineAt <= moment) return true;
  lookInTime(unit, identity, moment);
  return false;
}

function lookInTime(unit: UnitOfWork, identity: Identity, moment: Date): void {
  const { deadlineAt, looksAt } = identity;
  if (deadlineAt == null || (looksAt != null && looksAt > moment && looksAt <= deadlineAt)) return;
  identity.looksAt = deadlineAt;
  unit.enqueue({ name: isWaiting(identity.status) ? EXPIRE_JOB : STUCK_JOB, data: { identityId: identity.id, step: identity.step }, dueAt: deadlineAt });
}

/** For how long policy lets an attempt stand at its status; null: for ever. */
function secondsAt({ status, policy }: Identity): number | null {
  if (isWaiting(status)) return policy.waitingExpiryDays * SECONDS_PER_DAY;
  return isInOurHands(status) ? policy.stuckAfterHours * SECONDS_PER_HOUR : null;
}
