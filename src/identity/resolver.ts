import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import { DEFAULT_PAGE, pageOf, pageRequest, type Connection } from '../core/connections.js';
import { whenLoaded, type Loaded, type RequestContext } from '../core/context.js';
import { isErased } from '../core/crypto/sealed-table.js';
import { notFound } from '../core/errors.js';
import { Begins, columns, Needs, rows, Shows } from '../core/look-ahead.js';
import { Parent } from '../core/objects.js';
import { customerById, CUSTOMERS } from '../customer/reads.js';
import { CustomerObject, loadCustomer, showCustomer } from '../customer/resolver.js';
import { allowedActions, PROJECTIONS } from '../customer/lifecycle.js';
import { isWellFormedText } from '../kyc/text.js';
import { Action } from '../kyc/vocabularies.js';
import { submitIdentity, type Attempt } from './commands.js';
import { kycDataView, KycDataFields } from './kyc-types.js';
import { TRANSITIONS } from './lifecycle.js';
import { patchCustomer, patchIdentity } from './patches.js';
import { customersOfNationalId, IDENTITIES, identityById, identityPage, identityPersonal, identityRow, MOST_DUPLICATES, type IdentityRow } from './reads.js';
import { requireReverification, reviewIdentity } from './review.js';
import {
  IdentityConnection, IdentityFilterInput, IdentityObject, PatchCustomerInput, PatchCustomerPayload, PatchIdentityInput, PatchIdentityPayload,
  RequireReverificationInput, RequireReverificationPayload, ReviewIdentityInput, ReviewIdentityPayload, SubmitIdentityInput, SubmitIdentityPayload, TransitionObject,
} from './types.js';

/** An attempt as it is shown. */
export function identityView(row: IdentityRow): IdentityObject {
  return {
    id: row.id,
    status: row.status,
    organizationId: row.organization_id,
    programId: row.program_id,
    transactionType: row.transaction_type,
    errorDescription: row.error_description,
    documentAttemptsRemaining: row.document_attempts_remaining,
    debugStatus: row.debug_status,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    row,
  };
}

/** Loads an attempt of the caller's organization. Throws NOT_FOUND. */
export function loadIdentity(context: RequestContext, id: string): Loaded<IdentityObject> {
  return whenLoaded(isWellFormedText(id) ? context.load(identityById, id) : null, (row) => {
    if (!row) throw notFound('identity');
    return identityView(row);
  });
}

/** Shows an attempt as a command has left it, whatever happens to it next. */
export function showAttempt(context: RequestContext, { identity, customer }: Attempt): { identity: IdentityObject; customer: CustomerObject } {
  const row = identityRow(identity);
  context.prime(identityById, row.id, row);
  return { identity: identityView(row), customer: showCustomer(context, customer) };
}

function kycDataOf(context: RequestContext, row: IdentityRow): Loaded<KycDataFields | null> {
  return whenLoaded(context.load(identityPersonal, row), ({ kycData }) => (isErased(row) ? null : kycDataView(kycData)));
}

@Resolver(() => IdentityObject)
export class IdentityResolver {
  constructor(private readonly core: Core) {}

  @Query(() => IdentityObject, { nullable: true, description: 'One verification attempt. NOT_FOUND when your organization has none such.' })
  @Begins(identityById)
  identity(@Ctx() context: RequestContext, @Arg('id', () => ID) id: string): Loaded<IdentityObject> {
    return loadIdentity(context, id);
  }

