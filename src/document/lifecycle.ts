import type { DocumentStatus } from '../kyc/vocabularies.js';

/** What can happen to a document. */
export type DocumentEvent = 'process' | 'approve' | 'reject' | 'replace';

/**
 * The document lifecycle (domain.md, Documents): the only producer of a document's status. `replace` is updateDocument;
 * an approved document is replaced only where a reviewer has sent the attempt back for documents.
 */
export const DOCUMENT_LIFECYCLE: Readonly<Record<DocumentStatus, Partial<Readonly<Record<DocumentEvent, DocumentStatus>>>>> = {
  PENDING: { process: 'PROCESSING' },
  PROCESSING: { approve: 'APPROVED', reject: 'REJECTED' },
  APPROVED: { replace: 'PENDING' },
  REJECTED: { replace: 'PENDING' },
};

/** The status of a document that has just been submitted. */
export const FIRST_DOCUMENT_STATUS = 'PENDING' as const;

/** The status that an event leads to. Throws when the table has no such step: a defect. */
export function stepDocument(from: DocumentStatus, event: DocumentEvent): DocumentStatus {
  const to = DOCUMENT_LIFECYCLE[from][event];
  if (to === undefined) throw new Error(`The document lifecycle has no event ${event} in ${from}`);
  return to;
}
