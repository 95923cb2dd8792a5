import type { SealedTable } from '../core/crypto/sealed-table.js';
import { completeKycData, type AddressFieldName, type FieldName, type KycData } from './fields.js';

/**
 * What kinds of personal data there are, and how each is kept. `sealed`: encrypted under the customer's data key, and gone
 * with it. `masked`: shown to nobody but by its last characters.
 */
export const PERSONAL_CLASSES = {
  NAME: { sealed: true, masked: false, meaning: 'what a person is called' },
  CONTACT: { sealed: true, masked: false, meaning: 'how a person is reached' },
  IDENTIFIER: { sealed: true, masked: false, meaning: 'what others know the person by' },
  OFFICIAL_NUMBER: { sealed: true, masked: true, meaning: 'a number that an authority gave out' },
  BIRTH_AND_ORIGIN: { sealed: true, masked: false, meaning: 'when a person was born, and which countries they belong to' },
  ADDRESS: { sealed: true, masked: false, meaning: 'where a person lives' },
  FINANCIAL: { sealed: true, masked: false, meaning: 'what a person does, earns, owns and intends' },
  EXPOSURE: { sealed: true, masked: false, meaning: 'whether a person is politically exposed' },
  NETWORK: { sealed: true, masked: false, meaning: 'where a request or a signature came from' },
  DOCUMENT: { sealed: true, masked: false, meaning: 'what a document says' },
  FILE: { sealed: true, masked: false, meaning: 'what a file is called, its digest, and where it came from; the file itself is encrypted under the same key' },
  NOTE: { sealed: true, masked: false, meaning: 'what staff or the provider noted of a person' },
  EXPLANATION: { sealed: false, masked: false, meaning: 'words for the applicant, told in events and webhooks too: they are to hold no data of the person' },
} as const satisfies Record<string, { sealed: boolean; masked: boolean; meaning: string }>;
export type PersonalClass = keyof typeof PERSONAL_CLASSES;

type Classes<Name extends string> = Readonly<Record<Name, PersonalClass>>;

const KYC_DATA: Classes<FieldName> = {
  legalFirstName: 'NAME', legalMiddleName: 'NAME', legalLastName: 'NAME', phoneNumber: 'CONTACT', dateOfBirth: 'BIRTH_AND_ORIGIN',
  nationality: 'BIRTH_AND_ORIGIN', countryOfResidence: 'BIRTH_AND_ORIGIN', nationalIdType: 'DOCUMENT', nationalIdNumber: 'OFFICIAL_NUMBER',
  nationalIdIssuingCountry: 'DOCUMENT', employmentStatus: 'FINANCIAL', mostRecentOccupation: 'FINANCIAL', occupation: 'FINANCIAL',
  sourceOfFunds: 'FINANCIAL', accountPurpose: 'FINANCIAL', expectedMonthlyPaymentsUsd: 'FINANCIAL', isIntermediary: 'FINANCIAL',
  politicallyExposedPerson: 'EXPOSURE', annualIncome: 'FINANCIAL', netWorth: 'FINANCIAL', sourceOfNetWorth: 'FINANCIAL',
  initialDepositType: 'FINANCIAL', expectedMonthlyDeposits: 'FINANCIAL', expectedMonthlyWithdrawals: 'FINANCIAL',
  digitalAssetWalletAddress: 'FINANCIAL', notionalTradedEachMonth: 'FINANCIAL', isEntity: 'FINANCIAL', enterpriseName: 'NAME',
  countryOfIncorporation: 'BIRTH_AND_ORIGIN', dateOfIncorporation: 'BIRTH_AND_ORIGIN',
};
const ADDRESS: Classes<AddressFieldName> = {
  addressLine1: 'ADDRESS', addressLine2: 'ADDRESS', city: 'ADDRESS', state: 'ADDRESS', stateCode: 'ADDRESS', postalCode: 'ADDRESS',
  country: 'ADDRESS', locale: 'ADDRESS',
};
const DOCUMENT = {
  number: 'OFFICIAL_NUMBER', issuingCountry: 'DOCUMENT', issueDate: 'DOCUMENT', expirationDate: 'DOCUMENT', mrz: 'OFFICIAL_NUMBER',
} as const satisfies Record<string, PersonalClass>;
const SIGNER = { contractSignerNameFull: 'NAME', contractSignedIPAddress: 'NETWORK' } as const satisfies Record<string, PersonalClass>;

/**
 * Every personal field that is kept, by the entity that keeps it: the one table that encryption, masking, the log and
 * docs/data-map.md follow. A property that is an object names the class of each of its parts.
 */
export const PERSONAL_DATA = {
  Customer: { email: 'CONTACT', firstName: 'NAME', lastName: 'NAME', partnerUserId: 'IDENTIFIER' },
  Identity: {
    kycData: { ...KYC_DATA, address: ADDRESS },
    ipAddress: 'NETWORK',
    enterpriseId: 'IDENTIFIER',
    userId: 'IDENTIFIER',
    signer: SIGNER,
    documentsByUrl: { ...DOCUMENT, files: 'FILE' },
    providerState: 'NOTE',
    reviewNote: 'NOTE',
    debugFailureReason: 'NOTE',
    errorDescription: 'EXPLANATION',
  },
  Document: { ...DOCUMENT, rejectionReason: 'EXPLANATION' },
  FileUpload: { fileName: 'FILE', sha256: 'FILE', sourceUrl: 'FILE' },
  Signature: SIGNER,
} as const satisfies Record<string, Record<string, PersonalClass | Record<string, PersonalClass | Classes<AddressFieldName>>>>;

