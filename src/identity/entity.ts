import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { KycData } from '../kyc/fields.js';
import type { Policy } from '../kyc/policy.js';
import type { Demands } from '../kyc/requirements.js';
import type { GivenDocument } from './given-documents.js';
import type { DebugStatus, IdentityStatus, TransactionType } from '../kyc/vocabularies.js';

/** Defaults for the signatures of an attempt; itself never a signature. The date is RFC 3339. */
export interface Signer {
  contractSignerNameFull?: string | null;
  contractSignedDate?: string | null;
  contractSignedIPAddress?: string | null;
  contractVersion?: string | null;
  userAgreesToTerms?: boolean | null;
}

/** One verification attempt of a customer. */
export const IdentityEntity = defineEntity({
  name: 'Identity',
  tableName: 'identity',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    customerId: p.string(),
    status: p.string().$type<IdentityStatus>(),
    /** Counts changes of status: a job made for one step does nothing once the attempt has moved on. */
    step: p.integer(),
    transactionType: p.string().$type<TransactionType>().nullable(),
    /** The ciphertext of what is not persisted itself (kyc/personal-data.ts). */
    sealed: p.blob().nullable(),
    enterpriseIndex: p.string().nullable(),
    userIndex: p.string().nullable(),
    nationalIdIndex: p.string().nullable(),
    enterpriseId: p.string().nullable().persist(false),
    userId: p.string().nullable().persist(false),
    programId: p.string().nullable(),
    ipAddress: p.string().nullable().persist(false),
    kycData: p.json<KycData>().persist(false),
    /** The organization's policy as it was when the attempt began: later changes do not reach back. */
    policyId: p.string(),
    /** What `policyId` names, of an attempt that was locked by `lockAttempt` or has just begun. */
    policy: p.json<Policy>().persist(false),
    /** What signatures that leave it out are completed by. */
    signer: p.json<Signer>().persist(false),
    /** What a reviewer or the provider wants beyond the rules. */
    demands: p.json<Demands>(),
    /** What the provider keeps of this attempt between its answers. */
    providerState: p.json<Record<string, unknown>>().persist(false),
    errorDescription: p.string().nullable(),
    /** Evaluations that have come to a conclusion; some of the sandbox's controls answer the first otherwise. */
    evaluations: p.integer(),
    /** Submissions of documents so far: a reviewer's demand is met by a later one only. */
    documentSubmissions: p.integer(),
    documentAttemptsRemaining: p.integer(),
    /** Once true an attempt never passes by itself again. */
    needsPerson: p.boolean(),
    /** Whether the person has come by the hosted page, where policy may ask for more than elsewhere. */
    hostedPage: p.boolean(),
    /** Documents by URL of which no Document has been made yet: the next evaluation does. */
    documentsByUrl: p.json<GivenDocument[]>().persist(false),
    debugStatus: p.string().$type<DebugStatus>().nullable(),
    debugFailureReason: p.string().nullable().persist(false),
    reviewNote: p.string().nullable().persist(false),
    /** Until when it may stand at its status, by the organization's clock. Null: for ever, or it has been said that it stands too long. */
    deadlineAt: p.datetime().nullable(),
    /** When a job next looks whether the deadline has passed: not behind it. */
    looksAt: p.datetime().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});
export type Identity = InferEntity<typeof IdentityEntity>;
