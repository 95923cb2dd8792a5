import 'reflect-metadata';
import { buildSchema, parse, getOperationAST, type ExecutionResult, type GraphQLObjectType } from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import type { CompiledQueries } from '../src/core/config.js';
import type { RequestContext } from '../src/core/context.js';
import { Executor } from '../src/graphql/executor.js';

// The gateway's suites run on either way to execute a query; here both are asked the same, and it is seen which way was taken.

const schema = buildSchema(`
  enum Status { CREATED ACTIVE }
  interface Node { id: ID! }
  type Person implements Node { id: ID! status: Status! name(upper: Boolean = false): String friends(first: Int! = 2): [Person!]! secret: String! late: String }
  input Limit { limit: Int = 7 }
  input Filter { statuses: [Status!] nested: Limit }
  type Query { person(id: ID!): Person people(filter: Filter, first: Int! = 2): [Person] node(id: ID!): Node echo(filter: Filter, list: [Int]): String stack: String! numbers: [Int!] }
`);

/** A person of the schema above. What is thrown is of every kind: an error, a rejection, a null that may not be. */
function person(id: string, depth = 3): object {
  return {
    __typename: 'Person',
    id,
    status: 'ACTIVE',
    name: ({ upper }: { upper: boolean }) => (upper ? `PERSON ${id}` : `person ${id}`),
    friends: ({ first }: { first: number }) => Array.from({ length: depth > 0 ? first : 0 }, (_, index) => person(`${id}${index}`, depth - 1)),
    secret: () => {
      if (id === '1') throw new Error('It is sealed');
      return id === '2' ? null : 'open';
    },
    late: async () => (id === '1' ? Promise.reject(new Error('It came to nothing')) : `late ${id}`),
  };
}

const root: { [field: string]: (values: never) => unknown } = {
  person: ({ id }: { id: string }) => (id === 'none' ? null : person(id)),
  people: ({ first }: { first: number }) => Array.from({ length: first }, (_, index) => person(String(index))),
  node: async ({ id }: { id: string }) => person(id),
  echo: (values: object) => JSON.stringify(values),
  stack: () => new Error('here').stack ?? '',
  numbers: () => [1, null, 3],
};
for (const [name, field] of Object.entries((schema.getQueryType() as GraphQLObjectType).getFields())) field.resolve = (_root, values) => root[name]!(values as never);
// graphql-jit reads what has no resolver as a property.
for (const [name, field] of Object.entries((schema.getType('Person') as GraphQLObjectType).getFields())) {
  field.resolve = (source: Record<string, unknown>, values) => {
    const value = source[name];
    return typeof value === 'function' ? (value as (values: object) => unknown)(values as object) : value;
  };
}

/** Documents with variables; each also fails in its own way, or leaves something out. */
const ASKED: readonly (readonly [query: string, variables?: Record<string, unknown>])[] = [
  ['{ person(id: "3") { id status name secret late friends { id friends(first: 1) { name(upper: true) } } } }'],
  ['query($id: ID!) { person(id: $id) { id secret } }', { id: '1' }],
  ['query($id: ID!) { person(id: $id) { id secret } }', { id: '2' }],
  ['query($id: ID!) { person(id: $id) { late again: late } }', { id: '1' }],
  ['query($id: ID!) { person(id: $id) { id } }', { id: 'none' }],
  ['query($id: ID!) { person(id: $id) { id } }', {}],
  ['query($first: Int = 3) { people(first: $first) { ...P } } fragment P on Person { id ... on Person { name } }', {}],
  ['query($first: Int = 3) { people(first: $first) { id } }', { first: 1 }],
  ['query($with: Boolean = true, $out: Boolean!) { person(id: "4") { id @include(if: $with) name @skip(if: $out) } }', { out: true }],
  ['query($f: Filter, $l: [Int]) { echo(filter: $f, list: $l) }', { f: { statuses: 'ACTIVE', nested: { limit: null } }, l: [1, null] }],
  ['query($f: Filter) { echo(filter: $f) }', { f: { statuses: ['NONE'] } }],
  ['query($f: Filter) { echo(filter: $f) }', { f: null }],
  ['query($l: Int) { echo(filter: { nested: { limit: $l } }, list: [$l]) }', {}],
  ['{ people { secret } numbers }'],
  ['{ node(id: "5") { __typename id ... on Person { name } } }'],
  ['{ __proto__: __typename constructor: __typename __typename }'],
];

async function run(executor: Executor, [query, variables = {}]: (typeof ASKED)[number], document = parse(query)): Promise<ExecutionResult> {
  const operation = getOperationAST(document)!;
  return executor.execute({ document, operation, cost: 1, values: 1 }, variables, {} as RequestContext);
}

/** An answer as far as it is the gateway's: of what an executor says itself, it says the path alone, and of variables that do not fit, nothing. */
function shown({ data, errors = [] }: ExecutionResult): unknown {
  const ran = errors.filter(({ path }) => path).map(({ path, locations, message }) => ({ path, locations, message: message.startsWith('It ') ? message : null }));
  return JSON.parse(JSON.stringify({ data: data ?? null, errors: ran, refused: errors.some(({ path }) => !path) }));
}

describe('executing', () => {
  let compared = 0;
  afterAll(() => {
    console.log(`executing: ${compared} answers of compiled queries are those of graphql-js`);
    expect(compared).toBeGreaterThanOrEqual(100);
  });

  it.each(ASKED.map((asked) => [asked[0], asked] as const))('answers the same whichever way it is run, and each time: %s', async (_name, asked) => {
    const expected = shown(await run(new Executor(schema, 'never'), asked));
    for (const compiled of ['always', 'often'] as const) {
      const [executor, document] = [new Executor(schema, compiled), parse(asked[0])];
      for (let times = 0; times < 8; times += 1) {
        expect(shown(await run(executor, asked, document))).toEqual(expected);
        compared += 1;
      }
    }
  });

  it('compiles a query as often as it is told: never, always, or once it has been asked often', async () => {
    const interpreted = async (compiled: CompiledQueries): Promise<boolean[]> => {
      const [executor, document] = [new Executor(schema, compiled), parse('{ stack }')];
      const ways: boolean[] = [];
      while (ways.length < 8) ways.push(/graphql\/execution\/execute/.test(String((await run(executor, ['{ stack }'], document)).data?.['stack'])));
      return ways;
    };
    expect(await interpreted('never')).toEqual(Array(8).fill(true));
    expect(await interpreted('always')).toEqual(Array(8).fill(false));
    expect(await interpreted('often')).toEqual([...Array(5).fill(true), ...Array(3).fill(false)]);
  });
});
