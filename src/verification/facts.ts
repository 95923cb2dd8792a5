import type { UnitOfWork } from '../core/command.js';
import { documentsOf } from '../document/reads.js';
import { lockAttempt, type Attempt } from '../identity/commands.js';
import { organizationOf, type OrganizationRules } from '../organization/reads.js';

/** What a decision on an attempt goes by. */
export interface Facts {
  attempt: Attempt;
  organization: OrganizationRules;
  /** Each with what requirements see of it. */
  documents: Awaited<ReturnType<typeof documentsOf>>;
}

/** Locks an attempt, and reads what a decision on it goes by: they go out together, and the server takes them one after the other. */
export async function lockWithFacts(unit: UnitOfWork, identityId: string): Promise<Facts> {
  const [attempt, organization, documents] = await Promise.all([lockAttempt(unit, identityId), organizationOf(unit), documentsOf(unit, identityId)]);
  return { attempt, organization, documents };
}
