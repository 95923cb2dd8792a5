import type { Member } from '../core/caller.js';
import { execute, type Core } from '../core/command.js';
import { badInput, type FieldFault } from '../core/errors.js';
import { newId } from '../core/ids.js';
import { lockAttempt, moveAttempt, observedAddress, requireAttemptAllows, type Attempt } from '../identity/commands.js';
import type { Signer } from '../identity/entity.js';
import { contractsFor, type ContractText } from '../kyc/policy.js';
import { validateName } from '../kyc/text.js';
import type { ContractType } from '../kyc/vocabularies.js';
import { SignatureEntity, type Signature } from './entity.js';
import { signedContractsOf } from './reads.js';

/** One contract's signature as it is given. */
export interface NewSignature {
  contractType: ContractType;
  contractVersion?: string | null | undefined;
  contractSignerNameFull?: string | null | undefined;
  contractSignedDate?: Date | null | undefined;
  contractSignedIPAddress?: string | null | undefined;
  userAgreesToTerms?: boolean | null | undefined;
}

export interface SubmitSignatures {
  identityId: string;
  signatures: readonly NewSignature[];
}

/** Signs contracts of an attempt, one by one or together; the last completes them (domain.md, Evaluation). */
export async function submitSignatures(core: Core, caller: Member, input: SubmitSignatures): Promise<Attempt & { signatures: Signature[] }> {
  return execute(core, caller, async (unit) => {
    const [attempt, signed] = await Promise.all([lockAttempt(unit, input.identityId), signedContractsOf(unit, input.identityId)]);
    requireAttemptAllows('SUBMIT_SIGNATURES', attempt, caller);
    const { identity, customer } = attempt;
    const contracts = contractsFor(identity.policy, identity.transactionType ?? null);
    const observed = caller.role === 'APPLICANT' ? { contractSignedDate: unit.now, contractSignedIPAddress: observedAddress(caller) } : {};
    const given = input.signatures.map((signature) => ({ ...completed(signature, identity.signer), ...observed }));
    const faults = checkSignatures(given, contracts, signed, unit.now);
    if (faults.length > 0) throw badInput(faults);
    const outstanding = contracts.length - signed.length - given.length;
    moveAttempt(unit, attempt, outstanding > 0 ? 'sign' : 'complete_signatures');
    const signatures = given.map((signature) => {
      const id = newId('signature');
      unit.record({ type: 'signature.submitted', customerId: customer.id, identityId: identity.id, signatureId: id, version: identity.version });
      return unit.entities.create(SignatureEntity, {
        id,
        organizationId: unit.organizationId,
        identityId: identity.id,
        customerId: customer.id,
        contractType: signature.contractType,
        contractVersion: signature.contractVersion ?? '',
        contractSignerNameFull: validateName('', signature.contractSignerNameFull).value ?? null,
        contractSignedDate: signature.contractSignedDate ?? unit.now,
        contractSignedIPAddress: signature.contractSignedIPAddress ?? null,
        createdAt: unit.now,
      });
    });
    return { signatures, identity, customer };
  });
}

/** What a signature leaves out comes from the attempt's signer. */
function completed(signature: NewSignature, signer: Signer): NewSignature {
  const { contractSignedDate, ...defaults } = signer;
  const given = Object.fromEntries(Object.entries(signature).filter(([, value]) => value != null)) as unknown as NewSignature;
  return { ...defaults, contractSignedDate: contractSignedDate == null ? null : new Date(contractSignedDate), ...given };
}

/** Every fault of every signature at once. Each is complete, of the version in force, agreed to, and not of the future. */
function checkSignatures(signatures: readonly NewSignature[], contracts: readonly ContractText[], signed: readonly ContractType[], now: Date): FieldFault[] {
  const faults: FieldFault[] = [];
  if (signatures.length === 0) faults.push({ path: 'signatures', code: 'required', message: 'Give at least one signature.' });
  const seen = new Set<ContractType>(signed);
  for (const [index, signature] of signatures.entries()) {
    const fault = (field: keyof NewSignature, code: string, message: string): void => {
      faults.push({ path: `signatures.${index}.${field}`, code, message });
    };
    const contract = contracts.find(({ type }) => type === signature.contractType);
    if (!contract) fault('contractType', 'not_required', `This contract is not asked for. Asked for: ${contracts.map(({ type }) => type).join(', ')}.`);
    else if (seen.has(contract.type)) fault('contractType', 'already_signed', 'Each contract is signed once.');
    else if (signature.contractVersion == null) fault('contractVersion', 'required', `Give the version that was signed; in force is ${contract.version}.`);
    else if (signature.contractVersion !== contract.version) fault('contractVersion', 'not_in_force', `The version in force is ${contract.version}.`);
    seen.add(signature.contractType);
    faults.push(...validateName(`signatures.${index}.contractSignerNameFull`, signature.contractSignerNameFull).faults);
    if (signature.contractSignerNameFull == null) fault('contractSignerNameFull', 'required', 'Give the full name of the signer.');
    if (signature.contractSignedDate == null) fault('contractSignedDate', 'required', 'Give when it was signed.');
    else if (signature.contractSignedDate > now) fault('contractSignedDate', 'in_future', 'The date is in the future.');
    if (signature.contractSignedIPAddress == null) fault('contractSignedIPAddress', 'required', 'Give the address that it was signed from.');
    if (signature.userAgreesToTerms !== true) fault('userAgreesToTerms', 'required', 'The signer has to agree to the terms: true.');
  }
  return faults;
}
