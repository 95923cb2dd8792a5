import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../core/connections.js';
import { columns, Needs } from '../core/look-ahead.js';
import { NodeObject } from '../core/objects.js';
import { DateTimeScalar, EmailAddressScalar, IPAddressScalar } from '../core/scalars.js';
import { CustomerObject } from '../customer/resolver.js';
import * as vocabularies from '../kyc/vocabularies.js';
import { KycDataInputFields } from './kyc-types.js';
import { IDENTITIES, type IdentityFilter, type IdentityRow } from './reads.js';

const REMARKS = columns(IDENTITIES, 'remarks');

@ObjectType('Identity', { implements: NodeObject, description: 'One verification attempt of a customer.', simpleResolvers: true })
export class IdentityObject extends NodeObject {
  @Field(() => vocabularies.IdentityStatus.values)
  status!: vocabularies.IdentityStatus;
  @Field(() => ID)
  organizationId!: string;
  @Field(() => String, { nullable: true, description: 'Your own id of the program that the person joins.' })
  @Needs(REMARKS)
  programId!: string | null;
  @Field(() => vocabularies.TransactionType.values, { nullable: true, description: 'Decides which data, documents and contracts are required.' })
  transactionType!: vocabularies.TransactionType | null;
  @Field(() => String, { nullable: true, description: 'Why the last step failed, in words fit for the applicant.' })
  @Needs(REMARKS)
  errorDescription!: string | null;
  @Field(() => Int, { description: 'How many more times documents may be submitted before a person decides.' })
  documentAttemptsRemaining!: number;
  @Field(() => vocabularies.DebugStatus.values, { nullable: true, description: 'Sandbox only; null elsewhere.' })
  @Needs(REMARKS)
  debugStatus!: vocabularies.DebugStatus | null;
  @Field(() => Int, { description: 'Grows by one with every committed change of this object.' })
  version!: number;
  @Field(() => DateTimeScalar)
  createdAt!: string | Date;
  @Field(() => DateTimeScalar)
  updatedAt!: string | Date;
  /** Not part of the schema: what the fields of this and other floors are resolved by. */
  row!: IdentityRow;
}

export const IdentityConnection = connectionOf('Identity', IdentityObject);

@ObjectType('Transition', { description: 'A step of the identity lifecycle. `from` is null for the first.', simpleResolvers: true })
export class TransitionObject {
  @Field(() => vocabularies.IdentityStatus.values, { nullable: true })
  from!: vocabularies.IdentityStatus | null;
  @Field(() => String)
  event!: string;
  @Field(() => vocabularies.IdentityStatus.values)
  to!: vocabularies.IdentityStatus;
  @Field(() => vocabularies.CustomerStatus.values)
  customerStatus!: vocabularies.CustomerStatus;
  @Field(() => vocabularies.KycStatus.values)
  kycStatus!: vocabularies.KycStatus;
}

@InputType('IdentityFilter', { description: 'What is absent or null does not narrow the list.' })
export class IdentityFilterInput implements IdentityFilter {
  @Field(() => [vocabularies.IdentityStatus.values], { nullable: true })
  status?: vocabularies.IdentityStatus[] | null;
  @Field(() => ID, { nullable: true })
  customerId?: string | null;
  @Field(() => String, { nullable: true })
  enterpriseId?: string | null;
  @Field(() => String, { nullable: true })
  userId?: string | null;
  @Field(() => String, { nullable: true })
  programId?: string | null;
}

@InputType()
export class SubmitIdentityInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => KycDataInputFields)
  kycData!: KycDataInputFields;
  @Field(() => vocabularies.TransactionType.values, { nullable: true })
  transactionType?: vocabularies.TransactionType;
  @Field(() => String, { nullable: true })
  enterpriseId?: string | null;
  @Field(() => String, { nullable: true })
  userId?: string | null;
  @Field(() => String, { nullable: true })
  programId?: string | null;
  @Field(() => IPAddressScalar, { nullable: true, description: 'The address that the person submitted from.' })
  ipAddress?: string | null;
  @Field(() => vocabularies.DebugStatus.values, { nullable: true, description: 'Sandbox only.' })
  debugStatus?: vocabularies.DebugStatus | null;
  @Field(() => String, { nullable: true, description: 'Sandbox only. Blank means none.' })
  debugFailureReason?: string | null;
  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Refuse with BAD_USER_INPUT, storing nothing, when a required field is missing. Otherwise what is missing becomes requirements.',
  })
  strict!: boolean;
}

