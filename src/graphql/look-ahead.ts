import {
  getNamedType, isCompositeType, isInterfaceType, isObjectType, Kind, typeFromAST,
  type DocumentNode, type FragmentDefinitionNode, type GraphQLNamedType, type GraphQLSchema, type OperationDefinitionNode, type SelectionNode, type SelectionSetNode,
} from 'graphql';
import { NEEDS_EXTENSION, type Branch, type FieldNeeds, type LookAhead, type Need } from '../core/look-ahead.js';
import type { AnyKeyedRead, AnyRead, AnyTable } from '../core/row-reads.js';
import { fragmentsOf } from './measure.js';

/** More sets in one statement take longer to plan than they save; what is deeper is read when it is asked. */
const MOST_BRANCHES = 16;
/** Fragments within fragments can make a short document endless: such a one is not looked ahead of. */
const MOST_VISITS = 5_000;

/** Where branches grow: below the rows of a table. */
interface Place {
  table: AnyTable;
  branches: Branch[];
}

/** What a query will ask below what it begins with, by what its fields say that they need; null where that is not worth knowing. */
export function lookAheadOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): LookAhead | null {
  const root = schema.getQueryType();
  if (operation.operation !== 'query' || !root) return null;
  return new Planner(schema, fragmentsOf(document)).plan(operation.selectionSet, root);
}

class Planner {
  readonly #begins = new Map<AnyRead, Branch[]>();
  readonly #groups = new Map<AnyTable, Set<string>>();
  #branches = 0;
  #visits = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  ) {}

  plan(selectionSet: SelectionSetNode, root: GraphQLNamedType): LookAhead | null {
    this.#walk(selectionSet, root, null, true);
    if (this.#visits > MOST_VISITS || this.#begins.size === 0) return null;
    const columns = [...this.#groups].map(([table, groups]) => [table, [...table.columns, ...[...groups].flatMap((group) => table.groups[group] ?? [])]] as const);
    return { begins: this.#begins, columns: new Map(columns) };
  }

  /** `certain`: whatever the variables say, these fields are asked for. What is not is only made to find its columns. */
  #walk(selectionSet: SelectionSetNode, type: GraphQLNamedType | undefined, place: Place | null, certain: boolean): void {
    for (const selection of selectionSet.selections) {
      this.#visits += 1;
      if (this.#visits > MOST_VISITS) return;
      this.#select(selection, type, place, certain && !selection.directives?.length);
    }
  }

  #select(selection: SelectionNode, type: GraphQLNamedType | undefined, place: Place | null, certain: boolean): void {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return this.#walk(selection.selectionSet, selection.typeCondition ? typeFromAST(this.schema, selection.typeCondition) : type, place, certain);
    }
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = this.fragments.get(selection.name.value);
      return fragment && this.#walk(fragment.selectionSet, typeFromAST(this.schema, fragment.typeCondition), place, certain);
    }
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined;
    if (!field || !type) return;
    const here = certain && place?.table.type === type.name ? place : null;
    const { needs = [], shows = [] } = (field.extensions[NEEDS_EXTENSION] ?? {}) as FieldNeeds;
    this.#need(needs, here);
    const named = getNamedType(field.type);
    if (!selection.selectionSet || !isCompositeType(named)) return;
    if (shows.length === 0) return this.#walk(selection.selectionSet, named, place?.table.type === type.name ? null : place, certain);
    for (const { read, from } of shows) {
      const below = from === null ? (certain ? this.#begin(read) : null) : this.#branch(here, read as AnyKeyedRead, from);
      this.#walk(selection.selectionSet, named, below, certain);
    }
  }

  #need(needs: readonly Need[], place: Place | null): void {
    for (const need of needs) {
      if ('group' in need) this.#groupsOf(need.table).add(need.group);
      else this.#need(need.needs, this.#branch(place, need.read, need.from));
    }
  }

  #begin(read: AnyRead): Place {
    const branches = this.#begins.get(read) ?? [];
    this.#begins.set(read, branches);
    this.#groupsOf(read.table);
    return { table: read.table, branches };
  }

  #branch(place: Place | null, read: AnyKeyedRead, from: string): Place | null {
    this.#groupsOf(read.table);
    if (!place) return null;
    let branch = place.branches.find((known) => known.read === read && known.from === from);
    if (!branch) {
      if (this.#branches >= MOST_BRANCHES) return null;
      this.#branches += 1;
      branch = { read, from, branches: [] };
      place.branches.push(branch);
    }
    return { table: read.table, branches: branch.branches };
  }

  #groupsOf(table: AnyTable): Set<string> {
    const groups = this.#groups.get(table) ?? new Set<string>();
    this.#groups.set(table, groups);
    return groups;
  }
}
