import type { Kysely } from 'kysely';
import type { UnitOfWork } from '../core/command.js';
import type { Database } from '../core/database.js';
import { sealedColumns, type SealedRow } from '../core/crypto/sealed-table.js';
import { personalRead, rowBy, rowsBy, type RowTable } from '../core/row-reads.js';
import { DOCUMENT_TABLE, FILE_TABLE } from '../kyc/personal-data.js';
import type { SubjectDocument } from '../kyc/document-demands.js';
import type { DocumentFileType, DocumentStatus, IdClass, UploadStatus } from '../kyc/vocabularies.js';
import { DocumentEntity, FileUploadEntity, type Document } from './entity.js';
import type { FileWarning } from './inspection.js';

/** A document as it is kept; what it says is sealed. */
export interface DocumentRow extends SealedRow {
  organization_id: string;
  identity_id: string;
  selected_id_class: IdClass;
  status: DocumentStatus;
  rejection_reason: string | null;
  submission: number;
  created_at: string | Date;
  updated_at: string | Date;
}

/** What a document says, opened. */
export type DocumentPersonal = { [Field in 'number' | 'issuingCountry' | 'issueDate' | 'expirationDate' | 'mrz']: string | null };

/** A file of a document as it is kept; its name, digest and source are sealed. */
export interface FileRow extends SealedRow {
  organization_id: string;
  document_id: string;
  document_type: DocumentFileType;
  file_size: number | null;
  mime_type: string | null;
  width: number | null;
  height: number | null;
  upload_status: UploadStatus;
  warnings: FileWarning[];
}

/** What of a file is personal, opened. */
export type FilePersonal = { [Field in 'fileName' | 'sha256' | 'sourceUrl']: string | null };

/** A document as a command has left it: what is read once it has committed. */
export function documentRow(document: Document): DocumentRow {
  return {
    id: document.id,
    organization_id: document.organizationId,
    identity_id: document.identityId,
    selected_id_class: document.selectedIdClass,
    status: document.status,
    customer_id: document.customerId,
    sealed: document.sealed ?? null,
    rejection_reason: document.rejectionReason ?? null,
    submission: document.submission,
    created_at: document.createdAt,
    updated_at: document.updatedAt,
  };
}

/** That somebody has read a file. */
export interface FileReadRow {
  id: string;
  organization_id: string;
  file_id: string;
  reader: string;
  read_at: string | Date;
}

interface DocumentTables {
  document: DocumentRow;
  file_upload: FileRow & { storage_key: string };
}

/** What of documents is read. */
export const DOCUMENTS: RowTable<DocumentRow> = {
  name: 'document',
  type: 'Document',
  columns: ['id', 'identity_id', 'selected_id_class', 'status', 'created_at', 'updated_at'],
  groups: { personal: sealedColumns(DOCUMENT_TABLE), submission: ['submission'], remarks: ['rejection_reason'] },
};

/** What of files is read. */
export const FILES: RowTable<FileRow> = {
  name: 'file_upload',
  type: 'FileUpload',
  columns: ['id', 'document_id', 'document_type', 'file_size', 'mime_type', 'width', 'height', 'upload_status'],
  groups: { personal: sealedColumns(FILE_TABLE), remarks: ['warnings'] },
};

/** Documents by id; null for one that the organization does not have. */
export const documentById = rowBy(DOCUMENTS, 'id');

/** The documents of attempts, oldest first. */
export const documentsByIdentity = rowsBy(DOCUMENTS, 'identity_id');

/** The files of documents, in the order of their arrival. */
export const filesByDocument = rowsBy(FILES, 'document_id');

/** What documents say: opened together, and only when it is asked. */
export const documentPersonal = personalRead<DocumentRow, DocumentPersonal>(DOCUMENT_TABLE);

/** What of files is personal: opened together, and only when it is asked. */
export const filePersonal = personalRead<FileRow, FilePersonal>(FILE_TABLE);

/** The attempt of a document, within a command; null where the organization has none such. */
export async function identityOfDocument(unit: UnitOfWork, documentId: string): Promise<string | null> {
  const reader = unit.transaction.builder as unknown as Kysely<DocumentTables>;
  const row = await reader.selectFrom('document').select('identity_id').where('organization_id', '=', unit.organizationId).where('id', '=', documentId).executeTakeFirst();
  return row?.identity_id ?? null;
}

/** What of the reads of files is read. */
const FILE_READS: RowTable<FileReadRow> = { name: 'file_read', type: 'FileRead', columns: ['id', 'file_id', 'reader', 'read_at'], groups: {} };

/** Who has read files, oldest first. */
export const readsByFile = rowsBy(FILE_READS, 'file_id');

/** A document as requirements see it. */
export function subjectDocument(document: Pick<DocumentRow, 'selected_id_class' | 'status' | 'submission'>, files: readonly Pick<FileRow, 'document_type'>[]): SubjectDocument {
  return { idClass: document.selected_id_class, status: document.status, submission: document.submission, fileTypes: files.map((file) => file.document_type) };
}

/** The documents of a command's attempt, oldest first, each as requirements see it. */
export async function documentsOf(unit: UnitOfWork, identityId: string): Promise<{ document: Document; subject: SubjectDocument }[]> {
  const documents = await unit.entities.find(DocumentEntity, { identityId });
  const files = documents.length === 0 ? [] : await unit.entities.find(FileUploadEntity, { documentId: documents.map((document) => document.id) });
  const byDocument = Map.groupBy(files, (file) => file.documentId);
  return documents.map((document) => ({
    document,
    subject: {
      idClass: document.selectedIdClass,
      status: document.status,
      submission: document.submission,
      fileTypes: (byDocument.get(document.id) ?? []).map((file) => file.documentType),
    },
  }));
}

/** Where the files of a customer are stored. */
export async function storageKeysOf(database: Database, organizationId: string, customerId: string): Promise<string[]> {
  const rows = await database.read<DocumentTables, Pick<DocumentTables['file_upload'], 'storage_key'>[]>(organizationId, (reader) =>
    reader.selectFrom('file_upload').select('storage_key').where('organization_id', '=', organizationId).where('customer_id', '=', customerId).execute(),
  );
  return rows.map((row) => row.storage_key);
}
