import { sql } from 'kysely';
import type { BatchRead } from '../core/context.js';
import { groupedInOrder } from '../core/context.js';
import type { PageRequest } from '../core/connections.js';
import { sealedColumns, type SealedRow } from '../core/crypto/sealed-table.js';
import { Conditions, NO_ROWS, personalRead, rowBy, rowPage, type RowTable } from '../core/row-reads.js';
import type { Demands } from '../kyc/demands.js';
import type { KycData } from '../kyc/fields.js';
import { IDENTITY_TABLE, INDEX_PURPOSES } from '../kyc/personal-data.js';
import { isWellFormedText } from '../kyc/text.js';
import type { Identity } from './entity.js';
import type { GivenDocument } from './given-documents.js';
import type { DebugStatus, IdentityStatus, TransactionType } from '../kyc/vocabularies.js';

/** An attempt as it is kept; the person's data is sealed. */
export interface IdentityRow extends SealedRow {
  organization_id: string;
  customer_id: string;
  status: IdentityStatus;
  transaction_type: TransactionType | null;
  program_id: string | null;
  policy_id: string;
  demands: Demands;
  hosted_page: boolean;
  national_id_index: string | null;
  error_description: string | null;
  document_attempts_remaining: number;
  debug_status: DebugStatus | null;
  version: number;
  created_at: string | Date;
  updated_at: string | Date;
}

/** An attempt as a command has left it: what is read once it has committed. */
export function identityRow(identity: Identity): IdentityRow {
  return {
    id: identity.id,
    organization_id: identity.organizationId,
    customer_id: identity.customerId,
    status: identity.status,
    transaction_type: identity.transactionType ?? null,
    sealed: identity.sealed ?? null,
    program_id: identity.programId ?? null,
    policy_id: identity.policyId,
    demands: identity.demands,
    hosted_page: identity.hostedPage,
    national_id_index: identity.nationalIdIndex ?? null,
    error_description: identity.errorDescription ?? null,
    document_attempts_remaining: identity.documentAttemptsRemaining,
    debug_status: identity.debugStatus ?? null,
    version: identity.version,
    created_at: identity.createdAt,
    updated_at: identity.updatedAt,
  };
}

/** What of an attempt is personal, opened. */
export interface IdentityPersonal {
  kycData: KycData;
  enterpriseId: string | null;
  userId: string | null;
  documentsByUrl: GivenDocument[];
  reviewNote: string | null;
  debugFailureReason: string | null;
}

/** More say no more: a number that so many gave is made up. */
export const MOST_DUPLICATES = 20;

/** The columns of before there was encryption are null but in rows that have yet to be encrypted. */
interface IdentityTables {
  identity: IdentityRow & { enterprise_index: string | null; user_index: string | null; enterprise_id: string | null; user_id: string | null };
}

/** What of attempts is personal: opened together, and only when it is asked. */
export const identityPersonal = personalRead<IdentityRow, IdentityPersonal>(IDENTITY_TABLE);

/** Which attempts a list is to hold; what is absent or null does not narrow it. */
export interface IdentityFilter {
  status?: readonly IdentityStatus[] | null;
  customerId?: string | null;
  enterpriseId?: string | null;
  userId?: string | null;
  programId?: string | null;
}

/** What of attempts is read. */
export const IDENTITIES: RowTable<IdentityRow> = {
  name: 'identity',
  type: 'Identity',
  columns: ['id', 'customer_id', 'status', 'transaction_type', 'document_attempts_remaining', 'version', 'created_at', 'updated_at'],
  groups: {
    rules: ['policy_id', 'demands', 'hosted_page'],
    personal: [...sealedColumns(IDENTITY_TABLE).filter((column) => column !== 'customer_id'), 'national_id_index'],
    remarks: ['program_id', 'error_description', 'debug_status'],
  },
};

/** Attempts by id; null for one that the organization does not have. */
export const identityById = rowBy(IDENTITIES, 'id');

/** The customers, by id, whose attempts gave the same national ids as these, newest first; each attempt's own is among them. */
export const customersOfNationalId: BatchRead<string, string[]> = async (database, organizationId, indexes) => {
  const rows = await database.read<IdentityTables, { national_id_index: string; customer_id: string }[]>(organizationId, async (reader) => {
    const { rows: found } = await sql<{ national_id_index: string; customer_id: string }>`
      select asked.national_id_index, same.customer_id from unnest(${[...indexes]}::text[]) as asked (national_id_index)
      cross join lateral (
        select distinct customer_id from identity
        where organization_id = ${organizationId} and identity.national_id_index = asked.national_id_index
        order by customer_id desc limit ${MOST_DUPLICATES + 1}
      ) as same
    `.execute(reader);
    return found;
  });
  return groupedInOrder(indexes, rows, (row) => row.national_id_index).map((group) => group.map((row) => row.customer_id));
};

/** Pages of an organization's attempts, newest first. */
export const identityPage = rowPage(IDENTITIES, (database, organizationId, { page, filter }: { page: PageRequest; filter: IdentityFilter }) => {
  const either = (column: string, purpose: string, value: string | null | undefined): [string, string][] =>
    value == null ? [] : [[`${column}_index = ?`, database.vault.index(organizationId, purpose, value)], [`${column}_id = ?`, value]];
  // What the database could not even be asked for is the name of nothing.
  if ([filter.customerId, filter.enterpriseId, filter.userId, filter.programId].some((name) => name != null && !isWellFormedText(name))) return NO_ROWS;
  return new Conditions()
    .addOneOf('status', filter.status)
    .add('customer_id = ?', filter.customerId)
    .addEither(either('enterprise', INDEX_PURPOSES.enterpriseId, filter.enterpriseId))
    .addEither(either('user', INDEX_PURPOSES.userId, filter.userId))
    .add('program_id = ?', filter.programId)
    .newest(page);
});
