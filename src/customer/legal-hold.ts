import type { Member, Role } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput } from '../core/errors.js';
import { NOTE_MAX_LENGTH, validateText } from '../kyc/text.js';
import { customerRefusal, lockCustomer, standingOf } from './commands.js';
import type { Customer } from './entity.js';

export interface LegalHold {
  customerId: string;
  reason: string;
}

/** Forbids that a customer's data is erased, by anybody, until the hold is released. Placing it again is the same as once. */
export function placeLegalHold(core: Core, caller: Member, input: LegalHold): Promise<Customer> {
  return changeHold(core, caller, input, (unit, customer) => {
    if (customer.legalHoldSince != null) return;
    customer.legalHoldSince = unit.now;
    unit.touch(customer);
  });
}

/** Lets the data be erased again. Releasing what is not held changes nothing. */
export function releaseLegalHold(core: Core, caller: Member, input: LegalHold): Promise<Customer> {
  return changeHold(core, caller, input, (unit, customer) => {
    if (customer.legalHoldSince == null) return;
    customer.legalHoldSince = null;
    unit.touch(customer);
  });
}

async function changeHold(core: Core, caller: Member, input: LegalHold, change: (unit: UnitOfWork, customer: Customer) => void): Promise<Customer> {
  const reason = validateText('reason', input.reason, { maxLength: NOTE_MAX_LENGTH, multiline: true });
  if (reason.faults.length > 0) throw badInput(reason.faults);
  return execute(core, caller, async (unit) => {
    const customer = await lockCustomer(unit, input.customerId);
    change(unit, customer);
    unit.note({ reason: reason.value });
    return customer;
  });
}

/** Refuses what would destroy data that is under a hold. */
export function requireNoLegalHold(customer: Customer, role: Role | 'SYSTEM'): void {
  if (customer.legalHoldSince == null) return;
  throw customerRefusal(standingOf(customer), role, 'A legal hold stands on this customer: its data may not be erased before an ADMIN has released it (releaseLegalHold).');
}
