import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../core/connections.js';
import { DateTimeScalar } from '../core/scalars.js';
import { IdempotencyMode, Liveness, PhotoIdRule, ProviderName } from '../kyc/policy.js';
import { ContractType, Environment, TransactionType } from '../kyc/vocabularies.js';

export const KeyRoleEnum = { ADMIN: 'ADMIN', PARTNER: 'PARTNER', REVIEWER: 'REVIEWER' } as const;
registerEnumType(KeyRoleEnum, {
  name: 'Role',
  description: 'What an API key lets its holder do.',
  valuesConfig: {
    ADMIN: { description: "One organization's keys and policy; decides as a reviewer does." },
    PARTNER: { description: 'Creates customers, submits and patches their data, uploads documents, collects signatures.' },
    REVIEWER: { description: 'Decides attempts that are IN_REVIEW.' },
  },
});
for (const vocabulary of [PhotoIdRule, Liveness, IdempotencyMode, ProviderName]) {
  const descriptions = Object.entries(vocabulary.descriptions).map(([word, description]) => [word, { description }]);
  registerEnumType(vocabulary.values as Record<string, string>, { name: vocabulary.name, description: vocabulary.description, valuesConfig: Object.fromEntries(descriptions) as object });
}

/** Which contracts are signed for a transaction type, the same on the way in and out. */
@ObjectType('RequiredContracts', { simpleResolvers: true })
@InputType('RequiredContractsInput')
export class RequiredContracts {
  @Field(() => TransactionType.values, { nullable: true, description: 'Null: attempts without a transaction type.' })
  transactionType?: TransactionType | null;
  @Field(() => [ContractType.values], { description: 'All that have to be signed; replaces the list that was.' })
  contracts!: ContractType[];
}

/** Who is asked for a photo id, by transaction type, the same on the way in and out. */
@ObjectType('PhotoIdPolicy', { simpleResolvers: true })
@InputType('PhotoIdPolicyInput')
export class PhotoIdPolicy {
  @Field(() => TransactionType.values, { nullable: true, description: 'Null: attempts without a transaction type.' })
  transactionType?: TransactionType | null;
  @Field(() => PhotoIdRule.values)
  rule!: PhotoIdRule;
}

/** A contract in the version in force, the same on the way in and out. */
@ObjectType('ContractVersion', { simpleResolvers: true })
@InputType('ContractVersionInput')
export class ContractVersion {
  @Field(() => ContractType.values)
  type!: ContractType;
  @Field(() => String)
  version!: string;
  @Field(() => String)
  title!: string;
  @Field(() => String)
  text!: string;
}

/** What files of documents have to keep to, the same on the way in and out. */
@ObjectType('ImageRules', { simpleResolvers: true })
@InputType('ImageRulesInput')
export class ImageRulesFields {
  @Field(() => Int, { nullable: true, description: 'Bytes of one file; at most 15 MB.' })
  maxBytes?: number | null;
  @Field(() => Int, { nullable: true, description: 'Pixels of each side of a picture.' })
  minPixels?: number | null;
  @Field(() => Int, { nullable: true })
  maxPdfPages?: number | null;
}

/** The rules of an organization, the same on the way in and out. */
@ObjectType('Policy', { description: 'The rules of an organization. Each attempt keeps those that it began under.', simpleResolvers: true })
@InputType('PolicyInput', { description: 'Absent leaves a rule alone; null brings back the default.' })
export class PolicyFields {
  @Field(() => [RequiredContracts], { nullable: true })
  contractsRequired?: RequiredContracts[] | null;
  @Field(() => [ContractVersion], { nullable: true, description: 'The version in force of each contract: signing another is refused.' })
  contracts?: ContractVersion[] | null;
  @Field(() => [PhotoIdPolicy], { nullable: true })
  photoId?: PhotoIdPolicy[] | null;
  @Field(() => Liveness.values, { nullable: true })
  liveness?: Liveness | null;
  @Field(() => Int, { nullable: true, description: 'Submissions of documents before a person decides.' })
  documentAttempts?: number | null;
  @Field(() => Int, { nullable: true, description: 'Days that an attempt may wait for its customer before it is EXPIRED.' })
  waitingExpiryDays?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Hours that an attempt may stay in a status that the gateway or a reviewer has to leave. Then the event identity.stuck says so; the attempt itself goes on.',
  })
  stuckAfterHours?: number | null;
  @Field(() => Int, { nullable: true, description: 'Years.' })
  minimumAge?: number | null;
  @Field(() => ImageRulesFields, { nullable: true })
  image?: ImageRulesFields | null;
  @Field(() => ProviderName.values, { nullable: true, description: 'Null: the sandbox provider in a sandbox, reviewers elsewhere.' })
  provider?: ProviderName | null;
  @Field(() => Boolean, { nullable: true, description: 'Whether a pass still goes to a person.' })
  reviewAfterPass?: boolean | null;
  @Field(() => IdempotencyMode.values, { nullable: true, description: 'What a repeated Idempotency-Key with the same request is answered.' })
  idempotency?: IdempotencyMode | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Days after which the data of a customer is erased, as by eraseCustomer, counted from its end: since it was deactivated, or its attempt was DECLINED or EXPIRED, and nothing was begun anew. Who is ACTIVE or under way is kept, and so is who is under a legal hold. It holds for everyone from now on, whatever was in force before. Null: nothing is erased by itself.',
  })
  retentionDays?: number | null;
}

