import { buildASTSchema, extendSchema, GraphQLSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { emptySchema } from '../src/gateway.js';
import { FIELD_PERMISSIONS, NOT_FOR_APPLICANTS } from '../src/graphql/field-permissions.js';
import { enforcePermissions, PERMISSIONS } from '../src/graphql/permissions.js';

const schema = emptySchema();
const nobody = (): Promise<void> => Promise.resolve();

/** What the gateway says of a schema that somebody has added to. */
function started(addition: string): GraphQLSchema {
  const extended = extendSchema(schema, parse(addition));
  enforcePermissions(extended, nobody);
  return extended;
}

describe('the permission map', () => {
  it.each(['Query', 'Mutation', 'Subscription'])('keeps the gateway from starting when a field of %s has no rule', (type) => {
    expect(() => started(`extend type ${type} { everything: String }`)).toThrow(`${type}.everything has no permission rule`);
  });

  it.each(Object.keys(FIELD_PERMISSIONS))('keeps it from starting when a field of %s has none', (type) => {
    expect(() => started(`extend type ${type} { secret: String }`)).toThrow(`${type}.secret has no permission rule`);
  });

  it.each(['KycData', 'Requirement', 'PatchCustomerPayload', 'EventEdge'])('keeps it from starting when applicants get from %s to a type without rules', (type) => {
    expect(() => started(`extend type ${type} { more: More } type More { secret: String }`)).toThrow('Applicants can get to see More, which has no permission rules');
  });

  it('asks no rules of a type that only others get to see', () => {
    expect(() => started('extend type DocumentFinding { more: More } type More { secret: String }')).not.toThrow();
  });

  it('keeps it from starting when a rule is for a field that there is not', () => {
    const poor = buildASTSchema(parse('type Query { node: String } type Mutation { patchCustomer: String } type Subscription { customerStatusChanged: String }'));
    expect(() => enforcePermissions(poor, nobody)).toThrow(/There is a permission rule for Query\.\w+, but no such field/);
  });

  it('covers every root field, and every field of every type that applicants see through theirs', () => {
    const roots = Object.values(PERMISSIONS).reduce((sum, rules) => sum + Object.keys(rules).length, 0);
    const fields = Object.values(FIELD_PERMISSIONS).reduce((sum, { shown, kept }) => sum + shown.length + Object.keys(kept).length, 0);
    console.log(`permission map: ${roots} root fields, ${fields} fields of ${Object.keys(FIELD_PERMISSIONS).length} types, ${NOT_FOR_APPLICANTS.length} inputs kept from applicants`);
    expect(roots).toBeGreaterThanOrEqual(45);
    expect(fields).toBeGreaterThanOrEqual(70);
  });
});
