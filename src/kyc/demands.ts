import { valueAt, type FieldPath, type KycDataPatch } from './fields.js';
import type { IdClass, RequirementCode } from './vocabularies.js';

/** Any one of these documents, wanted beyond the rules. */
export interface DocumentDemand {
  readonly accepted: readonly IdClass[];
  /** REENTER: a reviewer's, who has seen what there was. REQUIRED: the provider's or the sandbox's. */
  readonly code: RequirementCode;
  /** Only documents of a later submission than this one meet it; 0 is for demands that any document of the attempt meets. */
  readonly since: number;
}

/**
 * What a reviewer, the provider or a sandbox control wants of one attempt beyond the rules; plain JSON, stored on the
 * attempt. A field's demand is taken off once the field is entered. A document's demand stays: whether it is met is
 * read off the documents each time, so a rejection opens it again by itself.
 */
export interface Demands {
  readonly fields: readonly FieldPath[];
  readonly documents: readonly DocumentDemand[];
}

export const NO_DEMANDS: Demands = { fields: [], documents: [] };

/** Government photo ids (domain.md, Evaluation 4). */
export const PHOTO_ID_CLASSES = ['PASSPORT', 'DRIVERS_LICENSE', 'NATIONAL_ID_CARD', 'RESIDENCE_PERMIT', 'STATE_ID'] as const satisfies readonly IdClass[];
/** Proofs of address (domain.md, Documents: these are PROOF_OF_RESIDENCY). */
export const PROOF_OF_ADDRESS_CLASSES = ['UTILITY_BILL', 'BANK_STATEMENT', 'LEASE_AGREEMENT'] as const satisfies readonly IdClass[];

/** The demand for a government photo id: by a provider, or for a person without a document step under debugStatus FAILED. */
export const PHOTO_ID_DEMAND: DocumentDemand = { accepted: PHOTO_ID_CLASSES, code: 'REQUIRED', since: 0 };
/** A provider's demand for a proof of address. */
export const PROOF_OF_ADDRESS_DEMAND: DocumentDemand = { accepted: PROOF_OF_ADDRESS_CLASSES, code: 'REQUIRED', since: 0 };

/** The demands with fields to be entered again, such as the number after SSN_ERROR. */
export function addFieldDemands(demands: Demands, fields: readonly FieldPath[]): Demands {
  return { ...demands, fields: [...new Set([...demands.fields, ...fields])] };
}

/** The demands without one for a field. */
export function withoutFieldDemand(demands: Demands, field: FieldPath): Demands {
  return { ...demands, fields: demands.fields.filter((path) => path !== field) };
}

/** The demands with one more for documents; the same one twice is one. */
export function addDocumentDemand(demands: Demands, demand: DocumentDemand): Demands {
  const same = (other: DocumentDemand) => other.since === demand.since && sameClasses(other.accepted, demand.accepted);
  return demands.documents.some(same) ? demands : { ...demands, documents: [...demands.documents, demand] };
}

/** The demands after the provider has answered anew: what it wanted before makes way for what it wants now. */
export function requestByProvider(demands: Demands, wanted: readonly DocumentDemand[]): Demands {
  const reviewers = demands.documents.filter((demand) => demand.code === 'REENTER');
  return wanted.reduce(addDocumentDemand, { ...demands, documents: reviewers });
}

/**
 * What stands after a reviewer asked for information: in place of whatever a reviewer had asked for before (it stands
 * "until it is met or a reviewer decides"), beside what the provider wants. `submissions` is how many submissions of
 * documents the attempt has had: only a later one meets the demand.
 */
export function requestByReviewer(
  demands: Demands,
  request: { readonly fields?: readonly FieldPath[]; readonly documents?: readonly IdClass[] },
  submissions: number,
): Demands {
  const provider = demands.documents.filter((demand) => demand.code === 'REQUIRED');
  const asked: DocumentDemand[] = request.documents?.length ? [{ accepted: [...new Set(request.documents)], code: 'REENTER', since: submissions }] : [];
  return { fields: [...new Set(request.fields ?? [])], documents: [...provider, ...asked] };
}

/**
 * The demands after a patch: a field that it gives is entered again, even with the same value; clearing is not
 * entering. `state` and `stateCode` are one fact, so either meets the demand for both.
 */
export function meetFieldDemands(demands: Demands, patch: KycDataPatch): Demands {
  const entered = (path: FieldPath) => valueAt(patch, path) != null;
  const subdivision: readonly FieldPath[] = ['kycData.address.state', 'kycData.address.stateCode'];
  const met = (path: FieldPath) => (subdivision.includes(path) ? subdivision.some(entered) : entered(path));
  return { ...demands, fields: demands.fields.filter((path) => !met(path)) };
}

/** Whether two lists hold the same classes. */
export function sameClasses(one: readonly IdClass[], other: readonly IdClass[]): boolean {
  return coversClasses(one, other) && coversClasses(other, one);
}

/** Whether every class of `inner` is one of `outer`. */
export function coversClasses(outer: readonly IdClass[], inner: readonly IdClass[]): boolean {
  return inner.every((idClass) => outer.includes(idClass));
}
