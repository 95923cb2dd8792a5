import type { GraphQLSchema } from 'graphql';
import { getMetadataStorage } from 'type-graphql';
import { objectOf } from '../core/objects.js';

type Method = (parent: unknown, context: unknown) => unknown;
type FieldResolverMetadata = ReturnType<typeof getMetadataStorage>['fieldResolvers'][number];

/**
 * Has the fields that take nothing but their object and the context call their method at once. type-graphql sorts, looks up and
 * gathers the parameters of a method anew for each object that a field is of, which costs more than most of these methods do.
 */
export function resolveDirectly(schema: GraphQLSchema, instanceOf: (resolver: Function) => object | undefined): void {
  const { fieldResolvers, objectTypes } = getMetadataStorage();
  const nameOf = new Map(objectTypes.map(({ target, name }) => [target, name]));
  for (const metadata of fieldResolvers) {
    const { target, methodName, schemaName, getObjectType } = metadata;
    const instance = instanceOf(target);
    if (!instance || !getObjectType || !takesItsObject(metadata)) continue;
    const type = schema.getType(nameOf.get(getObjectType() as Function) ?? '');
    const field = type && 'getFields' in type ? type.getFields()[schemaName] : undefined;
    if (!field || !('resolve' in field)) continue;
    const method = (instance as Record<string, Method>)[methodName]!.bind(instance);
    field.resolve = (parent, _arguments, context) => method(parent, context);
  }
}

/** Whether a method takes the object, then the context or nothing, and nothing stands before it. */
function takesItsObject({ kind, params = [], middlewares = [], roles }: FieldResolverMetadata): boolean {
  const [parent, context, ...others] = params.toSorted((left, right) => left.index - right.index);
  if (kind !== 'external' || middlewares.length > 0 || roles !== undefined || others.length > 0) return false;
  return parent?.kind === 'custom' && parent.resolver === objectOf && (context === undefined || (context.kind === 'context' && context.propertyName === undefined));
}
