import type { Member } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { erasePersonalRows } from '../core/crypto/erasing.js';
import { eraseSealed } from '../core/crypto/sealing.js';
import { badInput } from '../core/errors.js';
import { CUSTOMER_TABLE, SEALED_TABLES } from '../kyc/personal-data.js';
import { NOTE_MAX_LENGTH, validateText } from '../kyc/text.js';
import { lockErasable } from './commands.js';
import type { Customer } from './entity.js';
import { requireNoLegalHold } from './legal-hold.js';

/** Deletes the files of a customer whose data has been erased (document/ handles it). */
export const ERASE_FILES_JOB = 'customer.erase-files';
/** Takes out of the log of webhooks what was said of a customer whose data has been erased (webhook/ handles it). */
export const ERASE_DELIVERIES_JOB = 'customer.erase-deliveries';

/**
 * Destroys the personal data of a customer, for good: its data key first of all, so that no copy of a ciphertext opens any
 * more. Where it stands, when that came about, and the audit trail remain. Erasing again is the same as once.
 */
export async function eraseCustomer(core: Core, caller: Member, input: { customerId: string; reason: string }): Promise<Customer> {
  const reason = validateText('reason', input.reason, { maxLength: NOTE_MAX_LENGTH, multiline: true });
  if (reason.faults.length > 0) throw badInput(reason.faults);
  const customer = await execute(core, caller, async (unit) => {
    const found = await lockErasable(unit, input.customerId);
    if (found.erasedAt != null) return found;
    requireNoLegalHold(found, caller.role);
    await erase(unit, found, reason.value);
    return found;
  });
  core.database.vault.destroyed(customer.id);
  return customer;
}

/** Erases the data of a customer that the command has locked. The key leaves the caches of all replicas at the commit. */
export async function erase(unit: UnitOfWork, customer: Customer, reason: string): Promise<void> {
  customer.erasedAt = unit.now;
  eraseSealed(CUSTOMER_TABLE, customer);
  unit.touch(customer);
  await erasePersonalRows(unit, SEALED_TABLES, customer.id);
  unit.record({ type: 'customer.erased', customerId: customer.id, oldStatus: customer.status, newStatus: customer.status, version: customer.version, details: { kycStatus: customer.kycStatus } });
  for (const name of [ERASE_FILES_JOB, ERASE_DELIVERIES_JOB]) unit.enqueue({ name, data: { customerId: customer.id } });
  unit.note({ kind: 'ERASURE', reason });
}
