import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { ContractType } from '../kyc/vocabularies.js';

/** A contract of an attempt, signed. */
export const SignatureEntity = defineEntity({
  name: 'Signature',
  tableName: 'signature',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    identityId: p.string(),
    customerId: p.string(),
    /** The ciphertext of what is not persisted itself (kyc/personal-data.ts). */
    sealed: p.blob().nullable(),
    contractType: p.string().$type<ContractType>(),
    contractVersion: p.string(),
    contractSignerNameFull: p.string().nullable().persist(false),
    contractSignedDate: p.datetime(),
    contractSignedIPAddress: p.string().nullable().persist(false),
    createdAt: p.datetime(),
  },
});
export type Signature = InferEntity<typeof SignatureEntity>;
