import type { Member } from '../core/caller.js';
import { execute, type Core } from '../core/command.js';
import { badInput, type FieldFault } from '../core/errors.js';
import { checkVersion } from '../core/versions.js';
import { lockCustomer, requireAllowed, standingOf } from '../customer/commands.js';
import { requestByReviewer } from '../kyc/demands.js';
import { isFieldPath, type FieldPath } from '../kyc/fields.js';
import { contractsFor } from '../kyc/policy.js';
import { NOTE_MAX_LENGTH, validateText } from '../kyc/text.js';
import type { IdClass, ReviewDecision } from '../kyc/vocabularies.js';
import { lockAttempt, moveAttempt, requireAttemptAllows, type Attempt } from './commands.js';
import type { IdentityEvent } from './lifecycle.js';

/** A reviewer's decision. */
export interface ReviewIdentity {
  identityId: string;
  decision: ReviewDecision;
  message?: string | null | undefined;
  note?: string | null | undefined;
  requiredDocuments?: readonly IdClass[] | null | undefined;
  requiredFields?: readonly string[] | null | undefined;
  ifVersion?: number | null | undefined;
}

/** Decides an attempt in review: approve, decline, or ask for documents or for fields to be entered again. */
export async function reviewIdentity(core: Core, caller: Member, input: ReviewIdentity): Promise<Attempt> {
  return execute(core, caller, async (unit) => {
    const attempt = await lockAttempt(unit, input.identityId);
    const versionFaults = checkVersion(attempt.identity, input.ifVersion);
    requireAttemptAllows('REVIEW', attempt, caller);
    const { identity } = attempt;
    const message = validateText('message', input.message, { maxLength: NOTE_MAX_LENGTH, multiline: true });
    const note = validateText('note', input.note, { maxLength: NOTE_MAX_LENGTH, multiline: true });
    const faults = [...message.faults, ...note.faults, ...checkRequest(input), ...versionFaults];
    if (faults.length > 0) throw badInput(faults);
    if (note.value != null) identity.reviewNote = note.value;
    const documents = input.requiredDocuments ?? [];
    const fields = (input.requiredFields ?? []) as readonly FieldPath[];
    if (input.decision === 'REQUEST_INFORMATION') {
      identity.demands = requestByReviewer(identity.demands, { fields, documents }, identity.documentSubmissions);
      if (documents.length > 0) identity.documentAttemptsRemaining = Math.max(1, identity.documentAttemptsRemaining);
    }
    moveAttempt(unit, attempt, eventOf(input, attempt), { errorDescription: message.value ?? null, requiredDocuments: documents, fieldsToReenter: fields });
    return attempt;
  });
}

/** Makes a customer that has passed verify anew: its attempt expires, and the next may begin (domain.md, Identity lifecycle). */
export async function requireReverification(core: Core, caller: Member, input: { customerId: string; reason: string }): Promise<Attempt> {
  const reason = validateText('reason', input.reason, { maxLength: NOTE_MAX_LENGTH, multiline: true });
  return execute(core, caller, async (unit) => {
    const customer = await lockCustomer(unit, input.customerId);
    requireAllowed('REQUIRE_REVERIFICATION', standingOf(customer), caller.role);
    if (reason.faults.length > 0) throw badInput(reason.faults);
    unit.note({ reason: reason.value });
    const attempt = await lockAttempt(unit, customer.currentIdentityId ?? '');
    moveAttempt(unit, attempt, 'require_reverification', { errorDescription: reason.value });
    return attempt;
  });
}

function eventOf(input: ReviewIdentity, { identity }: Attempt): IdentityEvent {
  if (input.decision === 'DECLINE') return 'decline';
  if (input.decision === 'REQUEST_INFORMATION') return input.requiredDocuments?.length ? 'request_information' : 'request_correction';
  return contractsFor(identity.policy, identity.transactionType ?? null).length > 0 ? 'approve' : 'approve_unsigned';
}

/** REQUEST_INFORMATION says what is wanted: documents or fields; the other decisions want nothing. */
function checkRequest(input: ReviewIdentity): FieldFault[] {
  const documents = input.requiredDocuments?.length ?? 0;
  const fields = input.requiredFields?.length ?? 0;
  if (input.decision !== 'REQUEST_INFORMATION') {
    const given = documents > 0 ? 'requiredDocuments' : 'requiredFields';
    return documents + fields > 0 ? [{ path: given, code: 'not_applicable', message: 'Only REQUEST_INFORMATION asks for documents or fields.' }] : [];
  }
  if ((documents > 0) === (fields > 0)) {
    return [{ path: 'requiredDocuments', code: 'exactly_one', message: 'Give exactly one of requiredDocuments and requiredFields, with at least one entry.' }];
  }
  return (input.requiredFields ?? []).flatMap((path, index) =>
    isFieldPath(path) ? [] : [{ path: `requiredFields.${index}`, code: 'unknown_field', message: 'This is no path of the input, such as kycData.address.city.' }],
  );
}
