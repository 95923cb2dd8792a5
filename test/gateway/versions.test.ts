import { describe, expect, it } from 'vitest';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { bringTo, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER, PATCH_CUSTOMER, PATCH_IDENTITY, REVIEW, SNAPSHOT } from '../support/operations.js';

// ifVersion: what is changed is what was read.
const gateway = useGateway({}, { workers: false });

type Ask = (person: Applicant, ifVersion: number | null | undefined) => { document: TypedDocumentNode<unknown, unknown>; input: object };
const asked = (document: object, input: object) => ({ document: document as TypedDocumentNode<unknown, unknown>, input });

interface Case {
  name: string;
  status: 'AWAITING_DOCUMENT_UPLOAD' | 'IN_REVIEW';
  role: 'partner' | 'reviewer';
  object: 'customer' | 'identity';
  ask: Ask;
}

const CASES: readonly Case[] = [
  {
    name: 'patchCustomer', status: 'AWAITING_DOCUMENT_UPLOAD', role: 'partner', object: 'customer',
    ask: ({ customerId }, ifVersion) => asked(PATCH_CUSTOMER, { customerId, firstName: 'Grace', ifVersion }),
  },
  {
    name: 'patchIdentity', status: 'AWAITING_DOCUMENT_UPLOAD', role: 'partner', object: 'identity',
    ask: ({ identityId }, ifVersion) => asked(PATCH_IDENTITY, { identityId, userId: 'user-1', ifVersion }),
  },
  {
    name: 'reviewIdentity', status: 'IN_REVIEW', role: 'reviewer', object: 'identity',
    ask: ({ identityId }, ifVersion) => asked(REVIEW, { identityId, decision: 'DECLINE', ifVersion }),
  },
];

async function versionOf(person: Applicant, object: Case['object']): Promise<number> {
  const { customer } = await person.partner.request(CUSTOMER, { id: person.customerId });
  return object === 'customer' ? customer!.version : customer!.identity!.version;
}

const snapshot = (person: Applicant) => person.partner.request(SNAPSHOT, { id: person.customerId });

describe.each(CASES)('$name with ifVersion', ({ status, role, object, ask }) => {
  it.each([['of the past', -1], ['of the future', 1], ['of the far future', 1_000_000]])('%s is CONFLICT with the current version, and changes nothing', async (_name, distance) => {
    const person = await bringTo(gateway, status);
    const before = await snapshot(person);
    const version = await versionOf(person, object);
    const { document, input } = ask(person, version + distance);
    expect(await person[role].refusal(document, { input })).toMatchObject({ code: 'CONFLICT', statusCode: 409, version });
    expect(await snapshot(person)).toEqual(before);
  });

  it.each([0, -1, -2_147_483_648])('%i, which no version can be, is BAD_USER_INPUT beside every other fault', async (ifVersion) => {
    const person = await bringTo(gateway, status);
    const { document, input } = ask(person, ifVersion);
    const wrong = { ...input, ...(object === 'customer' ? { lastName: ' ' } : role === 'reviewer' ? { note: ' ' } : { enterpriseId: '\u0000' }) };
    const refused = await person[role].refusal(document, { input: wrong });
    expect(refused.code).toBe('BAD_USER_INPUT');
    expect(refused.fields?.map(({ path, code }) => `${path} ${code === 'out_of_range' ? code : ''}`)).toContain('ifVersion out_of_range');
    expect(refused.fields).toHaveLength(2);
  });

  it('that is current, null or absent is accepted', async () => {
    for (const held of ['current', null, undefined] as const) {
      const person = await bringTo(gateway, status);
      const { document, input } = ask(person, held === 'current' ? await versionOf(person, object) : held);
      await person[role].request(document, { input });
    }
  });

  it('of the same reading, many times at once: one is accepted, the rest are CONFLICT', async () => {
    const person = await bringTo(gateway, status);
    const version = await versionOf(person, object);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        const { document, input } = ask(person, version);
        return person[role].send(document, { input: { ...input, ...(object === 'customer' ? { firstName: `Grace ${index}` } : {}) } });
      }),
    );
    const refused = answers.flatMap(({ errors }) => errors?.[0]?.extensions?.['code'] ?? []);
    expect(refused).toEqual(Array.from({ length: answers.length - 1 }, () => 'CONFLICT'));
  });
});
