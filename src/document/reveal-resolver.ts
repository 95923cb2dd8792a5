import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { KycDataFields } from '../identity/kyc-types.js';
import { showAttempt } from '../identity/resolver.js';
import { AttemptPayload } from '../identity/types.js';
import { revealKycData } from './reveal.js';

@InputType()
class RevealKycDataInput {
  @Field(() => ID)
  identityId!: string;
  @Field(() => [String], { description: 'Names of KycData such as nationalIdNumber or address.city, and documents.number for the numbers of the documents.' })
  fields!: string[];
  @Field(() => String, { description: 'Why it is needed, for the audit trail.' })
  reason!: string;
}

@ObjectType({ description: "A document's number as it is.", simpleResolvers: true })
class RevealedDocument {
  @Field(() => ID)
  documentId!: string;
  @Field(() => String, { nullable: true })
  number!: string | null;
}

@ObjectType({ simpleResolvers: true })
class RevealKycDataPayload extends AttemptPayload {
  @Field(() => KycDataFields, { description: 'The fields that were asked for, unmasked; null where nothing was given, and wherever not asked for.' })
  kycData!: KycDataFields;
  @Field(() => [RevealedDocument], { description: 'Of the documents of the attempt, where documents.number was asked for.' })
  documents!: RevealedDocument[];
}

@Resolver()
export class RevealResolver {
  constructor(private readonly core: Core) {}

  @Mutation(() => RevealKycDataPayload, {
    description: 'Gives values that are masked elsewhere. Each time is an entry of the audit trail with who asked, which fields and why. A key, or a person who signs in, may do so 300 times an hour.',
  })
  async revealKycData(@Ctx() context: RequestContext, @Arg('input', () => RevealKycDataInput) input: RevealKycDataInput): Promise<RevealKycDataPayload> {
    const { kycData, documents, ...attempt } = await revealKycData(this.core, context.member, input);
    return { ...showAttempt(context, attempt), kycData, documents };
  }
}
