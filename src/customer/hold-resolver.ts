import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { placeLegalHold, releaseLegalHold } from './legal-hold.js';
import { CustomerPayload, showCustomer } from './resolver.js';

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

@Resolver()
export class LegalHoldResolver {
  constructor(private readonly core: Core) {}

  @Mutation(() => PlaceLegalHoldPayload, { description: 'Keeps the data of a customer from being erased, whoever asks for it, until releaseLegalHold. Placing it again is the same as once.' })
  async placeLegalHold(@Ctx() context: RequestContext, @Arg('input', () => PlaceLegalHoldInput) input: PlaceLegalHoldInput): Promise<PlaceLegalHoldPayload> {
    return { customer: showCustomer(context, await placeLegalHold(this.core, context.member, input)) };
  }

  @Mutation(() => ReleaseLegalHoldPayload, { description: 'Lets the data of a customer be erased again. Releasing what is not held changes nothing.' })
  async releaseLegalHold(@Ctx() context: RequestContext, @Arg('input', () => ReleaseLegalHoldInput) input: ReleaseLegalHoldInput): Promise<ReleaseLegalHoldPayload> {
    return { customer: showCustomer(context, await releaseLegalHold(this.core, context.member, input)) };
  }
}
