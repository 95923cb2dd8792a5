import { Arg, Ctx, Field, FieldResolver, ID, InputType, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { customerOf } from '../core/caller.js';
import type { Core } from '../core/command.js';
import { connectionOf, DEFAULT_PAGE, pageOf, pageRequest, type Connection } from '../core/connections.js';
import { whenLoaded, type Loaded, type RequestContext } from '../core/context.js';
import { badInput, notFound } from '../core/errors.js';
import { Begins, columns, Needs } from '../core/look-ahead.js';
import { isWellFormedText } from '../kyc/text.js';
import { NodeObject, Parent } from '../core/objects.js';
import { DateTimeScalar, EmailAddressScalar } from '../core/scalars.js';
import * as vocabularies from '../kyc/vocabularies.js';
import { createCustomer, deactivateCustomer, reactivateCustomer } from './commands.js';
import type { Customer } from './entity.js';
import { allowedActions, type Standing } from './lifecycle.js';
import { CUSTOMERS, customerById, customerByPartnerUserId, customerPage, customerPersonal, customerRow, type CustomerFilter, type CustomerRow } from './reads.js';

@ObjectType('Customer', { implements: NodeObject, description: 'A person whom your organization verifies.', simpleResolvers: true })
export class CustomerObject extends NodeObject {
  @Field(() => vocabularies.CustomerType.values)
  type!: vocabularies.CustomerType;
  @Field(() => vocabularies.CustomerStatus.values)
  status!: vocabularies.CustomerStatus;
  @Field(() => vocabularies.KycStatus.values, { description: 'The four-word view of the same state, for apps that only ask whether the person may transact.' })
  kycStatus!: vocabularies.KycStatus;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When verification last succeeded; null until then.' })
  verifiedAt!: string | Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Since when a legal hold keeps the data from being erased, for REVIEWER and ADMIN; null where there is none, and for others.' })
  @Needs(columns(CUSTOMERS, 'hold'))
  legalHoldSince!: string | Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When the personal data was destroyed, for good: all that held it is null or empty from then on, and every mutation of this customer is PATCH_NOT_ALLOWED. Status and moments stay as they were; an attempt that was under way goes no further.' })
  erasedAt!: string | Date | null;
  @Field(() => Int, { description: 'Grows by one with every committed change of this object.' })
  version!: number;
  @Field(() => DateTimeScalar)
  createdAt!: string | Date;
  @Field(() => DateTimeScalar)
  updatedAt!: string | Date;
  /** Not part of the schema: what the fields of other floors are resolved by. */
  currentIdentityId!: string | null;
  row!: CustomerRow;
  standing!: Standing;
}

/** A customer as it is shown. */
export function customerView(row: CustomerRow): CustomerObject {
  return {
    id: row.id,
    type: row.type,
    status: row.status,
    kycStatus: row.kyc_status,
    verifiedAt: row.verified_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    currentIdentityId: row.current_identity_id,
    legalHoldSince: row.legal_hold_since,
    erasedAt: row.erased_at,
    row,
    standing: { customerStatus: row.status, identityStatus: row.identity_status, documentAttemptsRemaining: row.document_attempts_remaining, hasDocuments: row.has_documents, isErased: row.erased_at !== null },
  };
}

/** Loads a customer of the caller's organization. Throws NOT_FOUND. */
export function loadCustomer(context: RequestContext, id: string): Loaded<CustomerObject> {
  return whenLoaded(isWellFormedText(id) ? context.load(customerById, id) : null, (row) => {
    if (!row) throw notFound('customer');
    return customerView(row);
  });
}

/**
 * A customer that the caller may see, by exactly one of the two ids; an applicant that gives neither means itself. Throws
 * NOT_FOUND, and BAD_USER_INPUT at `path`.
 */
export async function findCustomer(context: RequestContext, id: string | null | undefined, partnerUserId: string | null | undefined, path: string): Promise<CustomerObject> {
  const own = customerOf(context.caller);
  if (id == null && partnerUserId == null && own !== null) return loadCustomer(context, own);
  if ((id == null) === (partnerUserId == null)) throw badInput([{ path, code: 'exactly_one', message: `Give exactly one of ${path} and partnerUserId.` }]);
  if (id != null) return loadCustomer(context, id);
  const row = isWellFormedText(partnerUserId!) ? await context.load(customerByPartnerUserId, partnerUserId!) : null;
  if (!row) throw notFound('customer');
  return customerView(row);
}

/** Shows a customer as a command has left it, whatever happens to it next. */
export function showCustomer(context: RequestContext, customer: Customer): CustomerObject {
  const row = customerRow(customer);
  context.prime(customerById, row.id, row);
  return customerView(row);
}

const CustomerConnection = connectionOf('Customer', CustomerObject);

@InputType('CustomerFilter', { description: 'What is absent or null does not narrow the list.' })
class CustomerFilterInput implements CustomerFilter {
  @Field(() => [vocabularies.CustomerStatus.values], { nullable: true })
  status?: vocabularies.CustomerStatus[] | null;
  @Field(() => EmailAddressScalar, { nullable: true, description: 'In any case.' })
  email?: string | null;
  @Field(() => DateTimeScalar, { nullable: true })
  createdAfter?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true })
  createdBefore?: Date | null;
}

