import type { HostedPageCustomerQuery } from '../generated/graphql';

export type Customer = NonNullable<HostedPageCustomerQuery['customer']>;
export type Requirement = Customer['requirements'][number];

export type ScreenName = 'details' | 'documents' | 'waiting' | 'sign' | 'verified' | 'rejected' | 'expired' | 'deactivated' | 'blocked';

/** What is wanted next of this person: read off the state, the actions and the requirements that the API gives. */
export function screenOf({ status, allowedActions, requirements, identity }: Customer): ScreenName {
  const may = (...actions: Customer['allowedActions']): boolean => actions.some((action) => allowedActions.includes(action));
  const lacks = (...kinds: Requirement['kind'][]): boolean => requirements.some(({ kind }) => kinds.includes(kind));
  if (status === 'DEACTIVATED') return 'deactivated';
  if (status === 'ACTIVE') return 'verified';
  if (status === 'REJECTED') return 'rejected';
  if (status === 'UNDER_REVIEW') return may('SUBMIT_SIGNATURES') && lacks('SIGNATURE') ? 'sign' : 'waiting';
  if (identity?.status === 'EXPIRED') return 'expired';
  const mayWrite = may('SUBMIT_IDENTITY', 'PATCH_CUSTOMER', 'PATCH_IDENTITY');
  if (mayWrite && (identity === null || lacks('FIELD'))) return 'details';
  if (may('SUBMIT_DOCUMENT') && lacks('DOCUMENT', 'SELFIE')) return 'documents';
  // Nothing is listed, and yet the attempt waits: sending the details again lets it be judged anew.
  return mayWrite ? 'details' : 'blocked';
}

export const PHASES = ['details', 'documents', 'check', 'sign', 'done'] as const;
export type Phase = (typeof PHASES)[number];

/** The phases that this person goes through: documents and signatures only where they are asked for, or were. */
export function phasesOf({ requirements, identity }: Customer, screen: ScreenName): Phase[] {
  const documents = screen === 'documents' || requirements.some(({ kind }) => kind === 'DOCUMENT' || kind === 'SELFIE') || (identity?.documents.length ?? 0) > 0;
  const signatures = screen === 'sign' || requirements.some(({ kind }) => kind === 'SIGNATURE');
  return PHASES.filter((phase) => (phase === 'documents' ? documents : phase === 'sign' ? signatures : true));
}

/** The phase that a screen belongs to. */
export function phaseOf(screen: ScreenName): Phase {
  if (screen === 'details' || screen === 'documents' || screen === 'sign') return screen;
  return screen === 'waiting' || screen === 'blocked' ? 'check' : 'done';
}

/** Why the attempt did not go on, in words fit for the applicant; null when it did. */
export function reasonsOf({ identity }: Customer): string[] {
  const rejected = identity?.documents.filter(({ status }) => status === 'REJECTED').flatMap(({ rejectionReason, summary }) => summary ?? rejectionReason ?? []) ?? [];
  const said = identity?.errorDescription ? [identity.errorDescription] : [];
  const all = [...new Set([...said, ...rejected])];
  // One may say the other and more.
  return all.filter((reason) => !all.some((other) => other !== reason && other.includes(reason)));
}
