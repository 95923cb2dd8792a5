import type { ContractType, TransactionType } from './vocabularies.js';

/** What is to be signed, in one version of it. */
export interface ContractWording {
  version: string;
  title: string;
  text: string;
}

/** A contract with its type: what Requirement.contract and Query.contracts show (schema.graphql, Contract). */
export interface ContractText extends ContractWording {
  type: ContractType;
}

/** A transaction type, or NONE for attempts without one: the key of everything that policy holds by transaction type. */
export type TransactionKey = TransactionType | 'NONE';
export const TRANSACTION_KEYS = ['INSTITUTIONAL_INDIVIDUAL', 'EU_INDIVIDUAL', 'NONE'] as const satisfies readonly TransactionKey[];

/** The key under which policy holds what concerns a transaction type. */
export function transactionKey(transactionType: TransactionType | null): TransactionKey {
  return transactionType ?? 'NONE';
}

/** The sandbox's contracts: version 1.0 of placeholder texts (domain.md, Evaluation). */
export const PLACEHOLDER_CONTRACTS: Readonly<Record<ContractType, ContractWording>> = {
  CSA: placeholder('CSA'),
  MPA: placeholder('MPA'),
  MIC: placeholder('MIC'),
  WVR: placeholder('WVR'),
};

function placeholder(type: ContractType): ContractWording {
  return { version: '1.0', title: `Contract ${type}`, text: `This is a placeholder for the text of the contract ${type}. An organization sets its own text in its policy.` };
}
