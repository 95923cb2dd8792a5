import { hasPostalCodes } from './addresses.js';
import { hasSubdivisions } from './countries.js';
import { openDocumentDemands, residenceOf, type OpenDocumentDemand, type RequirementSubject } from './document-demands.js';
import { completeKycData, valueAt, type FieldPath, type KycData } from './fields.js';
import { dashedTaxNumber } from './national-ids.js';
import { contractsFor, type ContractText } from './policy.js';
import type { IdClass, NationalIdType, RequirementCode, RequirementKind } from './vocabularies.js';

export * from './demands.js';
export * from './document-demands.js';

/** One thing that still stands between a person and ACTIVE (schema.graphql, Requirement). */
export interface Requirement {
  kind: RequirementKind;
  /** Path in the input; null for a document, a selfie or a signature. */
  field: FieldPath | null;
  acceptedDocuments: IdClass[] | null;
  contract: ContractText | null;
  code: RequirementCode;
  message: string;
}

/** domain.md, Evaluation 2. */
const MISSING = 'Missing data for required field.';
const ENTER_AGAIN = 'This was given, but has to be entered again.';

/** Fields that everyone gives without a transaction type: the Customer API's list (domain.md, Evaluation 2). */
const CUSTOMER_FIELDS: readonly FieldPath[] = [
  'kycData.legalFirstName', 'kycData.legalLastName', 'kycData.phoneNumber', 'kycData.dateOfBirth', 'kycData.nationality',
  'kycData.address.addressLine1', 'kycData.address.city', 'kycData.address.country', 'kycData.address.locale',
  'kycData.employmentStatus', 'kycData.sourceOfFunds', 'kycData.accountPurpose', 'kycData.expectedMonthlyPaymentsUsd', 'kycData.isIntermediary',
];
/** Fields that everyone gives with one: the Identity API's list. */
const IDENTITY_FIELDS: readonly FieldPath[] = [
  'kycData.legalFirstName', 'kycData.legalLastName', 'kycData.dateOfBirth', 'kycData.nationality',
  'kycData.address.addressLine1', 'kycData.address.city', 'kycData.address.country', 'kycData.politicallyExposedPerson',
];
const ENTERPRISE_FIELDS: readonly FieldPath[] = ['kycData.enterpriseName', 'kycData.countryOfIncorporation', 'kycData.dateOfIncorporation'];

/**
 * Everything that still has to be provided, all at once: fields, documents, selfie, signatures (domain.md, Evaluation).
 * Evaluation, `requirements` on Customer and Identity, and the dry run `Query.requirements` all ask here. A conditional
 * requirement is listed as soon as the answers that decide it are there; until then those answers are.
 */
export function requirementsOf(subject: RequirementSubject): Requirement[] {
  return [...missingFields(subject), ...openDocumentDemands(subject).map(documentRequirement), ...missingSignatures(subject)];
}

/** The requirements of kind FIELD: while there is one, evaluation ends in INPUT_ERROR. */
export function missingFields(subject: RequirementSubject): Requirement[] {
  const data = completeKycData(subject.kycData);
  const listed = new Map<FieldPath, Requirement>();
  const list = (field: FieldPath, code: RequirementCode, message: string) => {
    if (!listed.has(field)) listed.set(field, { kind: 'FIELD', field, acceptedDocuments: null, contract: null, code, message });
  };
  for (const field of requiredFields(data, subject)) {
    if (valueAt(data, field) === undefined) list(field, 'REQUIRED', MISSING);
  }
  for (const field of unfitNationalId(data)) list(field, 'REENTER', unfitMessage(data));
  for (const field of subject.demands.fields) list(field, 'REENTER', ENTER_AGAIN);
  return [...listed.values()];
}

