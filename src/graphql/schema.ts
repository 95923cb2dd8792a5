import { assertValidSchema, lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { buildSchemaSync, registerEnumType, type NonEmptyArray } from 'type-graphql';
import * as vocabularies from '../kyc/vocabularies.js';
import { resolveDirectly } from './direct-resolvers.js';
import { enforcePermissions, type OnForbidden } from './permissions.js';

/** A resolver class, made by the composition root with what it needs. */
export type ResolverInstance = object;

const HEADER = '# Emitted from the code by `npm run schema`. Do not edit: a test fails when it is stale.\n\n';

/** type-graphql wants one although every subscription brings its own stream of events. */
const NO_PUB_SUB = {
  publish: (): never => unused(),
  subscribe: (): never => unused(),
};

function unused(): never {
  throw new Error('Subscriptions read the event stream, not a PubSub');
}

registerVocabularies();

/** Makes each vocabulary of kyc/ an enumeration of the schema, with its descriptions. */
function registerVocabularies(): void {
  for (const candidate of Object.values(vocabularies) as unknown[]) {
    if (!isVocabulary(candidate)) continue;
    const descriptions = Object.entries(candidate.descriptions).map(([word, description]) => [word, { description }]);
    registerEnumType(candidate.values, { name: candidate.name, description: candidate.description, valuesConfig: Object.fromEntries(descriptions) as object });
  }
}

function isVocabulary(candidate: unknown): candidate is vocabularies.Vocabulary<string> {
  return typeof candidate === 'object' && candidate !== null && 'values' in candidate && 'descriptions' in candidate;
}

/** The schema over the resolvers of all domains, each root field behind its permission. */
export function buildGatewaySchema(resolvers: readonly ResolverInstance[], onForbidden: OnForbidden): GraphQLSchema {
  const instances = new Map<Function, ResolverInstance>(resolvers.map((resolver) => [resolver.constructor, resolver]));
  const schema = buildSchemaSync({
    resolvers: [...instances.keys()] as unknown as NonEmptyArray<Function>,
    container: { get: (wanted: Function) => instances.get(wanted) },
    // Input is checked by the domain's own pure modules, every fault at once.
    validate: false,
    pubSub: NO_PUB_SUB,
    // It asks the schema all that can be asked of it, at each start; what is checked once is what is printed.
    skipCheck: true,
    orphanedTypes: [],
  });
  resolveDirectly(schema, (resolver) => instances.get(resolver));
  enforcePermissions(schema, onForbidden);
  return schema;
}

/** The schema as the text of schema.graphql. Throws where it is not sound. */
export function printGatewaySchema(schema: GraphQLSchema): string {
  assertValidSchema(schema);
  return `${HEADER}${printSchema(lexicographicSortSchema(schema))}\n`;
}

