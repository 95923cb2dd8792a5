import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isLeafType, isObjectType, isRequiredArgument, type GraphQLField, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/core/database.js';
import type { Client } from '../support/client.js';
import { bringTo, newCustomer, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';

// What a query will ask below its root is read in the root's own statement. A root field that a variable may leave out is
// not looked ahead from: the same is asked both ways, field by field, and the answers are the same.

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
/** The types whose objects are rows. */
const ROW_TYPES = ['Customer', 'Identity', 'Document', 'FileUpload', 'Signature'];
/** Row types below each other; some come back to where they began. */
const DEPTH = 4;
const UNTOLD = 'UNTOLD';

/** A field as it is selected: what it shows that is no row, in full. */
function selected(field: GraphQLField<unknown, unknown>): string {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return field.name;
  const inner = Object.values((type as GraphQLObjectType).getFields()).filter((below) => !below.args.some(isRequiredArgument) && isLeafType(getNamedType(below.type)));
  return `${field.name} { ${inner.map(({ name }) => name).join(' ') || '__typename'} }`;
}

function fieldsOf(typeName: string): GraphQLField<unknown, unknown>[] {
  return Object.values((schema.getType(typeName) as GraphQLObjectType).getFields()).filter(({ args }) => !args.some(isRequiredArgument));
}

const isRows = (field: GraphQLField<unknown, unknown>): boolean => ROW_TYPES.includes(getNamedType(field.type).name);

/** Selections of one field each, at the end of every way from a type through rows. */
function singleFields(typeName: string, depth: number): string[] {
  return fieldsOf(typeName).flatMap((field) => {
    const type = getNamedType(field.type);
    if (!isRows(field)) return isObjectType(type) && /Connection$/.test(type.name) ? [] : [selected(field)];
    return depth > 1 ? singleFields(type.name, depth - 1).map((inner) => `${field.name} { ${inner} }`) : [];
  });
}

/** Everything at once. */
function everything(typeName: string, depth: number): string {
  const parts = fieldsOf(typeName).flatMap((field) => {
    const type = getNamedType(field.type);
    if (!isRows(field)) return /Connection$/.test(type.name) ? [] : [selected(field)];
    return depth > 1 ? [`${field.name} { ${everything(type.name, depth - 1)} }`] : [];
  });
  return parts.join(' ');
}

describe('reading ahead', () => {
  let statements = 0;
  const gateway = useGateway({}, {
    workers: false,
    database: (opened) => counted(opened),
  });
  let someone: Applicant;
  let askers: Client[];
  let [asked, once] = [0, 0];

  function counted(database: Database): Database {
    return {
      ...database,
      select: (...parameters) => ((statements += 1), database.select(...parameters)),
      read: (...parameters) => ((statements += 1), database.read(...parameters)),
      forCustomer: (customerId) => counted(database.forCustomer(customerId)),
    } as Database;
  }

  beforeAll(async () => {
    someone = await bringTo(gateway, 'APPROVED');
    await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS', { organization: someone });
    await newCustomer(someone.partner, { email: 'nothing.yet@example.com' });
    askers = [someone.partner, someone.reviewer, gateway.client(await gateway.key(someone.id, 'ADMIN'))];
  });

  afterAll(() => {
    console.log(`reading ahead: ${asked} selections answered the same as without, ${once} of them by one statement`);
    expect(asked).toBeGreaterThan(150);
    expect(once).toBeGreaterThan((asked * 2) / 3);
  });

  /** Asks both ways. */
  async function compare(client: Client, root: string, selection: string): Promise<void> {
    const before = statements;
    const ahead = await client.post({ query: `{ ${root} { ${selection} } }`, variables: {} });
    const taken = statements - before;
    const without = await client.post({ query: `query ($asked: Boolean! = true) { ${root} @include(if: $asked) { ${selection} } }`, variables: {} });
    expect(ahead.json.errors, `${root} ${selection}`).toBeUndefined();
    expect(told(ahead.text), `${root} ${selection}`).toBe(told(without.text));
    asked += 1;
    if (taken === 1) once += 1;
  }

  /** An answer without what each answer has made anew. */
  function told(text: string): string {
    return text.replaceAll(/expires=\d+&signature=[\w-]+/g, UNTOLD).replaceAll(/verify#[\w.-]+/g, UNTOLD);
  }

  it('every field of every row, alone, is what it is without', async () => {
    for (const selection of singleFields('Customer', DEPTH)) await compare(someone.partner, `customer(id: "${someone.customerId}")`, selection);
  });

  it('everything together is what it is without, for each role, of one customer, of a page, and from below', async () => {
    for (const client of askers) {
      await compare(client, `customer(id: "${someone.customerId}")`, everything('Customer', DEPTH - 1));
      await compare(client, 'customers(first: 10)', `nodes { ${everything('Customer', DEPTH - 1)} } edges { cursor node { ${everything('Customer', 2)} } } pageInfo { hasNextPage endCursor }`);
      await compare(client, `identity(id: "${someone.identityId}")`, everything('Identity', DEPTH - 1));
      await compare(client, 'identities', `nodes { ${everything('Identity', DEPTH - 1)} }`);
      await compare(client, `documents(identityId: "${someone.identityId}")`, everything('Document', DEPTH - 1));
      await compare(client, `documents(documentId: "${someone.documentId}")`, everything('Document', DEPTH - 1));
    }
  });

  it('fields that a variable leaves out, fragments and several roots at once are what they are without', async () => {
    const id = `customer(id: "${someone.customerId}")`;
    const identity = `identity(id: "${someone.identityId}")`;
    const fragments = 'fragment Person on Customer { email identity { ...Attempt } } fragment Attempt on Identity { id documents { number fileUploads { fileName } } }';
    for (const [query, without] of [
      [`query ($no: Boolean! = false) { ${id} { id email @include(if: $no) identity @skip(if: $no) { kycData { legalFirstName } ... on Identity @include(if: $no) { documents { id } } } } }`,
        `query ($no: Boolean! = false, $yes: Boolean! = true) { ${id} @include(if: $yes) { id email @include(if: $no) identity @skip(if: $no) { kycData { legalFirstName } ... on Identity @include(if: $no) { documents { id } } } } }`],
      [`{ ${id} { ...Person } } ${fragments}`, `query ($yes: Boolean! = true) { ${id} @include(if: $yes) { ...Person } } ${fragments}`],
      [`{ a: ${id} { email } b: customer(id: "${someone.customerId}") { identity { documents { id } } } c: ${identity} { customer { email } documents { number } } customers { nodes { identity { id } } } }`,
        `query ($yes: Boolean! = true) { a: ${id} @include(if: $yes) { email } b: customer(id: "${someone.customerId}") @include(if: $yes) { identity { documents { id } } } c: ${identity} @include(if: $yes) { customer { email } documents { number } } customers @include(if: $yes) { nodes { identity { id } } } }`],
    ] as const) {
      const [ahead, plain] = [await someone.partner.post({ query, variables: {} }), await someone.partner.post({ query: without, variables: {} })];
      expect(ahead.json.errors, query).toBeUndefined();
      expect(told(ahead.text), query).toBe(told(plain.text));
      asked += 1;
    }
  });
});
