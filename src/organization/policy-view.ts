import { TRANSACTION_KEYS, type Policy, type TransactionKey } from '../kyc/policy.js';
import { wordsOf, ContractType, type TransactionType } from '../kyc/vocabularies.js';
import type { PolicyFields } from './types.js';

/** The transaction type of a key of the policy's records; null for attempts without one. */
function transactionTypeOf(key: TransactionKey): TransactionType | null {
  return key === 'NONE' ? null : key;
}

/** A policy as it is shown: lists in the place of records, since GraphQL has none. */
export function policyView(policy: Policy): PolicyFields {
  const { contractsRequired, contracts, photoId, liveness, documentAttempts, waitingExpiryDays, stuckAfterHours, minimumAge, image, provider, reviewAfterPass, idempotency, retentionDays } = policy;
  return {
    contractsRequired: TRANSACTION_KEYS.map((key) => ({ transactionType: transactionTypeOf(key), contracts: contractsRequired[key] })),
    contracts: wordsOf(ContractType).map((type) => ({ type, ...contracts[type] })),
    photoId: TRANSACTION_KEYS.map((key) => ({ transactionType: transactionTypeOf(key), rule: photoId[key] })),
    liveness,
    documentAttempts,
    waitingExpiryDays,
    stuckAfterHours,
    minimumAge,
    image,
    provider,
    reviewAfterPass,
    idempotency,
    retentionDays,
  };
}
