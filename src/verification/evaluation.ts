import { addFieldDemands, requestByProvider, type Demands } from '../kyc/demands.js';
import { contractsFor } from '../kyc/policy.js';
import { missingFields, openDocumentDemands, type RequirementSubject } from '../kyc/requirements.js';
import type { IdClass } from '../kyc/vocabularies.js';
import type { IdentityEvent } from '../identity/lifecycle.js';
import type { EvaluationVerdict } from './provider.js';

/** All that decides the outcome of an evaluation. */
export interface EvaluationFacts {
  subject: RequirementSubject;
  /** Null while required fields are missing: the provider is not asked about half a person. */
  verdict: EvaluationVerdict | null;
  /** It was ever in review or ever declared political exposure: it never passes by itself again. */
  needsPerson: boolean;
  /** Submissions of documents that the attempt still has. */
  attemptsRemaining: number;
}

/** What an evaluation comes to. */
export interface Conclusion {
  event: IdentityEvent;
  demands: Demands;
  errorDescription: string | null;
  requiredDocuments: readonly IdClass[];
  fieldsToReenter: readonly string[];
}

const MISSING_FIELDS = 'Some required data is missing or has to be entered again.';

/** Concludes an evaluation: missing fields, tax number, documents, a person's look, pass; in this order (domain.md, Evaluation). */
export function concludeEvaluation({ subject, verdict, needsPerson, attemptsRemaining }: EvaluationFacts): Conclusion {
  if (verdict === null) {
    const fieldsToReenter = missingFields(subject).flatMap((requirement) => requirement.field ?? []);
    return { event: 'reject_input', demands: subject.demands, errorDescription: MISSING_FIELDS, requiredDocuments: [], fieldsToReenter };
  }
  const demands = requestByProvider(subject.demands, verdict.demands);
  const none = { demands, errorDescription: verdict.errorDescription, requiredDocuments: [], fieldsToReenter: [] };
  if (verdict.outcome === 'SSN_MISMATCH') {
    const withNumber = addFieldDemands(demands, ['kycData.nationalIdNumber']);
    return { ...none, event: 'reject_ssn', demands: withNumber, fieldsToReenter: ['kycData.nationalIdNumber'] };
  }
  if (verdict.outcome === 'TIME_OUT') return { ...none, event: 'time_out' };
  if (verdict.outcome === 'DECLINE') return { ...none, event: 'decline' };
  const open = openDocumentDemands({ ...subject, demands });
  // Who may submit no more, as after a fetch that failed, waits for a person and not for the expiry.
  if (open.length > 0 && attemptsRemaining <= 0) return { ...none, event: 'flag' };
  if (open.length > 0) {
    return { ...none, event: 'require_documents', requiredDocuments: [...new Set(open.flatMap((demand) => demand.acceptedDocuments ?? []))] };
  }
  if (subject.documents.some((document) => document.status === 'PENDING')) return { ...none, event: 'receive_documents' };
  if (verdict.outcome === 'FLAG' || needsPerson || subject.policy.reviewAfterPass) return { ...none, event: 'flag' };
  return { ...none, event: contractsFor(subject.policy, subject.transactionType).length > 0 ? 'pass' : 'pass_unsigned' };
}

/** What the check of documents comes to. Only the documents of the last submission were checked. */
export function concludeDocuments(rejections: readonly string[], attemptsRemaining: number): Extract<IdentityEvent, 'pass_documents' | 'fail_documents' | 'exhaust_attempts'> {
  if (rejections.length === 0) return 'pass_documents';
  return attemptsRemaining > 0 ? 'fail_documents' : 'exhaust_attempts';
}

/** What a provider that decides in place of a reviewer decides: no approval while a document is still owed. */
export function concludeReview(subject: RequirementSubject): Extract<IdentityEvent, 'approve' | 'approve_unsigned' | 'decline'> {
  if (openDocumentDemands(subject).length > 0) return 'decline';
  return contractsFor(subject.policy, subject.transactionType).length > 0 ? 'approve' : 'approve_unsigned';
}

