import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
import { advanceClock, type Core } from '../core/command.js';
import { DEFAULT_PAGE, pageOf, pageRequest, type Connection } from '../core/connections.js';
import type { RequestContext } from '../core/context.js';
import type { Database } from '../core/database.js';
import { badInput, notFound } from '../core/errors.js';
import { SECONDS_PER_DAY } from '../core/clock.js';
import { createApiKey, createOrganization, organizationFor, requireSandbox, RETENTION_JOB, revokeApiKey, updatePolicy } from './commands.js';
import type { ApiKey, Organization } from './entity.js';
import { policyView } from './policy-view.js';
import type { OpenConnections } from './open-connections.js';
import { apiKeyPage, readApiKey, readOrganization, type ApiKeyRow } from './reads.js';
import {
  AdvanceSandboxClockInput, AdvanceSandboxClockPayload, ApiKeyConnection, CreateApiKeyInput, CreateApiKeyPayload, CreateOrganizationInput, CreateOrganizationPayload,
  OrganizationObject, RevokeApiKeyInput, RevokeApiKeyPayload, UpdatePolicyInput, UpdatePolicyPayload, type ApiKeyObject,
} from './types.js';

/** A sandbox may be moved by at most this at once: longer than any expiry. */
const LONGEST_ADVANCE_SECONDS = 3_660 * SECONDS_PER_DAY;

/** An organization as it is shown. */
function organizationView({ id, name, environment, policy }: Organization): OrganizationObject {
  return { id, name, environment, policy: policyView(policy) };
}

function keyView(apiKey: ApiKey): ApiKeyObject {
  const { id, prefix, role, name, createdAt } = apiKey;
  return { id, prefix, role, name, createdAt, expiresAt: apiKey.expiresAt ?? null, revokedAt: apiKey.revokedAt ?? null, lastUsedAt: apiKey.lastUsedAt ?? null };
}

function keyRowView({ id, prefix, role, name, ...row }: ApiKeyRow): ApiKeyObject {
  return { id, prefix, role, name, createdAt: row.created_at, expiresAt: row.expires_at, revokedAt: row.revoked_at, lastUsedAt: row.last_used_at };
}

/** Loads an organization by an id that the caller is known to have. */
export async function loadOrganization(database: Database, id: string): Promise<OrganizationObject> {
  const { name, environment, policy } = await readOrganization(database, id);
  return { id, name, environment, policy: policyView(policy) };
}

/** Loads an API key by an id that the caller is known to have. */
export async function loadApiKey(database: Database, id: string): Promise<ApiKeyObject> {
  return keyView(await readApiKey(database, id));
}

@Resolver()
export class OrganizationResolver {
  constructor(
    private readonly core: Core,
    private readonly connections: Pick<OpenConnections, 'keys'>,
  ) {}

  @Query(() => OrganizationObject, { description: 'Your own organization, with its policy.' })
  organization(@Ctx() context: RequestContext): Promise<OrganizationObject> {
    return loadOrganization(context.database, context.member.organizationId);
  }

  @Query(() => ApiKeyConnection, { description: 'The keys of your organization, with their last use, newest first; those that have ended too.' })
  async apiKeys(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true }) after?: string | null,
    @Arg('organizationId', () => ID, { nullable: true, description: 'For the operator; others see the keys of their own organization.' }) organizationId?: string | null,
  ): Promise<Connection<ApiKeyObject>> {
    const page = pageRequest('apiKey', first, after);
    const rows = await apiKeyPage(context.database, organizationFor(context.caller, organizationId), page);
    if (!rows) throw notFound('organization');
    return pageOf(page, rows, keyRowView);
  }

  @Mutation(() => CreateOrganizationPayload, { description: 'For the operator: a new organization, under the default policy.' })
  async createOrganization(@Ctx() context: RequestContext, @Arg('input', () => CreateOrganizationInput) input: CreateOrganizationInput): Promise<CreateOrganizationPayload> {
    return { organization: organizationView(await createOrganization(this.core, context.caller, { ...input, policy: input.policy ?? {} })) };
  }

  @Mutation(() => UpdatePolicyPayload, { description: 'Changes the rules of an organization for the attempts that begin from now on.' })
  async updatePolicy(@Ctx() context: RequestContext, @Arg('input', () => UpdatePolicyInput) input: UpdatePolicyInput): Promise<UpdatePolicyPayload> {
    return { organization: organizationView(await updatePolicy(this.core, context.caller, input.organizationId, input.policy)) };
  }

  @Mutation(() => CreateApiKeyPayload, { description: 'A new key of an organization. Its secret is shown this once.' })
  async createApiKey(@Ctx() context: RequestContext, @Arg('input', () => CreateApiKeyInput) input: CreateApiKeyInput): Promise<CreateApiKeyPayload> {
    const { secret, apiKey } = await createApiKey(this.core, context.caller, input);
    return { secret, apiKey: keyView(apiKey) };
  }

  @Mutation(() => RevokeApiKeyPayload, { description: 'Ends a key: at once for whoever asks the replica that ends it, within a second everywhere.' })
  async revokeApiKey(@Ctx() context: RequestContext, @Arg('input', () => RevokeApiKeyInput) input: RevokeApiKeyInput): Promise<RevokeApiKeyPayload> {
    const apiKey = await revokeApiKey(this.core, context.caller, input.apiKeyId);
    // Other replicas hear of it; who has revoked it here finds it ended by the next request.
    this.connections.keys.forget(apiKey.id);
    return { apiKey: keyView(apiKey) };
  }

  @Mutation(() => AdvanceSandboxClockPayload, {
    description: "Sandbox only: moves the sandbox's clock, so that what would happen in that time happens now, in its order. Answers when all of it has been committed.",
  })
  async advanceSandboxClock(@Ctx() context: RequestContext, @Arg('input', () => AdvanceSandboxClockInput) input: AdvanceSandboxClockInput): Promise<AdvanceSandboxClockPayload> {
    const { organizationId } = context.member;
    const { environment, policy } = await readOrganization(context.database, organizationId);
    requireSandbox(environment);
    if (input.seconds < 0 || input.seconds > LONGEST_ADVANCE_SECONDS) {
      throw badInput([{ path: 'seconds', code: 'out_of_range', message: `Give 0 to ${LONGEST_ADVANCE_SECONDS} seconds.` }]);
    }
    return { now: await advanceClock(this.core, context.member, input.seconds, policy.retentionDays === null ? [] : [RETENTION_JOB]) };
  }
}
