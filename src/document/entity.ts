import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { DocumentFileType, DocumentStatus, IdClass, UploadStatus } from '../kyc/vocabularies.js';
import type { FileWarning } from './inspection.js';

/** A document of an attempt, with the files that show it. */
export const DocumentEntity = defineEntity({
  name: 'Document',
  tableName: 'document',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    identityId: p.string(),
    customerId: p.string(),
    /** The ciphertext of what is not persisted itself (kyc/personal-data.ts). */
    sealed: p.blob().nullable(),
    selectedIdClass: p.string().$type<IdClass>(),
    status: p.string().$type<DocumentStatus>(),
    number: p.string().nullable().persist(false),
    issuingCountry: p.string().nullable().persist(false),
    issueDate: p.string().nullable().persist(false),
    expirationDate: p.string().nullable().persist(false),
    /** The machine-readable zone, as the client sent it or as a PDF's text shows it. What it says is compared anew each time. */
    mrz: p.string().nullable().persist(false),
    rejectionReason: p.string().nullable(),
    /** Which submission of the attempt last gave its files, 1 for the first. */
    submission: p.integer(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});
export type Document = InferEntity<typeof DocumentEntity>;

/** One file of a document; the bytes are in the storage under `storageKey`. */
export const FileUploadEntity = defineEntity({
  name: 'FileUpload',
  tableName: 'file_upload',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    documentId: p.string(),
    customerId: p.string(),
    /** The ciphertext of what is not persisted itself (kyc/personal-data.ts). */
    sealed: p.blob().nullable(),
    documentType: p.string().$type<DocumentFileType>(),
    fileName: p.string().nullable().persist(false),
    fileSize: p.integer().nullable(),
    mimeType: p.string().nullable(),
    width: p.integer().nullable(),
    height: p.integer().nullable(),
    sha256: p.string().nullable().persist(false),
    uploadStatus: p.string().$type<UploadStatus>(),
    storageKey: p.string(),
    /** Whether what is stored there is encrypted; else it was stored before files were, and has yet to be. */
    encrypted: p.boolean(),
    /** Where it is fetched from; null for a file that was uploaded. */
    sourceUrl: p.string().nullable().persist(false),
    warnings: p.json<FileWarning[]>(),
    createdAt: p.datetime(),
  },
});
export type FileUpload = InferEntity<typeof FileUploadEntity>;

/** That somebody has read a file: who and when. Only ever appended. */
export const FileReadEntity = defineEntity({
  name: 'FileRead',
  tableName: 'file_read',
  properties: {
    id: p.string().primary(),
    organizationId: p.string(),
    fileId: p.string(),
    documentId: p.string(),
    /** The id of the key. */
    reader: p.string(),
    readAt: p.datetime(),
  },
});
