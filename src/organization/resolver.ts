import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, registerEnumType, Resolver } from 'type-graphql';
import { advanceClock, type Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { badInput } from '../core/errors.js';
import { SECONDS_PER_DAY } from '../core/clock.js';
import { DateTimeScalar } from '../core/scalars.js';
import { Environment } from '../kyc/vocabularies.js';
import { createApiKey, createOrganization, requireSandbox, revokeApiKey } from './commands.js';
import type { ApiKey } from './entity.js';
import { readOrganization } from './reads.js';

const KeyRole = { ADMIN: 'ADMIN', PARTNER: 'PARTNER', REVIEWER: 'REVIEWER' } as const;
registerEnumType(KeyRole, {
  name: 'Role',
  description: 'What an API key lets its holder do.',
  valuesConfig: {
    ADMIN: { description: "One organization's keys." },
    PARTNER: { description: 'Creates customers, submits and patches their data, uploads documents, collects signatures.' },
    REVIEWER: { description: 'Decides attempts that are IN_REVIEW.' },
  },
});

/** A sandbox may be moved by at most this at once: longer than any expiry. */
const LONGEST_ADVANCE_SECONDS = 3_660 * SECONDS_PER_DAY;

@ObjectType('Organization', { description: 'A company that verifies its customers here.', simpleResolvers: true })
class OrganizationObject {
  @Field(() => ID)
  id!: string;
  @Field(() => String)
  name!: string;
  @Field(() => Environment.values)
  environment!: Environment;
}

@ObjectType('ApiKey', { description: 'A key of an organization, without its secret.', simpleResolvers: true })
class ApiKeyObject {
  @Field(() => ID)
  id!: string;
  @Field(() => String, { description: 'The part of the secret by which a key is recognised.' })
  prefix!: string;
  @Field(() => KeyRole)
  role!: keyof typeof KeyRole;
  @Field(() => String)
  name!: string;
  @Field(() => DateTimeScalar)
  createdAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'From then on it is UNAUTHENTICATED.' })
  revokedAt!: Date | null;
}

@InputType()
class CreateOrganizationInput {
  @Field(() => String)
  name!: string;
  @Field(() => Environment.values, { description: 'For good.' })
  environment!: Environment;
}

@ObjectType({ simpleResolvers: true })
class CreateOrganizationPayload {
  @Field(() => OrganizationObject)
  organization!: OrganizationObject;
}

@InputType()
class CreateApiKeyInput {
  @Field(() => ID, { nullable: true, description: 'For the operator; others make keys of their own organization.' })
  organizationId?: string | null;
  @Field(() => KeyRole)
  role!: keyof typeof KeyRole;
  @Field(() => String)
  name!: string;
  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt?: Date | null;
}

@ObjectType({ simpleResolvers: true })
class CreateApiKeyPayload {
  @Field(() => String, { description: 'Shown this once: keep it.' })
  secret!: string;
  @Field(() => ApiKeyObject)
  apiKey!: ApiKeyObject;
}

@InputType()
class RevokeApiKeyInput {
  @Field(() => ID)
  apiKeyId!: string;
}

@ObjectType({ simpleResolvers: true })
class RevokeApiKeyPayload {
  @Field(() => ApiKeyObject)
  apiKey!: ApiKeyObject;
}

@InputType()
class AdvanceSandboxClockInput {
  @Field(() => Int, { description: 'Seconds to move forward; 0 lets happen what is due already.' })
  seconds!: number;
}

@ObjectType({ simpleResolvers: true })
class AdvanceSandboxClockPayload {
  @Field(() => DateTimeScalar, { description: "The time that the sandbox's clock now shows." })
  now!: Date;
}

function keyView(apiKey: ApiKey): ApiKeyObject {
  const { id, prefix, role, name, createdAt } = apiKey;
  return { id, prefix, role, name, createdAt, expiresAt: apiKey.expiresAt ?? null, revokedAt: apiKey.revokedAt ?? null };
}

@Resolver()
export class OrganizationResolver {
  constructor(private readonly core: Core) {}

  @Mutation(() => CreateOrganizationPayload, { description: 'For the operator: a new organization, under the default policy.' })
  async createOrganization(@Arg('input', () => CreateOrganizationInput) input: CreateOrganizationInput): Promise<CreateOrganizationPayload> {
    return { organization: await createOrganization(this.core, input) };
  }

  @Mutation(() => CreateApiKeyPayload, { description: 'A new key of an organization. Its secret is shown this once.' })
  async createApiKey(@Ctx() context: RequestContext, @Arg('input', () => CreateApiKeyInput) input: CreateApiKeyInput): Promise<CreateApiKeyPayload> {
    const { secret, apiKey } = await createApiKey(this.core, context.caller, input);
    return { secret, apiKey: keyView(apiKey) };
  }

  @Mutation(() => RevokeApiKeyPayload, { description: 'Ends a key at once.' })
  async revokeApiKey(@Ctx() context: RequestContext, @Arg('input', () => RevokeApiKeyInput) input: RevokeApiKeyInput): Promise<RevokeApiKeyPayload> {
    return { apiKey: keyView(await revokeApiKey(this.core, context.caller, input.apiKeyId)) };
  }

  @Mutation(() => AdvanceSandboxClockPayload, {
    description: "Sandbox only: moves the sandbox's clock, so that what would happen in that time happens now, in its order. Answers when all of it has been committed.",
  })
  async advanceSandboxClock(@Ctx() context: RequestContext, @Arg('input', () => AdvanceSandboxClockInput) input: AdvanceSandboxClockInput): Promise<AdvanceSandboxClockPayload> {
    const { organizationId } = context.member;
    requireSandbox((await readOrganization(this.core.database, organizationId)).environment);
    if (input.seconds < 0 || input.seconds > LONGEST_ADVANCE_SECONDS) {
      throw badInput([{ path: 'seconds', code: 'out_of_range', message: `Give 0 to ${LONGEST_ADVANCE_SECONDS} seconds.` }]);
    }
    return { now: await advanceClock(this.core, organizationId, input.seconds) };
  }
}