@InputType({ description: 'Absent leaves a stored value alone; null clears it.' })
export class SignerInput {
  @Field(() => String, { nullable: true })
  contractSignerNameFull?: string | null;
  @Field(() => DateTimeScalar, { nullable: true })
  contractSignedDate?: Date | null;
  @Field(() => IPAddressScalar, { nullable: true })
  contractSignedIPAddress?: string | null;
  @Field(() => String, { nullable: true })
  contractVersion?: string | null;
  @Field(() => Boolean, { nullable: true })
  userAgreesToTerms?: boolean | null;
}

@InputType()
export class PatchIdentityInput {
  @Field(() => ID)
  identityId!: string;
  @Field(() => KycDataInputFields, { nullable: true })
  kycData?: KycDataInputFields | null;
  @Field(() => String, { nullable: true })
  enterpriseId?: string | null;
  @Field(() => String, { nullable: true })
  userId?: string | null;
  @Field(() => String, { nullable: true })
  programId?: string | null;
  @Field(() => SignerInput, { nullable: true, description: 'Defaults for the signatures to come; itself never a signature.' })
  signer?: SignerInput | null;
  @Field(() => vocabularies.DebugStatus.values, { nullable: true, description: 'Sandbox only; only while AWAITING_DOCUMENT_UPLOAD or INCOMPLETE_VERIFICATIONS.' })
  debugStatus?: vocabularies.DebugStatus | null;
  @Field(() => String, { nullable: true, description: 'Sandbox only; only while AWAITING_DOCUMENT_UPLOAD or INCOMPLETE_VERIFICATIONS. Blank means none.' })
  debugFailureReason?: string | null;
  @Field(() => Int, { nullable: true, description: 'The version of the attempt that was read: after another change, the answer is CONFLICT with the current one, and nothing is stored.' })
  ifVersion?: number | null;
}

@InputType()
export class PatchCustomerInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => KycDataInputFields, { nullable: true })
  kycData?: KycDataInputFields | null;
  @Field(() => EmailAddressScalar, { nullable: true })
  email?: string | null;
  @Field(() => String, { nullable: true })
  firstName?: string | null;
  @Field(() => String, { nullable: true })
  lastName?: string | null;
  @Field(() => String, { nullable: true })
  partnerUserId?: string | null;
  @Field(() => Int, { nullable: true, description: 'The version of the customer that was read: after another change, the answer is CONFLICT with the current one, and nothing is stored.' })
  ifVersion?: number | null;
}

@InputType()
export class ReviewIdentityInput {
  @Field(() => ID)
  identityId!: string;
  @Field(() => vocabularies.ReviewDecision.values)
  decision!: vocabularies.ReviewDecision;
  @Field(() => String, { nullable: true, description: 'Shown to the applicant.' })
  message?: string | null;
  @Field(() => String, { nullable: true, description: 'For reviewers and administrators, who read it as Identity.reviewNote; kept from the applicant and the partner.' })
  note?: string | null;
  @Field(() => [vocabularies.IdClass.values], { nullable: true, description: 'With REQUEST_INFORMATION, exactly one of the two: the documents that are wanted, any one of them …' })
  requiredDocuments?: vocabularies.IdClass[] | null;
  @Field(() => [String], { nullable: true, description: '… or the fields to enter again, as paths of the input, such as kycData.address.city.' })
  requiredFields?: string[] | null;
  @Field(() => Int, { nullable: true, description: 'The version of the attempt that was reviewed: after another change, the answer is CONFLICT with the current one, and nothing is stored.' })
  ifVersion?: number | null;
}

@InputType()
export class RequireReverificationInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => String, { description: 'Why, in words fit for the applicant.' })
  reason!: string;
}

/** What comes of a command on an attempt. */
@ObjectType({ simpleResolvers: true })
export class AttemptPayload {
  @Field(() => IdentityObject)
  identity!: IdentityObject;
  @Field(() => CustomerObject)
  customer!: CustomerObject;
}

@ObjectType({ simpleResolvers: true })
export class SubmitIdentityPayload extends AttemptPayload {}

@ObjectType({ simpleResolvers: true })
export class PatchIdentityPayload extends AttemptPayload {}

@ObjectType({ simpleResolvers: true })
export class ReviewIdentityPayload extends AttemptPayload {}

@ObjectType({ description: 'The attempt that had been approved, now EXPIRED.', simpleResolvers: true })
export class RequireReverificationPayload extends AttemptPayload {}

@ObjectType({ simpleResolvers: true })
export class PatchCustomerPayload {
  @Field(() => CustomerObject)
  customer!: CustomerObject;
  @Field(() => IdentityObject, { nullable: true, description: 'The current attempt; null while there is none.' })
  identity!: IdentityObject | null;
}
