import { comesByHostedPage, customerOf, type Member } from '../core/caller.js';
import { consult, execute, type Core, type UnitOfWork } from '../core/command.js';
import { badInput, notFound, refusal, type FieldFault } from '../core/errors.js';
import { isKeyTaken, repeat } from '../core/idempotency.js';
import { kindOfId, newId } from '../core/ids.js';
import { isOutage } from '../core/outages.js';
import { errorFacts } from '../core/log.js';
import { isOfErased } from '../customer/commands.js';
import { lockAttempt, moveAttempt, requireAttemptAllows, type Attempt } from '../identity/commands.js';
import type { Identity } from '../identity/entity.js';
import { checkDetails, type DocumentDetails } from '../kyc/document-details.js';
import { unmetBySubmission, type RequirementSubject, type SubjectDocument } from '../kyc/document-demands.js';
import type { Policy } from '../kyc/policy.js';
import type { DocumentFileType, Environment } from '../kyc/vocabularies.js';
import { organizationOf } from '../organization/reads.js';
import { DocumentEntity, FileUploadEntity, type Document } from './entity.js';
import type { CustomerFile, EncryptedFiles, StoredFile } from './encrypted-files.js';
import type { Inspection } from './inspection.js';
import type { FileJudge, FileRules } from './judge.js';
import { FIRST_DOCUMENT_STATUS, stepDocument, type DocumentEvent } from './lifecycle.js';
import { normalizeMrz } from './mrz.js';
import { documentsOf, identityOfDocument } from './reads.js';
import { FILE_INPUTS, type FileInput, type IncomingFiles } from './incoming.js';
import { digestOf, receiveFiles } from './storage.js';

/** What may be sent beside the details and the files. */
interface Zone {
  mrz?: string | null | undefined;
}
export interface SubmitDocument extends DocumentDetails, IncomingFiles, Zone {
  identityId: string;
}
export interface UpdateDocument extends DocumentDetails, IncomingFiles, Zone {
  documentId: string;
}
export interface DocumentOutcome extends Attempt {
  document: Document;
}

/** Deletes stored files that no row names any more. */
export const DELETE_FILES_JOB = 'document.delete-files';

/** A file that has been stored and has passed inspection, before a row names it. */
interface InspectedFile extends StoredFile {
  input: FileInput;
  place: CustomerFile;
  fileName: string;
  inspection: Extract<Inspection, { ok: true }>;
}

type Target = { kind: 'SUBMIT_DOCUMENT'; identityId: string } | { kind: 'UPDATE_DOCUMENT'; documentId: string };

/** The commands on documents, over the storage of their files and the inspector that judges them. */
export class DocumentCommands {
  constructor(
    private readonly core: Core,
    private readonly files: EncryptedFiles,
    private readonly judge: FileJudge,
  ) {}

  /** Adds a document with its files to an attempt and spends one of its document attempts. */
  submitDocument(caller: Member, input: SubmitDocument): Promise<DocumentOutcome> {
    return this.#store(caller, { kind: 'SUBMIT_DOCUMENT', identityId: input.identityId }, input);
  }

  /** Replaces the files of a document, keeping its id, and spends one document attempt. */
  updateDocument(caller: Member, input: UpdateDocument): Promise<DocumentOutcome> {
    return this.#store(caller, { kind: 'UPDATE_DOCUMENT', documentId: input.documentId }, input);
  }

  /** The time by which documents are judged. */
  now(): Date {
    return this.core.clock.now();
  }

  /** Removes files whose rows are gone or erased; one that is already gone is no error. */
  async deleteFiles(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.files.delete(key);
  }

