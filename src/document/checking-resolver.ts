import { GraphQLUpload } from 'graphql-upload-minimal';
import { Arg, Ctx, Field, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { RequestContext } from '../core/context.js';
import { badInput } from '../core/errors.js';
import { DocumentFileType } from '../kyc/vocabularies.js';
import type { FileChecks } from './checking.js';
import type { IncomingFile } from './incoming.js';
import { FileWarning } from './types.js';

@InputType()
class InspectFileInput {
  @Field(() => DocumentFileType.values, { description: 'What the file is to be: a selfie may not be a PDF.' })
  documentType!: DocumentFileType;
  @Field(() => GraphQLUpload, { nullable: true, description: 'JPEG, PNG or PDF; at most 15 MB; a picture at least 200 × 200 pixels.' })
  file?: Promise<IncomingFile> | null;
}

@ObjectType({ simpleResolvers: true })
class InspectFilePayload {
  @Field(() => String, { description: 'What the file is by its bytes: image/jpeg, image/png or application/pdf.' })
  mimeType!: string;
  @Field(() => Int, { nullable: true, description: 'Pixels; null for a PDF.' })
  width!: number | null;
  @Field(() => Int, { nullable: true, description: 'Pixels; null for a PDF.' })
  height!: number | null;
  @Field(() => [FileWarning], { description: 'What a reviewer may object to. The file would be accepted all the same.' })
  warnings!: FileWarning[];
}

@Resolver()
export class FileCheckResolver {
  constructor(private readonly checks: FileChecks) {}

  @Mutation(() => InspectFilePayload, {
    description: 'What submitDocument would say of one file: refused for the same faults, at the path `file`, else with its warnings. Nothing is kept, and no attempt is spent: for a person who can still take a better picture.',
  })
  async inspectFile(@Ctx() context: RequestContext, @Arg('input', () => InspectFileInput) { documentType, file }: InspectFileInput): Promise<InspectFilePayload> {
    if (file == null) throw badInput([{ path: 'file', code: 'required', message: 'Send the file that is to be judged, by a multipart request.' }]);
    const { mimeType, width, height, warnings } = await this.checks.inspect(context.member, documentType, file);
    return { mimeType, width, height, warnings };
  }
}
