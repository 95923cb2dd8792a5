import { vocabulary, type WordOf } from './vocabulary.js';

/**
 * The words of the lifecycle (schema.graphql; domain.md, Identity lifecycle and Projections). Their
 * descriptions are the partner's documentation: when a word occurs, whether it is final, what to do next.
 */
export const CustomerType = vocabulary('CustomerType', 'Who is verified.', {
  INDIVIDUAL: 'A natural person.',
});
export type CustomerType = WordOf<typeof CustomerType>;

export const CustomerStatus = vocabulary('CustomerStatus', 'Where a customer stands: what its current attempt means to the partner.', {
  CREATED: 'No attempt has begun. Not final. Send kycData with patchCustomer or submitIdentity.',
  UNDER_REVIEW:
    'The attempt is being evaluated, checked, looked at by a person, or waits for signatures. Not final; kycData is locked. Wait for the next event, or sign where `requirements` lists a SIGNATURE.',
  NEEDS_ADDITIONAL_INFORMATION:
    'Something is missing, was refused, or the attempt has expired. Not final. Provide what `requirements` lists; after EXPIRED, patchCustomer starts a new attempt.',
  ACTIVE: 'Verification succeeded: the person may transact. Stays so until staff require a new verification or the customer is deactivated.',
  REJECTED: 'Verification was declined. Final for this attempt; patchCustomer or submitIdentity starts another.',
  DEACTIVATED: 'Switched off by the partner. Nothing else may be changed until reactivateCustomer, which brings the former state back.',
});
export type CustomerStatus = WordOf<typeof CustomerStatus>;

export const KycStatus = vocabulary('KycStatus', 'The same state in four words, for apps that only ask whether the person may transact.', {
  NOT_STARTED: 'No attempt has begun. Not final. Send the person to the verificationLink or submit data.',
  PENDING: 'An attempt is under way. Not final. Wait, or provide what `requirements` lists.',
  VERIFIED: 'Verification succeeded: the person may transact.',
  FAILED: 'The last step failed, was declined or expired, or the customer is deactivated. Final only while the customer is REJECTED or DEACTIVATED; otherwise provide what `requirements` lists.',
});
export type KycStatus = WordOf<typeof KycStatus>;

export const IdentityStatus = vocabulary('IdentityStatus', 'Where one verification attempt stands.', {
  INITIATING: 'The submission or a patch has been stored and will be evaluated at once. Not final. Wait for the next event.',
  EVALUATING_SUBMISSION: 'The data is being evaluated. Not final. Wait for the next event.',
  INPUT_ERROR: 'Required data is missing or a reviewer wants fields entered again. Not final. Send the fields of `requirements` with patchIdentity or patchCustomer.',
  SSN_ERROR: 'The Social Security number is contradicted by the records it was checked against. Not final. Send it again with patchIdentity or patchCustomer.',
  AWAITING_DOCUMENT_UPLOAD: 'Documents are wanted. Not final. Submit those of `requirements` with submitDocument.',
  RECORDS_UPLOADED: 'Documents have arrived and are being checked. Not final. Wait for the next event.',
  INCOMPLETE_VERIFICATIONS:
    'A document failed its check or a reviewer wants others; `errorDescription` says why. Not final. Submit those of `requirements` with submitDocument or updateDocument while attempts remain.',
  IN_REVIEW: 'A person looks at the attempt. Not final; nothing can be changed. Wait for the decision.',
  AWAITING_SIGNATURE: 'The person passed and contracts have to be signed. Not final. Sign those of signaturesRequired with submitSignatures.',
  SIGNATURE_SUBMITTED: 'Every contract is signed and the attempt is being completed. Not final. Wait for the next event.',
  APPROVED: 'Verification succeeded. The attempt ends here unless staff require a new verification, which makes it EXPIRED.',
  DECLINED: 'Verification was declined. Final. patchCustomer or submitIdentity starts another attempt.',
  EXPIRED: 'The attempt waited too long, a check timed out, or a new verification is required. Final. patchCustomer or submitIdentity starts another attempt.',
});
export type IdentityStatus = WordOf<typeof IdentityStatus>;

export const TransactionType = vocabulary(
  'TransactionType',
  'The kind of business that the person is verified for. It decides what is required and which contracts are signed.',
  {
    INSTITUTIONAL_INDIVIDUAL: 'A person who acts for an institution. By default signs CSA, MPA and MIC.',
    EU_INDIVIDUAL: 'A private person under the rules of the European Union. By default signs the CSA.',
  },
);
export type TransactionType = WordOf<typeof TransactionType>;

export const DebugStatus = vocabulary('DebugStatus', 'Sandbox only: how the checks of this attempt are to end.', {
  PASSED: 'Every check passes, as when nothing is said.',
  FAILED: 'Every document check fails; a person without a document step is asked for documents. When the attempts are spent the attempt goes to IN_REVIEW and is DECLINED.',
});
export type DebugStatus = WordOf<typeof DebugStatus>;

