import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver } from 'type-graphql';
import { whenLoaded, type Loaded, type RequestContext } from '../core/context.js';
import { badInput, notFound } from '../core/errors.js';
import { Begins, columns, Needs, rows, Shows } from '../core/look-ahead.js';
import { Parent } from '../core/objects.js';
import { CountryCodeScalar, DateScalar, URLScalar } from '../core/scalars.js';
import { mask } from '../identity/kyc-types.js';
import { IDENTITIES, identityById, identityPersonal } from '../identity/reads.js';
import { loadIdentity, showAttempt } from '../identity/resolver.js';
import { IdentityObject } from '../identity/types.js';
import { isWellFormedText } from '../kyc/text.js';
import type { DocumentCommands, DocumentOutcome } from './commands.js';
import type { FileLinks } from './links.js';
import { findingsOf } from './mrz.js';
import { DOCUMENTS, documentById, documentPersonal, documentRow, documentsByIdentity, filePersonal, FILES, filesByDocument, readsByFile, type DocumentRow, type FileRow } from './reads.js';
import { summaryOf } from './summary.js';
import {
  DocumentFinding, DocumentObject, FileRead, FileUpload, SubmitDocumentInput, SubmitDocumentPayload, UpdateDocumentInput, UpdateDocumentPayload, type DocumentPayload,
} from './types.js';

/** A document as it is shown. */
function documentView(row: DocumentRow): DocumentObject {
  return {
    id: row.id,
    selectedIdClass: row.selected_id_class,
    status: row.status,
    rejectionReason: row.rejection_reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    identityId: row.identity_id,
    row,
  };
}

function fileView(row: FileRow): FileUpload {
  return {
    row,
    documentType: row.document_type,
    fileSize: row.file_size,
    mimeType: row.mime_type,
    width: row.width,
    height: row.height,
    uploadStatus: row.upload_status,
    warnings: row.warnings,
  };
}

/** What findings are made of: the document against the data of its attempt. */
const FINDINGS_NEED = [columns(DOCUMENTS, 'personal'), rows(identityById, 'identity_id', columns(IDENTITIES, 'personal'))];

/** Loads a document of the caller's organization. Throws NOT_FOUND. */
export function loadDocument(context: RequestContext, id: string): Loaded<DocumentObject> {
  return whenLoaded(isWellFormedText(id) ? context.load(documentById, id) : null, (row) => {
    if (!row) throw notFound('document');
    return documentView(row);
  });
}

function payload(context: RequestContext, outcome: DocumentOutcome): DocumentPayload {
  const row = documentRow(outcome.document);
  context.prime(documentById, row.id, row);
  return { document: documentView(row), ...showAttempt(context, outcome) };
}

@Resolver(() => DocumentObject)
export class DocumentResolver {
  constructor(private readonly commands: DocumentCommands) {}

  @Query(() => [DocumentObject], { description: 'Documents by identity, by document, or both; at least one.' })
  @Begins(documentsByIdentity, documentById)
  async documents(
    @Ctx() context: RequestContext,
    @Arg('identityId', () => ID, { nullable: true }) identityId?: string | null,
    @Arg('documentId', () => ID, { nullable: true }) documentId?: string | null,
  ): Promise<DocumentObject[]> {
    if (identityId == null && documentId == null) {
      throw badInput([{ path: 'identityId', code: 'required', message: 'Give at least one of identityId and documentId.' }]);
    }
    if (identityId != null) await loadIdentity(context, identityId);
    if (documentId == null) return (await context.load(documentsByIdentity, identityId!)).map(documentView);
    const document = await loadDocument(context, documentId);
    return identityId == null || document.identityId === identityId ? [document] : [];
  }

  @FieldResolver(() => IdentityObject)
  @Shows(identityById, 'identity_id')
  identity(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Loaded<IdentityObject> {
    return loadIdentity(context, document.identityId);
  }

  @FieldResolver(() => String, { nullable: true, description: 'Masked: its last characters alone are shown.' })
  @Needs(columns(DOCUMENTS, 'personal'))
  number(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(documentPersonal, document.row), ({ number }) => (number === null ? null : mask(number)));
  }

