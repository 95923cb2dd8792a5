import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { KeyRole } from '../core/caller.js';
import type { Environment } from '../kyc/vocabularies.js';
import type { HostedPageSettings } from './hosted-page.js';
import type { Policy } from '../kyc/policy.js';

/** A company that verifies its customers here: the owner of every other row. */
export const OrganizationEntity = defineEntity({
  name: 'Organization',
  tableName: 'organization',
  properties: {
    id: p.string().primary(),
    name: p.string(),
    environment: p.string().$type<Environment>(),
    policyId: p.string(),
    /** What `policyId` names. */
    policy: p.json<Policy>().persist(false),
    hostedPage: p.json<HostedPageSettings>(),
    createdAt: p.datetime(),
  },
});
export type Organization = InferEntity<typeof OrganizationEntity>;

/** A key of an organization. The secret itself is not kept, only its digest. */
export const ApiKeyEntity = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    prefix: p.string(),
    secretHash: p.string(),
    role: p.string().$type<KeyRole>(),
    name: p.string(),
    /** Who signed in for it at the OpenID provider; null for a key that was made otherwise. */
    subject: p.string().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
    lastUsedAt: p.datetime().nullable(),
  },
});
export type ApiKey = InferEntity<typeof ApiKeyEntity>;