  async #store(caller: Member, target: Target, input: DocumentDetails & IncomingFiles & Zone): Promise<DocumentOutcome> {
    const given = (Object.keys(FILE_INPUTS) as FileInput[]).filter((name) => input[name] != null);
    const fileTypes = given.map((name) => FILE_INPUTS[name]);
    // Before a byte is read: a request that the state or its own form rules out costs nothing and keeps nothing.
    const { policy, customerId } = await this.#preview(caller, target, input, fileTypes).catch(async (error: unknown) => {
      throw (await this.#repeated(caller, given, input)) ?? error;
    });
    const refuse = async (error: unknown): Promise<never> => {
      // Erased since: the state says so in the contract's words.
      if (isOfErased(error)) await this.#preview(caller, target, input, fileTypes);
      throw error;
    };
    const files = await this.#receive({ organizationId: caller.organizationId, customerId }, given, input).catch(refuse);
    if (caller.idempotency) caller.idempotency.files = files.map((file) => file.sha256);
    try {
      const inspected = await this.#inspect(files, policy.image);
      return await execute(this.core, caller, async (unit) => {
        const { attempt, replaced, details, mrz } = await this.#admit(unit, caller, target, input, fileTypes);
        attempt.identity.documentSubmissions += 1;
        attempt.identity.documentAttemptsRemaining -= 1;
        const document = await this.#write(unit, attempt, replaced, { ...details, mrz: mrz ?? zoneOf(inspected) }, inspected);
        moveAttempt(unit, attempt, 'receive_documents');
        return { document, ...attempt };
      });
    } catch (error) {
      // Where the answer to the commit was lost a row may name them: the sweep sees to those that none names.
      if (!isOutage(error)) await Promise.all(files.map((file) => this.#discard(file)));
      return refuse(error);
    }
  }

  /** Refuses what would be refused whatever the files are. @returns the policy that they are judged by, and whose they are. */
  async #preview(caller: Member, target: Target, input: DocumentDetails & Zone, fileTypes: readonly DocumentFileType[]): Promise<{ policy: Policy; customerId: string }> {
    return consult(this.core, caller, async (unit) => (await this.#admit(unit, caller, target, input, fileTypes)).attempt.identity);
  }

  /**
   * Whether a request that the state refuses is one that has been answered: its own effect may be what the state refuses.
   * Its files are read for their digests alone. @returns what says so, or null.
   */
  async #repeated(caller: Member, given: readonly FileInput[], input: IncomingFiles): Promise<Error | null> {
    const { idempotency, organizationId } = caller;
    if (!idempotency) return null;
    const { clock } = this.core;
    const database = this.core.database.forCustomer(customerOf(caller));
    if (!(await database.read<never, boolean>(organizationId, (reader) => isKeyTaken(reader, caller, idempotency, clock.now())))) return null;
    idempotency.files = await receiveFiles(given.map((name) => input[name]!), digestOf, () => Promise.resolve());
    return database.read<never, Error>(organizationId, (reader) => repeat(reader, database.vault, caller, idempotency));
  }

  /** Locks what is to change and refuses what the state, the details or the documents asked for do not allow. */
  async #admit(unit: UnitOfWork, caller: Member, target: Target, input: DocumentDetails & Zone, fileTypes: readonly DocumentFileType[]) {
    const identityId = target.kind === 'UPDATE_DOCUMENT' ? await attemptOfDocument(unit, target.documentId) : target.identityId;
    const attempt = await lockAttempt(unit, identityId);
    requireAttemptAllows(target.kind, attempt, caller);
    // Read only now that it is locked: what was read before might be another's change ago.
    const replaced = target.kind === 'UPDATE_DOCUMENT' ? await unit.entities.get(DocumentEntity, { id: target.documentId }, true) : null;
    const { details, faults } = checkDetails(input, unit.now);
    const mrz = input.mrz == null ? null : normalizeMrz(input.mrz);
    if (input.mrz != null && mrz === null) {
      faults.push({ path: 'mrz', code: 'invalid', message: 'A machine-readable zone has two lines of 44 or 36, or three of 30, of the letters A to Z, digits and <.' });
    }
    if (fileTypes.length === 0) faults.push({ path: 'frontPhoto', code: 'required', message: 'A document comes with at least one file.' });
    const documents = await documentsOf(unit, identityId);
    const others = documents.filter(({ document }) => document !== replaced).map(({ subject }) => subject);
    const { environment } = await organizationOf(unit);
    faults.push(...unmetBySubmission(requirementSubject(attempt, environment, others, comesByHostedPage(caller)), { idClass: input.selectedIdClass, fileTypes }));
    if (faults.length > 0) throw badInput(distinct(faults));
    return { attempt, replaced, details, mrz };
  }

  async #receive(owner: Pick<CustomerFile, 'organizationId' | 'customerId'>, given: readonly FileInput[], input: IncomingFiles): Promise<Omit<InspectedFile, 'inspection'>[]> {
    return receiveFiles(
      given.map((name) => input[name]!),
      async (stream, file, index) => {
        const id = newId('file');
        const place = { ...owner, id, storageKey: `${owner.organizationId}/${id}` };
        return { input: given[index]!, place, fileName: file.filename, ...(await this.files.put(place, stream)) };
      },
      (file) => this.#discard(file),
    );
  }

  /** Takes back a file of a refused request. What cannot be deleted now the sweep collects: the caller is told of the refusal. */
  async #discard({ place: { storageKey: key } }: { place: CustomerFile }): Promise<void> {
    await this.files.delete(key).catch((error: unknown) => this.core.log.warn({ key, ...errorFacts(error) }, 'a refused file was left to the sweep'));
  }

  /** Judges every file; refuses with every fault at once. */
  async #inspect(files: readonly Omit<InspectedFile, 'inspection'>[], rules: FileRules): Promise<InspectedFile[]> {
    const inspected: InspectedFile[] = [];
    const refused: { code: Extract<Inspection, { ok: false }>['code']; fault: FieldFault }[] = [];
    for (const file of files) {
      const inspection = await this.judge.judge({ read: () => this.files.opened(file.place), size: file.size, documentType: FILE_INPUTS[file.input] }, rules);
      if (inspection.ok) inspected.push({ ...file, inspection });
      else refused.push({ code: inspection.code, fault: { path: file.input, code: inspection.fault, message: inspection.message } });
    }
    const first = refused[0];
    if (!first) return inspected;
    const fields = refused.map(({ fault }) => fault);
    throw first.code === 'BAD_USER_INPUT' ? badInput(fields) : refusal(first.code, `${first.fault.path}: ${first.fault.message}`, { fields });
  }

  async #write(unit: UnitOfWork, attempt: Attempt, replaced: Document | null, details: KeptDetails, files: readonly InspectedFile[]): Promise<Document> {
    const submission = attempt.identity.documentSubmissions;
    const document = replaced ?? newDocument(unit, attempt.identity, details, submission);
    const oldStatus = replaced?.status ?? null;
    if (replaced) {
      Object.assign(replaced, { ...details, submission, rejectionReason: null, status: stepDocument(replaced.status, 'replace') });
      unit.touch(replaced);
      await discardFiles(unit, replaced.id);
    }
    for (const file of files) {
      unit.entities.create(FileUploadEntity, {
        ...file.place,
        encrypted: true,
        documentId: document.id,
        documentType: FILE_INPUTS[file.input],
        fileName: file.fileName,
        fileSize: file.size,
        mimeType: file.inspection.mimeType,
        width: file.inspection.width,
        height: file.inspection.height,
        sha256: file.sha256,
        uploadStatus: 'UPLOADED',
        sourceUrl: null,
        warnings: file.inspection.warnings,
        createdAt: unit.now,
      });
    }
    recordStatus(unit, attempt, document, oldStatus);
    return document;
  }
}

