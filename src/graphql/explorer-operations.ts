/** One tab of the explorer: an operation that is ready to run, and the variables it is run with. */
export interface ExplorerOperation {
  title: string;
  query: string;
  variables: Readonly<Record<string, unknown>>;
  /** Whose key the tab sends: a reviewer decides, the partner does everything else. */
  caller: 'PARTNER' | 'REVIEWER';
}

// What a person replaces by an id of an earlier answer. Sent as it is, it is answered NOT_FOUND.
const CUSTOMER_ID = 'paste customer.id here (cus_…)';
const IDENTITY_ID = 'paste identity.id here (idn_…)';
const DOCUMENT_ID = 'paste document.id here (doc_…)';

/** A complete person for the Customer API flow, who is asked for a photo id and nothing to sign. */
const PERSON_IN_GERMANY = {
  legalFirstName: 'Lena',
  legalLastName: 'Hoffmann',
  phoneNumber: '+4915112345678',
  dateOfBirth: '1991-04-17',
  nationality: 'DE',
  countryOfResidence: 'DE',
  address: {
    addressLine1: 'Torstraße 140',
    city: 'Berlin',
    stateCode: 'BE',
    postalCode: '10119',
    country: 'DE',
    locale: 'de-DE',
  },
  nationalIdType: 'PASSPORT',
  nationalIdNumber: 'C01X00T47',
  nationalIdIssuingCountry: 'DE',
  employmentStatus: 'EMPLOYED',
  mostRecentOccupation: 'Software engineer',
  sourceOfFunds: 'EMPLOYMENT',
  accountPurpose: 'PERSONAL_USE',
  expectedMonthlyPaymentsUsd: 'UNDER_10K',
  isIntermediary: false,
  politicallyExposedPerson: false,
} as const;

/** A complete US citizen outside New York for the institutional flow: no document step, three contracts to sign. */
const US_CITIZEN = {
  legalFirstName: 'Maya',
  legalLastName: 'Carter',
  phoneNumber: '+14155552671',
  dateOfBirth: '1986-09-02',
  nationality: 'US',
  countryOfResidence: 'US',
  address: {
    addressLine1: '580 California Street',
    city: 'San Francisco',
    stateCode: 'CA',
    postalCode: '94104',
    country: 'US',
    locale: 'en-US',
  },
  nationalIdType: 'SSN',
  nationalIdNumber: '123-45-6789',
  nationalIdIssuingCountry: 'US',
  employmentStatus: 'SELF_EMPLOYED',
  occupation: 'FINANCIAL_SERVICES',
  sourceOfFunds: 'BUSINESS',
  accountPurpose: 'INVESTMENT',
  politicallyExposedPerson: false,
  annualIncome: 'FROM_100K_TO_300K',
  netWorth: 'FROM_500K_TO_1M',
  sourceOfNetWorth: 'BUSINESS_INCOME',
  initialDepositType: 'FIAT_CURRENCY',
  expectedMonthlyDeposits: 'FROM_0_TO_10',
  expectedMonthlyWithdrawals: 'FROM_0_TO_10',
} as const;

const createCustomer = `# Run this first, then paste customer.id into the variables of the tabs that follow.
# In a sandbox the e-mail decides: test-success@, test-rfi@, test-rejected@, test-delay@example.com (a +tag may follow).
mutation CreateCustomer($input: CreateCustomerInput!) {
  createCustomer(input: $input) {
    customer { id status kycStatus email partnerUserId allowedActions createdAt }
  }
}`;

const submitIdentity = `# Answers INITIATING at once; the evaluation runs afterwards. "3 Watch" shows each status as it comes.
mutation SubmitIdentity(
  $customerId: ID!
  $kycData: KycDataInput!
  $transactionType: TransactionType
  $debugStatus: DebugStatus
) {
  submitIdentity(
    input: {
      customerId: $customerId
      kycData: $kycData
      transactionType: $transactionType
      debugStatus: $debugStatus
    }
  ) {
    identity {
      id
      status
      requirements { kind field code message acceptedDocuments contract { type version title } }
    }
    customer { id status kycStatus }
  }
}`;

