import type { GraphQLNamedType, GraphQLSchema } from 'graphql';
import { getMetadataStorage } from 'type-graphql';
import { objectOf } from '../core/objects.js';

type Method = (...parameters: unknown[]) => unknown;
/** Finds a parameter of a method among what a field is given. */
type Parameter = (parent: unknown, given: Record<string, unknown>, context: unknown, info: unknown) => unknown;

type Metadata = ReturnType<typeof getMetadataStorage>;
/** A field with the method that resolves it. */
type Resolved = Metadata['fieldResolvers'][number] | Metadata['queries'][number];

/**
 * Has fields call their method at once, with what the schema has made of their arguments. type-graphql sorts, looks up and gathers
 * the parameters of a method anew for each object that a field is of, which costs more than most of these methods do, and makes
 * instances of the classes of inputs, which have nothing but fields.
 */
export function resolveDirectly(schema: GraphQLSchema, instanceOf: (resolver: Function) => object | undefined): void {
  const { fieldResolvers, queries, mutations, objectTypes } = getMetadataStorage();
  const nameOf = new Map(objectTypes.map(({ target, name }) => [target, name]));
  for (const metadata of queries) direct(schema.getQueryType(), metadata, instanceOf(metadata.target));
  for (const metadata of mutations) direct(schema.getMutationType(), metadata, instanceOf(metadata.target));
  for (const metadata of fieldResolvers) {
    const type = metadata.kind === 'external' && schema.getType(nameOf.get(metadata.getObjectType?.() as Function) ?? '');
    if (type) direct(type, metadata, instanceOf(metadata.target));
  }
}

function direct(type: GraphQLNamedType | null | undefined, { methodName, schemaName, params = [], middlewares = [], roles }: Resolved, instance: object | undefined): void {
  const field = type && 'getFields' in type ? type.getFields()[schemaName] : undefined;
  const parameters = params.toSorted((left, right) => left.index - right.index).map(parameterOf);
  // What stands before a method is type-graphql's to call.
  if (!field || !('resolve' in field) || !instance || middlewares.length > 0 || roles !== undefined || !parameters.every((parameter) => parameter !== null)) return;
  const method = (instance as Record<string, Method>)[methodName]!.bind(instance);
  const [first, second, ...others] = parameters;
  if (first === PARENT && second === undefined) field.resolve = (parent) => method(parent);
  else if (first === PARENT && second === CONTEXT && others.length === 0) field.resolve = (parent, _given, context) => method(parent, context);
  else field.resolve = (parent, given, context, info) => method(...parameters.map((parameter) => parameter(parent, given, context, info)));
}

const PARENT: Parameter = (parent) => parent;
const CONTEXT: Parameter = (_parent, _given, context) => context;
const INFO: Parameter = (_parent, _given, _context, info) => info;

function parameterOf(metadata: NonNullable<Resolved['params']>[number]): Parameter | null {
  if (metadata.kind === 'custom') return metadata.resolver === objectOf ? PARENT : null;
  if (metadata.kind === 'context') return metadata.propertyName === undefined ? CONTEXT : null;
  if (metadata.kind === 'info') return INFO;
  if (metadata.kind !== 'arg') return null;
  const { name } = metadata;
  return (_parent, given) => given[name];
}
