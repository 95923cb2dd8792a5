import type { FieldFault } from '../core/errors.js';
import { NO_DEMANDS, PHOTO_ID_CLASSES, PHOTO_ID_DEMAND, PROOF_OF_ADDRESS_CLASSES, coversClasses, sameClasses, type Demands, type DocumentDemand } from './demands.js';
import { completeKycData, type KycData } from './fields.js';
import { transactionKey, type Policy } from './policy.js';
import { fault } from './text.js';
import type { ContractType, DocumentFileType, DocumentStatus, Environment, IdClass, RequirementCode, TransactionType } from './vocabularies.js';

/** A document of the attempt, as far as requirements see it. */
export interface SubjectDocument {
  readonly idClass: IdClass;
  readonly fileTypes: readonly DocumentFileType[];
  /** REJECTED satisfies nothing; PENDING, PROCESSING and APPROVED satisfy. */
  readonly status: DocumentStatus;
  /** Which submission of the attempt last gave its files, 1 for the first: updateDocument is a submission too. */
  readonly submission: number;
}

/** Everything that requirements are made of: one attempt, or a dry run of one. */
export interface RequirementSubject {
  readonly kycData: KycData;
  readonly transactionType: TransactionType | null;
  readonly policy: Policy;
  readonly environment: Environment;
  readonly documents: readonly SubjectDocument[];
  readonly signedContracts: readonly ContractType[];
  /** Whether the person goes through the hosted page. */
  readonly hostedPage: boolean;
  readonly demands: Demands;
}

/** A first attempt with this data, before anything else has come. */
export function freshSubject(kycData: KycData, transactionType: TransactionType | null, organization: Pick<RequirementSubject, 'environment' | 'policy'>, hostedPage = false): RequirementSubject {
  const { environment, policy } = organization;
  return { kycData, transactionType, policy, environment, documents: [], signedContracts: [], hostedPage, demands: NO_DEMANDS };
}

/** A demand that nothing meets yet. A selfie has no class of its own. */
export interface OpenDocumentDemand {
  readonly kind: 'DOCUMENT' | 'SELFIE';
  readonly acceptedDocuments: readonly IdClass[] | null;
  /** What each accepted class has to show. */
  readonly files: ReadonlyArray<{ readonly idClass: IdClass; readonly fileTypes: readonly DocumentFileType[] }>;
  readonly code: RequirementCode;
}

/** A submission, before it is stored: one class and the files that came with it (submitDocument, updateDocument). */
export interface SubmittedDocument {
  readonly idClass: IdClass;
  readonly fileTypes: readonly DocumentFileType[];
}

const FRONT: readonly DocumentFileType[] = ['FRONT_PHOTO'];
const FRONT_AND_BACK: readonly DocumentFileType[] = ['FRONT_PHOTO', 'BACK_PHOTO'];
const RESIDENCY: readonly DocumentFileType[] = ['PROOF_OF_RESIDENCY'];
const FILE_TYPES: Readonly<Record<IdClass, readonly DocumentFileType[]>> = {
  PASSPORT: FRONT,
  DRIVERS_LICENSE: FRONT_AND_BACK,
  NATIONAL_ID_CARD: FRONT_AND_BACK,
  RESIDENCE_PERMIT: FRONT_AND_BACK,
  STATE_ID: FRONT_AND_BACK,
  // domain.md names no back for these, and where it shows nothing nobody should fail for want of it.
  PASSPORT_CARD: FRONT,
  VISA: FRONT,
  WORK_PERMIT: FRONT,
  UTILITY_BILL: RESIDENCY,
  BANK_STATEMENT: RESIDENCY,
  LEASE_AGREEMENT: RESIDENCY,
};

const INPUT_NAMES: Readonly<Record<DocumentFileType, string>> = {
  FRONT_PHOTO: 'frontPhoto',
  BACK_PHOTO: 'backPhoto',
  PROOF_OF_RESIDENCY: 'proofOfResidency',
  SELFIE: 'selfie',
};

