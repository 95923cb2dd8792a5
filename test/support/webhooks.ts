import { graphql } from '../generated/index.js';
import type { CreateWebhookEndpointInput } from '../generated/graphql.js';
import type { Client } from './client.js';

graphql(`
  fragment EndpointFacts on WebhookEndpoint {
    id
    url
    events
    parallel
    description
    status
    disabledReason
    failingSince
    version
  }
`);

graphql(`
  fragment DeliveryFacts on WebhookDelivery {
    id
    endpointId
    eventId
    eventType
    requestBody
    status
    nextAttemptAt
    replayOf
    createdAt
    completedAt
    attempts {
      at
      url
      responseStatus
      responseBody
      latencyMilliseconds
      error
    }
  }
`);

export const CREATE_ENDPOINT = graphql(`
  mutation CreateWebhookEndpoint($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) {
      secret
      endpoint {
        ...EndpointFacts
      }
    }
  }
`);

export const UPDATE_ENDPOINT = graphql(`
  mutation UpdateWebhookEndpoint($input: UpdateWebhookEndpointInput!) {
    updateWebhookEndpoint(input: $input) {
      endpoint {
        ...EndpointFacts
      }
    }
  }
`);

export const DELETE_ENDPOINT = graphql(`
  mutation DeleteWebhookEndpoint($input: DeleteWebhookEndpointInput!) {
    deleteWebhookEndpoint(input: $input) {
      endpointId
    }
  }
`);

export const ROTATE_SECRET = graphql(`
  mutation RotateWebhookSecret($input: RotateWebhookSecretInput!) {
    rotateWebhookSecret(input: $input) {
      secret
      endpoint {
        ...EndpointFacts
      }
    }
  }
`);

export const SEND_TEST_EVENT = graphql(`
  mutation SendTestEvent($input: SendTestEventInput!) {
    sendTestEvent(input: $input) {
      delivery {
        ...DeliveryFacts
      }
    }
  }
`);

export const REPLAY_DELIVERY = graphql(`
  mutation ReplayWebhookDelivery($input: ReplayWebhookDeliveryInput!) {
    replayWebhookDelivery(input: $input) {
      delivery {
        ...DeliveryFacts
      }
    }
  }
`);

export const REPLAY_EVENTS = graphql(`
  mutation ReplayWebhookEvents($input: ReplayWebhookEventsInput!) {
    replayWebhookEvents(input: $input) {
      count
    }
  }
`);

export const ENDPOINTS = graphql(`
  query WebhookEndpoints {
    webhookEndpoints {
      ...EndpointFacts
    }
  }
`);

export const DELIVERIES = graphql(`
  query WebhookDeliveries($first: Int! = 100, $after: String, $filter: WebhookDeliveryFilterInput) {
    webhookDeliveries(first: $first, after: $after, filter: $filter) {
      nodes {
        ...DeliveryFacts
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

/** A new endpoint. @returns its id and secret. */
export async function newEndpoint(client: Client, url: string, input: Partial<CreateWebhookEndpointInput> = {}): Promise<{ id: string; secret: string }> {
  const { createWebhookEndpoint } = await client.request(CREATE_ENDPOINT, { input: { url, events: ['*'], ...input } });
  return { id: createWebhookEndpoint.endpoint.id, secret: createWebhookEndpoint.secret };
}

/** Everything in the delivery log of an organization, oldest first. */
export async function deliveriesOf(client: Client, filter: { endpointId?: string; eventId?: string } = {}) {
  const all = [];
  let after: string | null = null;
  for (;;) {
    const page: { webhookDeliveries: Awaited<ReturnType<typeof pageOfDeliveries>> } = { webhookDeliveries: await pageOfDeliveries(client, after, filter) };
    all.push(...page.webhookDeliveries.nodes);
    if (!page.webhookDeliveries.pageInfo.hasNextPage) return all.reverse();
    after = page.webhookDeliveries.pageInfo.endCursor ?? null;
  }
}

async function pageOfDeliveries(client: Client, after: string | null, filter: { endpointId?: string; eventId?: string }) {
  return (await client.request(DELIVERIES, { first: 100, after, filter })).webhookDeliveries;
}
