import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { eraseCustomer } from './erasure.js';
import { CustomerPayload, showCustomer } from './resolver.js';

@InputType()
class EraseCustomerInput {
  @Field(() => ID)
  customerId!: string;
  @Field(() => String, { description: 'Why, for the audit trail, which keeps it when the data is gone: name nobody here.' })
  reason!: string;
}

@ObjectType({ simpleResolvers: true })
class EraseCustomerPayload extends CustomerPayload {}

@Resolver()
export class ErasureResolver {
  constructor(private readonly core: Core) {}

  @Mutation(() => EraseCustomerPayload, {
    description: 'Destroys the personal data of a customer, for good and whatever its status: the key that it is encrypted under, so that copies of it open no more, the indexes, the files, and its tokens and links. Its status, its moments and the audit trail remain, and customer.erased tells of it. PATCH_NOT_ALLOWED while a legal hold stands. Erasing again is the same as once.',
  })
  async eraseCustomer(@Ctx() context: RequestContext, @Arg('input', () => EraseCustomerInput) input: EraseCustomerInput): Promise<EraseCustomerPayload> {
    return { customer: showCustomer(context, await eraseCustomer(this.core, context.member, input)) };
  }
}