/** What a class of document has to show (domain.md, Evaluation 4 and Documents). */
export function fileTypesOf(idClass: IdClass): readonly DocumentFileType[] {
  return FILE_TYPES[idClass];
}

/** How many submissions of documents an attempt has had, by its documents: a new one is the next. */
export function submissionsOf(documents: ReadonlyArray<Pick<SubjectDocument, 'submission'>>): number {
  return Math.max(0, ...documents.map((document) => document.submission));
}

/** Whether the person has declared political exposure; absent is not declared. */
export function isPoliticallyExposed(data: KycData): boolean {
  return data.politicallyExposedPerson === true;
}

/** Where the person lives: countryOfResidence, else address.country (domain.md, Evaluation). */
export function residenceOf(data: KycData): string | undefined {
  return data.countryOfResidence ?? data.address?.country;
}

/**
 * Whether the rules ask for a photo id (domain.md, Evaluation 4), true as soon as the answers given decide it: a
 * nationality other than US, exposure, or in a sandbox a home in New York is each enough. Until then those answers
 * are what is asked for.
 */
export function isPhotoIdRequired(subject: RequirementSubject): boolean {
  if (subject.policy.photoId[transactionKey(subject.transactionType)] === 'EVERYONE') return true;
  const data = completeKycData(subject.kycData);
  const livesInNewYork = data.address?.country === 'US' && data.address.stateCode === 'NY';
  return (data.nationality !== undefined && data.nationality !== 'US') || isPoliticallyExposed(data) || (subject.environment === 'SANDBOX' && livesInNewYork);
}

/** The demands for documents that nothing meets: what evaluation asks for and submitDocument is checked against. */
export function openDocumentDemands(subject: RequirementSubject): OpenDocumentDemand[] {
  const demands = unmetDemands(subject).map((demand): OpenDocumentDemand => {
    const wasRejected = subject.documents.some((document) => document.status === 'REJECTED' && demand.accepted.includes(document.idClass));
    return {
      kind: 'DOCUMENT',
      acceptedDocuments: demand.accepted,
      files: demand.accepted.map((idClass) => ({ idClass, fileTypes: fileTypesOf(idClass) })),
      code: wasRejected ? 'REENTER' : demand.code,
    };
  });
  if (!isSelfieMissing(subject)) return demands;
  const hadOne = subject.documents.some((document) => document.fileTypes.includes('SELFIE'));
  return [...demands, { kind: 'SELFIE', acceptedDocuments: null, files: [], code: hadOne ? 'REENTER' : 'REQUIRED' }];
}

/**
 * What a new submission leaves unmet, as faults that name it; empty when it is accepted. A submission has one class,
 * and may have a proof of residency and a selfie beside it: it has to meet everything that is open, since it moves the
 * attempt on to be checked. A passport with a proof of residency meets both a photo id and a proof of address. Only
 * where no single class could meet all that is open (a reviewer's VISA and a photo id) is it enough to meet one, so
 * that there is always a submission that is accepted; the rest stays open. More files than asked for are fine.
 */
export function unmetBySubmission(subject: RequirementSubject, submitted: SubmittedDocument): FieldFault[] {
  const faults: FieldFault[] = [];
  const unmet = unmetDemands(subject);
  // A proof of address can come beside any class; every other demand is for the class itself.
  const forClass = unmet.filter((demand) => !acceptsProofOfAddress(demand));
  const common = commonClasses(forClass);
  const accepted = common.length > 0 ? common : [...new Set(forClass.flatMap((demand) => demand.accepted))];
  const needed = new Set<DocumentFileType>();
  if (accepted.length > 0 && !accepted.includes(submitted.idClass)) {
    const isProofAlone = fileTypesOf(submitted.idClass) === RESIDENCY && unmet.some(acceptsProofOfAddress);
    const message = isProofAlone
      ? `A proof of address is asked for, and another document with it. Select that one (${accepted.join(', ')}) and send the proof beside it as proofOfResidency.`
      : `This class of document is not what is asked for. Accepted: ${accepted.join(', ')}.`;
    faults.push(fault('selectedIdClass', 'not_accepted', message));
  } else if (accepted.length > 0) {
    for (const fileType of fileTypesOf(submitted.idClass)) needed.add(fileType);
  }
  for (const demand of unmet.filter(acceptsProofOfAddress)) {
    // A demand that also accepts other classes is met by any of them, shown whole.
    if (!isMetBy(demand, submitted)) fileTypesToMeet(demand, submitted).forEach((fileType) => needed.add(fileType));
  }
  if (isSelfieMissing(subject)) needed.add('SELFIE');
  for (const fileType of needed) {
    if (!submitted.fileTypes.includes(fileType)) faults.push(missingFile(fileType, submitted.idClass));
  }
  return faults;
}

