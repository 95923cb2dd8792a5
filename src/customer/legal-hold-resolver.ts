import { Arg, Ctx, Field, FieldResolver, ID, InputType, Mutation, ObjectType, Resolver, Root } from 'type-graphql';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { DateTimeScalar } from '../core/scalars.js';
import { HOLD_SEERS, placeLegalHold, releaseLegalHold } from './legal-hold.js';
import { CustomerObject, CustomerPayload, showCustomer } from './resolver.js';

@InputType()
class PlaceLegalHoldInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => String, { description: 'Why, for the audit trail.' })
  reason!: string;
}

@InputType()
class ReleaseLegalHoldInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => String, { description: 'Why, for the audit trail.' })
  reason!: string;
}

@ObjectType({ simpleResolvers: true })
class PlaceLegalHoldPayload extends CustomerPayload {}

@ObjectType({ simpleResolvers: true })
class ReleaseLegalHoldPayload extends CustomerPayload {}

@Resolver(() => CustomerObject)
export class LegalHoldResolver {
  constructor(private readonly core: Core) {}

  @FieldResolver(() => DateTimeScalar, {
    nullable: true,
    description: 'Since when a legal hold keeps this customer\'s data from being erased, for REVIEWER and ADMIN; null where there is none, and for others.',
  })
  legalHoldSince(@Root() customer: CustomerObject, @Ctx() context: RequestContext): string | Date | null {
    return HOLD_SEERS.includes(context.caller.role) ? customer.heldSince : null;
  }

  @Mutation(() => PlaceLegalHoldPayload, { description: 'Keeps the data of a customer from being erased, by eraseCustomer or by retention, until releaseLegalHold. Placing it again is the same as once.' })
  async placeLegalHold(@Ctx() context: RequestContext, @Arg('input', () => PlaceLegalHoldInput) input: PlaceLegalHoldInput): Promise<PlaceLegalHoldPayload> {
    return { customer: showCustomer(context, await placeLegalHold(this.core, context.member, input)) };
  }

  @Mutation(() => ReleaseLegalHoldPayload, { description: 'Lets erasure and retention go on: what has fallen due meanwhile is erased now.' })
  async releaseLegalHold(@Ctx() context: RequestContext, @Arg('input', () => ReleaseLegalHoldInput) input: ReleaseLegalHoldInput): Promise<ReleaseLegalHoldPayload> {
    return { customer: showCustomer(context, await releaseLegalHold(this.core, context.member, input)) };
  }
}
