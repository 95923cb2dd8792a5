import {
  getNamedType, isCompositeType, isInterfaceType, isListType, isNonNullType, isObjectType, Kind, SchemaMetaFieldDef, TypeMetaFieldDef, typeFromAST,
  type DocumentNode, type FieldNode, type FragmentDefinitionNode, type GraphQLField, type GraphQLNamedType, type GraphQLSchema, type OperationDefinitionNode, type SelectionSetNode, type ValueNode,
} from 'graphql';
import { Upload } from 'graphql-upload-minimal';
import { LARGEST_PAGE } from '../core/connections.js';
import { COST } from './limits.js';
import { fragmentsOf } from './measure.js';

type Variables = Readonly<Record<string, unknown>>;

/** The argument that says how many items a page is to have. */
const PAGE_ARGUMENT = 'first';
/** A type of pages: how many items it has was counted where it was asked for. */
const PAGE_TYPE = /Connection$/;

/**
 * What an operation may cost at most: every field, as often as the pages and lists around it make it come, and more for
 * mutations and files. The document has been validated. Takes time in proportion to the document: each fragment is
 * counted once, however often it is spread.
 */
export function costOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): number {
  const known = constantCosts.get(operation);
  if (known !== undefined) return known;
  const costs = new Costs(schema, fragmentsOf(document), variables, defaultsOf(operation));
  const cost = costs.ofOperation(operation);
  if (costs.isConstant) constantCosts.set(operation, cost);
  return cost;
}

/** What operations cost whose variables have no part in it. A document that is kept is counted once. */
const constantCosts = new WeakMap<OperationDefinitionNode, number>();

class Costs {
  /** Whether no variable has been looked at. */
  isConstant = true;
  readonly #known = new Map<string, number>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    private readonly variables: Variables,
    private readonly defaults: ReadonlyMap<string, ValueNode>,
  ) {}

  ofOperation(operation: OperationDefinitionNode): number {
    return this.#of(operation.selectionSet, this.schema.getRootType(operation.operation) ?? undefined);
  }

  #of(selectionSet: SelectionSetNode | undefined, type: GraphQLNamedType | undefined): number {
    let cost = 0;
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) cost += this.#ofField(selection, type);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) cost += this.#ofFragment(selection.name.value);
      else cost += this.#of(selection.selectionSet, selection.typeCondition ? typeFromAST(this.schema, selection.typeCondition) : type);
    }
    return cost;
  }

  #ofFragment(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const fragment = this.fragments.get(name);
    const cost = fragment ? this.#of(fragment.selectionSet, typeFromAST(this.schema, fragment.typeCondition)) : 0;
    this.#known.set(name, cost);
    return cost;
  }

  #ofField(node: FieldNode, type: GraphQLNamedType | undefined): number {
    const field = fieldOf(node, type);
    const inner = field && isCompositeType(getNamedType(field.type)) ? this.#of(node.selectionSet, getNamedType(field.type)) : 0;
    const mutation = type === this.schema.getMutationType() ? COST.mutation + COST.upload * this.#uploadsIn(node) : 0;
    return COST.field + mutation + inner * this.#timesOf(node, field, type);
  }

  /** How often what is below a field comes. More than the largest page is refused by the field itself. */
  #timesOf(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined, type: GraphQLNamedType | undefined): number {
    const page = field?.args.find(({ name }) => name === PAGE_ARGUMENT);
    if (page) {
      const given = node.arguments?.find(({ name }) => name.value === PAGE_ARGUMENT)?.value;
      const size = given === undefined ? page.defaultValue : this.#numberOf(given, page.defaultValue);
      return typeof size === 'number' && size > 0 ? Math.min(size, LARGEST_PAGE) : LARGEST_PAGE;
    }
    const isList = field !== undefined && isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    return isList && !PAGE_TYPE.test(type?.name ?? '') ? COST.unpagedList : 1;
  }

  /** What a variable without a value leaves to the argument is the argument's own default. */
  #numberOf(value: ValueNode, otherwise: unknown): unknown {
    if (value.kind === Kind.INT) return Number(value.value);
    if (value.kind !== Kind.VARIABLE) return undefined;
    this.isConstant = false;
    const name = value.name.value;
    if (Object.hasOwn(this.variables, name)) return this.variables[name];
    const standard = this.defaults.get(name);
    return standard ? this.#numberOf(standard, otherwise) : otherwise;
  }

  #uploadsIn(node: FieldNode): number {
    return (node.arguments ?? []).reduce((sum, { value }) => sum + this.#uploadsOf(value), 0);
  }

  #uploadsOf(value: ValueNode): number {
    if (value.kind === Kind.VARIABLE) {
      this.isConstant = false;
      return uploadsAmong(this.variables[value.name.value]);
    }
    if (value.kind === Kind.LIST) return value.values.reduce((sum, item) => sum + this.#uploadsOf(item), 0);
    if (value.kind === Kind.OBJECT) return value.fields.reduce((sum, field) => sum + this.#uploadsOf(field.value), 0);
    return 0;
  }
}

/** The files within the value of a variable, whose nesting has been checked. */
function uploadsAmong(value: unknown): number {
  if (value instanceof Upload) return 1;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + uploadsAmong(item), 0);
}

function fieldOf(node: FieldNode, type: GraphQLNamedType | undefined): GraphQLField<unknown, unknown> | undefined {
  const name = node.name.value;
  if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
  if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function defaultsOf(operation: OperationDefinitionNode): ReadonlyMap<string, ValueNode> {
  return new Map((operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) => (defaultValue ? [[variable.name.value, defaultValue] as const] : [])));
}
