import { defaultFieldResolver, getNamedType, isAbstractType, isInputObjectType, isObjectType, type GraphQLArgument, type GraphQLError, type GraphQLField, type GraphQLInputField, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import type { Role } from '../core/caller.js';
import type { RequestContext } from '../core/context.js';
import { refusal } from '../core/errors.js';

/** Who is shown a field, and what it is to all others who may see its object. */
interface FieldRule {
  roles: readonly Role[];
  otherwise: null | readonly never[];
}

/** The fields of a type that holds what not everybody may see. */
interface TypeRules {
  /** To whoever may see the object. */
  shown: readonly string[];
  /** To these roles alone. */
  kept: Readonly<Record<string, FieldRule>>;
}

const STAFF: readonly Role[] = ['PARTNER', 'REVIEWER', 'ADMIN'];
const TO_STAFF: FieldRule = { roles: STAFF, otherwise: null };

/**
 * Every field of every type that applicants can get to see and that holds more than is theirs; the other types are listed
 * below. A field or a type that is missing keeps the gateway from starting: what nobody thought of is shown to nobody.
 */
export const FIELD_PERMISSIONS: Readonly<Record<string, TypeRules>> = {
  Customer: {
    shown: [
      'id', 'type', 'status', 'kycStatus', 'partnerUserId', 'email', 'firstName', 'lastName', 'verifiedAt', 'kycData', 'requirements', 'allowedActions',
      'identity', 'identities', 'events', 'version', 'createdAt', 'updatedAt', 'erasedAt',
    ],
    kept: {
      verificationLink: { roles: ['PARTNER'], otherwise: null },
      // The person, and whoever speaks to it, is not told.
      legalHoldSince: { roles: ['REVIEWER', 'ADMIN'], otherwise: null },
    },
  },
  Identity: {
    shown: [
      'id', 'customer', 'status', 'organizationId', 'transactionType', 'kycData', 'errorDescription', 'requirements', 'allowedActions', 'documents', 'documentAttemptsRemaining',
      'signatures', 'signaturesRequired', 'signaturesSubmitted', 'events', 'version', 'createdAt', 'updatedAt',
    ],
    kept: {
      enterpriseId: TO_STAFF,
      userId: TO_STAFF,
      programId: TO_STAFF,
      debugStatus: TO_STAFF,
      debugFailureReason: TO_STAFF,
      // Reviewers write it for each other, and may say there what they would not say to the partner.
      reviewNote: { roles: ['REVIEWER', 'ADMIN'], otherwise: null },
      // It says that somebody else is known here.
      duplicates: { roles: ['REVIEWER', 'ADMIN'], otherwise: [] },
    },
  },
  Document: {
    shown: ['id', 'identity', 'selectedIdClass', 'status', 'number', 'issuingCountry', 'issueDate', 'expirationDate', 'rejectionReason', 'summary', 'fileUploads', 'createdAt', 'updatedAt'],
    // They tell how a document is judged: they are not for the person it is about.
    kept: { findings: { roles: STAFF, otherwise: [] } },
  },
  FileUpload: {
    shown: ['documentType', 'fileName', 'fileSize', 'mimeType', 'width', 'height', 'sha256', 'uploadStatus', 'warnings'],
    kept: { url: { roles: ['PARTNER', 'REVIEWER'], otherwise: null }, reads: { roles: ['REVIEWER', 'ADMIN'], otherwise: [] } },
  },
  Signature: {
    shown: ['id', 'identity', 'contractType', 'contractVersion', 'contractSignerNameFull', 'contractSignedDate', 'contractSignedIPAddress', 'createdAt'],
    kept: {},
  },
  Event: {
    shown: [
      'id', 'type', 'cursor', 'occurredAt', 'version', 'customerId', 'identityId', 'documentId', 'oldStatus', 'newStatus', 'reason', 'errorDescription', 'requiredDocuments',
      'fieldsToReenter',
    ],
    kept: {},
  },
};

/** The types of which applicants are shown every field: what they hold is the applicant's own, or for everybody to know. */
const SHOWN_WHOLE: readonly string[] = [
  'KycData', 'Address', 'Requirement', 'Contract', 'KycStatusReport', 'FileWarning', 'InspectFilePayload', 'HostedPage',
  'CustomerStatusChange', 'IdentityStatusChange', 'DocumentStatusChange', 'IdentityConnection', 'IdentityEdge', 'EventConnection', 'EventEdge', 'PageInfo',
  'PatchCustomerPayload', 'SubmitIdentityPayload', 'PatchIdentityPayload', 'SubmitDocumentPayload', 'UpdateDocumentPayload', 'SubmitSignaturesPayload',
  'CreateClientTokenPayload', 'CreateSessionPayload', 'Transition', 'ErrorCodeInfo',
];

/** Throws when applicants can get from these root fields to a type that is neither under rules nor shown whole. */
function requireRules(schema: GraphQLSchema, roots: readonly GraphQLField<unknown, RequestContext>[]): void {
  const reached = new Set<string>();
  const reach = (field: GraphQLField<unknown, RequestContext>): void => {
    const type = getNamedType(field.type);
    const objects = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [];
    for (const object of objects.filter(({ name }) => !reached.has(name))) {
      reached.add(object.name);
      if (!FIELD_PERMISSIONS[object.name] && !SHOWN_WHOLE.includes(object.name)) {
        throw new Error(`Applicants can get to see ${object.name}, which has no permission rules: list it in graphql/field-permissions.ts`);
      }
      const kept = FIELD_PERMISSIONS[object.name]?.kept ?? {};
      for (const inner of Object.values(object.getFields())) if (!kept[inner.name] || kept[inner.name]?.roles.includes('APPLICANT')) reach(inner);
    }
  };
  roots.forEach(reach);
}

/**
 * Puts each field that is kept from somebody behind its rule; the others cost nothing. `roots` are what applicants and
 * visitors may ask. Throws when a field, or a type that they can get to see, has no rule.
 */
export function enforceFieldPermissions(schema: GraphQLSchema, roots: readonly GraphQLField<unknown, RequestContext>[]): void {
  requireRules(schema, roots);
  for (const [typeName, { shown, kept }] of Object.entries(FIELD_PERMISSIONS)) {
    const fields = (schema.getType(typeName) as GraphQLObjectType).getFields();
    const ruled = [...shown, ...Object.keys(kept)];
    for (const name of Object.keys(fields)) {
      if (!ruled.includes(name)) throw new Error(`${typeName}.${name} has no permission rule: list it in graphql/field-permissions.ts`);
    }
    for (const name of ruled) {
      if (!fields[name]) throw new Error(`There is a permission rule for ${typeName}.${name}, but no such field`);
    }
    for (const [name, rule] of Object.entries(kept)) keep(fields[name] as GraphQLField<unknown, RequestContext>, rule);
  }
}

function keep(field: GraphQLField<unknown, RequestContext>, { roles, otherwise }: FieldRule): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = (source, parameters, context, info) => (roles.includes(context.caller.role) ? (resolve(source, parameters, context, info) as unknown) : otherwise);
}