  @Query(() => IdentityConnection, { description: 'The verification attempts of your organization, newest first.' })
  @Begins(identityPage)
  async identities(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true }) after?: string | null,
    @Arg('filter', () => IdentityFilterInput, { nullable: true }) filter?: IdentityFilterInput | null,
  ): Promise<Connection<IdentityObject>> {
    const page = pageRequest('identity', first, after);
    return pageOf(page, await context.load(identityPage, { page, filter: filter ?? {} }), identityView);
  }

  @Query(() => [TransitionObject], { description: 'The identity lifecycle as data: every transition there is.' })
  lifecycle(): TransitionObject[] {
    return TRANSITIONS.map((transition) => {
      const { customerStatus, kycStatus } = PROJECTIONS[transition.to];
      return { ...transition, customerStatus, kycStatus };
    });
  }

  @FieldResolver(() => CustomerObject)
  @Shows(customerById, 'customer_id')
  customer(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<CustomerObject> {
    return loadCustomer(context, identity.row.customer_id);
  }

  @FieldResolver(() => String, { nullable: true, description: 'Your own id of the enterprise that the person acts for.' })
  @Needs(columns(IDENTITIES, 'personal'))
  enterpriseId(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(identityPersonal, identity.row), (personal) => personal.enterpriseId);
  }

  @FieldResolver(() => String, { nullable: true, description: 'Your own id of the user.' })
  @Needs(columns(IDENTITIES, 'personal'))
  userId(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(identityPersonal, identity.row), (personal) => personal.userId);
  }

  @FieldResolver(() => String, { nullable: true, description: 'What a reviewer has noted with the last decision that bore a note; null before the first. For REVIEWER and ADMIN; null to everyone else.' })
  @Needs(columns(IDENTITIES, 'personal'))
  reviewNote(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(identityPersonal, identity.row), (personal) => personal.reviewNote);
  }

  @FieldResolver(() => String, { nullable: true, description: 'Sandbox only; null elsewhere.' })
  @Needs(columns(IDENTITIES, 'personal'))
  debugFailureReason(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(identityPersonal, identity.row), (personal) => personal.debugFailureReason);
  }

  @FieldResolver(() => KycDataFields, { nullable: true, description: 'Null once the data is erased.' })
  @Needs(columns(IDENTITIES, 'personal'))
  kycData(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<KycDataFields | null> {
    return kycDataOf(context, identity.row);
  }

  @FieldResolver(() => [CustomerObject], {
    description: `Other customers of your organization of whom an attempt has given the same national id: the newest ${MOST_DUPLICATES}. For REVIEWER and ADMIN, who decide what it means; empty for others. The same person may come by two accounts, or somebody with another's number.`,
  })
  @Needs(columns(IDENTITIES, 'personal'))
  async duplicates(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Promise<CustomerObject[]> {
    const { national_id_index: index, customer_id: own } = identity.row;
    const customers = index === null ? [] : await context.load(customersOfNationalId, index);
    return Promise.all(customers.filter((id) => id !== own).slice(0, MOST_DUPLICATES).map((id) => loadCustomer(context, id)));
  }

  @FieldResolver(() => [Action.values], {
    description: 'What this caller may ask of this attempt and its customer now; nothing of an attempt that is no longer the current one.',
  })
  @Needs(rows(customerById, 'customer_id', columns(CUSTOMERS, 'standing')))
  allowedActions(@Parent() identity: IdentityObject, @Ctx() context: RequestContext): Loaded<Action[]> {
    return whenLoaded(loadCustomer(context, identity.row.customer_id), (customer) =>
      customer.currentIdentityId === identity.id ? allowedActions(customer.standing, context.caller.role) : [],
    );
  }

  @Mutation(() => SubmitIdentityPayload, { description: 'Begins a verification attempt. It answers INITIATING at once and is then evaluated: subscribe to identityStatusChanged.' })
  async submitIdentity(@Ctx() context: RequestContext, @Arg('input', () => SubmitIdentityInput) input: SubmitIdentityInput): Promise<SubmitIdentityPayload> {
    return showAttempt(context, await submitIdentity(this.core, context.member, input));
  }

  @Mutation(() => PatchIdentityPayload, { description: 'Merges data into an attempt, which is then evaluated anew. Ids, the debug fields and the signer alone move nothing.' })
  async patchIdentity(@Ctx() context: RequestContext, @Arg('input', () => PatchIdentityInput) input: PatchIdentityInput): Promise<PatchIdentityPayload> {
    return showAttempt(context, await patchIdentity(this.core, context.member, input));
  }

  @Mutation(() => PatchCustomerPayload, {
    description: 'Merges kycData into the current attempt, or starts one; then it is evaluated. Email, names and partnerUserId alone start or move no attempt.',
  })
  async patchCustomer(@Ctx() context: RequestContext, @Arg('input', () => PatchCustomerInput) input: PatchCustomerInput): Promise<PatchCustomerPayload> {
    const { customer, identity } = await patchCustomer(this.core, context.member, input);
    return identity === null ? { customer: showCustomer(context, customer), identity } : showAttempt(context, { customer, identity });
  }
}

@Resolver()
export class ReviewResolver {
  constructor(private readonly core: Core) {}

  @Mutation(() => ReviewIdentityPayload, { description: "A reviewer's decision about an attempt that is IN_REVIEW." })
  async reviewIdentity(@Ctx() context: RequestContext, @Arg('input', () => ReviewIdentityInput) input: ReviewIdentityInput): Promise<ReviewIdentityPayload> {
    return showAttempt(context, await reviewIdentity(this.core, context.member, input));
  }

  @Mutation(() => RequireReverificationPayload, {
    description: 'Staff only: a customer that has passed must verify anew. Its attempt becomes EXPIRED; verifiedAt is kept. Go on with patchCustomer or submitIdentity.',
  })
  async requireReverification(
    @Ctx() context: RequestContext,
    @Arg('input', () => RequireReverificationInput) input: RequireReverificationInput,
  ): Promise<RequireReverificationPayload> {
    return showAttempt(context, await requireReverification(this.core, context.member, input));
  }
}

@Resolver(() => CustomerObject)
export class CustomerIdentityResolver {
  @FieldResolver(() => IdentityObject, { nullable: true, description: 'The current attempt.' })
  @Shows(identityById, 'current_identity_id')
  identity(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<IdentityObject | null> {
    return customer.currentIdentityId === null ? null : loadIdentity(context, customer.currentIdentityId);
  }

  @FieldResolver(() => KycDataFields, { nullable: true, description: 'The data of the current attempt; null when there is none, and once it is erased.' })
  @Needs(rows(identityById, 'current_identity_id', columns(IDENTITIES, 'personal')))
  kycData(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<KycDataFields | null> {
    if (customer.currentIdentityId === null) return null;
    return whenLoaded(loadIdentity(context, customer.currentIdentityId), ({ row }) => kycDataOf(context, row));
  }

  @FieldResolver(() => IdentityConnection, { description: 'All attempts, newest first.' })
  async identities(
    @Parent() customer: CustomerObject,
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true }) after?: string | null,
  ): Promise<Connection<IdentityObject>> {
    const page = pageRequest('identity', first, after);
    return pageOf(page, await context.load(identityPage, { page, filter: { customerId: customer.id } }), identityView);
  }
}
