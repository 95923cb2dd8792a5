import type { UnitOfWork } from '../core/command.js';
import type { FieldFault } from '../core/errors.js';
import { urlFault } from '../core/outbound.js';
import { patchNotAllowed, standingOf } from '../customer/commands.js';
import { checkDetails, type DocumentDetails } from '../kyc/document-details.js';
import { fileTypesOf, freshSubject, openDocumentDemands, type RequirementSubject, type SubjectDocument } from '../kyc/document-demands.js';
import type { KycDataPatch } from '../kyc/fields.js';
import type { DocumentFileType, IdClass } from '../kyc/vocabularies.js';
import type { Attempt } from './commands.js';
import type { Identity } from './entity.js';

/** A document by URL, as it is given with a person's data (contract.graphql, KycDocumentInput). */
export interface DocumentByUrl {
  type: IdClass;
  number?: string | null | undefined;
  issuingCountry?: string | null | undefined;
  issueDate?: string | null | undefined;
  expirationDate?: string | null | undefined;
  frontImageUrl: string;
  backImageUrl?: string | null | undefined;
}

/** A person's data as a mutation takes it: beside what is merged, documents that are appended. */
export type KycDataGiven = KycDataPatch & { documents?: readonly DocumentByUrl[] | null | undefined };

/** A document by URL as an attempt keeps it until its evaluation makes a Document of it. */
export interface GivenDocument extends Required<DocumentDetails> {
  files: readonly { documentType: DocumentFileType; url: string }[];
  /** Which submission of the attempt it belongs to. */
  submission: number;
}

/** As many as a person has cause to give at once; each may cost thirty megabytes of fetching. */
const MOST_DOCUMENTS = 10;

/** Checks the documents of a submission or patch; each has to be whole. Faults are added to `faults`. */
export function checkGivenDocuments(given: readonly DocumentByUrl[] | null | undefined, context: { now: Date; allowPrivateUrls: boolean }, faults: FieldFault[]): Omit<GivenDocument, 'submission'>[] {
  if ((given?.length ?? 0) > MOST_DOCUMENTS) {
    faults.push({ path: 'kycData.documents', code: 'too_many', message: `At most ${MOST_DOCUMENTS} documents may be given at once.` });
    return [];
  }
  return (given ?? []).map((document, index) => {
    const base = `kycData.documents.${index}.`;
    const { type, frontImageUrl, backImageUrl, ...rest } = document;
    const { details, faults: found } = checkDetails({ ...rest, selectedIdClass: type }, context.now, base);
    for (const [name, url] of [['frontImageUrl', frontImageUrl], ['backImageUrl', backImageUrl]] as const) {
      const message = url == null ? null : urlFault(url, context.allowPrivateUrls);
      if (message !== null) found.push({ path: base + name, code: 'not_allowed', message });
    }
    if (fileTypesOf(type).includes('BACK_PHOTO') && backImageUrl == null) {
      found.push({ path: `${base}backImageUrl`, code: 'required', message: `The back photo of the ${type} is missing.` });
    }
    faults.push(...found);
    return { ...details, files: filesOf(document) };
  });
}

/** Utility bills, bank statements and leases show where a person lives, on both their pages (domain.md, Documents). */
function filesOf({ type, frontImageUrl, backImageUrl }: DocumentByUrl): GivenDocument['files'] {
  const isProof = fileTypesOf(type).includes('PROOF_OF_RESIDENCY');
  const front = { documentType: isProof ? 'PROOF_OF_RESIDENCY' : 'FRONT_PHOTO', url: frontImageUrl } as const;
  return backImageUrl == null ? [front] : [front, { documentType: isProof ? 'PROOF_OF_RESIDENCY' : 'BACK_PHOTO', url: backImageUrl }];
}

/** A document that is still only given, as requirements see it. */
export function subjectOfGiven(document: Omit<GivenDocument, 'submission'> & { submission?: number }): SubjectDocument {
  return { idClass: document.selectedIdClass, status: 'PENDING', submission: document.submission ?? 1, fileTypes: document.files.map((file) => file.documentType) };
}

/** What the documents of a first submission leave unmet of what the rules ask for (domain.md, Documents), as faults. */
export function unmetByGiven(subject: Pick<RequirementSubject, 'kycData' | 'transactionType' | 'policy' | 'environment'>, documents: readonly Omit<GivenDocument, 'submission'>[]): FieldFault[] {
  if (documents.length === 0) return [];
  const open = openDocumentDemands({ ...freshSubject(subject.kycData, subject.transactionType, subject), documents: documents.map(subjectOfGiven) });
  // A selfie cannot come by URL: it is asked for afterwards.
  return open.filter((demand) => demand.kind === 'DOCUMENT').map((demand) => ({
    path: 'kycData.documents',
    code: 'required',
    message: `These documents leave unmet what is asked for. One of: ${(demand.acceptedDocuments ?? []).join(', ')}.`,
  }));
}

/** Appends documents to an attempt: together they are one submission, and spend one of its document attempts. */
export function appendDocuments(identity: Pick<Identity, 'documentSubmissions' | 'documentAttemptsRemaining' | 'documentsByUrl'>, documents: readonly Omit<GivenDocument, 'submission'>[]): void {
  if (documents.length === 0) return;
  identity.documentSubmissions += 1;
  identity.documentAttemptsRemaining -= 1;
  const submission = identity.documentSubmissions;
  identity.documentsByUrl = [...identity.documentsByUrl, ...documents.map((document) => ({ ...document, submission }))];
}

/** Refuses documents where no attempt is left for them. */
export function requireDocumentAttempt({ identity, customer }: Attempt, documents: readonly unknown[], principal: UnitOfWork['principal']): void {
  if (documents.length > 0 && identity.documentAttemptsRemaining <= 0) throw patchNotAllowed('SUBMIT_DOCUMENT', standingOf(customer), principal.role);
}
