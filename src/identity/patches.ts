import type { Member } from '../core/caller.js';
import { execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput, type FieldFault } from '../core/errors.js';
import { checkVersion } from '../core/versions.js';
import { applyContact, checkContact, lockCustomer, patchNotAllowed, requireAllowed, requireUnused, standingOf, withUniquePartnerUserId, type ContactPatch } from '../customer/commands.js';
import type { Customer } from '../customer/entity.js';
import { mergeKycData } from '../kyc/fields.js';
import { contractsFor } from '../kyc/policy.js';
import type { IdentityStatus } from '../kyc/vocabularies.js';
import { organizationOf } from '../organization/reads.js';
import { transactionTypeOfToken } from '../organization/tokens.js';
import { beginAttempt, lockAttempt, mergeChecked, observedAddress, patchAttempt, requireAttemptAllows, type Attempt, type AttemptStart } from './commands.js';
import type { Identity } from './entity.js';
import { checkGivenDocuments, requireDocumentAttempt, unmetByGiven, type KycDataGiven } from './given-documents.js';
import { isFinal } from './lifecycle.js';
import { checkOptions, checkSigner, givesControls, type AttemptOptions, type SignerInput } from './options.js';

/** The sandbox's controls decide about documents: they may be changed only where documents are awaited (domain.md). */
const CONTROLS_CHANGE_IN: readonly IdentityStatus[] = ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS'];

/** Whether a patch of data says anything. */
function saysSomething(patch: KycDataGiven | null | undefined): patch is KycDataGiven {
  if (patch == null) return false;
  const { documents, ...data } = patch;
  // Documents are appended: none, or null, appends nothing.
  return (documents?.length ?? 0) > 0 || Object.values(data).some((value) => value !== undefined);
}

export interface PatchCustomer extends ContactPatch {
  customerId: string;
  kycData?: KycDataGiven | null | undefined;
  ifVersion?: number | null | undefined;
}

/** Merges data into the current attempt or begins one from the last; contact details alone start or move none. */
export async function patchCustomer(core: Core, caller: Member, input: PatchCustomer): Promise<{ customer: Customer; identity: Identity | null }> {
  return withUniquePartnerUserId(() =>
    execute(core, caller, async (unit) => {
      const customer = await lockCustomer(unit, input.customerId);
      const versionFaults = checkVersion(customer, input.ifVersion);
      requireAllowed('PATCH_CUSTOMER', standingOf(customer), caller.role);
      const { contact, faults } = checkContact(input);
      faults.push(...versionFaults);
      const attempt = saysSomething(input.kycData) ? await patchData(core, unit, customer, input.kycData, faults) : null;
      if (faults.length > 0) throw badInput(faults);
      if (contact.partnerUserId !== customer.partnerUserId) await requireUnused(unit, contact.partnerUserId);
      applyContact(unit, customer, contact);
      const identity = attempt?.identity ?? (customer.currentIdentityId ? (await lockAttempt(unit, customer.currentIdentityId)).identity : null);
      return { customer, identity };
    }),
  );
}

/** Patches the open attempt, or begins the next from the last one's data. Faults are added to `faults`, and then nothing is done. */
async function patchData(core: Core, unit: UnitOfWork, customer: Customer, patch: KycDataGiven, faults: FieldFault[]): Promise<Attempt | null> {
  const organization = await organizationOf(unit);
  const current = customer.currentIdentityId ? (await lockAttempt(unit, customer.currentIdentityId)).identity : null;
  const open = current !== null && !isFinal(current.status);
  const checkDocuments = () => checkGivenDocuments(patch.documents, { now: unit.now, allowPrivateUrls: core.allowPrivateUrls }, faults);
  if (open) {
    const kycData = mergeChecked(unit, organization, current.kycData, patch, current.policy.minimumAge, faults);
    const documents = checkDocuments();
    if (faults.length > 0) return null;
    const attempt = { customer, identity: current };
    requireDocumentAttempt(attempt, documents, unit.principal);
    patchAttempt(unit, attempt, kycData, patch, documents);
    return attempt;
  }
  // What is carried over is judged again, by the rules that the new attempt begins under.
  const transactionType = transactionTypeOfToken(unit.principal) ?? current?.transactionType ?? null;
  const kycData = mergeChecked(unit, organization, {}, mergeKycData(current?.kycData ?? {}, patch), organization.policy.minimumAge, faults);
  const documents = checkDocuments();
  if (faults.length === 0) {
    const { policy, environment } = organization;
    faults.push(...unmetByGiven({ kycData, transactionType, policy, environment }, documents));
  }
  if (faults.length > 0) return null;
  return beginAttempt(unit, customer, organization, kycData, { ...carriedOver(current), transactionType, ipAddress: observedAddress(unit.principal) ?? current?.ipAddress ?? null }, documents);
}

/** What a further attempt takes from the one before: whose it is. The sandbox's controls are asked for anew. */
function carriedOver(previous: Identity | null): Pick<AttemptStart, 'enterpriseId' | 'userId' | 'programId'> {
  return { enterpriseId: previous?.enterpriseId ?? null, userId: previous?.userId ?? null, programId: previous?.programId ?? null };
}

export interface PatchIdentity extends AttemptOptions {
  identityId: string;
  kycData?: KycDataGiven | null | undefined;
  signer?: SignerInput | null | undefined;
  ifVersion?: number | null | undefined;
}

/** Patches an attempt. Data moves it into evaluation; ids, controls and the signer alone move nothing. */
export async function patchIdentity(core: Core, caller: Member, input: PatchIdentity): Promise<Attempt> {
  return execute(core, caller, async (unit) => {
    const attempt = await lockAttempt(unit, input.identityId);
    const versionFaults = checkVersion(attempt.identity, input.ifVersion);
    requireAttemptAllows('PATCH_IDENTITY', attempt, caller);
    const { identity, customer } = attempt;
    if (givesControls(input) && !CONTROLS_CHANGE_IN.includes(identity.status)) {
      throw patchNotAllowed('PATCH_IDENTITY', standingOf(customer), caller.role, { part: 'debugStatus or debugFailureReason', allowedStatuses: CONTROLS_CHANGE_IN });
    }
    const organization = await organizationOf(unit);
    const { options, faults } = checkOptions(input, organization.environment);
    const signer = checkSigner(input.signer, contractsFor(identity.policy, identity.transactionType ?? null), unit.now);
    faults.push(...signer.faults, ...versionFaults);
    const kycData = saysSomething(input.kycData) ? mergeChecked(unit, organization, identity.kycData, input.kycData, identity.policy.minimumAge, faults) : null;
    const documents = checkGivenDocuments(input.kycData?.documents, { now: unit.now, allowPrivateUrls: core.allowPrivateUrls }, faults);
    if (faults.length > 0) throw badInput(faults);
    requireDocumentAttempt(attempt, documents, caller);
    if (Object.keys(options).length > 0) {
      Object.assign(identity, options as Partial<Identity>);
      unit.touch(identity);
    }
    if (input.signer !== undefined) {
      identity.signer = input.signer === null ? {} : { ...identity.signer, ...signer.signer };
      unit.touch(identity);
    }
    if (kycData !== null && saysSomething(input.kycData)) patchAttempt(unit, attempt, kycData, input.kycData, documents);
    return attempt;
  });
}

