import { Audit } from './audit.js';
import { AuditOpenings } from './audit-openings.js';
import { ClientTokens } from './client-tokens.js';
import { CreateSchema } from './create-schema.js';
import { Deadlines } from './deadlines.js';
import { Documents } from './documents.js';
import { Encryption } from './encryption.js';
import { Erasure } from './erasure.js';
import { FileEncryption } from './file-encryption.js';
import { HostedPage } from './hosted-page.js';
import { EventRetention } from './event-retention.js';
import { Idempotency } from './idempotency.js';
import { KeySubjects } from './key-subjects.js';
import { LegalHold } from './legal-hold.js';
import { NewestFirst } from './newest-first.js';
import { OpeningIds } from './opening-ids.js';
import { OrganizationReferences } from './organization-references.js';
import { PlainChildren } from './plain-children.js';
import { SharedPolicies } from './shared-policies.js';
import { StuckAttempts } from './stuck-attempts.js';
import { Webhooks } from './webhooks.js';

/** Every migration, oldest first. One that has been released is never changed: a later one corrects it. */
export const migrations = [
  { name: '0001-create-schema', class: CreateSchema },
  { name: '0002-documents', class: Documents },
  { name: '0003-webhooks', class: Webhooks },
  { name: '0004-event-retention', class: EventRetention },
  { name: '0005-client-tokens', class: ClientTokens },
  { name: '0006-encryption', class: Encryption },
  { name: '0007-audit', class: Audit },
  { name: '0008-idempotency', class: Idempotency },
  { name: '0009-stuck-attempts', class: StuckAttempts },
  { name: '0010-legal-hold', class: LegalHold },
  { name: '0011-hosted-page', class: HostedPage },
  { name: '0012-plain-children', class: PlainChildren },
  { name: '0013-key-subjects', class: KeySubjects },
  { name: '0014-erasure', class: Erasure },
  { name: '0015-file-encryption', class: FileEncryption },
  { name: '0016-audit-openings', class: AuditOpenings },
  { name: '0017-organization-references', class: OrganizationReferences },
  { name: '0018-deadlines', class: Deadlines },
  { name: '0019-shared-policies', class: SharedPolicies },
  { name: '0020-newest-first', class: NewestFirst },
  { name: '0021-opening-ids', class: OpeningIds },
];
