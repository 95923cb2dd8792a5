import { TRANSACTION_KEYS, transactionKey, type Policy, type PolicyPatch, type TransactionKey } from '../kyc/policy.js';
import { wordsOf, ContractType, type TransactionType } from '../kyc/vocabularies.js';
import type { PolicyFields } from './types.js';

/** The transaction type of a key of the policy's records; null for attempts without one. */
function transactionTypeOf(key: TransactionKey): TransactionType | null {
  return key === 'NONE' ? null : key;
}

/** A policy as it is shown: lists in the place of records, since GraphQL has none. */
export function policyView(policy: Policy): PolicyFields {
  const { contractsRequired, contracts, photoId, liveness, documentAttempts, waitingExpiryDays, minimumAge, image, provider, reviewAfterPass, idempotency } = policy;
  return {
    contractsRequired: TRANSACTION_KEYS.map((key) => ({ transactionType: transactionTypeOf(key), contracts: contractsRequired[key] })),
    contracts: wordsOf(ContractType).flatMap((type) => (contracts[type] ? [{ type, ...contracts[type] }] : [])),
    photoId: TRANSACTION_KEYS.map((key) => ({ transactionType: transactionTypeOf(key), rule: photoId[key] })),
    liveness,
    documentAttempts,
    waitingExpiryDays,
    minimumAge,
    image,
    provider,
    reviewAfterPass,
    idempotency,
  };
}

/** The change of a policy that an input asks for: absent keeps, null brings back the default. */
export function policyPatch(input: PolicyFields): PolicyPatch {
  const { contractsRequired, contracts, photoId, ...rest } = input;
  return {
    ...rest,
    contractsRequired: contractsRequired && Object.fromEntries(contractsRequired.map((each) => [transactionKey(each.transactionType ?? null), each.contracts])),
    contracts: contracts && Object.fromEntries(contracts.map(({ type, ...wording }) => [type, wording])),
    photoId: photoId && Object.fromEntries(photoId.map((each) => [transactionKey(each.transactionType ?? null), each.rule])),
  };
}