function missingFile(fileType: DocumentFileType, idClass: IdClass): FieldFault {
  const message = {
    FRONT_PHOTO: `The front photo of the ${idClass} is missing.`,
    BACK_PHOTO: `The back photo of the ${idClass} is missing.`,
    PROOF_OF_RESIDENCY: `A proof of residency is missing: ${PROOF_OF_ADDRESS_CLASSES.join(', ')}.`,
    SELFIE: 'A selfie is missing.',
  }[fileType];
  return fault(INPUT_NAMES[fileType], 'required', message);
}

function fileTypesToMeet(demand: DocumentDemand, submitted: SubmittedDocument): readonly DocumentFileType[] {
  return demand.accepted.includes(submitted.idClass) ? fileTypesOf(submitted.idClass) : RESIDENCY;
}

function acceptsProofOfAddress(demand: DocumentDemand): boolean {
  return demand.accepted.some((idClass) => fileTypesOf(idClass) === RESIDENCY);
}

function commonClasses(demands: readonly DocumentDemand[]): IdClass[] {
  const [first, ...others] = demands;
  return first ? first.accepted.filter((idClass) => others.every((demand) => demand.accepted.includes(idClass))) : [];
}

/**
 * Whether one document meets a demand: of an accepted class, with all its files; or with a proof of residency beside
 * another class, since that file does not say which kind of proof it is.
 */
function isMetBy(demand: DocumentDemand, document: SubmittedDocument): boolean {
  if (demand.accepted.includes(document.idClass) && fileTypesOf(document.idClass).every((fileType) => document.fileTypes.includes(fileType))) return true;
  return acceptsProofOfAddress(demand) && document.fileTypes.includes('PROOF_OF_RESIDENCY');
}

function demandsOf(subject: RequirementSubject): DocumentDemand[] {
  return [...(isPhotoIdRequired(subject) ? [PHOTO_ID_DEMAND] : []), ...subject.demands.documents];
}

function unmetDemands(subject: RequirementSubject): DocumentDemand[] {
  const open = demandsOf(subject).filter((demand) =>
    !subject.documents.some((document) => document.status !== 'REJECTED' && document.submission > demand.since && isMetBy(demand, document)));
  // What a stricter open demand asks for meets this one too, so it would only be listed twice.
  const isImplied = (demand: DocumentDemand, at: number) =>
    open.some((other, otherAt) => {
      if (otherAt === at || other.since < demand.since || !coversClasses(demand.accepted, other.accepted)) return false;
      return !sameClasses(demand.accepted, other.accepted) || other.since > demand.since || otherAt > at;
    });
  return open.filter((demand, at) => !isImplied(demand, at));
}

function isSelfieMissing(subject: RequirementSubject): boolean {
  const { liveness } = subject.policy;
  if (liveness === 'NEVER' || (liveness === 'HOSTED_PAGE' && !subject.hostedPage)) return false;
  // A selfie is compared with a portrait, so it is asked for only beside a photo id.
  const photoIdAsked = demandsOf(subject).some((demand) => coversClasses(PHOTO_ID_CLASSES, demand.accepted));
  return photoIdAsked && !subject.documents.some((document) => document.status !== 'REJECTED' && document.fileTypes.includes('SELFIE'));
}
