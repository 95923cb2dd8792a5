import { Arg, Ctx, FieldResolver, Int, Query, Resolver } from 'type-graphql';
import { DEFAULT_PAGE, type Connection } from '../core/connections.js';
import type { RequestContext } from '../core/context.js';
import { badInput, notFound } from '../core/errors.js';
import { encodeEventCursor } from '../core/event-cursor.js';
import type { EventRow } from '../core/event-log.js';
import { Parent } from '../core/objects.js';
import { CustomerObject } from '../customer/resolver.js';
import { IdentityObject } from '../identity/types.js';
import { isWellFormedText } from '../kyc/text.js';
import type { IdClass } from '../kyc/vocabularies.js';
import { eventById, eventPage } from './reads.js';
import { EventConnection, EventFilterInput, type EventObject } from './types.js';

const AFTER = 'The cursor of an event: what has happened since.';

/** An event as it is shown. */
function eventView(event: EventRow): EventObject {
  const { details } = event;
  return {
    id: event.id,
    type: event.type,
    cursor: encodeEventCursor(event.organization_id, event.position),
    occurredAt: event.occurred_at,
    version: event.version,
    customerId: event.customer_id,
    identityId: event.identity_id,
    documentId: event.document_id,
    oldStatus: event.old_status,
    newStatus: event.new_status,
    reason: details.reason ?? null,
    errorDescription: details.errorDescription ?? null,
    requiredDocuments: [...(details.requiredDocuments ?? [])] as IdClass[],
    fieldsToReenter: [...(details.fieldsToReenter ?? [])],
  };
}

/** Loads an event of the caller's organization. Throws NOT_FOUND. */
export async function loadEvent(context: RequestContext, id: string): Promise<EventObject> {
  const event = await context.load(eventById, id);
  if (!event) throw notFound('event');
  return eventView(event);
}

@Resolver()
export class EventResolver {
  @Query(() => EventConnection, {
    description: 'What has happened in your organization, oldest first: for those who poll. Go on with the cursor of the last event that you have; it is good for subscriptions too.',
  })
  async events(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true, description: AFTER }) after?: string | null,
    @Arg('filter', () => EventFilterInput, { nullable: true }) filter?: EventFilterInput | null,
  ): Promise<Connection<EventObject>> {
    const { types, customerId, identityId } = filter ?? {};
    const faults = Object.entries({ customerId, identityId }).flatMap(([name, id]) =>
      id == null || isWellFormedText(id) ? [] : [{ path: `filter.${name}`, code: 'malformed_text', message: 'This is no id.' }],
    );
    if (faults.length > 0) throw badInput(faults);
    return eventPage(context.database, context.member.organizationId, { first, after }, { types, customerId, identityId }, eventView);
  }
}

@Resolver(() => CustomerObject)
export class CustomerTimelineResolver {
  @FieldResolver(() => EventConnection, { description: 'What has happened to this customer and to all that belongs to it, oldest first.' })
  async events(
    @Parent() customer: CustomerObject,
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true, description: AFTER }) after?: string | null,
  ): Promise<Connection<EventObject>> {
    return eventPage(context.database, context.member.organizationId, { first, after }, { customerId: customer.id }, eventView);
  }
}

@Resolver(() => IdentityObject)
export class IdentityTimelineResolver {
  @FieldResolver(() => EventConnection, { description: 'What has happened to this attempt, to its documents and to its signatures, oldest first.' })
  async events(
    @Parent() identity: IdentityObject,
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true, description: AFTER }) after?: string | null,
  ): Promise<Connection<EventObject>> {
    return eventPage(context.database, context.member.organizationId, { first, after }, { identityId: identity.id }, eventView);
  }
}
