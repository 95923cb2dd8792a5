import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../core/connections.js';
import { DateTimeScalar, URLScalar } from '../core/scalars.js';
import { vocabulary, type WordOf } from '../kyc/vocabularies.js';

const WebhookEndpointStatus = vocabulary('WebhookEndpointStatus', 'Whether an endpoint is told of events.', {
  ENABLED: 'It is told of every event that its patterns name.',
  DISABLED: 'Nothing is sent; disabledReason says why. Nothing is lost either: enabled again, it is sent all that has happened meanwhile.',
});
const WebhookDisabledReason = vocabulary('WebhookDisabledReason', 'Why an endpoint is not told of events.', {
  GONE: 'It answered 410 Gone.',
  FAILING: 'Nothing reached it for as long as a delivery is tried: about three days.',
  REQUESTED: 'updateWebhookEndpoint disabled it.',
});
const WebhookDeliveryStatus = vocabulary('WebhookDeliveryStatus', 'Where a delivery stands.', {
  PENDING: 'It is to be sent, or sent again at nextAttemptAt, unless an earlier one about the same customer is still pending.',
  SUCCEEDED: 'It was answered with a status of 2xx. Final.',
  FAILED: 'Twelve attempts were in vain while others arrived. Final: replayWebhookDelivery sends it again.',
});
for (const each of [WebhookEndpointStatus, WebhookDisabledReason, WebhookDeliveryStatus]) {
  const descriptions = Object.entries(each.descriptions).map(([word, description]) => [word, { description }]);
  registerEnumType(each.values as Record<string, string>, { name: each.name, description: each.description, valuesConfig: Object.fromEntries(descriptions) as object });
}

@ObjectType('WebhookEndpoint', { description: 'Where your organization is told of its events, signed by Standard Webhooks.', simpleResolvers: true })
export class WebhookEndpointObject {
  @Field(() => ID)
  id!: string;
  @Field(() => URLScalar)
  url!: string;
  @Field(() => [String], { description: 'Names of events, or patterns such as `identity.*`, `kyc.*` and `*`.' })
  events!: string[];
  @Field(() => Boolean, { description: 'False: the events of one customer arrive in their order, each once the one before has been taken. True: all at once, in any order.' })
  parallel!: boolean;
  @Field(() => String, { nullable: true })
  description!: string | null;
  @Field(() => WebhookEndpointStatus.values)
  status!: WordOf<typeof WebhookEndpointStatus>;
  @Field(() => WebhookDisabledReason.values, { nullable: true, description: 'Null while it is ENABLED.' })
  disabledReason!: WordOf<typeof WebhookDisabledReason> | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Since when no attempt has arrived; null when the last one did.' })
  failingSince!: string | Date | null;
  @Field(() => Int)
  version!: number;
  @Field(() => DateTimeScalar)
  createdAt!: string | Date;
  @Field(() => DateTimeScalar)
  updatedAt!: string | Date;
}

@ObjectType('WebhookAttempt', { description: 'One request of a delivery and how it was answered.', simpleResolvers: true })
export class WebhookAttemptObject {
  @Field(() => DateTimeScalar)
  at!: string;
  @Field(() => URLScalar)
  url!: string;
  @Field(() => Int, { nullable: true, description: 'Null when there was no answer; `error` says why.' })
  responseStatus!: number | null;
  @Field(() => String, { nullable: true, description: 'The first kilobyte.' })
  responseBody!: string | null;
  @Field(() => Int)
  latencyMilliseconds!: number;
  @Field(() => String, { nullable: true })
  error!: string | null;
}

@ObjectType('WebhookDelivery', { description: 'An event on its way to one endpoint, with every attempt.', simpleResolvers: true })
export class WebhookDeliveryObject {
  @Field(() => ID)
  id!: string;
  @Field(() => ID)
  endpointId!: string;
  @Field(() => ID, { description: 'Sent as webhook-id too, the same for every attempt and replay: what you have seen already you may skip.' })
  eventId!: string;
  @Field(() => String)
  eventType!: string;
  @Field(() => String, { description: 'The body as it is sent and signed.' })
  requestBody!: string;
  @Field(() => WebhookDeliveryStatus.values)
  status!: WordOf<typeof WebhookDeliveryStatus>;
  @Field(() => [WebhookAttemptObject], { description: 'Oldest first.' })
  attempts!: WebhookAttemptObject[];
  @Field(() => DateTimeScalar, { nullable: true, description: 'Null when it is final.' })
  nextAttemptAt!: string | Date | null;
  @Field(() => ID, { nullable: true, description: 'The delivery that this one repeats by replayWebhookDelivery.' })
  replayOf!: string | null;
  @Field(() => DateTimeScalar)
  createdAt!: string | Date;
  @Field(() => DateTimeScalar, { nullable: true })
  completedAt!: string | Date | null;
}