/** What an applicant may not say, in whatever input it occurs: the partner's ids, the sandbox's controls, and what the gateway observes itself. */
export const NOT_FOR_APPLICANTS: readonly string[] = [
  'enterpriseId', 'userId', 'programId', 'ipAddress', 'debugStatus', 'debugFailureReason', 'contractSignedDate', 'contractSignedIPAddress',
  // Whose verification it is would be theirs to say; and the token says what rules they are under.
  'PatchCustomerInput.partnerUserId', 'CreateClientTokenInput.transactionType',
];

/** @returns the refusal of an applicant's arguments that hold what it may not say; undefined where they do not. */
export type InputGuard = (parameters: Readonly<Record<string, unknown>>) => GraphQLError | undefined;

/** @returns the check of a root field's arguments; null where they have nothing of the kind. */
export function inputGuard(field: GraphQLField<unknown, RequestContext>): InputGuard | null {
  const places = field.args.flatMap((argument) => forbiddenPlaces('', argument, []));
  if (places.length === 0) return null;
  return (parameters) => {
    const given = places.filter((place) => isGiven(parameters, place)).map((place) => place.join('.'));
    return given.length === 0 ? undefined : refusal('FORBIDDEN', `Not for a client token to say: ${given.join(', ')}. Leave ${given.length > 1 ? 'them' : 'it'} out.`);
  };
}

function forbiddenPlaces(typeName: string, input: GraphQLArgument | GraphQLInputField, above: readonly string[]): string[][] {
  const path = [...above, input.name];
  if (NOT_FOR_APPLICANTS.includes(input.name) || NOT_FOR_APPLICANTS.includes(`${typeName}.${input.name}`)) return [path];
  const type = getNamedType(input.type);
  return isInputObjectType(type) ? Object.values(type.getFields()).flatMap((inner) => forbiddenPlaces(type.name, inner, path)) : [];
}

/** Whether a value stands at a place, in any item of the lists on the way; null is a value too: it would clear what is stored. */
function isGiven(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return value !== undefined;
  if (Array.isArray(value)) return value.some((item) => isGiven(item, [key, ...rest]));
  return typeof value === 'object' && value !== null && isGiven((value as Record<string, unknown>)[key], rest);
}