const watch = `# Holds a socket open and prints every change of status. customerId null: all customers of your organization.
subscription Watch($customerId: ID) {
  identityStatusChanged(customerId: $customerId) {
    occurredAt
    oldStatus
    newStatus
    errorDescription
    identity {
      id
      documentAttemptsRemaining
      requirements { kind field code message }
      customer { id status kycStatus }
    }
  }
}`;

const whereItStands = `# Everything that still stands between this customer and ACTIVE, and what you may do about it now.
query WhereItStands($customerId: ID!) {
  customer(id: $customerId) {
    id
    status
    kycStatus
    verifiedAt
    allowedActions
    requirements { kind field code message acceptedDocuments contract { type version title text } }
    identity {
      id
      status
      errorDescription
      allowedActions
      documentAttemptsRemaining
      documents {
        id
        selectedIdClass
        status
        rejectionReason
        fileUploads { documentType fileName fileSize mimeType width height uploadStatus }
      }
      signaturesRequired
      signaturesSubmitted
      kycData { legalFirstName legalLastName dateOfBirth nationality nationalIdType nationalIdNumber }
    }
  }
}`;

const uploadDocument = `# Allowed while AWAITING_DOCUMENT_UPLOAD or INCOMPLETE_VERIFICATIONS.
# Choose the file by the mark behind "$frontPhoto: Upload": JPEG, PNG or PDF. All but a passport have a backPhoto too.
mutation UploadDocument(
  $identityId: ID!
  $selectedIdClass: IdClass!
  $number: String
  $issuingCountry: CountryCode
  $expirationDate: Date
  $frontPhoto: Upload
  $backPhoto: Upload
) {
  submitDocument(
    input: {
      identityId: $identityId
      selectedIdClass: $selectedIdClass
      number: $number
      issuingCountry: $issuingCountry
      expirationDate: $expirationDate
      frontPhoto: $frontPhoto
      backPhoto: $backPhoto
    }
  ) {
    document { id status fileUploads { documentType fileName fileSize mimeType uploadStatus } }
    identity { id status documentAttemptsRemaining }
    customer { id status }
  }
}`;

const replaceDocument = `# Allowed while INCOMPLETE_VERIFICATIONS: replaces the files of a rejected document. Add the files as in "5 Upload document".
mutation ReplaceDocument($documentId: ID!, $selectedIdClass: IdClass!, $frontPhoto: Upload, $backPhoto: Upload) {
  updateDocument(
    input: {
      documentId: $documentId
      selectedIdClass: $selectedIdClass
      frontPhoto: $frontPhoto
      backPhoto: $backPhoto
    }
  ) {
    document { id status rejectionReason }
    identity { id status documentAttemptsRemaining }
    customer { id status }
  }
}`;

const sign = `# Allowed while AWAITING_SIGNATURE: contracts may be signed one by one or together.
mutation Sign($identityId: ID!, $signatures: [SignatureInput!]!) {
  submitSignatures(input: { identityId: $identityId, signatures: $signatures }) {
    signatures { id contractType contractVersion contractSignerNameFull contractSignedDate }
    identity { id status signaturesRequired signaturesSubmitted }
    customer { id status kycStatus verifiedAt }
  }
}`;

const correctData = `# Allowed while CREATED, NEEDS_ADDITIONAL_INFORMATION or REJECTED: merges what you send into the current attempt, or starts one.
# While UNDER_REVIEW it is refused with PATCH_NOT_ALLOWED, and its extensions say what is allowed.
mutation CorrectData($customerId: ID!, $kycData: KycDataInput!) {
  patchCustomer(input: { customerId: $customerId, kycData: $kycData }) {
    customer { id status kycStatus version }
    identity { id status requirements { kind field code message } }
  }
}`;

const moveClock = `# What would happen in that time happens now. Evaluation takes 5 s, documents 10 s, review 15 s.
mutation MoveTheSandboxClock($seconds: Int!) {
  advanceSandboxClock(input: { seconds: $seconds }) { now }
}`;

