import type { UnitOfWork } from '../core/command.js';
import { sealedColumns, type SealedRow } from '../core/crypto/sealed-table.js';
import { personalRead, rowBy, rowsBy, type RowTable } from '../core/row-reads.js';
import { SIGNATURE_TABLE } from '../kyc/personal-data.js';
import type { ContractType } from '../kyc/vocabularies.js';
import { SignatureEntity, type Signature } from './entity.js';

/** A signature as it is kept; who signed and from where is sealed. */
export interface SignatureRow extends SealedRow {
  organization_id: string;
  identity_id: string;
  contract_type: ContractType;
  contract_version: string;
  contract_signed_date: string | Date;
  created_at: string | Date;
}

/** A signature as a command has left it: what is read once it has committed. */
export function signatureRow(signature: Signature): SignatureRow {
  return {
    id: signature.id,
    organization_id: signature.organizationId,
    customer_id: signature.customerId,
    identity_id: signature.identityId,
    sealed: signature.sealed ?? null,
    contract_type: signature.contractType,
    contract_version: signature.contractVersion,
    contract_signed_date: signature.contractSignedDate,
    created_at: signature.createdAt,
  };
}

/** Who has signed, opened. */
export type SignaturePersonal = { [Field in 'contractSignerNameFull' | 'contractSignedIPAddress']: string | null };

/** Who has signed and from where: opened together, and only when it is asked. */
export const signaturePersonal = personalRead<SignatureRow, SignaturePersonal>(SIGNATURE_TABLE);

/** What of signatures is read. */
export const SIGNATURES: RowTable<SignatureRow> = {
  name: 'signature',
  type: 'Signature',
  columns: ['id', 'identity_id', 'contract_type', 'contract_version', 'contract_signed_date', 'created_at'],
  groups: { personal: sealedColumns(SIGNATURE_TABLE) },
};

/** Signatures by id; null for one that the organization does not have. */
export const signatureById = rowBy(SIGNATURES, 'id');

/** The signatures of attempts, oldest first. */
export const signaturesByIdentity = rowsBy(SIGNATURES, 'identity_id');

/** The contracts that a command's attempt has had signed. */
export async function signedContractsOf(unit: UnitOfWork, identityId: string): Promise<ContractType[]> {
  const signatures = await unit.entities.find(SignatureEntity, { identityId });
  return signatures.map((signature) => signature.contractType);
}
