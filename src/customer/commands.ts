import type { GraphQLError } from 'graphql';
import type { Member, Role } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { storeDataKey } from '../core/crypto/data-keys.js';
import { KeyDestroyed } from '../core/crypto/vault.js';
import { badInput, isRefusal, notFound, refusal, type FieldFault } from '../core/errors.js';
import { kindOfId, newId } from '../core/ids.js';
import { violates } from '../core/outages.js';
import { NOTE_MAX_LENGTH, PARTNER_ID_MAX_LENGTH, validateName, validateText } from '../kyc/text.js';
import type { Action, CustomerType, IdentityStatus } from '../kyc/vocabularies.js';
import { CustomerEntity, type Customer } from './entity.js';
import { ACTIONS, allowedActions, allows, isClosed, project, type Standing } from './lifecycle.js';
import { isStoredInThePlain } from './reads.js';

/** A change of what the partner knows a person by. Absent keeps what is stored, null clears it. */
export interface ContactPatch {
  email?: string | null | undefined;
  firstName?: string | null | undefined;
  lastName?: string | null | undefined;
  partnerUserId?: string | null | undefined;
}

export interface NewCustomer extends ContactPatch {
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
    isErased: customer.erasedAt != null,
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
  const allowedStatuses = narrowed?.allowedStatuses ?? [...rule.customer, ...rule.identity];
  return customerRefusal(facts, role, `${asked} is not allowed while the customer is ${facts.customerStatus}${attempt}${spent}.`, { allowedStatuses });
}

/** Creates a customer: CREATED, with no attempt. */
export async function createCustomer(core: Core, caller: Member, input: NewCustomer): Promise<Customer> {
  const { contact, faults } = checkContact(input);
  if (contact.email == null && contact.partnerUserId == null) {
    faults.push({ path: 'email', code: 'required', message: 'Give at least one of email and partnerUserId.' });
  }
  if (faults.length > 0) throw badInput(faults);
  const id = newId('customer');
  return withUniquePartnerUserId(() => core.database.vault.withNewKey(id, (dataKey) =>
    execute(core, caller, async (unit) => {
      await requireUnused(unit, contact.partnerUserId);
      storeDataKey(unit, id, dataKey);
      const { customerStatus, kycStatus } = project(null, false);
      const customer = unit.entities.create(CustomerEntity, {
        id,
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
        closedAt: null,
        verifiedAt: null,
        erasedAt: null,
        currentIdentityId: null,
        legalHoldSince: null,
        version: 1,
        createdAt: unit.now,
        updatedAt: unit.now,
      });
      unit.record({ type: 'customer.created', customerId: customer.id, newStatus: customer.status, version: customer.version, details: { kycStatus: customer.kycStatus } });
      return customer;
    }),
  ));
}

/** Locks a customer of the command's organization, first of all that the command locks. Refuses one whose data has been erased. */
export async function lockCustomer(unit: UnitOfWork, customerId: string): Promise<Customer> {
  return refuseErased(unit, await lockErasable(unit, customerId));
}

/** Locks a customer of the command's organization, also one whose data has been erased. */
export async function lockErasable(unit: UnitOfWork, customerId: string): Promise<Customer> {
  const customer = kindOfId(customerId) === 'customer' ? await unit.entities.findOne(CustomerEntity, { id: customerId }, true) : null;
  if (!customer) throw notFound('customer');
  unit.note({ customerId });
  return customer;
}

/** Locks the customer of an attempt; null where there is no such attempt. Refuses one whose data has been erased. */
export async function lockCustomerOfAttempt(unit: UnitOfWork, identityId: string): Promise<Customer | null> {
  const [customer] = await unit.entities.select(CustomerEntity, 'id = (select customer_id from identity where organization_id = $1 and id = $2)', [identityId], true);
  if (!customer) return null;
  unit.note({ customerId: customer.id });
  return refuseErased(unit, customer);
}

function refuseErased(unit: UnitOfWork, customer: Customer): Customer {
  if (customer.erasedAt != null) throw erasedRefusal(standingOf(customer), customer.erasedAt, unit.principal.role);
  return customer;
}

/**
 * Enters in the audit trail that a token of a customer is given to the caller, before it is given. The token is made
 * beforehand, and named nowhere. Answers the customer's id, so that an erasure finds what an Idempotency-Key keeps of it.
 */
export async function enterGrant(core: Core, caller: Member, customerId: string): Promise<string> {
  return execute(core, caller, (unit) => {
    unit.note({ customerId });
    return Promise.resolve(customerId);
  });
}

/** PATCH_NOT_ALLOWED of a customer in whatever status; `also` are further facts. */
export function customerRefusal(facts: StandingFacts, role: Role | 'SYSTEM', message: string, also: Record<string, unknown> = {}): GraphQLError {
  return refusal('PATCH_NOT_ALLOWED', message, {
    customerStatus: facts.customerStatus,
    identityStatus: facts.identityStatus,
    allowedStatuses: [],
    allowedActions: allowedActions(facts, role),
    verifiedAt: facts.verifiedAt === null ? null : new Date(facts.verifiedAt).toISOString(),
    ...also,
  });
}

/** PATCH_NOT_ALLOWED of a customer whose data has been erased. */
export function erasedRefusal(facts: StandingFacts, erasedAt: Date, role: Role | 'SYSTEM'): GraphQLError {
  return customerRefusal(facts, role, 'The data of this customer has been erased: nothing of it can be changed any more. Create a new customer.', { erasedAt: erasedAt.toISOString() });
}

/** Whether something came to nothing since the customer's data has been erased: a job has nothing left to do then. */
export function isOfErased(error: unknown): boolean {
  return error instanceof KeyDestroyed || (isRefusal(error) && error.extensions['erasedAt'] !== undefined);
}

/** Checks and normalises what the partner knows a person by. */
export function checkContact(input: ContactPatch): { contact: ContactPatch; faults: FieldFault[] } {
  const firstName = validateName('firstName', input.firstName);
  const lastName = validateName('lastName', input.lastName);
  const partnerUserId = validateText('partnerUserId', input.partnerUserId, { maxLength: PARTNER_ID_MAX_LENGTH });
  const contact: ContactPatch = { firstName: firstName.value, lastName: lastName.value, partnerUserId: partnerUserId.value, email: input.email };
  return { contact, faults: [...firstName.faults, ...lastName.faults, ...partnerUserId.faults] };
}

/** Stores what a checked contact gives. @returns whether anything is different now. */
export function applyContact(unit: UnitOfWork, customer: Customer, contact: ContactPatch): boolean {
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

/** Refuses a partnerUserId that a customer has who is stored in the plain still: the unique index does not know it yet. */
export async function requireUnused(unit: UnitOfWork, partnerUserId: string | null | undefined): Promise<void> {
  if (partnerUserId != null && (await isStoredInThePlain(unit, partnerUserId))) throw taken();
}

function taken(): GraphQLError {
  return badInput([{ path: 'partnerUserId', code: 'taken', message: 'Another customer of your organization has this partnerUserId.' }]);
}

/** Runs a command that stores a partnerUserId, and says so when another customer has it. */
export async function withUniquePartnerUserId<Result>(command: () => Promise<Result>): Promise<Result> {
  try {
    return await command();
  } catch (error) {
    if (!violates(error, 'customer_partner_user')) throw error;
    throw taken();
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
  customer.closedAt = isClosed(customer.identityStatus ?? null, deactivated) ? (customer.closedAt ?? unit.organizationNow) : null;
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
