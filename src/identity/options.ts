import type { FieldFault } from '../core/errors.js';
import { PARTNER_ID_MAX_LENGTH, NOTE_MAX_LENGTH, validateText } from '../kyc/text.js';
import type { DebugStatus, Environment } from '../kyc/vocabularies.js';

/** What an attempt carries beside the person's data: the partner's own ids, and the sandbox's controls. */
export interface AttemptOptions {
  enterpriseId?: string | null | undefined;
  userId?: string | null | undefined;
  programId?: string | null | undefined;
  debugStatus?: DebugStatus | null | undefined;
  debugFailureReason?: string | null | undefined;
}

const IDS = ['enterpriseId', 'userId', 'programId'] as const;
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
    if (input[control] != null && environment === 'LIVE') {
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
