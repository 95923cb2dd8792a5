import type { FieldFault } from '../core/errors.js';
import { NOTE_MAX_LENGTH, PARTNER_ID_MAX_LENGTH, validateName, validateText } from '../kyc/text.js';
import type { ContractText } from '../kyc/policy.js';
import type { Signer } from './entity.js';
import type { DebugStatus, Environment } from '../kyc/vocabularies.js';

/** What an attempt carries beside the person's data: the partner's own ids, and the sandbox's controls. */
export interface AttemptOptions {
  enterpriseId?: string | null | undefined;
  userId?: string | null | undefined;
  programId?: string | null | undefined;
  debugStatus?: DebugStatus | null | undefined;
  debugFailureReason?: string | null | undefined;
}

/** The signer as it is given: its date not yet in the form that is kept. */
export type SignerInput = Omit<Signer, 'contractSignedDate'> & { contractSignedDate?: Date | null };

const IDS = ['enterpriseId', 'userId', 'programId'] as const;
/** Checks and normalises defaults for the signatures of these contracts; absent stays absent. */
export function checkSigner(given: SignerInput | null | undefined, contracts: readonly ContractText[], now: Date): { signer: Signer; faults: FieldFault[] } {
  if (given == null) return { signer: {}, faults: [] };
  const { contractSignedDate, ...rest } = given;
  const name = validateName('signer.contractSignerNameFull', given.contractSignerNameFull);
  const version = validateText('signer.contractVersion', given.contractVersion, { maxLength: PARTNER_ID_MAX_LENGTH });
  const signer: Signer = { ...rest };
  if (name.value !== undefined) signer.contractSignerNameFull = name.value;
  if (version.value !== undefined) signer.contractVersion = version.value;
  if (contractSignedDate !== undefined) signer.contractSignedDate = contractSignedDate?.toISOString() ?? null;
  const faults = [...name.faults, ...version.faults];
  // Found here, while it can still be put right: a signature that took such a default would be refused.
  if (contractSignedDate != null && contractSignedDate > now) {
    faults.push({ path: 'signer.contractSignedDate', code: 'in_future', message: 'The date is in the future.' });
  }
  if (version.value != null && contracts.length > 0 && !contracts.some((contract) => contract.version === version.value)) {
    faults.push({ path: 'signer.contractVersion', code: 'not_in_force', message: 'No contract that is asked for has this version in force.' });
  }
  return { signer, faults };
}

const CONTROLS = ['debugStatus', 'debugFailureReason'] as const;

/** Whether the sandbox's controls are among what is given. */
export function givesControls(options: AttemptOptions): boolean {
  return CONTROLS.some((control) => options[control] !== undefined);
}

/**
 * Checks and normalises the options of an attempt; absent stays absent. The sandbox's controls are refused on a LIVE
 * organization; a blank debugFailureReason means none (domain.md, Evaluation 1 and Sandbox).
 */
export function checkOptions(input: AttemptOptions, environment: Environment): { options: AttemptOptions; faults: FieldFault[] } {
  const faults: FieldFault[] = [];
  const options: AttemptOptions = {};
  for (const id of IDS) {
    if (input[id] === undefined) continue;
    const checked = validateText(id, input[id], { maxLength: PARTNER_ID_MAX_LENGTH });
    faults.push(...checked.faults);
    options[id] = checked.value ?? null;
  }
  for (const control of CONTROLS) {
    if (input[control]?.trim() && environment === 'LIVE') {
      faults.push({ path: control, code: 'sandbox_only', message: 'The sandbox has this control; a LIVE organization does not.' });
    }
  }
  if (input.debugStatus !== undefined) options.debugStatus = input.debugStatus;
  if (input.debugFailureReason !== undefined) {
    const reason = input.debugFailureReason?.trim() ? input.debugFailureReason : null;
    const checked = validateText('debugFailureReason', reason, { maxLength: NOTE_MAX_LENGTH, multiline: true });
    faults.push(...checked.faults);
    options.debugFailureReason = checked.value ?? null;
  }
  return { options, faults };
}
