import { graphql } from '../generated';

/** The hosted page's way in. */
export const EXCHANGE_CODE = graphql(`
  mutation HostedPageExchangeCode($code: String!) {
    exchangeVerificationCode(input: { code: $code }) {
      token
      expiresAt
    }
  }
`);

export const RENEW_TOKEN = graphql(`
  mutation HostedPageRenewToken($customerId: ID!) {
    createClientToken(input: { customerId: $customerId }) {
      token
      expiresAt
    }
  }
`);

/** Who asks whom to verify, and how the page looks. */
export const HOSTED_PAGE = graphql(`
  query HostedPage {
    hostedPage {
      customerId
      organizationName
      environment
      logo
      colour
      origins
    }
  }
`);

/** Everything that the page is drawn from. */
export const CUSTOMER = graphql(`
  query HostedPageCustomer($id: ID!) {
    customer(id: $id) {
      id
      status
      kycStatus
      verifiedAt
      firstName
      lastName
      allowedActions
      version
      requirements {
        kind
        field
        acceptedDocuments
        code
        message
        contract {
          type
          version
          title
          text
        }
      }
      kycData {
        legalFirstName
        legalMiddleName
        legalLastName
        phoneNumber
        dateOfBirth
        nationality
        countryOfResidence
        address {
          addressLine1
          addressLine2
          city
          state
          postalCode
          country
        }
        nationalIdType
        nationalIdIssuingCountry
        employmentStatus
        mostRecentOccupation
        occupation
        sourceOfFunds
        accountPurpose
        expectedMonthlyPaymentsUsd
        isIntermediary
        politicallyExposedPerson
        annualIncome
        netWorth
        sourceOfNetWorth
        initialDepositType
        expectedMonthlyDeposits
        expectedMonthlyWithdrawals
        digitalAssetWalletAddress
        notionalTradedEachMonth
        isEntity
        enterpriseName
        countryOfIncorporation
        dateOfIncorporation
      }
      identity {
        id
        status
        transactionType
        errorDescription
        documentAttemptsRemaining
        documents {
          id
          selectedIdClass
          status
          rejectionReason
          summary
          updatedAt
        }
      }
    }
  }
`);

/** What a person who answers so far would have to provide: judged by the code that evaluates, stored nowhere. */
export const DRY_RUN = graphql(`
  query HostedPageDryRun($kycData: KycDataInput!, $transactionType: TransactionType) {
    requirements(kycData: $kycData, transactionType: $transactionType) {
      kind
      field
    }
  }
`);

export const SUBMIT_IDENTITY = graphql(`
  mutation HostedPageSubmitIdentity($input: SubmitIdentityInput!) {
    submitIdentity(input: $input) {
      customer {
        id
      }
    }
  }
`);

export const PATCH_CUSTOMER = graphql(`
  mutation HostedPagePatchCustomer($input: PatchCustomerInput!) {
    patchCustomer(input: $input) {
      customer {
        id
      }
    }
  }
`);

export const PATCH_IDENTITY = graphql(`
  mutation HostedPagePatchIdentity($input: PatchIdentityInput!) {
    patchIdentity(input: $input) {
      customer {
        id
      }
    }
  }
`);

export const INSPECT_FILE = graphql(`
  mutation HostedPageInspectFile($input: InspectFileInput!) {
    inspectFile(input: $input) {
      mimeType
      warnings {
        code
        message
      }
    }
  }
`);

export const SUBMIT_DOCUMENT = graphql(`
  mutation HostedPageSubmitDocument($input: SubmitDocumentInput!) {
    submitDocument(input: $input) {
      customer {
        id
      }
    }
  }
`);

export const SUBMIT_SIGNATURES = graphql(`
  mutation HostedPageSubmitSignatures($input: SubmitSignaturesInput!) {
    submitSignatures(input: $input) {
      customer {
        id
      }
    }
  }
`);

export const CUSTOMER_CHANGES = graphql(`
  subscription HostedPageCustomerChanges($customerId: ID!, $after: String) {
    customerStatusChanged(customerId: $customerId, after: $after) {
      cursor
    }
  }
`);

export const IDENTITY_CHANGES = graphql(`
  subscription HostedPageIdentityChanges($customerId: ID!, $after: String) {
    identityStatusChanged(customerId: $customerId, after: $after) {
      cursor
    }
  }
`);
