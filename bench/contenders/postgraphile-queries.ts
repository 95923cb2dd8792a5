import { PAGE, PAGE_STATUS } from './fields.ts';

// Q1 and Q2 in the words of PostGraphile's schema, under the names of the gateway's.

const FILE = 'documentType mimeType fileSize width height uploadStatus';
const DOCUMENT = `id: rowId selectedIdClass status createdAt updatedAt fileUploads: fileUploadsByDocumentId { nodes { ${FILE} } }`;
const SIGNATURE = 'id: rowId contractType contractVersion contractSignedDate createdAt';
const IDENTITY = `id: rowId status transactionType documentAttemptsRemaining version createdAt updatedAt
  documents: documentsByIdentityId { nodes { ${DOCUMENT} } } signatures: signaturesByIdentityId { nodes { ${SIGNATURE} } }`;
const CUSTOMER = `id: rowId type status kycStatus version verifiedAt createdAt updatedAt identity: identityByCurrentIdentityId { ${IDENTITY} }`;

/** Q1. It takes the id alone: whose the customer is, nobody asks. */
export const CUSTOMER_QUERY = `query Q1($id: String!) { customer: customerByRowId(rowId: $id) { ${CUSTOMER} } }`;

/** The body of Q2's first page. */
export function postgraphilePageBody(organizationId: string): string {
  const query = `query Q2($organizationId: String!, $status: String!) {
    customers: allCustomers(first: ${PAGE}, condition: { organizationId: $organizationId, status: $status }, orderBy: [ROW_ID_DESC]) { nodes { ${CUSTOMER} } pageInfo { hasNextPage } }
  }`;
  return JSON.stringify({ query, variables: { organizationId, status: PAGE_STATUS } });
}

/** An answer in the gateway's form: relations are lists there, and connections here. */
export function flattened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(flattened);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value);
  const [[name, nodes] = []] = members;
  if (members.length === 1 && name === 'nodes') return flattened(nodes);
  return Object.fromEntries(members.map(([key, member]) => [key, flattened(member)]));
}
