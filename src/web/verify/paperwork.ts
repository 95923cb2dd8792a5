import type { Requirement } from './journey';

export type IdClass = NonNullable<Requirement['acceptedDocuments']>[number];
/** The files of a submission, by the name of their input field. */
export type FileInput = 'frontPhoto' | 'backPhoto' | 'proofOfResidency' | 'selfie';
export type FileType = 'FRONT_PHOTO' | 'BACK_PHOTO' | 'PROOF_OF_RESIDENCY' | 'SELFIE';

export const FILE_TYPES: Readonly<Record<FileInput, FileType>> = { frontPhoto: 'FRONT_PHOTO', backPhoto: 'BACK_PHOTO', proofOfResidency: 'PROOF_OF_RESIDENCY', selfie: 'SELFIE' };

const RESIDENCY: ReadonlySet<IdClass> = new Set(['UTILITY_BILL', 'BANK_STATEMENT', 'LEASE_AGREEMENT']);
const TWO_SIDED: ReadonlySet<IdClass> = new Set(['DRIVERS_LICENSE', 'NATIONAL_ID_CARD', 'RESIDENCE_PERMIT', 'STATE_ID']);
/** States that issue no general identity card. */
const WITHOUT_ID_CARD: ReadonlySet<string> = new Set(['AU', 'CA', 'DK', 'GB', 'IE', 'NZ', 'US']);
/** Federations whose states issue one of their own. */
const WITH_STATE_ID: ReadonlySet<string> = new Set(['AU', 'US']);

/** What one submission of documents has to hold. */
export interface Paperwork {
  /** One of these documents; a proof of residency, if it is wanted beside one of them, has a file of its own. */
  classes: readonly IdClass[];
  isResidencyWanted: boolean;
  isSelfieWanted: boolean;
}

/** The documents that the requirements ask for, as one submission: it has one class, and may have a proof and a selfie beside it. */
export function paperworkOf(requirements: readonly Requirement[]): Paperwork {
  const wanted = requirements.flatMap(({ kind, acceptedDocuments }) => (kind === 'DOCUMENT' && acceptedDocuments ? [acceptedDocuments] : []));
  const residency = wanted.filter((accepted) => accepted.some((idClass) => RESIDENCY.has(idClass)));
  const others = wanted.filter((accepted) => !residency.includes(accepted));
  const common = others[0]?.filter((idClass) => others.every((accepted) => accepted.includes(idClass))) ?? [];
  const forClass = common.length > 0 ? common : [...new Set(others.flat())];
  return {
    // A selfie alone comes with whatever photo id there is.
    classes: forClass.length > 0 ? forClass : residency.length > 0 ? [...new Set(residency.flat())] : ['PASSPORT', 'NATIONAL_ID_CARD', 'DRIVERS_LICENSE', 'RESIDENCE_PERMIT', 'STATE_ID'],
    isResidencyWanted: residency.length > 0,
    isSelfieWanted: requirements.some(({ kind }) => kind === 'SELFIE'),
  };
}

/** The classes that a country issues, the one that most people have first. */
export function classesOf(classes: readonly IdClass[], country: string | null): IdClass[] {
  const issued = classes.filter((idClass) => (idClass === 'STATE_ID' ? country === null || WITH_STATE_ID.has(country) : !(idClass === 'NATIONAL_ID_CARD' && country !== null && WITHOUT_ID_CARD.has(country))));
  return issued.length > 0 ? issued : [...classes];
}

/** The files that show a document, and what is wanted beside it; `missing` are those that the server has named. */
export function filesOf({ isResidencyWanted }: Paperwork, idClass: IdClass, missing: ReadonlySet<string>): Exclude<FileInput, 'selfie'>[] {
  const shown: Exclude<FileInput, 'selfie'>[] = RESIDENCY.has(idClass) ? ['proofOfResidency'] : TWO_SIDED.has(idClass) ? ['frontPhoto', 'backPhoto'] : ['frontPhoto'];
  return (['frontPhoto', 'backPhoto', 'proofOfResidency'] as const).filter((input) => shown.includes(input) || missing.has(input) || (input === 'proofOfResidency' && isResidencyWanted));
}

export function isTwoSided(idClass: IdClass): boolean {
  return TWO_SIDED.has(idClass);
}

export function isResidency(idClass: IdClass): boolean {
  return RESIDENCY.has(idClass);
}
