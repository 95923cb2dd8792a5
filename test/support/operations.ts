import { graphql } from '../generated/index.js';

export * from './changes.js';

// The operations that suites share. What a suite alone asks stands in the suite.

graphql(`
  fragment CustomerState on Customer {
    id
    status
    kycStatus
    version
    verifiedAt
    allowedActions
  }
`);

graphql(`
  fragment IdentityState on Identity {
    id
    status
    version
    errorDescription
    documentAttemptsRemaining
    allowedActions
    signaturesRequired
    signaturesSubmitted
  }
`);

graphql(`
  fragment DocumentFacts on Document {
    id
    selectedIdClass
    status
    number
    issuingCountry
    issueDate
    expirationDate
    rejectionReason
    createdAt
    updatedAt
    fileUploads {
      documentType
      fileName
      fileSize
      mimeType
      width
      height
      sha256
      uploadStatus
    }
  }
`);

export const ADVANCE = graphql(`
  mutation AdvanceSandboxClock($input: AdvanceSandboxClockInput!) {
    advanceSandboxClock(input: $input) {
      now
    }
  }
`);

export const CREATE_CUSTOMER = graphql(`
  mutation CreateCustomer($input: CreateCustomerInput!) {
    createCustomer(input: $input) {
      customer {
        ...CustomerState
      }
    }
  }
`);

export const PATCH_CUSTOMER = graphql(`
  mutation PatchCustomer($input: PatchCustomerInput!) {
    patchCustomer(input: $input) {
      customer {
        ...CustomerState
      }
      identity {
        ...IdentityState
      }
    }
  }
`);

export const DEACTIVATE = graphql(`
  mutation DeactivateCustomer($input: DeactivateCustomerInput!) {
    deactivateCustomer(input: $input) {
      customer {
        ...CustomerState
      }
    }
  }
`);

export const REQUIRE_REVERIFICATION = graphql(`
  mutation RequireReverification($input: RequireReverificationInput!) {
    requireReverification(input: $input) {
      customer {
        ...CustomerState
      }
      identity {
        ...IdentityState
      }
    }
  }
`);

export const REACTIVATE = graphql(`
  mutation ReactivateCustomer($input: ReactivateCustomerInput!) {
    reactivateCustomer(input: $input) {
      customer {
        ...CustomerState
      }
    }
  }
`);

export const SUBMIT_IDENTITY = graphql(`
  mutation SubmitIdentity($input: SubmitIdentityInput!) {
    submitIdentity(input: $input) {
      identity {
        ...IdentityState
      }
      customer {
        ...CustomerState
      }
    }
  }
`);

export const PATCH_IDENTITY = graphql(`
  mutation PatchIdentity($input: PatchIdentityInput!) {
    patchIdentity(input: $input) {
      identity {
        ...IdentityState
      }
      customer {
        ...CustomerState
      }
    }
  }
`);

export const SUBMIT_DOCUMENT = graphql(`
  mutation SubmitDocument($input: SubmitDocumentInput!) {
    submitDocument(input: $input) {
      document {
        ...DocumentFacts
      }
      identity {
        ...IdentityState
      }
      customer {
        ...CustomerState
      }
    }
  }
`);

export const UPDATE_DOCUMENT = graphql(`
  mutation UpdateDocument($input: UpdateDocumentInput!) {
    updateDocument(input: $input) {
      document {
        ...DocumentFacts
      }
      identity {
        ...IdentityState
      }
      customer {
        ...CustomerState
      }
    }
  }
`);

export const SUBMIT_SIGNATURES = graphql(`
  mutation SubmitSignatures($input: SubmitSignaturesInput!) {
    submitSignatures(input: $input) {
      signatures {
        id
        contractType
        contractVersion
        contractSignerNameFull
        contractSignedDate
        contractSignedIPAddress
      }
      identity {
        ...IdentityState
      }
      customer {
        ...CustomerState
      }
    }
  }
`);

export const REVIEW = graphql(`
  mutation ReviewIdentity($input: ReviewIdentityInput!) {
    reviewIdentity(input: $input) {
      identity {
        ...IdentityState
      }
      customer {
        ...CustomerState
      }
    }
  }
`);

export const CUSTOMER = graphql(`
  query CustomerNow($id: ID!) {
    customer(id: $id) {
      ...CustomerState
      requirements {
        kind
        field
        acceptedDocuments
        code
        message
      }
      identity {
        ...IdentityState
        documents {
          ...DocumentFacts
        }
      }
    }
  }
`);

/** Everything that a caller can see of a customer. Two of them that are equal: nothing has changed. */
export const SNAPSHOT = graphql(`
  query Snapshot($id: ID!) {
    customer(id: $id) {
      ...CustomerState
      type
      partnerUserId
      email
      firstName
      lastName
      createdAt
      updatedAt
      requirements {
        kind
        field
        acceptedDocuments
        code
        message
      }
      identities(first: 100) {
        nodes {
          ...IdentityState
          enterpriseId
          userId
          programId
          transactionType
          debugStatus
          debugFailureReason
          createdAt
          updatedAt
          requirements {
            kind
            field
            code
          }
          kycData {
            legalFirstName
            legalMiddleName
            legalLastName
            phoneNumber
            dateOfBirth
            nationality
            countryOfResidence
            nationalIdType
            nationalIdNumber
            nationalIdIssuingCountry
            employmentStatus
            mostRecentOccupation
            politicallyExposedPerson
            address {
              addressLine1
              addressLine2
              city
              state
              stateCode
              postalCode
              country
              locale
            }
          }
          documents {
            ...DocumentFacts
          }
          signatures {
            id
            contractType
            contractVersion
            contractSignerNameFull
            contractSignedDate
            contractSignedIPAddress
            createdAt
          }
        }
      }
    }
  }
`);

export const EVENTS = graphql(`
  query Events($first: Int! = 100, $after: String, $filter: EventFilter) {
    events(first: $first, after: $after, filter: $filter) {
      edges {
        cursor
        node {
          id
        }
      }
      nodes {
        id
        type
        cursor
        occurredAt
        version
        customerId
        identityId
        documentId
        oldStatus
        newStatus
        reason
        errorDescription
        requiredDocuments
        fieldsToReenter
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`);

export const CREATE_KEY = graphql(`
  mutation CreateKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      secret
      apiKey {
        id
      }
    }
  }
`);

export const REVOKE_API_KEY = graphql(`
  mutation RevokeApiKey($input: RevokeApiKeyInput!) {
    revokeApiKey(input: $input) {
      apiKey {
        id
        revokedAt
      }
    }
  }
`);