export const WebhookDeliveryConnection = connectionOf('WebhookDelivery', WebhookDeliveryObject);

@InputType()
export class WebhookDeliveryFilterInput {
  @Field(() => ID, { nullable: true })
  endpointId?: string | null;
  @Field(() => ID, { nullable: true })
  eventId?: string | null;
  @Field(() => [WebhookDeliveryStatus.values], { nullable: true })
  status?: WordOf<typeof WebhookDeliveryStatus>[] | null;
}

@InputType()
export class CreateWebhookEndpointInput {
  @Field(() => URLScalar, { description: 'https, at a public address. Redirects are not followed.' })
  url!: string;
  @Field(() => [String], { description: 'Names of events, or patterns such as `identity.*`, `kyc.*` and `*`.' })
  events!: string[];
  @Field(() => Boolean, { defaultValue: false, description: 'Whether the events of one customer may arrive in any order.' })
  parallel!: boolean;
  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType({ description: 'Absent leaves a field alone; a null description clears it.' })
export class UpdateWebhookEndpointInput {
  @Field(() => ID)
  endpointId!: string;
  @Field(() => URLScalar, { nullable: true, description: 'What is pending is sent to the new one, at once.' })
  url?: string | null;
  @Field(() => [String], { nullable: true, description: 'For the events from now on.' })
  events?: string[] | null;
  @Field(() => Boolean, { nullable: true })
  parallel?: boolean | null;
  @Field(() => String, { nullable: true })
  description?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'True: enables it again, and sends all that has happened meanwhile. False: keeps everything back.' })
  enabled?: boolean | null;
}

@InputType()
export class DeleteWebhookEndpointInput {
  @Field(() => ID)
  endpointId!: string;
}

@InputType()
export class RotateWebhookSecretInput {
  @Field(() => ID)
  endpointId!: string;
}

@InputType()
export class SendTestEventInput {
  @Field(() => ID)
  endpointId!: string;
}

@InputType()
export class ReplayWebhookDeliveryInput {
  @Field(() => ID)
  deliveryId!: string;
}

@InputType()
export class ReplayWebhookEventsInput {
  @Field(() => ID)
  endpointId!: string;
  @Field(() => DateTimeScalar, { description: 'Events that occurred after this,' })
  after!: Date;
  @Field(() => DateTimeScalar, { description: 'and before this. At most 10,000.' })
  before!: Date;
}

@ObjectType({ simpleResolvers: true })
export class CreateWebhookEndpointPayload {
  @Field(() => String, { description: 'Verifies the signatures. Shown this once.' })
  secret!: string;
  @Field(() => WebhookEndpointObject)
  endpoint!: WebhookEndpointObject;
}

@ObjectType({ simpleResolvers: true })
export class UpdateWebhookEndpointPayload {
  @Field(() => WebhookEndpointObject)
  endpoint!: WebhookEndpointObject;
}

@ObjectType({ simpleResolvers: true })
export class DeleteWebhookEndpointPayload {
  @Field(() => ID)
  endpointId!: string;
}

@ObjectType({ simpleResolvers: true })
export class RotateWebhookSecretPayload {
  @Field(() => String, { description: 'Shown this once.' })
  secret!: string;
  @Field(() => WebhookEndpointObject)
  endpoint!: WebhookEndpointObject;
}

@ObjectType({ simpleResolvers: true })
export class SendTestEventPayload {
  @Field(() => WebhookDeliveryObject)
  delivery!: WebhookDeliveryObject;
}

@ObjectType({ simpleResolvers: true })
export class ReplayWebhookDeliveryPayload {
  @Field(() => WebhookDeliveryObject, { description: 'A new one; the log of the old one stays.' })
  delivery!: WebhookDeliveryObject;
}

@ObjectType({ simpleResolvers: true })
export class ReplayWebhookEventsPayload {
  @Field(() => Int, { description: 'Events that are on their way again.' })
  count!: number;
}
