import { comesByHostedPage, type Member, type Principal } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput, notFound, refusal, type FieldFault } from '../core/errors.js';
import { kindOfId, newId } from '../core/ids.js';
import { lockCustomer, lockCustomerOfAttempt, patchNotAllowed, projectAttempt, requireAllowed, standingOf } from '../customer/commands.js';
import type { Customer } from '../customer/entity.js';
import { PROJECTIONS } from '../customer/lifecycle.js';
import { mergeKycData, type KycData, type KycDataPatch } from '../kyc/fields.js';
import { meetFieldDemands, NO_DEMANDS, withoutFieldDemand } from '../kyc/demands.js';
import { acceptedNationalIds } from '../kyc/sandbox.js';
import { freshSubject, missingFields } from '../kyc/requirements.js';
import { validateKycData } from '../kyc/validation.js';
import { policyOf } from '../organization/policies.js';
import { organizationOf, type OrganizationRules } from '../organization/reads.js';
import { transactionTypeOfToken } from '../organization/tokens.js';
import type { TransactionType } from '../kyc/vocabularies.js';
import { IdentityEntity, type Identity } from './entity.js';
import { beginDeadline } from './deadline.js';
import { FIRST, MOVES_ON_AT_ONCE, step, type IdentityEvent } from './lifecycle.js';
import { appendDocuments, checkGivenDocuments, unmetByGiven, type GivenDocument, type KycDataGiven } from './given-documents.js';
import { checkOptions, type AttemptOptions } from './options.js';

/** An attempt and its customer, both locked by the command that loaded them. */
export interface Attempt {
  customer: Customer;
  identity: Identity;
}

/** Runs when an attempt has come to a status that the gateway leaves by itself (verification/ handles it). */
export const CONTINUE_JOB = 'verification.continue';

/** What is said of a change of status beside the status itself. */
export interface MoveFacts {
  /** In words fit for the applicant; absent clears what the last step said. */
  errorDescription?: string | null;
  requiredDocuments?: readonly string[];
  fieldsToReenter?: readonly string[];
}

/** Locks an attempt for a command: its customer first, then itself. */
export async function lockAttempt(unit: UnitOfWork, identityId: string): Promise<Attempt> {
  if (kindOfId(identityId) !== 'identity') throw notFound('identity');
  // They go out together, and the server takes them one after the other.
  const [customer, identity] = await Promise.all([lockCustomerOfAttempt(unit, identityId), unit.entities.findOne(IdentityEntity, { id: identityId }, true)]);
  if (!customer || !identity) throw notFound('identity');
  identity.policy = await policyOf(unit, identity.policyId);
  unit.note({ subjects: [identityId] });
  return { customer, identity };
}

/** Refuses what the attempt's state does not allow; an attempt that is not its customer's current one allows nothing. */
export function requireAttemptAllows(action: 'PATCH_IDENTITY' | 'SUBMIT_DOCUMENT' | 'UPDATE_DOCUMENT' | 'SUBMIT_SIGNATURES' | 'REVIEW', attempt: Attempt, principal: Principal): void {
  const facts = standingOf(attempt.customer);
  if (attempt.customer.currentIdentityId !== attempt.identity.id) {
    throw patchNotAllowed(action, { ...facts, identityStatus: attempt.identity.status }, principal.role);
  }
  requireAllowed(action, facts, principal.role);
}

/**
 * Runs a command of a job on an attempt as long as it stands at the step that the job was made for. A job that comes
 * late, or twice, finds the attempt moved on and does nothing.
 */
export async function atStep(core: Core, principal: Principal, identityId: string, atStepNumber: number, body: (unit: UnitOfWork, attempt: Attempt) => Promise<void> | void): Promise<void> {
  await execute(core, principal, async (unit) => {
    const attempt = await lockAttempt(unit, identityId);
    if (attempt.identity.step === atStepNumber) await body(unit, attempt);
  });
}

/** The one place where an attempt's status is written: by the lifecycle, with its events, its projection and its jobs. */
export function moveAttempt(unit: UnitOfWork, { customer, identity }: Attempt, event: IdentityEvent, facts: MoveFacts = {}): void {
  const oldStatus = identity.status;
  identity.status = step(oldStatus, event);
  if (identity.status === oldStatus) return unit.touch(identity);
  identity.step += 1;
  if (comesByHostedPage(unit.principal)) identity.hostedPage = true;
  identity.errorDescription = facts.errorDescription ?? null;
  if (identity.status === 'IN_REVIEW') identity.needsPerson = true;
  unit.touch(identity);
  arrive(unit, { customer, identity }, oldStatus, facts);
}

