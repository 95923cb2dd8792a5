import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { GraphQLError } from 'graphql';
import type { Member, Role } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput, notFound, refusal, type FieldFault } from '../core/errors.js';
import { kindOfId, newId } from '../core/ids.js';
import { NOTE_MAX_LENGTH, PARTNER_ID_MAX_LENGTH, validateName, validateText } from '../kyc/text.js';
import type { Action, CustomerType, IdentityStatus } from '../kyc/vocabularies.js';
import { CustomerEntity, type Customer } from './entity.js';
import { ACTIONS, allowedActions, allows, project, type Standing } from './lifecycle.js';

/** What the partner knows a person by. Absent keeps what is stored, null clears it. */
export interface Contact {
  email?: string | null | undefined;
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
  partnerUserId?: string | null | undefined;
}

export interface NewCustomer extends Contact {
  type: CustomerType;
}

/** What refusals and `allowedActions` need to know of a customer. */
export interface StandingFacts extends Standing {
  verifiedAt: Date | string | null;
}

/** Where a customer of a command stands. */
export function standingOf(customer: Customer): StandingFacts {
  return {
    customerStatus: customer.status,
    identityStatus: customer.identityStatus ?? null,
    documentAttemptsRemaining: customer.documentAttemptsRemaining ?? null,
    hasDocuments: customer.hasDocuments,
    verifiedAt: customer.verifiedAt ?? null,
  };
}

/** Refuses with PATCH_NOT_ALLOWED and the facts what the table does not allow now. */
export function requireAllowed(action: Action, facts: StandingFacts, role: Role | 'SYSTEM'): void {
  if (!allows(action, facts)) throw patchNotAllowed(action, facts, role);
}

/**
 * PATCH_NOT_ALLOWED, with where the customer stands, what would have to be, and what may be asked instead.
 * Where a part of the request is allowed in fewer statuses than the table has, it says which part and which statuses.
 */
export function patchNotAllowed(action: Action, facts: StandingFacts, role: Role | 'SYSTEM', narrowed?: { part: string; allowedStatuses: readonly IdentityStatus[] }): GraphQLError {
  const rule = ACTIONS[action];
  const attempt = facts.identityStatus === null ? '' : ` and the identity ${facts.identityStatus}`;
  const asked = narrowed ? `${action} with ${narrowed.part}` : action;
  const spent = rule.spendsDocumentAttempt && facts.documentAttemptsRemaining === 0 ? ' and no attempt at documents is left' : '';
  return refusal('PATCH_NOT_ALLOWED', `${asked} is not allowed while the customer is ${facts.customerStatus}${attempt}${spent}.`, {
    customerStatus: facts.customerStatus,
    identityStatus: facts.identityStatus,
    allowedStatuses: narrowed?.allowedStatuses ?? [...rule.customer, ...rule.identity],
    allowedActions: allowedActions(facts, role),
    verifiedAt: facts.verifiedAt === null ? null : new Date(facts.verifiedAt).toISOString(),
  });
}

/** Creates a customer: CREATED, with no attempt. */
export async function createCustomer(core: Core, caller: Member, input: NewCustomer): Promise<Customer> {
  const { contact, faults } = checkContact(input);
  if (contact.email == null && contact.partnerUserId == null) {
    faults.push({ path: 'email', code: 'required', message: 'Give at least one of email and partnerUserId.' });
  }
  if (faults.length > 0) throw badInput(faults);
  return withUniquePartnerUserId(() =>
    execute(core, caller, async (unit) => {
      const { customerStatus, kycStatus } = project(null, false);
      const customer = unit.em.create(CustomerEntity, {
        id: newId('customer'),
        organizationId: unit.organizationId,
        type: input.type,
        status: customerStatus,
        kycStatus,
        identityStatus: null,
        documentAttemptsRemaining: null,
        hasDocuments: false,
        email: contact.email ?? null,
        firstName: contact.firstName ?? null,
        lastName: contact.lastName ?? null,
        partnerUserId: contact.partnerUserId ?? null,
        verifiedAt: null,
        currentIdentityId: null,
        version: 1,
        createdAt: unit.now,
        updatedAt: unit.now,
      });
      unit.record({ type: 'customer.created', customerId: customer.id, newStatus: customer.status, version: customer.version, details: { kycStatus: customer.kycStatus } });
      return customer;
    }),
  );
}

