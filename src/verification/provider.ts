import type { DocumentFinding } from '../document/mrz.js';
import type { DocumentDemand } from '../kyc/demands.js';
import type { KycData } from '../kyc/fields.js';
import type { DebugStatus, IdClass, TransactionType } from '../kyc/vocabularies.js';

/** What a provider is told of an attempt. */
export interface ProviderSubject {
  identityId: string;
  email: string | null;
  kycData: KycData;
  transactionType: TransactionType | null;
  debugStatus: DebugStatus | null;
  debugFailureReason: string | null;
  /** Evaluations that have come to a conclusion before. */
  evaluations: number;
  /** Submissions of documents so far. */
  documentSubmissions: number;
  /** What this provider last kept. */
  state: Readonly<Record<string, unknown>>;
}

/** What a provider says of a person's data. */
export interface EvaluationVerdict {
  outcome: 'PASS' | 'SSN_MISMATCH' | 'FLAG' | 'DECLINE' | 'TIME_OUT';
  /** Documents that it wants beyond the rules. */
  demands: readonly DocumentDemand[];
  /** In words fit for the applicant. */
  errorDescription: string | null;
  /** To be kept until the provider is next asked. */
  state: Readonly<Record<string, unknown>>;
}

/** A document to be checked. */
export interface ProviderDocument {
  id: string;
  selectedIdClass: IdClass;
  /** What the gateway itself has found. */
  findings: readonly DocumentFinding[];
}

/** What a provider says of one document; `reason` null: it passes. */
export interface DocumentVerdict {
  documentId: string;
  reason: string | null;
}

/**
 * Who decides what the gateway itself cannot. It is asked by jobs, between transactions; its answers enter as commands.
 * An answer that fails is asked for again, and when that fails for good a person decides.
 */
export interface Provider {
  /** Seconds of the organization's clock until the answer of each step is asked for. */
  seconds(step: 'EVALUATING_SUBMISSION' | 'RECORDS_UPLOADED' | 'IN_REVIEW', subject: ProviderSubject): number;
  evaluate(subject: ProviderSubject): Promise<EvaluationVerdict>;
  checkDocuments(subject: ProviderSubject, documents: readonly ProviderDocument[]): Promise<DocumentVerdict[]>;
  /** Whether it decides in place of a person; if not, an attempt in review waits for a reviewer. */
  decidesReviews: boolean;
}