/** Tells of an attempt's new status and enqueues what follows from it. */
function arrive(unit: UnitOfWork, { customer, identity }: Attempt, oldStatus: Identity['status'] | null, facts: MoveFacts): void {
  const subject = { customerId: customer.id, identityId: identity.id };
  const errorDescription = identity.errorDescription ?? null;
  unit.record({ type: 'identity.status_changed', ...subject, oldStatus, newStatus: identity.status, version: identity.version, details: { errorDescription } });
  const { bankEvent, kycStatus } = PROJECTIONS[identity.status];
  // An approval that staff take back is no time-out: the bank hears nothing (domain.md, Identity lifecycle).
  if (bankEvent && oldStatus !== 'APPROVED') {
    unit.record({ type: bankEvent, ...subject, newStatus: identity.status, version: identity.version, details: { kycStatus } });
  }
  projectAttempt(unit, customer, {
    identityId: identity.id,
    identityStatus: identity.status,
    documentAttemptsRemaining: identity.documentAttemptsRemaining,
    hasDocuments: identity.documentSubmissions > 0,
    reason: errorDescription,
    requiredDocuments: facts.requiredDocuments ?? [],
    fieldsToReenter: facts.fieldsToReenter ?? [],
  });
  if (MOVES_ON_AT_ONCE.includes(identity.status)) unit.enqueue({ name: CONTINUE_JOB, data: { identityId: identity.id, step: identity.step } });
  beginDeadline(unit, identity);
}

/** Says that an attempt has stayed too long in a status that is not its customer's to leave; it changes nothing else. */
export function reportStuck(unit: UnitOfWork, { customer, identity }: Attempt): void {
  const { id: identityId, status, version } = identity;
  identity.deadlineAt = null;
  unit.record({ type: 'identity.stuck', customerId: customer.id, identityId, oldStatus: status, newStatus: status, version });
}

/** What an attempt begins with beside its data. */
export type AttemptStart = Pick<Identity, 'transactionType' | 'enterpriseId' | 'userId' | 'programId' | 'ipAddress' | 'debugStatus' | 'debugFailureReason'>;

/** Makes a customer's next attempt from data that has been validated, under the policy of this moment. */
export function beginAttempt(unit: UnitOfWork, customer: Customer, organization: OrganizationRules, kycData: KycData, start: Partial<AttemptStart>, documents: readonly Omit<GivenDocument, 'submission'>[] = []): Attempt {
  const identity = unit.entities.create(IdentityEntity, {
    id: newId('identity'),
    organizationId: unit.organizationId,
    customerId: customer.id,
    status: FIRST.to,
    step: 1,
    transactionType: start.transactionType ?? null,
    enterpriseId: start.enterpriseId ?? null,
    userId: start.userId ?? null,
    programId: start.programId ?? null,
    ipAddress: start.ipAddress ?? null,
    kycData,
    policyId: organization.policyId,
    policy: organization.policy,
    signer: {},
    demands: NO_DEMANDS,
    providerState: {},
    errorDescription: null,
    evaluations: 0,
    documentSubmissions: 0,
    documentAttemptsRemaining: organization.policy.documentAttempts,
    needsPerson: kycData.politicallyExposedPerson === true,
    hostedPage: comesByHostedPage(unit.principal),
    documentsByUrl: [],
    debugStatus: start.debugStatus ?? null,
    debugFailureReason: start.debugFailureReason ?? null,
    reviewNote: null,
    deadlineAt: null,
    looksAt: null,
    version: 1,
    createdAt: unit.now,
    updatedAt: unit.now,
  });
  appendDocuments(identity, documents);
  const attempt = { customer, identity };
  arrive(unit, attempt, null, {});
  return attempt;
}

