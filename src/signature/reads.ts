import type { BatchRead } from '../core/context.js';
import { groupedInOrder, inOrder } from '../core/context.js';
import type { UnitOfWork } from '../core/command.js';
import type { SealedRow } from '../core/crypto/sealed-table.js';
import { SIGNATURE_TABLE } from '../kyc/personal-data.js';
import type { ContractType } from '../kyc/vocabularies.js';
import { SignatureEntity } from './entity.js';

/** A signature as it is kept; who signed and from where is sealed. */
export interface SignatureRow extends SealedRow {
  organization_id: string;
  identity_id: string;
  contract_type: ContractType;
  contract_version: string;
  contract_signed_date: string;
  created_at: string;
}

/** Who has signed, opened. */
export type SignaturePersonal = { [Field in 'contractSignerNameFull' | 'contractSignedIPAddress']: string | null };

/** Who has signed and from where: opened together, and only when it is asked. */
export const signaturePersonal: BatchRead<SignatureRow, SignaturePersonal> = (database, organizationId, rows) => database.vault.open(SIGNATURE_TABLE, organizationId, rows);

interface SignatureTables {
  signature: SignatureRow;
}

/** Signatures by id; null for one that the organization does not have. */
export const signatureById: BatchRead<string, SignatureRow | null> = async (database, organizationId, ids) => {
  const rows = await database.read<SignatureTables, SignatureRow[]>(organizationId, (reader) =>
    reader.selectFrom('signature').selectAll().where('organization_id', '=', organizationId).where('id', 'in', ids).execute(),
  );
  return inOrder(ids, rows, (row) => row.id);
};

/** The signatures of attempts, oldest first. */
export const signaturesByIdentity: BatchRead<string, SignatureRow[]> = async (database, organizationId, identityIds) => {
  const rows = await database.read<SignatureTables, SignatureRow[]>(organizationId, (reader) =>
    reader.selectFrom('signature').selectAll().where('organization_id', '=', organizationId).where('identity_id', 'in', identityIds).orderBy('id').execute(),
  );
  return groupedInOrder(identityIds, rows, (row) => row.identity_id);
};

/** The contracts that a command's attempt has had signed. */
export async function signedContractsOf(unit: UnitOfWork, identityId: string): Promise<ContractType[]> {
  const signatures = await unit.em.find(SignatureEntity, { identityId });
  return signatures.map((signature) => signature.contractType);
}