/** Locks a customer of the command's organization, first of all that the command locks. */
export async function lockCustomer(unit: UnitOfWork, customerId: string): Promise<Customer> {
  const customer =
    kindOfId(customerId) === 'customer'
      ? await unit.em.findOne(CustomerEntity, { id: customerId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      : null;
  if (!customer) throw notFound('customer');
  unit.note({ customerId });
  return customer;
}

/** Checks and normalises what the partner knows a person by. */
export function checkContact(input: Contact): { contact: Contact; faults: FieldFault[] } {
  const firstName = validateName('firstName', input.firstName);
  const lastName = validateName('lastName', input.lastName);
  const partnerUserId = validateText('partnerUserId', input.partnerUserId, { maxLength: PARTNER_ID_MAX_LENGTH });
  const contact: Contact = { firstName: firstName.value, lastName: lastName.value, partnerUserId: partnerUserId.value, email: input.email };
  return { contact, faults: [...firstName.faults, ...lastName.faults, ...partnerUserId.faults] };
}

/** Stores what a checked contact gives. @returns whether anything is different now. */
export function applyContact(unit: UnitOfWork, customer: Customer, contact: Contact): boolean {
  let changed = false;
  for (const field of ['email', 'firstName', 'lastName', 'partnerUserId'] as const) {
    const value = contact[field];
    if (value === undefined || value === customer[field]) continue;
    customer[field] = value;
    changed = true;
  }
  if (customer.email === null && customer.partnerUserId === null) {
    throw badInput([{ path: 'email', code: 'required', message: 'A customer keeps at least one of email and partnerUserId.' }]);
  }
  if (changed) unit.touch(customer);
  return changed;
}

/** Runs a command that stores a partnerUserId, and says so when another customer has it. */
export async function withUniquePartnerUserId<Result>(command: () => Promise<Result>): Promise<Result> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException) || !error.message.includes('customer_partner_user')) throw error;
    throw badInput([{ path: 'partnerUserId', code: 'taken', message: 'Another customer of your organization has this partnerUserId.' }]);
  }
}

/** The current attempt of a customer, as identity/ tells it after each change. */
export interface AttemptProjection {
  identityId: string;
  identityStatus: IdentityStatus;
  documentAttemptsRemaining: number;
  hasDocuments: boolean;
  reason: string | null;
  requiredDocuments: readonly string[];
  fieldsToReenter: readonly string[];
}

/** Brings the customer up to date with its current attempt; a change of its state is an event. */
export function projectAttempt(unit: UnitOfWork, customer: Customer, attempt: AttemptProjection): void {
  customer.currentIdentityId = attempt.identityId;
  customer.identityStatus = attempt.identityStatus;
  customer.documentAttemptsRemaining = attempt.documentAttemptsRemaining;
  customer.hasDocuments = attempt.hasDocuments;
  if (attempt.identityStatus === 'APPROVED') customer.verifiedAt = unit.now;
  unit.touch(customer);
  changeState(unit, customer, customer.status === 'DEACTIVATED', attempt);
}

/** Switches a customer off: nothing else may be changed until it is reactivated; its attempt goes on. */
export async function deactivateCustomer(core: Core, caller: Member, input: { customerId: string; reason: string }): Promise<Customer> {
  const reason = validateText('reason', input.reason, { maxLength: NOTE_MAX_LENGTH, multiline: true });
  if (reason.faults.length > 0) throw badInput(reason.faults);
  return execute(core, caller, async (unit) => {
    const customer = await lockCustomer(unit, input.customerId);
    requireAllowed('DEACTIVATE', standingOf(customer), caller.role);
    unit.touch(customer);
    unit.note({ reason: reason.value });
    changeState(unit, customer, true, { reason: reason.value });
    return customer;
  });
}

/** Switches a customer on again: it stands where its attempt has come to meanwhile. */
export async function reactivateCustomer(core: Core, caller: Member, input: { customerId: string }): Promise<Customer> {
  return execute(core, caller, async (unit) => {
    const customer = await lockCustomer(unit, input.customerId);
    requireAllowed('REACTIVATE', standingOf(customer), caller.role);
    unit.touch(customer);
    changeState(unit, customer, false, { reason: null });
    return customer;
  });
}

/** The one place where a customer's statuses are written: from its attempt's, by the table of projections. */
function changeState(unit: UnitOfWork, customer: Customer, deactivated: boolean, why: Pick<AttemptProjection, 'reason'> & Partial<AttemptProjection>): void {
  const { customerStatus, kycStatus } = project(customer.identityStatus ?? null, deactivated);
  if (customerStatus === customer.status && kycStatus === customer.kycStatus) return;
  const oldStatus = customer.status;
  customer.status = customerStatus;
  customer.kycStatus = kycStatus;
  unit.record({
    type: 'customer.state_changed',
    customerId: customer.id,
    oldStatus,
    newStatus: customerStatus,
    version: customer.version,
    details: { reason: why.reason, kycStatus, requiredDocuments: why.requiredDocuments ?? [], fieldsToReenter: why.fieldsToReenter ?? [] },
  });
}
