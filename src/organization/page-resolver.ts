import { Arg, Ctx, Field, FieldResolver, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import type { Core } from '../core/command.js';
import type { RequestContext } from '../core/context.js';
import { Parent } from '../core/objects.js';
import { Environment } from '../kyc/vocabularies.js';
import { readHostedPage, updateHostedPage } from './hosted-page.js';
import { policyView } from './policy-view.js';
import { OrganizationObject } from './types.js';

@ObjectType({ description: 'How the hosted page looks for your customers, and who may show it.', simpleResolvers: true })
class HostedPageSettingsObject {
  @Field(() => String, { nullable: true, description: 'A data: URL; null shows the name of the organization.' })
  logo!: string | null;
  @Field(() => String, { nullable: true, description: 'Of buttons and marks, such as #1f4fd8; null: the page’s own.' })
  colour!: string | null;
  @Field(() => [String], { description: 'Web origins whose pages may embed it, such as https://www.example.com; empty: none may.' })
  origins!: string[];
}

@ObjectType('HostedPage', { description: 'Whose page it is, and for which customer: all that the hosted page knows before it asks for the customer.', simpleResolvers: true })
class HostedPageObject {
  @Field(() => ID, { description: 'The customer of the client token.' })
  customerId!: string;
  @Field(() => String)
  organizationName!: string;
  @Field(() => Environment.values)
  environment!: Environment;
  @Field(() => String, { nullable: true })
  logo!: string | null;
  @Field(() => String, { nullable: true })
  colour!: string | null;
  @Field(() => [String])
  origins!: string[];
}

@InputType({ description: 'Absent leaves a setting alone; null brings back what held at first.' })
class UpdateHostedPageInput {
  @Field(() => ID, { nullable: true, description: 'For the operator; others change the page of their own organization.' })
  organizationId?: string | null;
  @Field(() => String, { nullable: true, description: 'A PNG or a JPEG as a data: URL in base64, of at most 65,536 characters: the page loads nothing from elsewhere. It is shown 36 pixels high.' })
  logo?: string | null;
  @Field(() => String, { nullable: true, description: 'As # and six hexadecimal digits. White text on it must have a contrast of at least 4.5 to 1.' })
  colour?: string | null;
  @Field(() => [String], { nullable: true, description: 'All web origins whose pages may embed it, at most 50; replaces the list that was. https, or http on localhost.' })
  origins?: string[] | null;
}

@ObjectType({ simpleResolvers: true })
class UpdateHostedPagePayload {
  @Field(() => OrganizationObject)
  organization!: OrganizationObject;
}

@Resolver(() => OrganizationObject)
export class HostedPageResolver {
  constructor(private readonly core: Core) {}

  @FieldResolver(() => HostedPageSettingsObject, { description: 'How the hosted page looks, and who may show it.' })
  async hostedPage(@Parent() organization: OrganizationObject, @Ctx() context: RequestContext): Promise<HostedPageSettingsObject> {
    return (await readHostedPage(context.database, organization.id)).hosted_page;
  }

  @Query(() => HostedPageObject, { name: 'hostedPage', description: 'For a client token: whose page the hosted page is, and for which customer.' })
  async hostedPageOfCaller(@Ctx() context: RequestContext): Promise<HostedPageObject> {
    const { organizationId, customerId } = context.applicant;
    const { name, environment, hosted_page: settings } = await readHostedPage(context.database, organizationId);
    return { customerId, organizationName: name, environment, ...settings };
  }

  @Mutation(() => UpdateHostedPagePayload, { description: 'Changes how the hosted page looks and who may embed it, from the next time that it is opened.' })
  async updateHostedPage(@Ctx() context: RequestContext, @Arg('input', () => UpdateHostedPageInput) input: UpdateHostedPageInput): Promise<UpdateHostedPagePayload> {
    const { organizationId, ...patch } = input;
    const { id, name, environment, policy } = await updateHostedPage(this.core, context.caller, organizationId, patch);
    return { organization: { id, name, environment, policy: policyView(policy) } };
  }
}
