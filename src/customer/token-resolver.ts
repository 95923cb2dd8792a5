import { Arg, Ctx, Field, FieldResolver, ID, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { comesByHostedPage } from '../core/caller.js';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { badInput, refusal } from '../core/errors.js';
import { Parent } from '../core/objects.js';
import { DateTimeScalar, URLScalar } from '../core/scalars.js';
import * as vocabularies from '../kyc/vocabularies.js';
import { grantBy, transactionTypeOfToken, type Tokens } from '../organization/tokens.js';
import { enterGrant, erasedRefusal } from './commands.js';
import type { ExchangeLimit } from './exchange-limit.js';
import { CustomerObject, findCustomer } from './resolver.js';

const SHORTEST_SECONDS = 60;
const LONGEST_SECONDS = 3_600;
const DEFAULT_SECONDS = 900;

@InputType({ description: 'Exactly one of customerId and partnerUserId. A client token may name its own customer alone.' })
class CreateClientTokenInput {
  @Field(() => ID, { nullable: true })
  customerId?: string | null;
  @Field(() => String, { nullable: true })
  partnerUserId?: string | null;
  @Field(() => vocabularies.TransactionType.values, {
    nullable: true,
    description: "What the applicant's attempts will have, not theirs to choose. Absent: what the last attempt had, or none. FORBIDDEN to a client token, which keeps its own.",
  })
  transactionType?: vocabularies.TransactionType | null;
  @Field(() => Int, { defaultValue: DEFAULT_SECONDS, description: `${SHORTEST_SECONDS} to ${LONGEST_SECONDS} seconds.` })
  expiresInSeconds!: number;
}

@InputType()
class ExchangeVerificationCodeInput {
  @Field(() => String, { description: 'The fragment of a verificationLink; the request bears the same code as its token.' })
  code!: string;
}

@ObjectType({ simpleResolvers: true })
class CreateClientTokenPayload {
  @Field(() => String, { description: 'Send it as `Authorization: Bearer <token>`. Its `sub` is the id of the customer.' })
  token!: string;
  @Field(() => DateTimeScalar, { description: 'UNAUTHENTICATED from then on, and sockets close with 4403: renew before.' })
  expiresAt!: Date;
}

@Resolver(() => CustomerObject)
export class CustomerTokenResolver {
  constructor(
    private readonly core: Core,
    private readonly tokens: Tokens,
    private readonly limit: ExchangeLimit,
  ) {}

  @FieldResolver(() => URLScalar, {
    nullable: true,
    description: 'The hosted page for this customer: send it to the person. For PARTNER; null for others, and once the data is erased. Its code stands in the fragment, expires after a day, ends with the key that has read it, and is good only for exchangeVerificationCode. Reading it again makes another.',
  })
  async verificationLink(@Parent() customer: CustomerObject, @Ctx() context: RequestContext): Promise<string | null> {
    if (customer.erasedAt !== null) return null;
    return this.tokens.verificationLink(grantBy(context.member, customer.id));
  }

  @Mutation(() => CreateClientTokenPayload, {
    description: 'A short-lived token that may act for one customer only: for browsers and mobile apps. It renews itself by this same mutation, for a day at most, and ends at once with the key that made the first.',
  })
  async createClientToken(@Ctx() context: RequestContext, @Arg('input', () => CreateClientTokenInput) input: CreateClientTokenInput): Promise<CreateClientTokenPayload> {
    const { expiresInSeconds } = input;
    if (expiresInSeconds < SHORTEST_SECONDS || expiresInSeconds > LONGEST_SECONDS) {
      throw badInput([{ path: 'expiresInSeconds', code: 'out_of_range', message: `Give ${SHORTEST_SECONDS} to ${LONGEST_SECONDS} seconds.` }]);
    }
    const caller = context.member;
    const customer = await findCustomer(context, input.customerId, input.partnerUserId, 'customerId');
    if (customer.erasedAt !== null) throw erasedRefusal({ ...customer.standing, verifiedAt: customer.verifiedAt }, new Date(customer.erasedAt), caller.role);
    const transactionType = input.transactionType ?? transactionTypeOfToken(caller);
    const token = await this.tokens.clientToken(grantBy(caller, customer.id), expiresInSeconds, { transactionType, hostedPage: comesByHostedPage(caller) }, caller.role === 'APPLICANT' ? caller.renewableUntil : null);
    await enterGrant(this.core, caller, customer.id);
    return token;
  }

  @Mutation(() => CreateClientTokenPayload, {
    description: "The hosted page's way in: the code of a verificationLink for a client token. RATE_LIMITED when a link is opened too often.",
  })
  async exchangeVerificationCode(@Ctx() context: RequestContext, @Arg('input', () => ExchangeVerificationCodeInput) input: ExchangeVerificationCodeInput): Promise<CreateClientTokenPayload> {
    const caller = context.member;
    if (caller.role !== 'VISITOR') throw refusal('FORBIDDEN', 'The request has to bear the code that it exchanges.');
    await this.limit.count(caller.customerId, context.address);
    const holder = await this.tokens.holderOf(input.code);
    if (holder?.role !== 'VISITOR' || holder.customerId !== caller.customerId) {
      throw badInput([{ path: 'code', code: 'invalid', message: 'This is not the code that the request bears as its token: send the same.' }]);
    }
    const token = await this.tokens.clientToken(grantBy(caller, caller.customerId), DEFAULT_SECONDS, { transactionType: null, hostedPage: true });
    await enterGrant(this.core, caller, caller.customerId);
    return token;
  }
}
