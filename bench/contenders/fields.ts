// What Q1 and Q2 select: nothing that is sealed. The contenders with a schema of the gateway's form are all asked in these words.

const FILE = 'documentType mimeType fileSize width height uploadStatus';
const DOCUMENT = `id selectedIdClass status createdAt updatedAt fileUploads { ${FILE} }`;
const SIGNATURE = 'id contractType contractVersion contractSignedDate createdAt';
const IDENTITY = `id status transactionType documentAttemptsRemaining version createdAt updatedAt documents { ${DOCUMENT} } signatures { ${SIGNATURE} }`;
const CUSTOMER = `id type status kycStatus version verifiedAt createdAt updatedAt identity { ${IDENTITY} }`;

/** Rows of a page, and the status that it is filtered by. */
export const PAGE = 50;
export const PAGE_STATUS = 'UNDER_REVIEW';

/** Q1; `more` selects further fields of the customer. */
export function customerQuery(more = ''): string {
  return `query Q1($id: ID!) { customer(id: $id) { ${CUSTOMER} ${more} } }`;
}

/** Q2; `more` selects further fields of each customer. */
export function pageQuery(more = ''): string {
  return `query Q2($after: String, $status: CustomerStatus!) { customers(first: ${PAGE}, after: $after, filter: { status: [$status] }) { nodes { ${CUSTOMER} ${more} } pageInfo { hasNextPage } } }`;
}
