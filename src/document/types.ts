import { GraphQLUpload } from 'graphql-upload-minimal';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { columns, Needs } from '../core/look-ahead.js';
import { NodeObject } from '../core/objects.js';
import { CountryCodeScalar, DateScalar, DateTimeScalar } from '../core/scalars.js';
import { AttemptPayload } from '../identity/types.js';
import * as vocabularies from '../kyc/vocabularies.js';
import type { IncomingFile } from './incoming.js';
import { DOCUMENTS, FILES, type DocumentRow, type FileRow } from './reads.js';

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
export class FileRead {
  @Field(() => ID, { description: 'The key of who has read it.' })
  reader!: string;
  @Field(() => DateTimeScalar)
  readAt!: string | Date;
}

@ObjectType({ simpleResolvers: true })
export class FileUpload {
  /** Not part of the schema. */
  row!: FileRow;
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
  @Needs(columns(FILES, 'remarks'))
  warnings!: FileWarning[];
}

@ObjectType({ description: 'What the machine-readable zone of a document says against the document or the form.', simpleResolvers: true })
export class DocumentFinding {
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
  @Needs(columns(DOCUMENTS, 'remarks'))
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
export class SubmitDocumentInput extends DocumentFields {
  @Field(() => ID)
  identityId!: string;
}

@InputType()
export class UpdateDocumentInput extends DocumentFields {
  @Field(() => ID)
  documentId!: string;
}

/** What comes of a command on a document. */
@ObjectType({ simpleResolvers: true })
export class DocumentPayload extends AttemptPayload {
  @Field(() => DocumentObject)
  document!: DocumentObject;
}

@ObjectType({ simpleResolvers: true })
export class SubmitDocumentPayload extends DocumentPayload {}

@ObjectType({ simpleResolvers: true })
export class UpdateDocumentPayload extends DocumentPayload {}
