import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { CustomerStatus, CustomerType, IdentityStatus, KycStatus } from '../kyc/vocabularies.js';

/** A person whom an organization verifies. Its status is a projection of the current attempt (domain.md, Projections). */
export const CustomerEntity = defineEntity({
  name: 'Customer',
  tableName: 'customer',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    type: p.string().$type<CustomerType>(),
    status: p.string().$type<CustomerStatus>(),
    kycStatus: p.string().$type<KycStatus>(),
    /** Where the current attempt stands, as identity/ last told it; it goes on while the customer is deactivated. */
    identityStatus: p.string().$type<IdentityStatus>().nullable(),
    documentAttemptsRemaining: p.integer().nullable(),
    hasDocuments: p.boolean(),
    /** The ciphertext of what follows, which is not persisted itself (kyc/personal-data.ts). */
    sealed: p.blob().nullable(),
    partnerUserId: p.string().nullable().persist(false),
    email: p.string().nullable().persist(false),
    firstName: p.string().nullable().persist(false),
    lastName: p.string().nullable().persist(false),
    emailIndex: p.string().nullable(),
    partnerUserIndex: p.string().nullable(),
    /** When its personal data was destroyed; nothing else about it changes after. */
    erasedAt: p.datetime().nullable(),
    /** Since when nothing goes on with it, by its organization's clock: retention counts from there. */
    closedAt: p.datetime().nullable(),
    verifiedAt: p.datetime().nullable(),
    currentIdentityId: p.string().nullable(),
    legalHoldSince: p.datetime().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});
export type Customer = InferEntity<typeof CustomerEntity>;
