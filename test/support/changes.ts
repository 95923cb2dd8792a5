import { graphql } from '../generated/index.js';

// The subscriptions that suites share.

export const CUSTOMER_CHANGES = graphql(`
  subscription CustomerChanges($customerId: ID, $after: String) {
    customerStatusChanged(customerId: $customerId, after: $after) {
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
  subscription IdentityChanges($identityId: ID, $customerId: ID, $after: String) {
    identityStatusChanged(identityId: $identityId, customerId: $customerId, after: $after) {
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
  subscription DocumentChanges($identityId: ID, $documentId: ID, $after: String) {
    documentStatusChanged(identityId: $identityId, documentId: $documentId, after: $after) {
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
