import { Arg, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import { DEFAULT_PAGE, pageOf, pageRequest, type Connection } from '../core/connections.js';
import type { RequestContext } from '../core/context.js';
import { createEndpoint, deleteEndpoint, replayDelivery, replayEvents, rotateSecret, sendTestEvent, updateEndpoint } from './commands.js';
import { notFound } from '../core/errors.js';
import type { DeliveryRow } from './entity.js';
import { deliveryById, deliveryPage, endpointById, endpointRow, endpointsOf, type EndpointRow } from './reads.js';
import {
  CreateWebhookEndpointInput, CreateWebhookEndpointPayload, DeleteWebhookEndpointInput, DeleteWebhookEndpointPayload, ReplayWebhookDeliveryInput,
  ReplayWebhookDeliveryPayload, ReplayWebhookEventsInput, ReplayWebhookEventsPayload, RotateWebhookSecretInput, RotateWebhookSecretPayload, SendTestEventInput,
  SendTestEventPayload, UpdateWebhookEndpointInput, UpdateWebhookEndpointPayload, WebhookDeliveryConnection, WebhookDeliveryFilterInput, WebhookDeliveryObject,
  WebhookEndpointObject,
} from './types.js';

/** What webhooks stand on beside the core. */
export interface WebhookParts {
  core: Core;
  /** Has what is due for an organization sent now, without waiting for the next sweep. */
  wake(organizationId: string): void;
}

function endpointView(row: EndpointRow): WebhookEndpointObject {
  const { id, url, events, parallel, description, version } = row;
  return {
    id, url, events, parallel, description, version,
    status: row.state, disabledReason: row.disabled_reason, failingSince: row.failing_since, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}

function deliveryView(row: DeliveryRow): WebhookDeliveryObject {
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    eventId: row.event_id,
    eventType: row.event_type,
    requestBody: row.body,
    status: row.state,
    attempts: row.attempt_log,
    nextAttemptAt: row.next_attempt_at,
    replayOf: row.replay_of,
    createdAt: row.created_at,
    completedAt: row.completed_at,
  };
}

/** Loads an endpoint of the caller's organization. Throws NOT_FOUND. */
export async function loadEndpoint(context: RequestContext, id: string): Promise<WebhookEndpointObject> {
  const row = await context.load(endpointById, id);
  if (!row) throw notFound('webhook endpoint');
  return endpointView(row);
}

/** Loads a delivery of the caller's organization. Throws NOT_FOUND. */
export async function loadDelivery(context: RequestContext, id: string): Promise<WebhookDeliveryObject> {
  const row = await context.load(deliveryById, id);
  if (!row) throw notFound('webhook delivery');
  return deliveryView(row);
}

@Resolver()
export class WebhookResolver {
  constructor(private readonly parts: WebhookParts) {}

  @Query(() => [WebhookEndpointObject], { description: 'The webhook endpoints of your organization, oldest first.' })
  async webhookEndpoints(@Ctx() context: RequestContext): Promise<WebhookEndpointObject[]> {
    return (await endpointsOf(context.database, context.member.organizationId)).map(endpointView);
  }

  @Query(() => WebhookDeliveryConnection, { description: 'What was sent to your endpoints and how they answered, newest first.' })
  async webhookDeliveries(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true }) after?: string | null,
    @Arg('filter', () => WebhookDeliveryFilterInput, { nullable: true }) filter?: WebhookDeliveryFilterInput | null,
  ): Promise<Connection<WebhookDeliveryObject>> {
    const page = pageRequest('webhookDelivery', first, after);
    return pageOf(page, await deliveryPage(context.database, context.member.organizationId, page, filter ?? {}), deliveryView);
  }

  @Mutation(() => CreateWebhookEndpointPayload, { description: 'A new endpoint: told of what happens from now on, at least once each. Its secret is shown this once.' })
  async createWebhookEndpoint(@Ctx() context: RequestContext, @Arg('input', () => CreateWebhookEndpointInput) input: CreateWebhookEndpointInput): Promise<CreateWebhookEndpointPayload> {
    const { secret, endpoint } = await createEndpoint(this.parts.core, context.member, input, this.parts.core.allowPrivateUrls);
    this.parts.wake(context.member.organizationId);
    return { secret, endpoint: endpointView(endpointRow(endpoint)) };
  }

  @Mutation(() => UpdateWebhookEndpointPayload, { description: 'Changes an endpoint, or enables it again.' })
  async updateWebhookEndpoint(@Ctx() context: RequestContext, @Arg('input', () => UpdateWebhookEndpointInput) input: UpdateWebhookEndpointInput): Promise<UpdateWebhookEndpointPayload> {
    const endpoint = await updateEndpoint(this.parts.core, context.member, input, this.parts.core.allowPrivateUrls);
    this.parts.wake(context.member.organizationId);
    return { endpoint: endpointView(endpointRow(endpoint)) };
  }

  @Mutation(() => DeleteWebhookEndpointPayload, { description: 'Deletes an endpoint with its log; what is pending is not sent any more.' })
  async deleteWebhookEndpoint(@Ctx() context: RequestContext, @Arg('input', () => DeleteWebhookEndpointInput) input: DeleteWebhookEndpointInput): Promise<DeleteWebhookEndpointPayload> {
    return { endpointId: await deleteEndpoint(this.parts.core, context.member, input.endpointId) };
  }

  @Mutation(() => RotateWebhookSecretPayload, { description: 'A new secret. For 24 hours every delivery is signed with the old one too, so that receivers change over in their own time.' })
  async rotateWebhookSecret(@Ctx() context: RequestContext, @Arg('input', () => RotateWebhookSecretInput) input: RotateWebhookSecretInput): Promise<RotateWebhookSecretPayload> {
    const { secret, endpoint } = await rotateSecret(this.parts.core, context.member, input.endpointId);
    return { secret, endpoint: endpointView(endpointRow(endpoint)) };
  }

  @Mutation(() => SendTestEventPayload, { description: 'Sends a `webhook.test` event, about nobody, to one endpoint. How it was answered is in webhookDeliveries.' })
  async sendTestEvent(@Ctx() context: RequestContext, @Arg('input', () => SendTestEventInput) input: SendTestEventInput): Promise<SendTestEventPayload> {
    return { delivery: await this.#underWay(context, await sendTestEvent(this.parts.core, context.member, input.endpointId)) };
  }

  @Mutation(() => ReplayWebhookDeliveryPayload, { description: 'Sends a delivery once more, whatever came of it.' })
  async replayWebhookDelivery(@Ctx() context: RequestContext, @Arg('input', () => ReplayWebhookDeliveryInput) input: ReplayWebhookDeliveryInput): Promise<ReplayWebhookDeliveryPayload> {
    return { delivery: await this.#underWay(context, await replayDelivery(this.parts.core, context.member, input.deliveryId)) };
  }

  @Mutation(() => ReplayWebhookEventsPayload, { description: "Sends the events of a time once more, in order: those that the endpoint's patterns name." })
  async replayWebhookEvents(@Ctx() context: RequestContext, @Arg('input', () => ReplayWebhookEventsInput) input: ReplayWebhookEventsInput): Promise<ReplayWebhookEventsPayload> {
    const count = await replayEvents(this.parts.core, context.member, input);
    this.parts.wake(context.member.organizationId);
    return { count };
  }

  /** A delivery that has just been enqueued, as it stands now, and on its way. */
  async #underWay(context: RequestContext, deliveryId: string): Promise<WebhookDeliveryObject> {
    const row = await context.load(deliveryById, deliveryId);
    if (!row) throw new Error('The delivery is gone before it was shown');
    this.parts.wake(context.member.organizationId);
    return deliveryView(row);
  }
}