const review = `# Sent with the reviewer's key. Allowed while IN_REVIEW: APPROVE, DECLINE or REQUEST_INFORMATION
# (then with requiredDocuments or requiredFields, not both).
mutation Review(
  $identityId: ID!
  $decision: ReviewDecision!
  $message: String
  $note: String
  $requiredDocuments: [IdClass!]
  $requiredFields: [String!]
) {
  reviewIdentity(
    input: {
      identityId: $identityId
      decision: $decision
      message: $message
      note: $note
      requiredDocuments: $requiredDocuments
      requiredFields: $requiredFields
    }
  ) {
    identity { id status errorDescription requirements { kind field code message acceptedDocuments } }
    customer { id status kycStatus }
  }
}`;

const lifecycle = `# Every transition of an identity, from the table that the mutations obey.
query Lifecycle {
  lifecycle { from event to customerStatus kycStatus }
}`;

const errorCodes = `# Every value that extensions.code may have.
query ErrorCodes {
  errorCodes { code statusCode meaning }
}`;

/** Signatures of the sandbox's three contracts. The date is past, as one in the future is refused. */
const SIGNATURES = (['CSA', 'MPA', 'MIC'] as const).map((contractType) => ({
  contractType,
  contractVersion: '1.0',
  contractSignerNameFull: 'Maya Carter',
  contractSignedDate: '2025-01-15T12:00:00Z',
  contractSignedIPAddress: '203.0.113.7',
  userAgreesToTerms: true,
}));

const NO_FILES_YET = { frontPhoto: null, backPhoto: null } as const;

/** The tabs in the order in which the flow takes its steps. Altair opens at most fifteen. */
export const EXPLORER_OPERATIONS: readonly ExplorerOperation[] = [
  { title: '1 Create customer', caller: 'PARTNER', query: createCustomer, variables: { input: { email: 'lena@example.com', firstName: 'Lena', lastName: 'Hoffmann' } } },
  { title: '2 Submit identity', caller: 'PARTNER', query: submitIdentity, variables: { customerId: CUSTOMER_ID, kycData: PERSON_IN_GERMANY } },
  {
    title: '2 Submit institutional',
    caller: 'PARTNER',
    query: submitIdentity,
    variables: { customerId: CUSTOMER_ID, transactionType: 'INSTITUTIONAL_INDIVIDUAL', debugStatus: 'PASSED', kycData: US_CITIZEN },
  },
  { title: '3 Watch (subscription)', caller: 'PARTNER', query: watch, variables: { customerId: null } },
  { title: '4 Where it stands', caller: 'PARTNER', query: whereItStands, variables: { customerId: CUSTOMER_ID } },
  {
    title: '5 Upload document',
    caller: 'PARTNER',
    query: uploadDocument,
    variables: { identityId: IDENTITY_ID, selectedIdClass: 'PASSPORT', number: 'C01X00T47', issuingCountry: 'DE', expirationDate: '2033-05-31', ...NO_FILES_YET },
  },
  { title: '5 Replace document', caller: 'PARTNER', query: replaceDocument, variables: { documentId: DOCUMENT_ID, selectedIdClass: 'PASSPORT', ...NO_FILES_YET } },
  { title: '6 Sign', caller: 'PARTNER', query: sign, variables: { identityId: IDENTITY_ID, signatures: SIGNATURES } },
  { title: '7 Move the sandbox clock', caller: 'PARTNER', query: moveClock, variables: { seconds: 60 } },
  { title: '8 Review', caller: 'REVIEWER', query: review, variables: { identityId: IDENTITY_ID, decision: 'APPROVE', note: 'Looked at in the explorer.' } },
  { title: 'Correct data', caller: 'PARTNER', query: correctData, variables: { customerId: CUSTOMER_ID, kycData: { phoneNumber: '+4915112345679' } } },
  { title: 'Lifecycle', caller: 'PARTNER', query: lifecycle, variables: {} },
  { title: 'Error codes', caller: 'PARTNER', query: errorCodes, variables: {} },
];
