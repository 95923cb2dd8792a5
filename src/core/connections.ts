import type { ClassType } from 'type-graphql';
import { Field, ObjectType } from 'type-graphql';
import { badInput } from './errors.js';
import { kindOfId, type IdKind } from './ids.js';

/** More would make one answer too long; a page says itself whether there is more. */
export const LARGEST_PAGE = 100;
export const DEFAULT_PAGE = 20;

@ObjectType({ description: 'Where a page lies in its list.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there are more after this page: ask with `after: endCursor`.' })
  hasNextPage!: boolean;
  @Field(() => Boolean, { description: 'Whether this page was asked for with `after`.' })
  hasPreviousPage!: boolean;
  @Field(() => String, { nullable: true })
  startCursor!: string | null;
  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

/** A page of a list, in Relay's form. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  nodes: Node[];
  pageInfo: PageInfo;
}

/** Makes the edge and connection types of a node type; `order` says what comes first. */
export function connectionOf<Node extends object>(name: string, node: ClassType<Node>, order = 'newest first'): ClassType<Connection<Node>> {
  @ObjectType(`${name}Edge`, { simpleResolvers: true })
  class Edge {
    @Field(() => String, { description: 'Opaque; good as `after`.' })
    cursor!: string;
    @Field(() => node)
    node!: Node;
  }
  @ObjectType(`${name}Connection`, { description: `A page, ${order}.`, simpleResolvers: true })
  class Page implements Connection<Node> {
    @Field(() => [Edge])
    edges!: Edge[];
    @Field(() => [node])
    nodes!: Node[];
    @Field(() => PageInfo)
    pageInfo!: PageInfo;
  }
  return Page;
}

/** What a page is read by: at most `limit` rows, which is one more than is shown, older than `beforeId`. */
export interface PageRequest {
  first: number;
  limit: number;
  beforeId: string | null;
}

/** Refuses a page that is empty or too long. */
export function checkPageSize(first: number): void {
  if (first < 1 || first > LARGEST_PAGE) {
    throw badInput([{ path: 'first', code: 'out_of_range', message: `Ask for 1 to ${LARGEST_PAGE} at a time.` }]);
  }
}

/** Checks `first` and `after` of a list of this kind. Throws BAD_USER_INPUT that names the one at fault. */
export function pageRequest(kind: IdKind, first: number, after: string | null | undefined): PageRequest {
  checkPageSize(first);
  return { first, limit: first + 1, beforeId: after == null ? null : decodeCursor(kind, after) };
}

/** Cuts the rows that a page request read to the page, in the order of the rows. */
export function pageOf<Row extends { id: string }, Node>(request: PageRequest, rows: readonly Row[], toNode: (row: Row) => Node): Connection<Node> {
  const edges = rows.slice(0, request.first).map((row) => ({ cursor: encodeCursor(row.id), node: toNode(row) }));
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: rows.length > request.first,
      hasPreviousPage: request.beforeId !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** Tells a cursor from other base64. */
const CURSOR_PREFIX = 'id:';

function encodeCursor(id: string): string {
  return Buffer.from(CURSOR_PREFIX + id).toString('base64url');
}

function decodeCursor(kind: IdKind, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const id = text.slice(CURSOR_PREFIX.length);
  if (!text.startsWith(CURSOR_PREFIX) || kindOfId(id) !== kind) {
    throw badInput([{ path: 'after', code: 'invalid', message: 'This is not a cursor of this list: pass endCursor of the page before.' }]);
  }
  return id;
}