export const Action = vocabulary('Action', 'What a caller may ask of a customer or an attempt now.', {
  SUBMIT_IDENTITY: 'submitIdentity starts an attempt.',
  PATCH_CUSTOMER: 'patchCustomer changes the data, or starts a new attempt from it.',
  PATCH_IDENTITY: 'patchIdentity changes the data of the open attempt.',
  SUBMIT_DOCUMENT: 'submitDocument adds documents and spends an attempt.',
  UPDATE_DOCUMENT: 'updateDocument replaces a document and spends an attempt.',
  SUBMIT_SIGNATURES: 'submitSignatures signs contracts.',
  DEACTIVATE: 'deactivateCustomer switches the customer off.',
  REACTIVATE: 'reactivateCustomer switches it on again.',
  REVIEW: 'reviewIdentity decides an attempt that is IN_REVIEW.',
  REQUIRE_REVERIFICATION: 'requireReverification makes an approved customer verify anew.',
});
export type Action = WordOf<typeof Action>;

export const RequirementKind = vocabulary('RequirementKind', 'What has to be provided.', {
  FIELD: 'A field of the input; `field` is its path.',
  DOCUMENT: 'Any one of `acceptedDocuments`, with submitDocument.',
  SELFIE: 'A photo of the face (JPEG or PNG) as `selfie`, beside the photo id.',
  SIGNATURE: 'The signature of `contract`, with submitSignatures once the attempt is AWAITING_SIGNATURE.',
});
export type RequirementKind = WordOf<typeof RequirementKind>;

export const RequirementCode = vocabulary('RequirementCode', 'Why it has to be provided.', {
  REQUIRED: 'It is required and was not given yet.',
  REENTER: 'It was given, but a check or a reviewer wants it again.',
});
export type RequirementCode = WordOf<typeof RequirementCode>;

export const IdClass = vocabulary('IdClass', 'The class of a document. Codes in quotes are those of the REST vocabulary.', {
  PASSPORT: 'Passport, "pp": the page with the portrait as front photo.',
  PASSPORT_CARD: 'Passport card: front photo.',
  DRIVERS_LICENSE: 'Driver\'s license, "dl": front and back photo.',
  NATIONAL_ID_CARD: 'National identity card, "cid": front and back photo.',
  RESIDENCE_PERMIT: 'Residence permit, "rp": front and back photo.',
  STATE_ID: 'Identity card of a state, "sid": front and back photo.',
  VISA: 'Visa: front photo.',
  WORK_PERMIT: 'Work permit: front photo.',
  UTILITY_BILL: 'Bill of a utility, as proof of residency.',
  BANK_STATEMENT: 'Bank statement, as proof of residency.',
  LEASE_AGREEMENT: 'Lease agreement, as proof of residency.',
});
export type IdClass = WordOf<typeof IdClass>;

export const DocumentFileType = vocabulary('DocumentFileType', 'What a file of a document shows.', {
  FRONT_PHOTO: 'The front of the document, or the page with the portrait.',
  BACK_PHOTO: 'The back of the document.',
  PROOF_OF_RESIDENCY: 'A utility bill, bank statement or lease that names the address.',
  SELFIE: 'The face of the person, taken for this attempt.',
});
export type DocumentFileType = WordOf<typeof DocumentFileType>;

export const DocumentStatus = vocabulary('DocumentStatus', 'Where the check of a document stands.', {
  PENDING: 'Received; its check has not begun. Not final. Wait for the next event.',
  PROCESSING: 'Being checked. Not final. Wait for the next event.',
  APPROVED: 'Accepted. Final.',
  REJECTED: 'Refused; `rejectionReason` says why. Replace it with updateDocument, best by another class of document, or submit a new one.',
});
export type DocumentStatus = WordOf<typeof DocumentStatus>;

export const UploadStatus = vocabulary('UploadStatus', 'Where the transfer of a file stands.', {
  PENDING: 'The file is to be fetched from its URL. Not final.',
  UPLOADED: 'The file is stored. Final.',
  FAILED: 'The file could not be fetched or was refused. Final. Submit it again.',
});
export type UploadStatus = WordOf<typeof UploadStatus>;

export const ContractType = vocabulary('ContractType', 'A contract that the policy of an organization may ask to be signed.', {
  CSA: 'The contract "csa" of the REST vocabulary. By default signed for both transaction types.',
  MPA: 'The contract "mpa" of the REST vocabulary. By default signed for INSTITUTIONAL_INDIVIDUAL.',
  MIC: 'The contract "mic" of the REST vocabulary. By default signed for INSTITUTIONAL_INDIVIDUAL.',
  WVR: 'The contract "wvr" of the REST vocabulary. Signed only where a policy names it.',
});
export type ContractType = WordOf<typeof ContractType>;

export const ReviewDecision = vocabulary('ReviewDecision', 'What a reviewer decides about an attempt that is IN_REVIEW.', {
  APPROVE: 'The person passes: on to the signatures, or to APPROVED where none is required.',
  DECLINE: 'The person is declined. Final for this attempt.',
  REQUEST_INFORMATION: 'The person is asked for documents (INCOMPLETE_VERIFICATIONS) or for fields (INPUT_ERROR).',
});
export type ReviewDecision = WordOf<typeof ReviewDecision>;

export const Environment = vocabulary('Environment', 'What an organization is for; chosen at its creation, for good.', {
  SANDBOX: 'For trying out: the sandbox provider decides by magic values, and no person is needed.',
  LIVE: 'For real people: the gateway checks, and a provider or a reviewer decides.',
});
export type Environment = WordOf<typeof Environment>;

export const FindingSeverity = vocabulary('FindingSeverity', 'How much a finding weighs.', {
  ERROR: 'Reason enough to reject the document.',
  WARNING: 'For a reviewer to look at.',
});
export type FindingSeverity = WordOf<typeof FindingSeverity>;
