import 'reflect-metadata';
import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { LIMITS, limitsWith } from '../src/graphql/limits.js';
import { Operations, type Prepared } from '../src/graphql/operations.js';

const operations = new Operations(buildSchema('type Query { a(b: String): Int }'), { limits: limitsWith({}), introspection: true, trusted: null });

function prepared(query: string): Prepared {
  const result = operations.prepare({ query, operationName: null, variables: null, extensions: null }, 'POST');
  if (!('document' in result)) throw new Error('The document was refused');
  return result;
}

describe('documents', () => {
  it('are kept parsed and validated, by which what is compiled of them is kept', () => {
    expect(prepared('{ a }').operation).toBe(prepared('{ a }').operation);
  });

  it('are kept in bounds: callers who send ever new ones drive out what nobody asks for, with what was compiled of it, and nothing that is asked', () => {
    const [asked, unasked] = [prepared('{ a }').operation, prepared('{ b: a }').operation];
    const padding = ' '.repeat(LIMITS.characters.value - 100);
    for (let others = 0; others < 100; others += 1) {
      prepared(`{ a(b: "${others}")${padding} }`);
      expect(prepared('{ a }').operation).toBe(asked);
    }
    expect(prepared('{ b: a }').operation).not.toBe(unasked);
  });
});
