import { Kind, type FieldNode, type GraphQLResolveInfo } from 'graphql';
import { createParameterDecorator, Field, ID, InterfaceType } from 'type-graphql';
import { kindOfId } from './ids.js';

/** The name of the GraphQL type of an object: its kind, capitalised. */
function typeNameOf(id: string): string | undefined {
  const kind = kindOfId(id);
  return kind === null ? undefined : kind.charAt(0).toUpperCase() + kind.slice(1);
}

/** Relay's global object identification. */
@InterfaceType('Node', {
  description: "Relay's global object identification. Ids are prefixed and sortable: cus_…, idn_…, doc_…, sig_…, evt_….",
  resolveType: (value: { id: string }) => typeNameOf(value.id),
})
export abstract class NodeObject {
  @Field(() => ID)
  id!: string;
}

/** What `Parent` gives to a resolver. */
export const objectOf = ({ root }: { root: unknown }): unknown => root;

/** The object that a field is of, as it was given: type-graphql's own `Root` copies it into an instance of its class for each field. */
export function Parent(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator(objectOf);
}

const IDENTIFYING: readonly string[] = ['id', '__typename'];

/** Whether nothing is asked of the object that a field shows but which it is: whoever knows that need not read it. */
export function asksWhichAlone({ fieldNodes }: Pick<GraphQLResolveInfo, 'fieldNodes'>): boolean {
  return fieldNodes.every(({ selectionSet }: FieldNode) => selectionSet?.selections.every((selection) => selection.kind === Kind.FIELD && IDENTIFYING.includes(selection.name.value)));
}
