import { Arg, Ctx, Field, FieldResolver, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import { whenLoaded, type Loaded, type RequestContext } from '../core/context.js';
import { notFound } from '../core/errors.js';
import { columns, Needs, rows, Shows } from '../core/look-ahead.js';
import { NodeObject, Parent } from '../core/objects.js';
import { DateTimeScalar, IPAddressScalar } from '../core/scalars.js';
import { IDENTITIES, identityById } from '../identity/reads.js';
import { loadIdentity, showAttempt } from '../identity/resolver.js';
import { AttemptPayload, IdentityObject } from '../identity/types.js';
import { contractsFor } from '../kyc/policy.js';
import * as vocabularies from '../kyc/vocabularies.js';
import { policyById } from '../organization/policies.js';
import { readOrganization } from '../organization/reads.js';
import { transactionTypeOfToken } from '../organization/tokens.js';
import { submitSignatures, type NewSignature } from './commands.js';
import { SIGNATURES, signatureById, signaturePersonal, signatureRow, signaturesByIdentity, type SignatureRow } from './reads.js';

@ObjectType({ description: 'What is to be signed, in the version that is in force.', simpleResolvers: true })
export class Contract {
  @Field(() => vocabularies.ContractType.values)
  type!: vocabularies.ContractType;
  @Field(() => String)
  version!: string;
  @Field(() => String)
  title!: string;
  @Field(() => String)
  text!: string;
}

@ObjectType('Signature', { implements: NodeObject, description: 'A contract of an attempt, signed.', simpleResolvers: true })
export class SignatureObject extends NodeObject {
  @Field(() => vocabularies.ContractType.values)
  contractType!: vocabularies.ContractType;
  @Field(() => String)
  contractVersion!: string;
  @Field(() => DateTimeScalar)
  contractSignedDate!: string | Date;
  @Field(() => DateTimeScalar)
  createdAt!: string | Date;
  /** Not part of the schema. */
  identityId!: string;
  row!: SignatureRow;
}

/** A signature as it is shown. */
function signatureView(row: SignatureRow): SignatureObject {
  return {
    id: row.id,
    contractType: row.contract_type,
    contractVersion: row.contract_version,
    contractSignedDate: row.contract_signed_date,
    createdAt: row.created_at,
    identityId: row.identity_id,
    row,
  };
}

/** Loads a signature of the caller's organization. Throws NOT_FOUND. */
export async function loadSignature(context: RequestContext, id: string): Promise<SignatureObject> {
  const row = await context.load(signatureById, id);
  if (!row) throw notFound('signature');
  return signatureView(row);
}

@InputType({ description: "What is left out comes from the identity's signer; what neither gives is BAD_USER_INPUT." })
class SignatureInput implements NewSignature {
  @Field(() => vocabularies.ContractType.values)
  contractType!: vocabularies.ContractType;
  @Field(() => String, { nullable: true, description: 'The version in force: another is refused.' })
  contractVersion?: string | null;
  @Field(() => String, { nullable: true })
  contractSignerNameFull?: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Not in the future.' })
  contractSignedDate?: Date | null;
  @Field(() => IPAddressScalar, { nullable: true })
  contractSignedIPAddress?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Must be true.' })
  userAgreesToTerms?: boolean | null;
}

@InputType()
class SubmitSignaturesInput {
  @Field(() => ID)
  identityId!: string;
  @Field(() => [SignatureInput])
  signatures!: SignatureInput[];
}

@ObjectType({ simpleResolvers: true })
class SubmitSignaturesPayload extends AttemptPayload {
  @Field(() => [SignatureObject])
  signatures!: SignatureObject[];
}

@Resolver(() => SignatureObject)
export class SignatureResolver {
  constructor(private readonly core: Core) {}

  @Query(() => [Contract], { description: "The contracts that your organization's policy asks for." })
  async contracts(
    @Ctx() context: RequestContext,
    @Arg('transactionType', () => vocabularies.TransactionType.values, { nullable: true }) transactionType?: vocabularies.TransactionType | null,
  ): Promise<Contract[]> {
    const { policy } = await readOrganization(context.database, context.member.organizationId);
    return contractsFor(policy, transactionType ?? transactionTypeOfToken(context.caller));
  }

  @FieldResolver(() => String, { nullable: true })
  @Needs(columns(SIGNATURES, 'personal'))
  contractSignerNameFull(@Parent() signature: SignatureObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(signaturePersonal, signature.row), (personal) => personal.contractSignerNameFull);
  }

  @FieldResolver(() => IPAddressScalar, { nullable: true })
  @Needs(columns(SIGNATURES, 'personal'))
  contractSignedIPAddress(@Parent() signature: SignatureObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(signaturePersonal, signature.row), (personal) => personal.contractSignedIPAddress);
  }

  @FieldResolver(() => IdentityObject)
  @Shows(identityById, 'identity_id')
  identity(@Parent() signature: SignatureObject, @Ctx() context: RequestContext): Loaded<IdentityObject> {
    return loadIdentity(context, signature.identityId);
  }

  @Mutation(() => SubmitSignaturesPayload, {
    description: 'Signs contracts while AWAITING_SIGNATURE, one by one or together, by one signer or several; each contract once. The last completes them.',
  })
  async submitSignatures(@Ctx() context: RequestContext, @Arg('input', () => SubmitSignaturesInput) input: SubmitSignaturesInput): Promise<SubmitSignaturesPayload> {
    const { signatures, ...attempt } = await submitSignatures(this.core, context.member, input);
    return { signatures: signatures.map((signature) => signatureView(signatureRow(signature))), ...showAttempt(context, attempt) };
  }
}

@Resolver(() => IdentityObject)
export class IdentitySignatureResolver {
  @FieldResolver(() => [SignatureObject], { description: 'The signatures of this attempt, oldest first.' })
  @Shows(signaturesByIdentity, 'id')
  signatures(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<SignatureObject[]> {
    return whenLoaded(context.load(signaturesByIdentity, identity.id), (signatures) => signatures.map(signatureView));
  }

  @FieldResolver(() => [vocabularies.ContractType.values], {
    description: 'Contracts still to be signed, while AWAITING_SIGNATURE; else empty. `requirements` names them from the first call.',
  })
  @Needs(columns(IDENTITIES, 'rules'), rows(signaturesByIdentity, 'id'))
  async signaturesRequired(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Promise<vocabularies.ContractType[]> {
    if (identity.status !== 'AWAITING_SIGNATURE') return [];
    const [policy, signed] = await Promise.all([context.load(policyById, identity.row.policy_id), context.load(signaturesByIdentity, identity.id)]);
    return contractsFor(policy, identity.transactionType)
      .map((contract) => contract.type)
      .filter((type) => !signed.some((signature) => signature.contract_type === type));
  }

  @FieldResolver(() => [vocabularies.ContractType.values])
  @Needs(rows(signaturesByIdentity, 'id'))
  signaturesSubmitted(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<vocabularies.ContractType[]> {
    return whenLoaded(context.load(signaturesByIdentity, identity.id), (signatures) => signatures.map((signature) => signature.contract_type));
  }
}
