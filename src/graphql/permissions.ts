import { defaultFieldResolver, type GraphQLError, type GraphQLField, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import type { Role } from '../core/caller.js';
import type { RequestContext } from '../core/context.js';
import { refusal } from '../core/errors.js';
import { requestScope } from '../core/request-scope.js';
import { ACTIONS } from '../customer/lifecycle.js';
import { enforceFieldPermissions, inputGuard, type InputGuard } from './field-permissions.js';

const MEMBERS: readonly Role[] = ['PARTNER', 'REVIEWER', 'ADMIN'];
/** What shows one customer or changes nothing: an applicant sees its own. */
const READERS: readonly Role[] = [...MEMBERS, 'APPLICANT'];
const EVERYONE: readonly Role[] = ['OPERATOR', ...READERS];
const PARTNER: readonly Role[] = ['PARTNER'];
/** Whoever acts for one customer: its partner, and itself. */
const CLIENTS: readonly Role[] = ['PARTNER', 'APPLICANT'];
/** Who sees to an organization's webhooks: whoever administers it, and whoever integrates it, for its own. */
const INTEGRATORS: readonly Role[] = ['PARTNER', 'ADMIN'];
/** Whoever answers to the person, and whoever answers for the organization. */
const ERASERS: readonly Role[] = ['PARTNER', 'ADMIN'];
const KEY_MAKERS: readonly Role[] = ['OPERATOR', 'ADMIN'];

/** Who may ask each root field. A root field that is missing here keeps the gateway from starting. */
export const PERMISSIONS: Readonly<Record<'Query' | 'Mutation' | 'Subscription', Readonly<Record<string, readonly Role[]>>>> = {
  Query: {
    organization: MEMBERS,
    hostedPage: ['APPLICANT'],
    apiKeys: KEY_MAKERS,
    session: PARTNER,
    node: READERS,
    customer: READERS,
    customers: MEMBERS,
    identity: READERS,
    identities: MEMBERS,
    documents: READERS,
    events: MEMBERS,
    kycStatus: READERS,
    contracts: READERS,
    requirements: READERS,
    auditTrail: ['ADMIN'],
    webhookEndpoints: INTEGRATORS,
    webhookDeliveries: INTEGRATORS,
    lifecycle: EVERYONE,
    errorCodes: EVERYONE,
  },
  Mutation: {
    createOrganization: ['OPERATOR'],
    updatePolicy: KEY_MAKERS,
    updateHostedPage: KEY_MAKERS,
    createApiKey: KEY_MAKERS,
    revokeApiKey: KEY_MAKERS,
    createCustomer: PARTNER,
    patchCustomer: ACTIONS.PATCH_CUSTOMER.roles,
    submitIdentity: ACTIONS.SUBMIT_IDENTITY.roles,
    patchIdentity: ACTIONS.PATCH_IDENTITY.roles,
    inspectFile: CLIENTS,
    submitDocument: ACTIONS.SUBMIT_DOCUMENT.roles,
    updateDocument: ACTIONS.UPDATE_DOCUMENT.roles,
    submitSignatures: ACTIONS.SUBMIT_SIGNATURES.roles,
    eraseCustomer: ERASERS,
    deactivateCustomer: ACTIONS.DEACTIVATE.roles,
    reactivateCustomer: ACTIONS.REACTIVATE.roles,
    reviewIdentity: ACTIONS.REVIEW.roles,
    requireReverification: ACTIONS.REQUIRE_REVERIFICATION.roles,
    revealKycData: ['PARTNER', 'REVIEWER'],
    placeLegalHold: ['ADMIN'],
    releaseLegalHold: ['ADMIN'],
    createClientToken: CLIENTS,
    createSession: CLIENTS,
    exchangeVerificationCode: ['VISITOR'],
    advanceSandboxClock: MEMBERS,
    createWebhookEndpoint: INTEGRATORS,
    updateWebhookEndpoint: INTEGRATORS,
    deleteWebhookEndpoint: INTEGRATORS,
    rotateWebhookSecret: INTEGRATORS,
    sendTestEvent: INTEGRATORS,
    replayWebhookDelivery: INTEGRATORS,
    replayWebhookEvents: INTEGRATORS,
  },
  Subscription: {
    customerStatusChanged: READERS,
    identityStatusChanged: READERS,
    documentStatusChanged: READERS,
  },
};

/** The mutations whose every effect goes through core/command, which takes a rehearsal back. Others are not rehearsed. */
const REHEARSED: ReadonlySet<string> = new Set([
  'placeLegalHold', 'releaseLegalHold', 'eraseCustomer',
  'createCustomer', 'patchCustomer', 'submitIdentity', 'patchIdentity', 'submitDocument', 'updateDocument', 'submitSignatures',
  'revealKycData',
  'deactivateCustomer', 'reactivateCustomer', 'reviewIdentity', 'requireReverification', 'createOrganization', 'updatePolicy', 'updateHostedPage', 'createApiKey',
  'createClientToken', 'createSession', 'createWebhookEndpoint', 'updateWebhookEndpoint', 'deleteWebhookEndpoint', 'rotateWebhookSecret', 'sendTestEvent', 'replayWebhookDelivery', 'replayWebhookEvents',
]);

/** What is told of a caller that asked for a root field that its role may not. */
export type OnForbidden = (context: RequestContext, field: string) => Promise<void>;

/** Puts each root field behind its rule. Throws when one has none: what nobody thought of is open to nobody. */
export function enforcePermissions(schema: GraphQLSchema, onForbidden: OnForbidden): void {
  const forApplicants: GraphQLField<unknown, RequestContext>[] = [];
  for (const [rootName, rules] of Object.entries(PERMISSIONS)) {
    const fields = (schema.getType(rootName) as GraphQLObjectType).getFields();
    for (const field of Object.values(fields)) {
      const roles = rules[field.name];
      if (!roles) throw new Error(`${rootName}.${field.name} has no permission rule`);
      if (roles.includes('APPLICANT') || roles.includes('VISITOR')) forApplicants.push(field);
      guard(field, roles, rootName === 'Mutation', { onForbidden, checkInput: roles.includes('APPLICANT') ? inputGuard(field) : null });
    }
    for (const name of Object.keys(rules)) {
      if (!fields[name]) throw new Error(`There is a permission rule for ${rootName}.${name}, but no such field`);
    }
  }
  enforceFieldPermissions(schema, forApplicants);
}

interface Guards {
  onForbidden: OnForbidden;
  /** Looks at what applicants give; null where there is nothing that they may not. */
  checkInput: InputGuard | null;
}

function guard(field: GraphQLField<unknown, RequestContext>, roles: readonly Role[], isMutation: boolean, { onForbidden, checkInput }: Guards): void {
  const refuse = async (context: RequestContext, forbidden: GraphQLError): Promise<never> => {
    await onForbidden(context, field.name);
    throw forbidden;
  };
  const behind = (resolver: GraphQLFieldResolver<unknown, RequestContext>): GraphQLFieldResolver<unknown, RequestContext> => {
    return (source, parameters, context, info) => {
      const scope = requestScope.getStore();
      // A subscription's field runs again for every event.
      if (scope?.operations.at(-1) !== field.name) scope?.operations.push(field.name);
      if (!roles.includes(context.caller.role)) {
        return refuse(context, refusal('FORBIDDEN', `A credential of role ${context.caller.role} may not ask ${field.name}; it takes ${roles.join(' or ')}.`));
      }
      const forbidden = context.caller.role === 'APPLICANT' ? checkInput?.(parameters) : undefined;
      if (forbidden) return refuse(context, forbidden);
      if (isMutation && context.caller.rehearsal && !REHEARSED.has(field.name)) throw new Error(`${field.name} is not rehearsed`);
      // What an earlier mutation of the same request loaded is out of date.
      if (isMutation) context.forget();
      if (scope) scope.input = isMutation ? parameters : null;
      return resolver(source, parameters, context, info);
    };
  };
  field.resolve = behind(field.resolve ?? defaultFieldResolver);
  if (field.subscribe) field.subscribe = behind(field.subscribe);
}