/** What of a person's KycData is masked, by its class. */
export const MASKED_KYC_FIELDS = (Object.keys(KYC_DATA) as FieldName[]).filter((name) => PERSONAL_CLASSES[KYC_DATA[name]].masked);

/** What of a customer is personal. */
export interface Contact {
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  partnerUserId: string | null;
}

/** Blind indexes, by the purpose of each: its key is its own. */
export const INDEX_PURPOSES = { email: 'email', partnerUserId: 'partnerUserId', enterpriseId: 'enterpriseId', userId: 'userId', nationalId: 'nationalId' } as const;

/** The form of an e-mail address in which two that are the same are equal. */
export function indexedEmail(email: string): string {
  return email.toLowerCase();
}

/** The form of a person's national id in which two that are the same are equal: its country, and its letters and digits; null where there is none. */
export function indexedNationalId(data: KycData): string | null {
  const { nationalIdType, nationalIdNumber, nationalIdIssuingCountry, nationality } = completeKycData(data);
  if (nationalIdNumber === undefined) return null;
  const isUs = nationalIdType === 'SSN' || nationalIdType === 'ITIN';
  const country = isUs ? 'US' : (nationalIdIssuingCountry ?? nationality ?? '');
  return `${country} ${nationalIdNumber.normalize('NFKC').toUpperCase().replaceAll(/[^\p{L}\p{N}]/gu, '')}`;
}

const text = (plainColumn: string) => ({ plainColumn, empty: () => null });

export const CUSTOMER_TABLE: SealedTable = {
  table: 'customer',
  entity: 'Customer',
  owner: { column: 'id' },
  fields: { email: text('email'), firstName: text('first_name'), lastName: text('last_name'), partnerUserId: text('partner_user_id') },
  unsealed: {},
  indexes: {
    emailIndex: { column: 'email_index', purpose: INDEX_PURPOSES.email, valueOf: ({ email }) => (email == null ? null : indexedEmail(email as string)) },
    partnerUserIndex: { column: 'partner_user_index', purpose: INDEX_PURPOSES.partnerUserId, valueOf: ({ partnerUserId }) => partnerUserId as string | null },
  },
};

export const IDENTITY_TABLE: SealedTable = {
  table: 'identity',
  entity: 'Identity',
  owner: { column: 'customer_id' },
  fields: {
    kycData: { plainColumn: 'kyc_data', empty: () => ({}) },
    ipAddress: text('ip_address'),
    enterpriseId: text('enterprise_id'),
    userId: text('user_id'),
    signer: { plainColumn: 'signer', empty: () => ({}) },
    documentsByUrl: { plainColumn: 'documents_by_url', empty: () => [] },
    providerState: { plainColumn: 'provider_state', empty: () => ({}) },
    reviewNote: text('review_note'),
    debugFailureReason: text('debug_failure_reason'),
  },
  unsealed: { errorDescription: 'error_description' },
  indexes: {
    enterpriseIndex: { column: 'enterprise_index', purpose: INDEX_PURPOSES.enterpriseId, valueOf: ({ enterpriseId }) => enterpriseId as string | null },
    userIndex: { column: 'user_index', purpose: INDEX_PURPOSES.userId, valueOf: ({ userId }) => userId as string | null },
    nationalIdIndex: { column: 'national_id_index', purpose: INDEX_PURPOSES.nationalId, valueOf: ({ kycData }) => indexedNationalId(kycData as KycData) },
  },
};

export const DOCUMENT_TABLE: SealedTable = {
  table: 'document',
  entity: 'Document',
  owner: { column: 'identity_id', parent: 'identity' },
  fields: { number: text('number'), issuingCountry: text('issuing_country'), issueDate: text('issue_date'), expirationDate: text('expiration_date'), mrz: text('mrz') },
  unsealed: { rejectionReason: 'rejection_reason' },
  indexes: {},
};

export const FILE_TABLE: SealedTable = {
  table: 'file_upload',
  entity: 'FileUpload',
  owner: { column: 'document_id', parent: 'document' },
  fields: { fileName: text('file_name'), sha256: text('sha256'), sourceUrl: text('source_url') },
  unsealed: {},
  indexes: {},
};

export const SIGNATURE_TABLE: SealedTable = {
  table: 'signature',
  entity: 'Signature',
  owner: { column: 'identity_id', parent: 'identity' },
  fields: { contractSignerNameFull: text('contract_signer_name_full'), contractSignedIPAddress: text('contract_signed_ip_address') },
  unsealed: {},
  indexes: {},
};

/** Every table that holds personal data, parents first. */
export const SEALED_TABLES: readonly SealedTable[] = [CUSTOMER_TABLE, IDENTITY_TABLE, DOCUMENT_TABLE, FILE_TABLE, SIGNATURE_TABLE];