@InputType({ description: 'At least one of email and partnerUserId. A partnerUserId that is taken is BAD_USER_INPUT, code `taken`.' })
class CreateCustomerInput {
  @Field(() => vocabularies.CustomerType.values, { defaultValue: 'INDIVIDUAL' })
  type!: vocabularies.CustomerType;
  @Field(() => EmailAddressScalar, { nullable: true })
  email?: string | null;
  @Field(() => String, { nullable: true })
  firstName?: string | null;
  @Field(() => String, { nullable: true })
  lastName?: string | null;
  @Field(() => String, { nullable: true })
  partnerUserId?: string | null;
}

@InputType()
class DeactivateCustomerInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => String, { description: 'Why; told with the change of state.' })
  reason!: string;
}

@InputType()
class ReactivateCustomerInput {
  @Field(() => ID)
  customerId!: string;
}

/** What comes of a command on a customer. */
@ObjectType({ simpleResolvers: true })
export class CustomerPayload {
  @Field(() => CustomerObject)
  customer!: CustomerObject;
}

@ObjectType({ simpleResolvers: true })
class CreateCustomerPayload extends CustomerPayload {}

@ObjectType({ simpleResolvers: true })
class DeactivateCustomerPayload extends CustomerPayload {}

@ObjectType({ simpleResolvers: true })
class ReactivateCustomerPayload extends CustomerPayload {}

@ObjectType({ simpleResolvers: true })
class KycStatusReport {
  @Field(() => String)
  partnerUserId!: string;
  @Field(() => vocabularies.KycStatus.values, { description: 'NOT_STARTED for a person whom the gateway has never seen.' })
  status!: vocabularies.KycStatus;
  @Field(() => DateTimeScalar, { nullable: true })
  verifiedAt!: string | Date | null;
}

@Resolver(() => CustomerObject)
export class CustomerResolver {
  constructor(private readonly core: Core) {}

  @Query(() => CustomerObject, { nullable: true, description: 'One customer, by exactly one of the two; a client token may leave both out and gets its own. NOT_FOUND when there is none such for you.' })
  @Begins(customerById)
  customer(
    @Ctx() context: RequestContext,
    @Arg('id', () => ID, { nullable: true }) id?: string | null,
    @Arg('partnerUserId', () => String, { nullable: true }) partnerUserId?: string | null,
  ): Promise<CustomerObject> {
    return findCustomer(context, id, partnerUserId, 'id');
  }

