import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { customerOf } from '../core/caller.js';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { badInput, notFound, refusal } from '../core/errors.js';
import { DateTimeScalar } from '../core/scalars.js';
import { PARTNER_ID_MAX_LENGTH, validateText } from '../kyc/text.js';
import { grantBy, type Tokens } from '../organization/tokens.js';
import { enterGrant } from './commands.js';
import { customerById, customerByPartnerUserId, type CustomerRow } from './reads.js';

@InputType()
class CreateSessionInput {
  @Field(() => String, { description: 'The id that your own system knows the person by.' })
  partnerUserId!: string;
}

@ObjectType({ simpleResolvers: true })
class CreateSessionPayload {
  @Field(() => String, { description: 'A JWT (EdDSA, audience `session`) that your services verify by /.well-known/jwks.json. `sub` is the id of the customer, `partner_user_id` your own.' })
  token!: string;
  @Field(() => DateTimeScalar)
  expiresAt!: Date;
}

@ObjectType({ description: 'Whether a session still holds. What it says of the person is null when it does not.', simpleResolvers: true })
class SessionStatus {
  @Field(() => Boolean, { description: 'False once the token has expired, the key that minted it has been revoked, or the customer is VERIFIED no longer or its data erased; and for what is no session of yours.' })
  active!: boolean;
  @Field(() => ID, { nullable: true })
  customerId!: string | null;
  @Field(() => String, { nullable: true })
  partnerUserId!: string | null;
  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: Date | null;
}

const INACTIVE: SessionStatus = { active: false, customerId: null, partnerUserId: null, expiresAt: null };

@Resolver()
export class SessionResolver {
  constructor(
    private readonly core: Core,
    private readonly tokens: Tokens,
  ) {}

  @Mutation(() => CreateSessionPayload, {
    description: 'The right to transact, for minutes: refused with KYC_REQUIRED until the customer is VERIFIED. `extensions` then has partnerUserId, customerStatus and, for PARTNER, verificationLink: send the person there. All but the first are null for a person never seen.',
  })
  async createSession(@Ctx() context: RequestContext, @Arg('input', () => CreateSessionInput) input: CreateSessionInput): Promise<CreateSessionPayload> {
    const { value, faults } = validateText('partnerUserId', input.partnerUserId, { maxLength: PARTNER_ID_MAX_LENGTH });
    if (faults.length > 0) throw badInput(faults);
    const customer = await context.load(customerByPartnerUserId, value);
    if (!customer && customerOf(context.caller) !== null) throw notFound('customer');
    if (customer?.kyc_status !== 'VERIFIED') throw await this.#kycRequired(context, value, customer);
    const session = await this.tokens.session(grantBy(context.member, customer.id), value);
    await enterGrant(this.core, context.member, customer.id);
    return session;
  }

  @Query(() => SessionStatus, {
    description: 'Whether a session still holds, now. Your services verify a session by its signature alone; before what must not be done on a session that has just ended, they ask here.',
  })
  async session(@Ctx() context: RequestContext, @Arg('token', () => String) token: string): Promise<SessionStatus> {
    const session = await this.tokens.sessionOf(token, context.member.organizationId);
    const customer = session && (await context.load(customerById, session.customerId));
    if (customer?.kyc_status !== 'VERIFIED' || customer.erased_at !== null || !session) return INACTIVE;
    return { active: true, ...session };
  }

  async #kycRequired(context: RequestContext, partnerUserId: string, customer: CustomerRow | null) {
    const isPartner = context.caller.role === 'PARTNER';
    return refusal('KYC_REQUIRED', 'The person may not transact before verification has succeeded.', {
      partnerUserId,
      customerStatus: customer?.status ?? null,
      verificationLink: customer && isPartner ? await this.tokens.verificationLink(grantBy(context.member, customer.id)) : null,
    });
  }
}
