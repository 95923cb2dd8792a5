import { graphql } from '../generated/index.js';

// The subscriptions that suites share.

export const CUSTOMER_CHANGES = graphql(`
  subscription CustomerChanges($customerId: ID) {
    customerStatusChanged(customerId: $customerId) {
      id
      cursor
      occurredAt
      version
      oldStatus
      newStatus
      reason
      requiredDocuments
      customer {
        id
        status
        kycStatus
        version
      }
    }
  }
`);

export const IDENTITY_CHANGES = graphql(`
  subscription IdentityChanges($identityId: ID, $customerId: ID) {
    identityStatusChanged(identityId: $identityId, customerId: $customerId) {
      id
      cursor
      occurredAt
      version
      oldStatus
      newStatus
      errorDescription
      identity {
        id
        status
        version
      }
    }
  }
`);

export const DOCUMENT_CHANGES = graphql(`
  subscription DocumentChanges($identityId: ID, $documentId: ID) {
    documentStatusChanged(identityId: $identityId, documentId: $documentId) {
      id
      cursor
      occurredAt
      version
      oldStatus
      newStatus
      document {
        id
        status
        rejectionReason
      }
    }
  }
`);
