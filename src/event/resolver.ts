import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, FieldResolver, ID, Info, Resolver, Subscription } from 'type-graphql';
import type { Loaded, RequestContext } from '../core/context.js';
import { encodeEventCursor } from '../core/event-cursor.js';
import type { EventRow, EventType } from '../core/event-log.js';
import { badInput } from '../core/errors.js';
import { asksWhichAlone, Parent, type NodeObject } from '../core/objects.js';
import type { Watch } from '../core/stream.js';
import type { Subscriber } from '../core/subscriber.js';
import { CustomerObject, loadCustomer } from '../customer/resolver.js';
import { loadDocument } from '../document/resolver.js';
import { DocumentObject } from '../document/types.js';
import { loadIdentity } from '../identity/resolver.js';
import { IdentityObject } from '../identity/types.js';
import type * as vocabularies from '../kyc/vocabularies.js';
import { CustomerStatusChange, DocumentStatusChange, IdentityStatusChange, type StatusChange } from './types.js';

const AFTER = 'The cursor of an event: first everything since it, then what happens. Without it: from the moment that the subscription is acknowledged.';

function changeView(event: EventRow): StatusChange {
  return { id: event.id, cursor: encodeEventCursor(event.organization_id, event.position), occurredAt: event.occurred_at, version: event.version, event };
}

/** Subscribes to changes of one object, or of all that the organization has. An object that it does not have is NOT_FOUND. */
async function watch(context: RequestContext, types: readonly EventType[], subject: Watch['subject'], after: string | null | undefined): Promise<Subscriber> {
  if (subject?.kind === 'customer') await loadCustomer(context, subject.id);
  if (subject?.kind === 'identity') await loadIdentity(context, subject.id);
  if (subject?.kind === 'document') await loadDocument(context, subject.id);
  return context.watch(types, subject, after ?? null);
}

/** The narrowest of the objects that a subscription names. Both together must fit: an attempt of that customer. */
async function subjectOf(context: RequestContext, inner: Watch['subject'], outer: Watch['subject']): Promise<Watch['subject']> {
  if (inner === null || outer === null) return inner ?? outer;
  const belongs =
    inner.kind === 'identity'
      ? (await loadIdentity(context, inner.id)).row.customer_id === outer.id
      : (await loadDocument(context, inner.id)).identityId === outer.id;
  if (!belongs) throw badInput([{ path: `${inner.kind}Id`, code: 'mismatch', message: `This ${inner.kind} does not belong to that ${outer.kind}.` }]);
  return inner;
}

function subject(kind: 'customer' | 'identity' | 'document', id: string | null | undefined): Watch['subject'] {
  return id == null ? null : { kind, id };
}

interface SubscribeData<Parameters> {
  args: Parameters;
  context: RequestContext;
}

@Resolver()
export class SubscriptionResolver {
  @Subscription(() => CustomerStatusChange, {
    description: 'Changes of the status of one customer, or of all of your organization, and that its data was erased: told after the commit, each once and in their order.',
    subscribe: ({ args, context }: SubscribeData<{ customerId?: string; after?: string }>) =>
      watch(context, ['customer.created', 'customer.state_changed', 'customer.erased'], subject('customer', args.customerId), args.after),
  })
  customerStatusChanged(
    @Parent() event: EventRow,
    @Arg('customerId', () => ID, { nullable: true }) _customerId?: string | null,
    @Arg('after', () => String, { nullable: true, description: AFTER }) _after?: string | null,
  ): CustomerStatusChange {
    return {
      ...changeView(event),
      type: event.type,
      oldStatus: event.old_status as vocabularies.CustomerStatus | null,
      newStatus: event.new_status as vocabularies.CustomerStatus,
      reason: event.details.reason ?? null,
      requiredDocuments: [...(event.details.requiredDocuments ?? [])] as vocabularies.IdClass[],
    };
  }

  @Subscription(() => IdentityStatusChange, {
    description: 'Changes of the status of one attempt, of those of one customer, or of all of your organization.',
    subscribe: async ({ args, context }: SubscribeData<{ identityId?: string; customerId?: string; after?: string }>) =>
      watch(context, ['identity.status_changed'], await subjectOf(context, subject('identity', args.identityId), subject('customer', args.customerId)), args.after),
  })
  identityStatusChanged(
    @Parent() event: EventRow,
    @Arg('identityId', () => ID, { nullable: true }) _identityId?: string | null,
    @Arg('customerId', () => ID, { nullable: true }) _customerId?: string | null,
    @Arg('after', () => String, { nullable: true, description: AFTER }) _after?: string | null,
  ): IdentityStatusChange {
    return {
      ...changeView(event),
      oldStatus: event.old_status as vocabularies.IdentityStatus | null,
      newStatus: event.new_status as vocabularies.IdentityStatus,
      errorDescription: event.details.errorDescription ?? null,
    };
  }

  @Subscription(() => DocumentStatusChange, {
    description: 'Changes of the status of one document, of those of one attempt, or of all of your organization.',
    subscribe: async ({ args, context }: SubscribeData<{ identityId?: string; documentId?: string; after?: string }>) =>
      watch(context, ['document.status_changed'], await subjectOf(context, subject('document', args.documentId), subject('identity', args.identityId)), args.after),
  })
  documentStatusChanged(
    @Parent() event: EventRow,
    @Arg('identityId', () => ID, { nullable: true }) _identityId?: string | null,
    @Arg('documentId', () => ID, { nullable: true }) _documentId?: string | null,
    @Arg('after', () => String, { nullable: true, description: AFTER }) _after?: string | null,
  ): DocumentStatusChange {
    return {
      ...changeView(event),
      oldStatus: event.old_status as vocabularies.DocumentStatus | null,
      newStatus: event.new_status as vocabularies.DocumentStatus,
    };
  }
}

/** The object that has changed. It is there as long as its events are, so that it is read only where more is asked of it than its id. */
function shown<Shown extends NodeObject>(info: GraphQLResolveInfo, id: string, load: (id: string) => Loaded<Shown>): Loaded<Pick<Shown, 'id'>> {
  return asksWhichAlone(info) ? { id } : load(id);
}

@Resolver(() => CustomerStatusChange)
export class CustomerStatusChangeResolver {
  @FieldResolver(() => CustomerObject)
  customer(@Parent() change: CustomerStatusChange, @Ctx() context: RequestContext, @Info() info: GraphQLResolveInfo): Loaded<Pick<CustomerObject, 'id'>> {
    return shown(info, change.event.customer_id, (id) => loadCustomer(context, id));
  }
}

@Resolver(() => IdentityStatusChange)
export class IdentityStatusChangeResolver {
  @FieldResolver(() => IdentityObject)
  identity(@Parent() change: IdentityStatusChange, @Ctx() context: RequestContext, @Info() info: GraphQLResolveInfo): Loaded<Pick<IdentityObject, 'id'>> {
    return shown(info, change.event.identity_id!, (id) => loadIdentity(context, id));
  }
}

@Resolver(() => DocumentStatusChange)
export class DocumentStatusChangeResolver {
  @FieldResolver(() => DocumentObject)
  document(@Parent() change: DocumentStatusChange, @Ctx() context: RequestContext, @Info() info: GraphQLResolveInfo): Loaded<Pick<DocumentObject, 'id'>> {
    return shown(info, change.event.document_id!, (id) => loadDocument(context, id));
  }
}
