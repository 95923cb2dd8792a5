import { beforeAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { Client } from '../support/client.js';
import { bringTo, photo } from '../support/flows.js';
import { useGateway, type TestOrganization } from '../support/gateway.js';
import { PATCH_IDENTITY, UPDATE_DOCUMENT } from '../support/operations.js';

let ahead = 0;
const gateway = useGateway({}, { workers: false, clock: { now: () => new Date(Date.now() + ahead) } });

const REVEAL = graphql(`
  mutation RevealKycData($input: RevealKycDataInput!) {
    revealKycData(input: $input) {
      kycData {
        legalFirstName
        nationalIdNumber
        dateOfBirth
        address {
          city
          postalCode
        }
      }
      documents {
        documentId
        number
      }
      identity {
        id
        kycData {
          nationalIdNumber
        }
      }
    }
  }
`);

const MASKED = graphql(`
  query MaskedNumbers($id: ID!) {
    identity(id: $id) {
      kycData {
        nationalIdNumber
        legalFirstName
      }
      documents {
        number
      }
    }
  }
`);

const REVEALS = graphql(`
  query RevealsOf($filter: AuditFilter) {
    auditTrail(first: 100, filter: $filter) {
      nodes {
        kind
        actor
        role
        fields
        reason
        requestId
        customerId
        subjects
        entry
      }
    }
  }
`);

const NATIONAL_ID = '123-45-6789';
const PASSPORT = 'C01X00T47';
const REASON = 'The bank asks for it in case 4711.';

let organization: TestOrganization;
let admin: Client;
let customerId: string;
let identityId: string;
let documentId: string;

beforeAll(async () => {
  const person = await bringTo(gateway, 'INCOMPLETE_VERIFICATIONS');
  ({ customerId, identityId, documentId } = person);
  organization = person;
  admin = gateway.client(await gateway.key(organization.id, 'ADMIN'));
  await person.partner.request(PATCH_IDENTITY, { input: { identityId, debugStatus: 'PASSED' } });
  await person.partner.request(UPDATE_DOCUMENT, { input: { documentId, selectedIdClass: 'PASSPORT', number: PASSPORT, frontPhoto: await photo() } });
});

const reveals = async () => (await admin.request(REVEALS, { filter: { kinds: ['REVEAL'] } })).auditTrail.nodes;

describe('numbers', () => {
  it('are masked for everyone, and the rest is not', async () => {
    for (const client of [organization.partner, organization.reviewer, admin]) {
      const { identity } = await client.request(MASKED, { id: identityId });
      expect(identity).toMatchObject({ kycData: { nationalIdNumber: '***-**-6789', legalFirstName: 'Grace' }, documents: [{ number: '*****0T47' }] });
    }
  });

  it.each(['partner', 'reviewer'] as const)('are revealed to %s, with an entry of the audit trail: who, which fields, why, by which request', async (role) => {
    const before = (await reveals()).length;
    const answer = await organization[role].send(REVEAL, { input: { identityId, fields: ['nationalIdNumber', 'documents.number', 'kycData.address.city'], reason: REASON } });
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.revealKycData).toMatchObject({
      kycData: { nationalIdNumber: NATIONAL_ID, legalFirstName: null, dateOfBirth: null, address: { city: 'San Francisco', postalCode: null } },
      documents: [{ documentId, number: PASSPORT }],
      identity: { id: identityId, kycData: { nationalIdNumber: '***-**-6789' } },
    });
    const entries = await reveals();
    expect(entries.length).toBe(before + 1);
    expect(entries[0]).toMatchObject({
      kind: 'REVEAL', actor: expect.stringMatching(/^key_/), role: role.toUpperCase(), fields: ['nationalIdNumber', 'documents.number', 'address.city'], reason: REASON,
      requestId: answer.headers.get('x-request-id'), customerId, subjects: [identityId, documentId],
    });
    for (const value of [NATIONAL_ID, PASSPORT, REASON, '6789', '0T47']) expect(entries[0]!.entry).not.toContain(value);
  });

  it('are not revealed to ADMIN or the operator', async () => {
    const before = (await reveals()).length;
    for (const client of [admin, gateway.operator]) expect(await client.refusal(REVEAL, { input: { identityId, fields: ['nationalIdNumber'], reason: REASON } })).toMatchObject({ code: 'FORBIDDEN' });
    expect((await reveals()).length).toBe(before);
  });

  it('are not revealed without fields, of fields that there are not, or without a reason: every fault at once, and no entry', async () => {
    const before = (await reveals()).length;
    const { fields, code } = await organization.partner.refusal(REVEAL, { input: { identityId, fields: ['nationalIdNumber', 'shoeSize', 'address'], reason: '  ' } });
    expect(code).toBe('BAD_USER_INPUT');
    expect(fields?.map(({ path }) => path)).toEqual(['reason', 'fields.1', 'fields.2']);
    expect(fields?.[1]).toMatchObject({ code: 'unknown_field', message: expect.stringMatching(/nationalIdNumber.*address\.city.*documents\.number/) });
    expect(fields?.[1]?.message).not.toContain('shoeSize');
    expect(await organization.partner.refusal(REVEAL, { input: { identityId, fields: [], reason: REASON } })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'fields', code: 'required' }] });
    const other = await gateway.organization();
    expect(await other.partner.refusal(REVEAL, { input: { identityId, fields: ['nationalIdNumber'], reason: REASON } })).toMatchObject({ code: 'NOT_FOUND' });
    expect((await reveals()).length).toBe(before);
  });

  it('are revealed to a key 300 times an hour and no more; then again', async () => {
    const client = gateway.client(await gateway.key(organization.id, 'REVIEWER'));
    const input = { identityId, fields: ['nationalIdNumber'], reason: REASON };
    let revealed = 0;
    for (let round = 0; round < 300; round += 1) if ((await client.request(REVEAL, { input })).revealKycData.kycData.nationalIdNumber === NATIONAL_ID) revealed += 1;
    const refused = await client.refusal(REVEAL, { input });
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', statusCode: 429 });
    expect(refused['retryAfter']).toBeGreaterThan(3_000);
    expect((await organization.reviewer.request(REVEAL, { input })).revealKycData.kycData.nationalIdNumber).toBe(NATIONAL_ID);
    ahead += 3_601_000;
    expect((await client.request(REVEAL, { input })).revealKycData.kycData.nationalIdNumber).toBe(NATIONAL_ID);
    expect(revealed).toBe(300);
  });
});