  @FieldResolver(() => CountryCodeScalar, { nullable: true })
  @Needs(columns(DOCUMENTS, 'personal'))
  issuingCountry(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(documentPersonal, document.row), (personal) => personal.issuingCountry);
  }

  @FieldResolver(() => DateScalar, { nullable: true })
  @Needs(columns(DOCUMENTS, 'personal'))
  issueDate(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(documentPersonal, document.row), (personal) => personal.issueDate);
  }

  @FieldResolver(() => DateScalar, { nullable: true })
  @Needs(columns(DOCUMENTS, 'personal'))
  expirationDate(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(documentPersonal, document.row), (personal) => personal.expirationDate);
  }

  @FieldResolver(() => [FileUpload])
  @Shows(filesByDocument, 'id')
  fileUploads(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Loaded<FileUpload[]> {
    return whenLoaded(context.load(filesByDocument, document.id), (files) => files.map(fileView));
  }

  @FieldResolver(() => [DocumentFinding], { description: 'For PARTNER, REVIEWER and ADMIN; empty for others, and where no machine-readable zone is known. Compared with the data as it is now.' })
  @Needs(...FINDINGS_NEED)
  findings(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Promise<DocumentFinding[]> {
    return this.#findings(document, context);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What the checks found, in plain words for the applicant: which details differ from the data, what is wrong with the pictures, what to do. It holds no value and nothing of how documents are judged. Null where they found nothing; it changes with the data.',
  })
  @Needs(...FINDINGS_NEED, columns(DOCUMENTS, 'remarks'), rows(filesByDocument, 'id', columns(FILES, 'remarks')))
  async summary(@Parent() document: DocumentObject, @Ctx() context: RequestContext): Promise<string | null> {
    const [findings, files] = await Promise.all([this.#findings(document, context), context.load(filesByDocument, document.id)]);
    return summaryOf({ status: document.status, rejectionReason: document.rejectionReason, findings, warnings: files.flatMap(({ warnings }) => warnings) });
  }

  @Mutation(() => SubmitDocumentPayload, {
    description: 'Adds a document to an attempt and spends one of its document attempts. A submission that leaves what is asked for unmet is BAD_USER_INPUT and spends none.',
  })
  async submitDocument(@Ctx() context: RequestContext, @Arg('input', () => SubmitDocumentInput) input: SubmitDocumentInput): Promise<SubmitDocumentPayload> {
    return payload(context, await this.commands.submitDocument(context.member, input));
  }

  @Mutation(() => UpdateDocumentPayload, { description: 'Replaces the files of a document, keeping its id, and spends one document attempt. The class of the document may change.' })
  async updateDocument(@Ctx() context: RequestContext, @Arg('input', () => UpdateDocumentInput) input: UpdateDocumentInput): Promise<UpdateDocumentPayload> {
    return payload(context, await this.commands.updateDocument(context.member, input));
  }

  async #findings(document: DocumentObject, context: RequestContext): Promise<DocumentFinding[]> {
    const [identity, personal] = await Promise.all([context.load(identityById, document.identityId), context.load(documentPersonal, document.row)]);
    const kycData = identity === null ? {} : (await context.load(identityPersonal, identity)).kycData;
    return findingsOf(personal, kycData, this.commands.now());
  }
}

@Resolver(() => FileUpload)
export class FileUploadResolver {
  constructor(private readonly links: FileLinks) {}

  @FieldResolver(() => URLScalar, {
    nullable: true,
    description: 'Where PARTNER and REVIEWER read the file, for five minutes and as long as their key lives; null for others, until UPLOADED, and once the data is erased. Pictures come without the place and time that cameras write into them. Every read is recorded.',
  })
  @Needs(columns(FILES, 'personal'))
  url(@Parent() file: FileUpload, @Ctx() context: RequestContext): string | null {
    return this.links.urlFor(context.caller, file.row);
  }

  @FieldResolver(() => String, { nullable: true })
  @Needs(columns(FILES, 'personal'))
  fileName(@Parent() file: FileUpload, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(filePersonal, file.row), (personal) => personal.fileName);
  }

  @FieldResolver(() => String, { nullable: true, description: 'In hexadecimal.' })
  @Needs(columns(FILES, 'personal'))
  sha256(@Parent() file: FileUpload, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(filePersonal, file.row), (personal) => personal.sha256);
  }

  @FieldResolver(() => [FileRead], { description: 'Who has read the file and when, oldest first. For REVIEWER and ADMIN; empty for others.' })
  @Needs(rows(readsByFile, 'id'))
  reads(@Parent() file: FileUpload, @Ctx() context: RequestContext): Loaded<FileRead[]> {
    return whenLoaded(context.load(readsByFile, file.row.id), (reads) => reads.map((row) => ({ reader: row.reader, readAt: row.read_at })));
  }
}

@Resolver(() => IdentityObject)
export class IdentityDocumentResolver {
  @FieldResolver(() => [DocumentObject], { description: 'The documents of this attempt, oldest first.' })
  @Shows(documentsByIdentity, 'id')
  documents(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<DocumentObject[]> {
    return whenLoaded(context.load(documentsByIdentity, identity.id), (documents) => documents.map(documentView));
  }
}