/** The details of a document as they are kept. */
export type KeptDetails = Required<DocumentDetails> & { mrz: string | null };

/** The machine-readable zone that the text of a file shows. */
export function zoneOf(files: readonly { inspection: { mrz?: string } }[]): string | null {
  return files.map((file) => file.inspection.mrz).find((mrz) => mrz !== undefined) ?? null;
}

/** A document that has just been submitted; its files and its event are the caller's. */
export function newDocument(unit: UnitOfWork, { id: identityId, customerId }: Identity, details: KeptDetails, submission: number): Document {
  return unit.entities.create(DocumentEntity, {
    id: newId('document'),
    organizationId: unit.organizationId,
    identityId,
    customerId,
    ...details,
    status: FIRST_DOCUMENT_STATUS,
    rejectionReason: null,
    submission,
    version: 1,
    createdAt: unit.now,
    updatedAt: unit.now,
  });
}

/** Takes a document's files off it; their bytes are deleted once that has committed. */
async function discardFiles(unit: UnitOfWork, documentId: string): Promise<void> {
  const files = await unit.entities.find(FileUploadEntity, { documentId });
  for (const file of files) unit.entities.remove(FileUploadEntity, file);
  unit.enqueue({ name: DELETE_FILES_JOB, data: { keys: files.map((file) => file.storageKey).join(' ') } });
}

/** The attempt that a document belongs to; it is not locked, and cannot change. */
async function attemptOfDocument(unit: UnitOfWork, documentId: string): Promise<string> {
  const attempt = kindOfId(documentId) === 'document' ? await identityOfDocument(unit, documentId) : null;
  if (attempt === null) throw notFound('document');
  return attempt;
}

/** What requirements are made of, for an attempt of a command. `hostedPage`: whether the caller comes by it, whatever the attempt has done. Contracts play no part where documents are judged. */
export function requirementSubject({ identity }: Attempt, environment: Environment, documents: readonly SubjectDocument[], hostedPage = false): RequirementSubject {
  return {
    kycData: identity.kycData,
    transactionType: identity.transactionType ?? null,
    policy: identity.policy,
    environment,
    documents,
    signedContracts: [],
    hostedPage: identity.hostedPage || hostedPage,
    demands: identity.demands,
  };
}

/** Moves a document by its lifecycle, with its event. `reason` is why it was rejected. */
export function moveDocument(unit: UnitOfWork, attempt: Attempt, document: Document, event: DocumentEvent, reason: string | null = null): void {
  const oldStatus = document.status;
  document.status = stepDocument(oldStatus, event);
  document.rejectionReason = reason;
  unit.touch(document);
  recordStatus(unit, attempt, document, oldStatus);
}

/** The event of a document's status. */
export function recordStatus(unit: UnitOfWork, { customer, identity }: Attempt, document: Document, oldStatus: string | null): void {
  unit.record({
    type: 'document.status_changed',
    customerId: customer.id,
    identityId: identity.id,
    documentId: document.id,
    oldStatus,
    newStatus: document.status,
    version: document.version,
    details: { reason: document.rejectionReason ?? null },
  });
}

/** One fault a path: the first found is the most particular. */
function distinct(faults: readonly FieldFault[]): FieldFault[] {
  return [...new Map([...faults].reverse().map((fault) => [fault.path, fault])).values()].reverse();
}

