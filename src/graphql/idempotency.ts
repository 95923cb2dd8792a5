import { Upload } from 'graphql-upload-minimal';
import { getNamedType, isInputType, isListType, isNonNullType, isObjectType, Kind, print, type DocumentNode, type GraphQLError, type GraphQLField, type GraphQLObjectType, type GraphQLSchema, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import type { Caller } from '../core/caller.js';
import type { Loaded, RequestContext } from '../core/context.js';
import type { Core } from '../core/command.js';
import type { Database } from '../core/database.js';
import { badInput, refusal } from '../core/errors.js';
import { KeyedRequest, RepeatedRequest, takeKeyAlone, type Outcome } from '../core/idempotency.js';
import { kindOfId, type IdKind } from '../core/ids.js';
import { loadCustomer } from '../customer/resolver.js';
import { loadDocument } from '../document/resolver.js';
import { loadIdentity } from '../identity/resolver.js';
import { loadApiKey, loadOrganization } from '../organization/resolver.js';
import { loadSignature } from '../signature/resolver.js';
import { loadDelivery, loadEndpoint } from '../webhook/resolver.js';

/** The header that a request bears, and the one that an answer bears which repeats an earlier one (domain.md, Idempotency). */
export const IDEMPOTENCY_KEY = 'idempotency-key';
export const IDEMPOTENCY_REPLAYED = 'idempotency-replayed';
const LONGEST_KEY = 255;

type Variables = Readonly<Record<string, unknown>>;

/** The caller of a request, with the key that it bears. */
export function withKey(caller: Caller, header: string | undefined): Caller {
  return header === undefined ? caller : { ...caller, idempotency: new KeyedRequest(header) };
}

/** BAD_USER_INPUT for a key that is none, and for a request that one key cannot cover; undefined where both are sound. */
export function keyFault({ key }: KeyedRequest, document: DocumentNode, operation: OperationDefinitionNode): GraphQLError | undefined {
  const fault = (code: string, message: string): GraphQLError => badInput([{ path: 'Idempotency-Key', code, message }]);
  if (key.length < 1 || key.length > LONGEST_KEY) return fault('out_of_range', `An Idempotency-Key has 1 to ${LONGEST_KEY} characters.`);
  if (rootFields(document, operation.selectionSet) === 1) return undefined;
  return fault('exactly_one', 'A request with an Idempotency-Key holds exactly one mutation field: send one request for each.');
}

/** How many fields an operation asks of its root, through fragments. */
function rootFields(document: DocumentNode, selectionSet: SelectionSetNode): number {
  return selectionSet.selections.reduce((count, selection) => {
    if (selection.kind === Kind.FIELD) return count + (selection.name.value === '__typename' ? 0 : 1);
    if (selection.kind === Kind.INLINE_FRAGMENT) return count + rootFields(document, selection.selectionSet);
    const fragment = document.definitions.find((definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value);
    return count + (fragment?.kind === Kind.FRAGMENT_DEFINITION ? rootFields(document, fragment.selectionSet) : 0);
  }, 0);
}

/** Documents as they print; parsed ones are kept and come again. */
const printed = new WeakMap<DocumentNode, string>();

function textOf(document: DocumentNode): string {
  const text = printed.get(document) ?? print(document);
  printed.set(document, text);
  return text;
}

/** What is asked, in one text whatever the spaces of the document and the order of the variables; the files have their own digests. */
export function canonicalRequest(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): string {
  const declared = (operation.variableDefinitions ?? []).map(({ variable }) => [variable.name.value, variables[variable.name.value]]);
  return JSON.stringify([textOf(document), operation.name?.value ?? null, sorted(Object.fromEntries(declared))]);
}

function sorted(value: unknown): unknown {
  if (value instanceof Upload) return '(file)';
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]));
}

/** How the objects of a payload are selected again, by the name of their type. */
const LOADERS: Readonly<Record<string, { kind: IdKind; load: (context: RequestContext, id: string, database: Database) => Loaded<object> }>> = {
  Customer: { kind: 'customer', load: loadCustomer },
  Identity: { kind: 'identity', load: loadIdentity },
  Document: { kind: 'document', load: loadDocument },
  Signature: { kind: 'signature', load: loadSignature },
  WebhookEndpoint: { kind: 'webhookEndpoint', load: loadEndpoint },
  WebhookDelivery: { kind: 'webhookDelivery', load: loadDelivery },
  Organization: { kind: 'organization', load: (_context, id, database) => loadOrganization(database, id) },
  ApiKey: { kind: 'apiKey', load: (_context, id, database) => loadApiKey(database, id) },
};

/** Has every mutation answer a repeated request with the objects of the first. */
export function replayRepeats(schema: GraphQLSchema, { database, clock }: Core): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve;
    if (!resolve) throw new Error(`Mutation.${field.name} has no resolver`);
    field.resolve = async (source, parameters, context: RequestContext, info) => {
      try {
        const payload: unknown = await resolve(source, parameters, context, info);
        const keyed = context.caller.idempotency;
        if (keyed && !keyed.taken) await takeKeyAlone(database, context.member, keyed, clock.now());
        return payload;
      } catch (error) {
        if (!(error instanceof RepeatedRequest)) throw error;
        return replay(getNamedType(field.type) as GraphQLObjectType, error.outcome, context, database);
      }
    };
  }
}

/** A payload made anew from what was kept. What cannot be, a secret above all, is not: its repeat is refused. */
async function replay(payload: GraphQLObjectType, outcome: Outcome, context: RequestContext, database: Database): Promise<object> {
  const fields = Object.values(payload.getFields());
  const unknown = fields.filter((field) => !isReplayable(field));
  if (unknown.length > 0) {
    context.caller.idempotency!.replayed = false;
    throw refusal('IDEMPOTENCY_KEY_EXISTS', `This request has had its effect. ${unknown.map(({ name }) => name).join(' and ')} is shown once and not repeated: make another with a new key.`);
  }
  const values = await Promise.all(fields.map(async (field) => [field.name, await valueOf(field, outcome, context, database)] as const));
  return Object.fromEntries(values);
}

/** Objects with ids, ids and counts are kept; other texts may be secrets. */
function isReplayable({ type }: GraphQLField<unknown, unknown>): boolean {
  const named = getNamedType(type);
  return named.name in LOADERS || (isInputType(named) && ['ID', 'Int'].includes(named.name));
}

async function valueOf({ type }: GraphQLField<unknown, unknown>, outcome: Outcome, context: RequestContext, database: Database): Promise<unknown> {
  const named = getNamedType(type);
  if (!isObjectType(named)) return named.name === 'Int' ? outcome.number : outcome.ids[0];
  const { kind, load } = LOADERS[named.name]!;
  const objects = await Promise.all([...new Set(outcome.ids.filter((id) => kindOfId(id) === kind))].map((id) => load(context, id, database)));
  return isListType(isNonNullType(type) ? type.ofType : type) ? objects : (objects[0] ?? null);
}
