// What the demo asks. A test holds each of these against schema.graphql.

const CUSTOMER = 'id status kycStatus version';
const REQUIREMENTS = 'requirements { kind field message acceptedDocuments contract { type version title } }';

export const ORGANIZATION = `query Organization {
  organization { name environment }
}`;

export const CREATE_CUSTOMER = `mutation CreateCustomer($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { ${CUSTOMER} } }
}`;

export const PATCH_CUSTOMER = `mutation PatchCustomer($customerId: ID!, $kycData: KycDataInput!) {
  patchCustomer(input: { customerId: $customerId, kycData: $kycData }) {
    customer { ${CUSTOMER} }
    identity { id status ${REQUIREMENTS} }
  }
}`;

export const SUBMIT_IDENTITY = `mutation SubmitIdentity($customerId: ID!, $kycData: KycDataInput!, $transactionType: TransactionType, $debugStatus: DebugStatus) {
  submitIdentity(input: { customerId: $customerId, kycData: $kycData, transactionType: $transactionType, debugStatus: $debugStatus }) {
    identity { id status ${REQUIREMENTS} }
    customer { ${CUSTOMER} }
  }
}`;

export const PATCH_IDENTITY = `mutation PatchIdentity($identityId: ID!, $debugStatus: DebugStatus) {
  patchIdentity(input: { identityId: $identityId, debugStatus: $debugStatus }) {
    identity { id status debugStatus }
  }
}`;

const DOCUMENT = `document { id status fileUploads { fileName fileSize width height warnings { code } } }
    identity { id status documentAttemptsRemaining }`;

export const SUBMIT_DOCUMENT = `mutation SubmitDocument($identityId: ID!, $selectedIdClass: IdClass!, $number: String, $issuingCountry: CountryCode, $frontPhoto: Upload) {
  submitDocument(
    input: { identityId: $identityId, selectedIdClass: $selectedIdClass, number: $number, issuingCountry: $issuingCountry, frontPhoto: $frontPhoto }
  ) {
    ${DOCUMENT}
  }
}`;

export const UPDATE_DOCUMENT = `mutation UpdateDocument($documentId: ID!, $selectedIdClass: IdClass!, $frontPhoto: Upload) {
  updateDocument(input: { documentId: $documentId, selectedIdClass: $selectedIdClass, frontPhoto: $frontPhoto }) {
    ${DOCUMENT}
  }
}`;

export const SUBMIT_SIGNATURES = `mutation SubmitSignatures($identityId: ID!, $signatures: [SignatureInput!]!) {
  submitSignatures(input: { identityId: $identityId, signatures: $signatures }) {
    identity { id status signaturesRequired signaturesSubmitted }
  }
}`;

export const ADVANCE_CLOCK = `mutation AdvanceSandboxClock($seconds: Int!) {
  advanceSandboxClock(input: { seconds: $seconds }) { now }
}`;

export const IDENTITY = `query Identity($identityId: ID!) {
  identity(id: $identityId) {
    id
    status
    errorDescription
    documentAttemptsRemaining
    signaturesRequired
    ${REQUIREMENTS}
    customer { ${CUSTOMER} kycData { phoneNumber } }
  }
}`;

export const KYC_STATUS = `query KycStatus($partnerUserId: String!) {
  kycStatus(partnerUserId: $partnerUserId) { status verifiedAt }
}`;

export const WATCH_CUSTOMER = `subscription WatchCustomer($customerId: ID!) {
  change: customerStatusChanged(customerId: $customerId) { oldStatus newStatus why: reason }
}`;

export const WATCH_IDENTITY = `subscription WatchIdentity($customerId: ID!) {
  change: identityStatusChanged(customerId: $customerId) { oldStatus newStatus why: errorDescription }
}`;

export const WATCH_DOCUMENTS = `subscription WatchDocuments($identityId: ID!) {
  change: documentStatusChanged(identityId: $identityId) { oldStatus newStatus }
}`;
