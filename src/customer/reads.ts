import type { BatchRead } from '../core/context.js';
import { inOrder } from '../core/context.js';
import type { PageRequest } from '../core/connections.js';
import type { Database } from '../core/database.js';
import type { Customer } from './entity.js';
import type { CustomerStatus, CustomerType, IdentityStatus, KycStatus } from '../kyc/vocabularies.js';

/** A customer as it is kept. */
export interface CustomerRow {
  id: string;
  organization_id: string;
  type: CustomerType;
  status: CustomerStatus;
  kyc_status: KycStatus;
  identity_status: IdentityStatus | null;
  document_attempts_remaining: number | null;
  has_documents: boolean;
  partner_user_id: string | null;
  email: string | null;
  first_name: string | null;
  last_name: string | null;
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
    partner_user_id: customer.partnerUserId ?? null,
    email: customer.email ?? null,
    first_name: customer.firstName ?? null,
    last_name: customer.lastName ?? null,
    verified_at: customer.verifiedAt ?? null,
    current_identity_id: customer.currentIdentityId ?? null,
    legal_hold_since: customer.legalHoldSince ?? null,
    version: customer.version,
    created_at: customer.createdAt,
    updated_at: customer.updatedAt,
  };
}

interface CustomerTables {
  customer: CustomerRow;
}

/** Which customers a list is to hold; what is absent or null does not narrow it. */
export interface CustomerFilter {
  status?: readonly CustomerStatus[] | null;
  email?: string | null;
  createdAfter?: Date | null;
  createdBefore?: Date | null;
}

/** Customers by id; null for one that the organization does not have. */
export const customerById: BatchRead<string, CustomerRow | null> = async (database, organizationId, ids) => {
  const rows = await database.read<CustomerTables, CustomerRow[]>(organizationId, (reader) =>
    reader.selectFrom('customer').selectAll().where('organization_id', '=', organizationId).where('id', 'in', ids).execute(),
  );
  return inOrder(ids, rows, (row) => row.id);
};

/** Customers by the partner's own id; null for one that the organization does not have. */
export const customerByPartnerUserId: BatchRead<string, CustomerRow | null> = async (database, organizationId, partnerUserIds) => {
  const rows = await database.read<CustomerTables, CustomerRow[]>(organizationId, (reader) =>
    reader.selectFrom('customer').selectAll().where('organization_id', '=', organizationId).where('partner_user_id', 'in', partnerUserIds).execute(),
  );
  return inOrder(partnerUserIds, rows, (row) => row.partner_user_id ?? '');
};

/** A page of an organization's customers, newest first. */
export async function customerPage(database: Database, organizationId: string, page: PageRequest, filter: CustomerFilter): Promise<CustomerRow[]> {
  return database.read<CustomerTables, CustomerRow[]>(organizationId, (reader) => {
    let query = reader.selectFrom('customer').selectAll().where('organization_id', '=', organizationId);
    if (page.beforeId !== null) query = query.where('id', '<', page.beforeId);
    if (filter.status?.length) query = query.where('status', 'in', filter.status);
    if (filter.email != null) query = query.where((builder) => builder(builder.fn('lower', ['email']), '=', filter.email!.toLowerCase()));
    if (filter.createdAfter != null) query = query.where('created_at', '>', filter.createdAfter.toISOString());
    if (filter.createdBefore != null) query = query.where('created_at', '<', filter.createdBefore.toISOString());
    return query.orderBy('id', 'desc').limit(page.limit).execute();
  });
}