@ObjectType('Organization', { description: 'A company that verifies its customers here.', simpleResolvers: true })
export class OrganizationObject {
  @Field(() => ID)
  id!: string;
  @Field(() => String)
  name!: string;
  @Field(() => Environment.values)
  environment!: Environment;
  @Field(() => PolicyFields)
  policy!: PolicyFields;
}

@ObjectType('ApiKey', { description: 'A key of an organization, without its secret.', simpleResolvers: true })
export class ApiKeyObject {
  @Field(() => ID)
  id!: string;
  @Field(() => String, { description: 'The part of the secret by which a key is recognised.' })
  prefix!: string;
  @Field(() => KeyRoleEnum)
  role!: keyof typeof KeyRoleEnum;
  @Field(() => String)
  name!: string;
  @Field(() => DateTimeScalar)
  createdAt!: Date | string;
  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: Date | string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'From then on it is UNAUTHENTICATED.' })
  revokedAt!: Date | string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'To the minute; null for a key that has never been used.' })
  lastUsedAt!: Date | string | null;
}

export const ApiKeyConnection = connectionOf('ApiKey', ApiKeyObject);

@InputType()
export class CreateOrganizationInput {
  @Field(() => String)
  name!: string;
  @Field(() => Environment.values, { description: 'For good.' })
  environment!: Environment;
  @Field(() => PolicyFields, { nullable: true, description: 'What is to differ from the default policy.' })
  policy?: PolicyFields | null;
}

@InputType()
export class UpdatePolicyInput {
  @Field(() => ID, { nullable: true, description: 'For the operator; others change the policy of their own organization.' })
  organizationId?: string | null;
  @Field(() => PolicyFields)
  policy!: PolicyFields;
}

@InputType()
export class CreateApiKeyInput {
  @Field(() => ID, { nullable: true, description: 'For the operator; others make keys of their own organization.' })
  organizationId?: string | null;
  @Field(() => KeyRoleEnum)
  role!: keyof typeof KeyRoleEnum;
  @Field(() => String)
  name!: string;
  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt?: Date | null;
}

@InputType()
export class RevokeApiKeyInput {
  @Field(() => ID)
  apiKeyId!: string;
}

@InputType()
export class AdvanceSandboxClockInput {
  @Field(() => Int, { description: 'Seconds to move forward; 0 lets happen what is due already.' })
  seconds!: number;
}

@ObjectType({ simpleResolvers: true })
export class CreateOrganizationPayload {
  @Field(() => OrganizationObject)
  organization!: OrganizationObject;
}

@ObjectType({ simpleResolvers: true })
export class UpdatePolicyPayload {
  @Field(() => OrganizationObject)
  organization!: OrganizationObject;
}

@ObjectType({ simpleResolvers: true })
export class CreateApiKeyPayload {
  @Field(() => String, { description: 'Shown this once: keep it.' })
  secret!: string;
  @Field(() => ApiKeyObject)
  apiKey!: ApiKeyObject;
}

@ObjectType({ simpleResolvers: true })
export class RevokeApiKeyPayload {
  @Field(() => ApiKeyObject)
  apiKey!: ApiKeyObject;
}

@ObjectType({ simpleResolvers: true })
export class AdvanceSandboxClockPayload {
  @Field(() => DateTimeScalar, { description: "The time that the sandbox's clock now shows." })
  now!: Date;
}