/** The requirements of kind SIGNATURE: listed from the first call, signed while AWAITING_SIGNATURE. */
export function missingSignatures(subject: RequirementSubject): Requirement[] {
  return contractsFor(subject.policy, subject.transactionType)
    .filter((contract) => !subject.signedContracts.includes(contract.type))
    .map((contract) => ({ kind: 'SIGNATURE', field: null, acceptedDocuments: null, contract, code: 'REQUIRED', message: `The contract ${contract.type}, version ${contract.version}, has to be signed.` }));
}

/** Every field that is required by the answers there are, given or not. */
function requiredFields(data: KycData, subject: RequirementSubject): FieldPath[] {
  const withTransactionType = subject.transactionType !== null;
  return [
    ...(withTransactionType ? IDENTITY_FIELDS : CUSTOMER_FIELDS),
    ...addressFields(data),
    ...(withTransactionType ? identityFields(data) : customerFields(data)),
    ...(data.isEntity === true ? ENTERPRISE_FIELDS : []),
  ];
}

/** state, stateCode and postalCode where the country has them; which is known once there is a country. */
function addressFields(data: KycData): FieldPath[] {
  const country = data.address?.country;
  if (country === undefined) return [];
  return [
    ...(hasSubdivisions(country) ? (['kycData.address.state', 'kycData.address.stateCode'] as const) : []),
    ...(hasPostalCodes(country) ? (['kycData.address.postalCode'] as const) : []),
  ];
}

function customerFields(data: KycData): FieldPath[] {
  const hasOccupation = data.mostRecentOccupation !== undefined || data.occupation !== undefined;
  return [
    'kycData.nationalIdType', 'kycData.nationalIdNumber', 'kycData.nationalIdIssuingCountry',
    ...(hasOccupation ? [] : (['kycData.mostRecentOccupation'] as const)),
  ];
}

/** Residence where nothing tells it, and the tax number for US citizens and residents only. */
function identityFields(data: KycData): FieldPath[] {
  return [
    ...(residenceOf(data) === undefined ? (['kycData.countryOfResidence'] as const) : []),
    ...(taxNumberTypes(data) ? (['kycData.nationalIdType', 'kycData.nationalIdNumber'] as const) : []),
  ];
}

/** The kinds of number that the United States asks of its citizens and residents; undefined for others, who give any. */
function taxNumberTypes(data: KycData): readonly NationalIdType[] | undefined {
  if (data.nationality === 'US') return ['SSN'];
  return residenceOf(data) === 'US' ? ['SSN', 'ITIN'] : undefined;
}

/**
 * What was given of the national id and does not fit the type that nationality and residence ask for. Type, number and
 * country are listed together: one of them corrected alone would be refused as not fitting the others.
 */
function unfitNationalId(data: KycData): FieldPath[] {
  const accepted = taxNumberTypes(data);
  if (!accepted) return [];
  const { nationalIdType: type, nationalIdNumber: number, nationalIdIssuingCountry: country } = data;
  const wrongType = type !== undefined && !accepted.includes(type);
  const wrongNumber = number !== undefined && (wrongType || dashedTaxNumber(number) === undefined);
  return [
    ...(wrongType ? (['kycData.nationalIdType'] as const) : []),
    ...(wrongNumber ? (['kycData.nationalIdNumber'] as const) : []),
    ...(country !== undefined && country !== 'US' ? (['kycData.nationalIdIssuingCountry'] as const) : []),
  ];
}

function unfitMessage(data: KycData): string {
  return data.nationality === 'US' ? 'US citizens give a US Social Security number (SSN).' : 'US residents give a US Social Security number (SSN) or an ITIN.';
}

function documentRequirement(demand: OpenDocumentDemand): Requirement {
  const message = demand.kind === 'SELFIE'
    ? 'A selfie is needed beside the photo id.'
    : `One of these documents is needed: ${demand.files.map(({ idClass, fileTypes }) => (fileTypes.includes('BACK_PHOTO') ? `${idClass} (front and back)` : idClass)).join(', ')}.`;
  return {
    kind: demand.kind, field: null, acceptedDocuments: demand.acceptedDocuments ? [...demand.acceptedDocuments] : null,
    contract: null, code: demand.code, message,
  };
}
