import type { Kysely } from 'kysely';
import type { UnitOfWork } from '../core/command.js';
import type { BatchRead } from '../core/context.js';
import type { PageRequest } from '../core/connections.js';
import type { Database } from '../core/database.js';
import { sealedColumns, type SealedRow } from '../core/crypto/sealed-table.js';
import { Conditions, personalRead, rowBy, rowPage, type RowTable } from '../core/row-reads.js';
import { CUSTOMER_TABLE, indexedEmail, INDEX_PURPOSES, type Contact } from '../kyc/personal-data.js';
import type { Customer } from './entity.js';
import type { CustomerStatus, CustomerType, IdentityStatus, KycStatus } from '../kyc/vocabularies.js';

/** A customer as it is kept; what it is known by is sealed. */
export interface CustomerRow extends SealedRow {
  organization_id: string;
  type: CustomerType;
  status: CustomerStatus;
  kyc_status: KycStatus;
  identity_status: IdentityStatus | null;
  document_attempts_remaining: number | null;
  has_documents: boolean;
  partner_user_index: string | null;
  erased_at: string | Date | null;
  closed_at: string | Date | null;
  verified_at: string | Date | null;
  current_identity_id: string | null;
  legal_hold_since: string | Date | null;
  version: number;
  created_at: string | Date;
  updated_at: string | Date;
}

/** A customer as a command has left it: what is read once it has committed. */
export function customerRow(customer: Customer): CustomerRow {
  return {
    id: customer.id,
    organization_id: customer.organizationId,
    type: customer.type,
    status: customer.status,
    kyc_status: customer.kycStatus,
    identity_status: customer.identityStatus ?? null,
    document_attempts_remaining: customer.documentAttemptsRemaining ?? null,
    has_documents: customer.hasDocuments,
    sealed: customer.sealed ?? null,
    partner_user_index: customer.partnerUserIndex ?? null,
    erased_at: customer.erasedAt ?? null,
    closed_at: customer.closedAt ?? null,
    verified_at: customer.verifiedAt ?? null,
    current_identity_id: customer.currentIdentityId ?? null,
    legal_hold_since: customer.legalHoldSince ?? null,
    version: customer.version,
    created_at: customer.createdAt,
    updated_at: customer.updatedAt,
  };
}

/** The columns of before there was encryption are null but in rows that have yet to be encrypted. */
interface CustomerTables {
  customer: CustomerRow & { email_index: string | null; email: string | null; partner_user_id: string | null };
}

/** What customers are known by: opened together, and only when it is asked. */
export const customerPersonal = personalRead<CustomerRow, Contact>(CUSTOMER_TABLE);

/** Which customers a list is to hold; what is absent or null does not narrow it. */
export interface CustomerFilter {
  status?: readonly CustomerStatus[] | null;
  email?: string | null;
  createdAfter?: Date | null;
  createdBefore?: Date | null;
}

/** What of customers is read. */
export const CUSTOMERS: RowTable<CustomerRow> = {
  name: 'customer',
  type: 'Customer',
  columns: ['id', 'type', 'status', 'kyc_status', 'erased_at', 'verified_at', 'current_identity_id', 'version', 'created_at', 'updated_at'],
  groups: {
    personal: [...sealedColumns(CUSTOMER_TABLE), 'partner_user_index'],
    standing: ['identity_status', 'document_attempts_remaining', 'has_documents'],
    hold: ['legal_hold_since'],
  },
};

/** Customers by id; null for one that the organization does not have. */
export const customerById = rowBy(CUSTOMERS, 'id');

/** Customers by the partner's own id; null for one that the organization does not have. */
export const customerByPartnerUserId: BatchRead<string, CustomerRow | null> = async (database, organizationId, partnerUserIds) => {
  const indexes = partnerUserIds.map((id) => database.vault.index(organizationId, INDEX_PURPOSES.partnerUserId, id));
  const rows = await database.read<CustomerTables, CustomerTables['customer'][]>(organizationId, (reader) =>
    reader
      .selectFrom('customer')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where((builder) => builder.or([builder('partner_user_index', 'in', indexes), builder('partner_user_id', 'in', partnerUserIds)]))
      .execute(),
  );
  const byIndex = new Map(rows.map((row) => [row.partner_user_index ?? database.vault.index(organizationId, INDEX_PURPOSES.partnerUserId, row.partner_user_id ?? ''), row]));
  return indexes.map((index) => byIndex.get(index) ?? null);
};

/** Pages of an organization's customers, newest first. */
export const customerPage = rowPage(CUSTOMERS, (database, organizationId, { page, filter }: { page: PageRequest; filter: CustomerFilter }) => {
  const email = filter.email == null ? null : indexedEmail(filter.email);
  return new Conditions()
    .addOneOf('status', filter.status)
    .addEither(email === null ? [] : [['email_index = ?', database.vault.index(organizationId, INDEX_PURPOSES.email, email)], ['lower(email) = ?', email]])
    .add('created_at > ?', filter.createdAfter?.toISOString())
    .add('created_at < ?', filter.createdBefore?.toISOString())
    .newest(page);
});

const IN_THE_PLAIN = 'select id from customer where organization_id = $1 and partner_user_id = $2';

/** Whether a customer has a partnerUserId whose row has yet to be encrypted. */
export async function isStoredInThePlain({ transaction, organizationId }: UnitOfWork, partnerUserId: string): Promise<boolean> {
  return (await transaction.run(IN_THE_PLAIN, [organizationId, partnerUserId])).length > 0;
}

/** Whether the data of a customer has been erased: its tokens are good for nothing from then on. */
export async function isCustomerErased(database: Database, customerId: string): Promise<boolean> {
  const reader = database.owner().getKysely() as unknown as Kysely<CustomerTables>;
  const row = await reader.selectFrom('customer').select('erased_at').where('id', '=', customerId).executeTakeFirst();
  return row?.erased_at != null;
}

/** Customers that were closed by a moment and are neither erased nor held, in the order of their ids. */
export async function customersClosedBefore(database: Database, organizationId: string, before: Date, page: { after: string; limit: number }): Promise<string[]> {
  const rows = await database.read<CustomerTables, { id: string }[]>(organizationId, (reader) =>
    reader
      .selectFrom('customer')
      .select('id')
      .where('organization_id', '=', organizationId)
      .where('closed_at', '<=', before.toISOString())
      .where('erased_at', 'is', null)
      .where('legal_hold_since', 'is', null)
      .where('id', '>', page.after)
      .orderBy('id')
      .limit(page.limit)
      .execute(),
  );
  return rows.map(({ id }) => id);
}
