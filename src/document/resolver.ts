import { GraphQLUpload } from 'graphql-upload-minimal';
import { Arg, Ctx, Field, FieldResolver, Float, ID, InputType, Int, Mutation, ObjectType, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../core/context.js';
import { badInput, notFound } from '../core/errors.js';
import { NodeObject } from '../core/objects.js';
import { CountryCodeScalar, DateScalar, DateTimeScalar, URLScalar } from '../core/scalars.js';
import { mask } from '../identity/kyc-types.js';
import { identityById, identityPersonal } from '../identity/reads.js';
import { loadIdentity, showAttempt } from '../identity/resolver.js';
import { AttemptPayload, IdentityObject } from '../identity/types.js';
import { isWellFormedText } from '../kyc/text.js';
import * as vocabularies from '../kyc/vocabularies.js';
import type { DocumentCommands, DocumentOutcome } from './commands.js';
import type { IncomingFile } from './incoming.js';
import type { FileLinks } from './links.js';
import { findingsOf } from './mrz.js';
import { documentById, documentPersonal, documentRow, documentsByIdentity, filePersonal, filesByDocument, readsByFile, type DocumentRow, type FileRow } from './reads.js';
import { summaryOf } from './summary.js';

@ObjectType({ description: 'What a reviewer may object to, said before it costs an attempt. The file was accepted all the same.', simpleResolvers: true })
export class FileWarning {
  @Field(() => String)
  code!: string;
  @Field(() => String)
  message!: string;
  @Field(() => Float, { nullable: true })
  measured!: number | null;
  @Field(() => Float, { nullable: true })
  wanted!: number | null;
}

@ObjectType({ description: 'That a file was read back by its link.', simpleResolvers: true })
class FileRead {
  @Field(() => ID, { description: 'The key of who has read it.' })
  reader!: string;
  @Field(() => DateTimeScalar)
  readAt!: string | Date;
}

@ObjectType({ simpleResolvers: true })
class FileUpload {
  /** Not part of the schema. */
  row!: FileRow;
  @Field(() => URLScalar, {
    nullable: true,
    description: 'Where PARTNER and REVIEWER read the file, for five minutes and as long as their key lives; null for others, until UPLOADED, and once the data is erased. Pictures come without the place and time that cameras write into them. Every read is recorded.',
  })
  url!: string | null;
  @Field(() => vocabularies.DocumentFileType.values)
  documentType!: vocabularies.DocumentFileType;
  @Field(() => Int, { nullable: true, description: 'Bytes; null, as mimeType and sha256, until UPLOADED.' })
  fileSize!: number | null;
  @Field(() => String, { nullable: true, description: 'What the file is by its bytes: image/jpeg, image/png or application/pdf.' })
  mimeType!: string | null;
  @Field(() => Int, { nullable: true, description: 'Pixels; null for a PDF.' })
  width!: number | null;
  @Field(() => Int, { nullable: true, description: 'Pixels; null for a PDF.' })
  height!: number | null;
  @Field(() => vocabularies.UploadStatus.values)
  uploadStatus!: vocabularies.UploadStatus;
  @Field(() => [FileWarning])
  warnings!: FileWarning[];
}

@ObjectType({ description: 'What the machine-readable zone of a document says against the document or the form.', simpleResolvers: true })
class DocumentFinding {
  @Field(() => String, { description: 'mrz_check_digit, mrz_expired, mrz_expiry_mismatch, mrz_number_mismatch, mrz_date_of_birth_mismatch, mrz_name_mismatch or mrz_name_not_compared.' })
  code!: string;
  @Field(() => String, { nullable: true, description: 'The field of the document or of kycData that it is about; null for the document as a whole.' })
  field!: string | null;
  @Field(() => vocabularies.FindingSeverity.values, { description: 'A LIVE organization\'s documents are rejected for an ERROR, never for a WARNING.' })
  severity!: vocabularies.FindingSeverity;
  @Field(() => String)
  message!: string;
}

@ObjectType('Document', { implements: NodeObject, description: 'A document of an attempt, with the files that show it.', simpleResolvers: true })
export class DocumentObject extends NodeObject {
  @Field(() => vocabularies.IdClass.values)
  selectedIdClass!: vocabularies.IdClass;
  @Field(() => vocabularies.DocumentStatus.values)
  status!: vocabularies.DocumentStatus;
  @Field(() => String, { nullable: true, description: 'Why it was REJECTED, in words fit for the applicant; null otherwise.' })
  rejectionReason!: string | null;
  @Field(() => DateTimeScalar)
  createdAt!: string | Date;
  @Field(() => DateTimeScalar)
  updatedAt!: string | Date;
  /** Not part of the schema. */
  identityId!: string;
  /** Not part of the schema. */
  row!: DocumentRow;
}

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

function fileView(row: FileRow, url: string | null): FileUpload {
  return {
    row,
    url,
    documentType: row.document_type,
    fileSize: row.file_size,
    mimeType: row.mime_type,
    width: row.width,
    height: row.height,
    uploadStatus: row.upload_status,
    warnings: row.warnings,
  };
}

/** Loads a document of the caller's organization. Throws NOT_FOUND. */
export async function loadDocument(context: RequestContext, id: string): Promise<DocumentObject> {
  const row = isWellFormedText(id) ? await context.load(documentById, id) : null;
  if (!row) throw notFound('document');
  return documentView(row);
}

@InputType()
class DocumentFields {
  @Field(() => vocabularies.IdClass.values)
  selectedIdClass!: vocabularies.IdClass;
  @Field(() => String, { nullable: true })
  number?: string | null;
  @Field(() => CountryCodeScalar, { nullable: true })
  issuingCountry?: string | null;
  @Field(() => DateScalar, { nullable: true })
  issueDate?: string | null;
  @Field(() => DateScalar, { nullable: true, description: 'A document that has expired is refused.' })
  expirationDate?: string | null;
  @Field(() => String, { nullable: true, description: 'The machine-readable zone, as a reader or the app has read it. Without it, the one that a PDF shows in its text is taken.' })
  mrz?: string | null;
  @Field(() => GraphQLUpload, { nullable: true, description: 'JPEG, PNG or PDF; at most 15 MB; a picture at least 200 × 200 pixels.' })
  frontPhoto?: Promise<IncomingFile> | null;
  @Field(() => GraphQLUpload, { nullable: true })
  backPhoto?: Promise<IncomingFile> | null;
  @Field(() => GraphQLUpload, { nullable: true })
  proofOfResidency?: Promise<IncomingFile> | null;
  @Field(() => GraphQLUpload, { nullable: true, description: 'JPEG or PNG.' })
  selfie?: Promise<IncomingFile> | null;
}

@InputType()
class SubmitDocumentInput extends DocumentFields {
  @Field(() => ID)
  identityId!: string;
}

@InputType()
class UpdateDocumentInput extends DocumentFields {
  @Field(() => ID)
  documentId!: string;
}

/** What comes of a command on a document. */
@ObjectType({ simpleResolvers: true })
class DocumentPayload extends AttemptPayload {
  @Field(() => DocumentObject)
  document!: DocumentObject;
}

@ObjectType({ simpleResolvers: true })
class SubmitDocumentPayload extends DocumentPayload {}

@ObjectType({ simpleResolvers: true })
class UpdateDocumentPayload extends DocumentPayload {}

function payload(context: RequestContext, outcome: DocumentOutcome): DocumentPayload {
  const row = documentRow(outcome.document);
  context.prime(documentById, row.id, row);
  return { document: documentView(row), ...showAttempt(context, outcome) };
}

@Resolver(() => DocumentObject)
export class DocumentResolver {
  constructor(
    private readonly commands: DocumentCommands,
    private readonly links: FileLinks,
  ) {}

  @Query(() => [DocumentObject], { description: 'Documents by identity, by document, or both; at least one.' })
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
  identity(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<IdentityObject> {
    return loadIdentity(context, document.identityId);
  }

  @FieldResolver(() => String, { nullable: true, description: 'Masked: its last characters alone are shown.' })
  async number(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<string | null> {
    const { number } = await context.load(documentPersonal, document.row);
    return number === null ? null : mask(number);
  }

  @FieldResolver(() => CountryCodeScalar, { nullable: true })
  async issuingCountry(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(documentPersonal, document.row)).issuingCountry;
  }

  @FieldResolver(() => DateScalar, { nullable: true })
  async issueDate(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(documentPersonal, document.row)).issueDate;
  }

  @FieldResolver(() => DateScalar, { nullable: true })
  async expirationDate(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(documentPersonal, document.row)).expirationDate;
  }

  @FieldResolver(() => [FileUpload])
  async fileUploads(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<FileUpload[]> {
    return (await context.load(filesByDocument, document.id)).map((row) => fileView(row, this.links.urlFor(context.caller, row)));
  }

  @FieldResolver(() => [DocumentFinding], { description: 'For PARTNER, REVIEWER and ADMIN; empty for others, and where no machine-readable zone is known. Compared with the data as it is now.' })
  async findings(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<DocumentFinding[]> {
    return this.#findings(document, context);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What the checks found, in plain words for the applicant: which details differ from the data, what is wrong with the pictures, what to do. It holds no value and nothing of how documents are judged. Null where they found nothing; it changes with the data.',
  })
  async summary(@Root() document: DocumentObject, @Ctx() context: RequestContext): Promise<string | null> {
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
  @FieldResolver(() => String, { nullable: true })
  async fileName(@Root() file: FileUpload, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(filePersonal, file.row)).fileName;
  }

  @FieldResolver(() => String, { nullable: true, description: 'In hexadecimal.' })
  async sha256(@Root() file: FileUpload, @Ctx() context: RequestContext): Promise<string | null> {
    return (await context.load(filePersonal, file.row)).sha256;
  }

  @FieldResolver(() => [FileRead], { description: 'Who has read the file and when, oldest first. For REVIEWER and ADMIN; empty for others.' })
  async reads(@Root() file: FileUpload, @Ctx() context: RequestContext): Promise<FileRead[]> {
    return (await context.load(readsByFile, file.row.id)).map((row) => ({ reader: row.reader, readAt: row.read_at }));
  }
}

@Resolver(() => IdentityObject)
export class IdentityDocumentResolver {
  @FieldResolver(() => [DocumentObject], { description: 'The documents of this attempt, oldest first.' })
  async documents(@Root() identity: IdentityObject, @Ctx() context: RequestContext): Promise<DocumentObject[]> {
    return (await context.load(documentsByIdentity, identity.id)).map(documentView);
  }
}
