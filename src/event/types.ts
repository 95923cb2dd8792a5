import { Field, ID, InputType, Int, InterfaceType, ObjectType } from 'type-graphql';
import { connectionOf } from '../core/connections.js';
import { EVENT_TYPES, type EventRow } from '../core/event-log.js';
import { NodeObject } from '../core/objects.js';
import { DateTimeScalar } from '../core/scalars.js';
import * as vocabularies from '../kyc/vocabularies.js';

@InterfaceType({ description: "A change of status, told once and in the order of the changes. Old and new status are the event's; the object is as it is now." })
export abstract class StatusChange {
  @Field(() => ID)
  id!: string;
  @Field(() => String, { description: 'The place of this change in the order of all events of your organization: pass it as `after` to go on from here.' })
  cursor!: string;
  @Field(() => DateTimeScalar)
  occurredAt!: string;
  @Field(() => Int, { description: "The object's version once the change had been made." })
  version!: number;
  /** Not part of the schema. */
  event!: EventRow;
}

@ObjectType({ implements: StatusChange, simpleResolvers: true })
export class CustomerStatusChange extends StatusChange {
  @Field(() => String, { description: 'customer.created, customer.state_changed or customer.erased: then the status is as it was, and nothing follows.' })
  type!: string;
  @Field(() => vocabularies.CustomerStatus.values, { nullable: true, description: 'Null for a customer that has just been created.' })
  oldStatus!: vocabularies.CustomerStatus | null;
  @Field(() => vocabularies.CustomerStatus.values, { description: 'As the old one when only kycStatus has changed, or the data was erased.' })
  newStatus!: vocabularies.CustomerStatus;
  @Field(() => String, { nullable: true })
  reason!: string | null;
  @Field(() => [vocabularies.IdClass.values], { description: 'Any one of these is wanted now; empty when none is.' })
  requiredDocuments!: vocabularies.IdClass[];
}

@ObjectType({ implements: StatusChange, simpleResolvers: true })
export class IdentityStatusChange extends StatusChange {
  @Field(() => vocabularies.IdentityStatus.values, { nullable: true, description: 'Null for an attempt that has just begun.' })
  oldStatus!: vocabularies.IdentityStatus | null;
  @Field(() => vocabularies.IdentityStatus.values)
  newStatus!: vocabularies.IdentityStatus;
  @Field(() => String, { nullable: true })
  errorDescription!: string | null;
}

@ObjectType({ implements: StatusChange, simpleResolvers: true })
export class DocumentStatusChange extends StatusChange {
  @Field(() => vocabularies.DocumentStatus.values, { nullable: true, description: 'Null for a document that has just been submitted.' })
  oldStatus!: vocabularies.DocumentStatus | null;
  @Field(() => vocabularies.DocumentStatus.values)
  newStatus!: vocabularies.DocumentStatus;
}

@ObjectType('Event', { implements: NodeObject, description: 'Something that has happened, as it was then. It never holds KYC data.', simpleResolvers: true })
export class EventObject extends NodeObject {
  @Field(() => String, { description: `What has happened: ${EVENT_TYPES.join(', ')}.` })
  type!: string;
  @Field(() => String, { description: 'Its place in the order of all events of your organization: good as `after` of events and of every subscription.' })
  cursor!: string;
  @Field(() => DateTimeScalar)
  occurredAt!: string;
  @Field(() => Int, { description: 'The version of the changed object once the change had been made.' })
  version!: number;
  @Field(() => ID)
  customerId!: string;
  @Field(() => ID, { nullable: true, description: 'The attempt that it is about; null when it is about the customer alone.' })
  identityId!: string | null;
  @Field(() => ID, { nullable: true })
  documentId!: string | null;
  @Field(() => String, { nullable: true, description: 'A word of the object\'s own status; null for an object that has just come to be, and for kyc.verification.* and signature.submitted. Of identity.stuck: the status that it is stuck in.' })
  oldStatus!: string | null;
  @Field(() => String, { nullable: true, description: 'As the old one in identity.stuck; null for signature.submitted.' })
  newStatus!: string | null;
  @Field(() => String, { nullable: true, description: 'Why, in words fit for the applicant.' })
  reason!: string | null;
  @Field(() => String, { nullable: true, description: 'Why the last step failed, in words fit for the applicant.' })
  errorDescription!: string | null;
  @Field(() => [vocabularies.IdClass.values], { description: 'Any one of these was wanted then; empty when none was.' })
  requiredDocuments!: vocabularies.IdClass[];
  @Field(() => [String], { description: 'Paths of the input that were to be entered again; empty when none were.' })
  fieldsToReenter!: string[];
}

export const EventConnection = connectionOf('Event', EventObject, 'oldest first');

@InputType('EventFilter', { description: 'What is left out does not narrow.' })
export class EventFilterInput {
  @Field(() => [String], { nullable: true, description: 'Types of event; those of the Event type, by their full name.' })
  types?: string[] | null;
  @Field(() => ID, { nullable: true })
  customerId?: string | null;
  @Field(() => ID, { nullable: true })
  identityId?: string | null;
}