  @Query(() => CustomerConnection, { description: 'The customers of your organization, newest first.' })
  @Begins(customerPage)
  async customers(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE }) first: number,
    @Arg('after', () => String, { nullable: true }) after?: string | null,
    @Arg('filter', () => CustomerFilterInput, { nullable: true }) filter?: CustomerFilterInput | null,
  ): Promise<Connection<CustomerObject>> {
    const page = pageRequest('customer', first, after);
    return pageOf(page, await context.load(customerPage, { page, filter: filter ?? {} }), customerView);
  }

  @Query(() => KycStatusReport, { description: 'Whether a person may transact, by your own id. Polling it is cheap; subscribing is cheaper.' })
  async kycStatus(@Ctx() context: RequestContext, @Arg('partnerUserId', () => String) partnerUserId: string): Promise<KycStatusReport> {
    const row = isWellFormedText(partnerUserId) ? await context.load(customerByPartnerUserId, partnerUserId) : null;
    // To an applicant nobody else exists: not even as somebody who has not begun.
    if (!row && customerOf(context.caller) !== null) throw notFound('customer');
    return { partnerUserId, status: row?.kyc_status ?? 'NOT_STARTED', verifiedAt: row?.verified_at ?? null };
  }

  @FieldResolver(() => String, { nullable: true, description: 'The id that your own system knows this person by; unique within the organization.' })
  @Needs(columns(CUSTOMERS, 'personal'))
  partnerUserId(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(customerPersonal, customer.row), (personal) => personal.partnerUserId);
  }

  @FieldResolver(() => EmailAddressScalar, { nullable: true })
  @Needs(columns(CUSTOMERS, 'personal'))
  email(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(customerPersonal, customer.row), (personal) => personal.email);
  }

  @FieldResolver(() => String, { nullable: true })
  @Needs(columns(CUSTOMERS, 'personal'))
  firstName(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(customerPersonal, customer.row), (personal) => personal.firstName);
  }

  @FieldResolver(() => String, { nullable: true })
  @Needs(columns(CUSTOMERS, 'personal'))
  lastName(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Loaded<string | null> {
    return whenLoaded(context.load(customerPersonal, customer.row), (personal) => personal.lastName);
  }

  @FieldResolver(() => [vocabularies.Action.values], {
    description: 'What this caller may ask of this customer now: what the state allows, by the table that the mutations obey, and the role may do.',
  })
  @Needs(columns(CUSTOMERS, 'standing'))
  allowedActions(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): vocabularies.Action[] {
    return allowedActions(customer.standing, context.caller.role);
  }

  @Mutation(() => CreateCustomerPayload, { description: 'Creates a customer. Nothing is verified yet: go on with patchCustomer or submitIdentity.' })
  async createCustomer(@Ctx() context: RequestContext, @Arg('input', () => CreateCustomerInput) input: CreateCustomerInput): Promise<CreateCustomerPayload> {
    return { customer: showCustomer(context, await createCustomer(this.core, context.member, input)) };
  }

  @Mutation(() => DeactivateCustomerPayload, { description: 'Switches a customer off: until it is reactivated every other change is PATCH_NOT_ALLOWED. Work under way goes on.' })
  async deactivateCustomer(@Ctx() context: RequestContext, @Arg('input', () => DeactivateCustomerInput) input: DeactivateCustomerInput): Promise<DeactivateCustomerPayload> {
    return { customer: showCustomer(context, await deactivateCustomer(this.core, context.member, input)) };
  }

  @Mutation(() => ReactivateCustomerPayload, { description: 'Switches a deactivated customer on again, where its attempt has come to meanwhile.' })
  async reactivateCustomer(@Ctx() context: RequestContext, @Arg('input', () => ReactivateCustomerInput) input: ReactivateCustomerInput): Promise<ReactivateCustomerPayload> {
    return { customer: showCustomer(context, await reactivateCustomer(this.core, context.member, input)) };
  }
}