/** Checks a patch against what is stored under the organization's rules and merges it. Faults are added to `faults`. */
export function mergeChecked(unit: UnitOfWork, organization: OrganizationRules, current: KycData, patch: KycDataPatch, minimumAge: number, faults: FieldFault[]): KycData {
  const checked = validateKycData(patch, current, {
    now: unit.now,
    minimumAge,
    acceptedNationalIds: acceptedNationalIds(organization.environment),
  });
  faults.push(...checked.faults);
  return checked.faults.length > 0 ? current : mergeKycData(current, checked.value);
}

/** Patches the data of an open attempt, which is then evaluated anew. What a reviewer asked for stands until it is met. */
export function patchAttempt(unit: UnitOfWork, attempt: Attempt, kycData: KycData, patch: KycDataPatch, documents: readonly Omit<GivenDocument, 'submission'>[]): void {
  const { identity } = attempt;
  appendDocuments(identity, documents);
  identity.kycData = kycData;
  // The provider, which wanted the number again, is asked anew whatever was patched; what a reviewer wants stands.
  const demands = identity.status === 'SSN_ERROR' ? withoutFieldDemand(identity.demands, 'kycData.nationalIdNumber') : identity.demands;
  identity.demands = meetFieldDemands(demands, patch);
  if (kycData.politicallyExposedPerson === true) identity.needsPerson = true;
  moveAttempt(unit, attempt, 'patch');
}

export interface SubmitIdentity extends AttemptOptions {
  customerId: string;
  kycData: KycDataGiven;
  transactionType?: Identity['transactionType'] | undefined;
  programId?: string | null | undefined;
  ipAddress?: string | null | undefined;
  /** Refuse what is incomplete and store nothing; else what is missing becomes requirements. */
  strict?: boolean | undefined;
}

/** Begins an attempt. It answers INITIATING at once; evaluation follows after the commit. */
export async function submitIdentity(core: Core, caller: Member, input: SubmitIdentity): Promise<Attempt> {
  return execute(core, caller, async (unit) => {
    const [customer, organization] = await Promise.all([lockCustomer(unit, input.customerId), organizationOf(unit)]);
    requireAllowed('SUBMIT_IDENTITY', standingOf(customer), caller.role);
    const { options, faults } = checkOptions(input, organization.environment);
    const kycData = mergeChecked(unit, organization, {}, input.kycData, organization.policy.minimumAge, faults);
    const transactionType = await transactionTypeFor(unit, customer, input.transactionType ?? null);
    const documents = checkGivenDocuments(input.kycData.documents, { now: unit.now, allowPrivateUrls: core.allowPrivateUrls }, faults);
    if (faults.length === 0) faults.push(...unmetByGiven({ kycData, transactionType, policy: organization.policy, environment: organization.environment }, documents));
    if (input.strict && faults.length === 0) faults.push(...missingFaults(organization, kycData, transactionType));
    if (faults.length > 0) throw badInput(faults);
    return beginAttempt(unit, customer, organization, kycData, { ...options, transactionType, ipAddress: observedAddress(caller) ?? input.ipAddress ?? null }, documents);
  });
}

/** What decides an attempt's requirements: the partner's word; for an applicant its token's, or what its last attempt had. */
async function transactionTypeFor(unit: UnitOfWork, customer: Customer, given: TransactionType | null): Promise<TransactionType | null> {
  if (unit.principal.role !== 'APPLICANT') return given;
  const last = customer.currentIdentityId ? await unit.entities.get(IdentityEntity, { id: customer.currentIdentityId }) : null;
  const own = transactionTypeOfToken(unit.principal) ?? last?.transactionType ?? null;
  if (given !== null && given !== own) throw refusal('FORBIDDEN', 'input.transactionType is not yours to choose: leave it out.');
  return own;
}

/** The address that an applicant acts from, as the gateway sees it; null for others, who say it themselves. */
export function observedAddress(principal: Principal): string | null {
  return principal.role === 'APPLICANT' ? principal.address : null;
}

/** What a strict submission lacks, as faults of its fields. */
function missingFaults(organization: OrganizationRules, kycData: KycData, transactionType: Identity['transactionType'] | null): FieldFault[] {
  const { environment, policy } = organization;
  return missingFields(freshSubject(kycData, transactionType ?? null, { environment, policy })).map(({ field, message, code }) => ({ path: field ?? 'kycData', code: code === 'REQUIRED' ? 'required' : 'reenter', message }));
}
