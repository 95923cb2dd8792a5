import { basename } from 'node:path';
import { consult, execute, type Core, type UnitOfWork } from '../core/command.js';
import type { Principal } from '../core/caller.js';
import { newId } from '../core/ids.js';
import { OutboundFault, type OutboundClient } from '../core/outbound.js';
import { isOfErased } from '../customer/commands.js';
import { lockAttempt, type Attempt } from '../identity/commands.js';
import { moveDocument, newDocument, recordStatus } from './commands.js';
import { DocumentEntity, FileUploadEntity, type FileUpload } from './entity.js';
import type { EncryptedFiles } from './encrypted-files.js';
import type { Inspection } from './inspection.js';
import type { FileJudge, FileRules } from './judge.js';
import { documentsOf } from './reads.js';

/** Fetches the files of one document that came by URL (verification/ handles it, and goes on with the attempt). */
export const FETCH_DOCUMENT_JOB = 'document.fetch';

/** Milliseconds for one file of at most 15 MB; two of them, scanned and inspected, fit into a job's time. */
const FETCH_TIMEOUT_MILLISECONDS = 15_000;
const ACCEPT = 'image/jpeg, image/png, application/pdf';
const FETCH_GAVE_UP = 'The files could not be fetched.';

/** Makes Documents of what an attempt was given by URL; their files are still to be fetched. @returns their ids. */
export async function makeDocuments(unit: UnitOfWork, attempt: Attempt): Promise<string[]> {
  const { identity } = attempt;
  const made: string[] = [];
  for (const { files, submission, ...details } of identity.documentsByUrl) {
    const document = newDocument(unit, identity, { ...details, mrz: null }, submission);
    for (const { documentType, url } of files) {
      const id = newId('file');
      unit.entities.create(FileUploadEntity, {
        id,
        organizationId: unit.organizationId,
        documentId: document.id,
        customerId: identity.customerId,
        documentType,
        fileName: fileNameOf(url),
        fileSize: null,
        mimeType: null,
        width: null,
        height: null,
        sha256: null,
        uploadStatus: 'PENDING',
        storageKey: `${unit.organizationId}/${id}`,
        encrypted: true,
        sourceUrl: url,
        warnings: [],
        createdAt: unit.now,
      });
    }
    recordStatus(unit, attempt, document, null);
    made.push(document.id);
  }
  if (made.length > 0) identity.documentsByUrl = [];
  return made;
}

/** The last part of the path: what the file would be called where it was downloaded. */
function fileNameOf(url: string): string | null {
  const name = basename(new URL(url).pathname).slice(0, 255);
  try {
    return decodeURIComponent(name).replaceAll(/\p{C}/gu, '') || null;
  } catch {
    return name || null;
  }
}

/** Whether files of an attempt are still being fetched. */
export async function awaitsFiles(unit: UnitOfWork, identityId: string): Promise<boolean> {
  const documents = await documentsOf(unit, identityId);
  const pending = await unit.entities.count(FileUploadEntity, { documentId: documents.map(({ document }) => document.id), uploadStatus: 'PENDING' });
  return pending > 0;
}

/** What came of fetching one file. */
type Fetched = { ok: true; size: number; sha256: string; inspection: Extract<Inspection, { ok: true }> } | { ok: false; reason: string };

/** Fetches documents that came by URL, judges them as uploads are judged, and keeps them or says why not. */
export class DocumentFetches {
  constructor(
    private readonly core: Core,
    private readonly files: EncryptedFiles,
    private readonly judge: FileJudge,
    private readonly client: OutboundClient,
  ) {}

  /** Fetches what is still PENDING of a document. `giveUp`: an earlier try was interrupted too often. */
  async fetch(principal: Principal, identityId: string, documentId: string, giveUp: boolean): Promise<void> {
    const { files, rules } = await consult(this.core, principal, async (unit) => ({
      files: await unit.entities.find(FileUploadEntity, { documentId, uploadStatus: 'PENDING' }),
      rules: (await lockAttempt(unit, identityId)).identity.policy.image,
    }));
    try {
      const outcomes = new Map<string, Fetched>();
      for (const file of files) outcomes.set(file.id, giveUp ? { ok: false, reason: FETCH_GAVE_UP } : await this.#fetchOne(file, rules));
      await execute(this.core, principal, async (unit) => settle(unit, await lockAttempt(unit, identityId), documentId, outcomes));
    } catch (error) {
      // Erased while they were fetched, and perhaps after its files were deleted.
      if (isOfErased(error)) for (const file of files) await this.files.delete(file.storageKey);
      throw error;
    }
  }

  async #fetchOne(file: FileUpload, rules: FileRules): Promise<Fetched> {
    // What an earlier try of this job left behind.
    await this.files.delete(file.storageKey);
    try {
      const bytes = this.client.fetch(file.sourceUrl ?? '', { maxBytes: rules.maxBytes, timeoutMilliseconds: FETCH_TIMEOUT_MILLISECONDS, accept: ACCEPT });
      const stored = await this.files.put(file, bytes);
      const inspection = await this.judge.judge({ read: () => this.files.opened(file), size: stored.size, documentType: file.documentType }, rules);
      if (inspection.ok) return { ok: true, ...stored, inspection };
      await this.files.delete(file.storageKey);
      return { ok: false, reason: inspection.message };
    } catch (error) {
      if (error instanceof OutboundFault) return { ok: false, reason: error.message };
      throw error;
    }
  }
}

/** Writes what came of the files; one that failed rejects its document. */
async function settle(unit: UnitOfWork, attempt: Attempt, documentId: string, outcomes: ReadonlyMap<string, Fetched>): Promise<void> {
  const document = await unit.entities.get(DocumentEntity, { id: documentId });
  const reasons: string[] = [];
  for (const file of await unit.entities.find(FileUploadEntity, { documentId, uploadStatus: 'PENDING' })) {
    const outcome = outcomes.get(file.id);
    if (!outcome) continue;
    if (outcome.ok) {
      const { mimeType, width, height, warnings } = outcome.inspection;
      if (outcome.inspection.mrz !== undefined) document.mrz = outcome.inspection.mrz;
      Object.assign(file, { encrypted: true, fileSize: outcome.size, sha256: outcome.sha256, mimeType, width, height, warnings, uploadStatus: 'UPLOADED' });
    } else {
      file.uploadStatus = 'FAILED';
      reasons.push(outcome.reason);
    }
  }
  if (reasons.length === 0 || document.status !== 'PENDING') return;
  moveDocument(unit, attempt, document, 'process');
  moveDocument(unit, attempt, document, 'reject', reasons[0]);
}
