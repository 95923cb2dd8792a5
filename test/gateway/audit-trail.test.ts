import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, commitment } from '../../src/core/audit-entry.js';
import { graphql } from '../generated/index.js';
import type { AuditTrailQuery, AuditTrailQueryVariables } from '../generated/graphql.js';
import type { Client } from '../support/client.js';
import { advance, bringTo, newCustomer, type Applicant } from '../support/flows.js';
import { CREATE_API_KEY, useGateway } from '../support/gateway.js';
import { operate } from '../support/operator.js';
import { CREATE_CUSTOMER, CUSTOMER, DEACTIVATE, EVENTS, REVIEW, REVOKE_API_KEY } from '../support/operations.js';
import { clientToken, CREATE_CLIENT_TOKEN, EXCHANGE_CODE, linkCode } from '../support/tokens.js';

let ahead = 0;
const overrides = { workers: false, clock: { now: () => new Date(Date.now() + ahead) } };
const gateway = useGateway({}, overrides);

const AUDIT_TRAIL = graphql(`
  query AuditTrail($first: Int! = 100, $after: String, $filter: AuditFilter) {
    auditTrail(first: $first, after: $after, filter: $filter) {
      edges {
        cursor
      }
      nodes {
        id
        position
        kind
        operation
        actor
        role
        occurredAt
        requestId
        customerId
        subjects
        eventIds
        fields
        code
        count
        reason
        entry
        hash
        salt
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const SET_POLICY = graphql(`
  mutation SetPolicyOf($input: UpdatePolicyInput!) {
    updatePolicy(input: $input) {
      organization {
        id
      }
    }
  }
`);

const FILE_URL = graphql(`
  query FileUrl($documentId: ID!) {
    documents(documentId: $documentId) {
      fileUploads {
        url
      }
    }
  }
`);

const CREATE_SESSION = graphql(`
  mutation SessionToEnter($input: CreateSessionInput!) {
    createSession(input: $input) {
      token
    }
  }
`);

type Entry = AuditTrailQuery['auditTrail']['nodes'][number];

let person: Applicant;
let admin: Client;

beforeAll(async () => {
  person = await bringTo(gateway, 'IN_REVIEW');
  admin = gateway.client(await gateway.key(person.id, 'ADMIN'));
});

async function trail(variables: AuditTrailQueryVariables = {}): Promise<Entry[]> {
  return (await admin.request(AUDIT_TRAIL, variables)).auditTrail.nodes;
}

const newest = async (variables: AuditTrailQueryVariables = {}): Promise<Entry> => (await trail({ ...variables, first: 1 }))[0]!;

describe('the audit trail holds', () => {
  it('every command of a caller, with who, what, about whom, by which request and its events', async () => {
    const answer = await person.reviewer.send(REVIEW, { input: { identityId: person.identityId, decision: 'REQUEST_INFORMATION', requiredDocuments: ['PASSPORT'] } });
    expect(answer.errors).toBeUndefined();
    const entry = await newest();
    expect(entry).toMatchObject({ kind: 'COMMAND', operation: 'reviewIdentity', role: 'REVIEWER', customerId: person.customerId, subjects: [person.identityId], requestId: answer.headers.get('x-request-id'), count: 1 });
    expect(entry.actor).toMatch(/^key_/);
    const events = await person.partner.request(EVENTS, { filter: { identityId: person.identityId } });
    const ofCommand = events.events.nodes.slice(-entry.eventIds.length);
    expect(entry.eventIds.length).toBeGreaterThan(0);
    expect(ofCommand.map(({ id }) => id).filter((id) => entry.eventIds.includes(id)).length).toBeGreaterThan(0);
  });

  it('what jobs and the provider do, by the name of the job and the request that let it happen', async () => {
    const jobs = (await trail()).filter(({ role }) => role === 'SYSTEM');
    expect(jobs.map(({ operation }) => operation)).toContain('verification.conclude');
    expect(jobs.length).toBeGreaterThanOrEqual(3);
    for (const { actor, operation, eventIds, customerId, salt } of jobs) {
      expect([actor, customerId, salt ?? null]).toEqual([operation, person.customerId, null]);
      expect(eventIds.length).toBeGreaterThan(0);
    }
  });

  it('no refused command, and none that was only rehearsed', async () => {
    const before = await newest();
    await person.partner.refusal(DEACTIVATE, { input: { customerId: 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz', reason: 'Asked for.' } });
    await person.partner.post({ query: 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }', variables: { input: { email: 'x', firstName: 'Ada' } } });
    expect(await newest()).toEqual(before);
  });

  it('a change of keys and of policy, the operator’s too, with the names of what changed', async () => {
    const { createApiKey } = await gateway.operator.request(CREATE_API_KEY, { input: { organizationId: person.id, role: 'PARTNER', name: 'Audited' } });
    expect(await newest()).toMatchObject({ kind: 'KEY_CHANGE', operation: 'createApiKey', actor: 'operator', role: 'OPERATOR', subjects: [createApiKey.apiKey.id] });
    await admin.request(REVOKE_API_KEY, { input: { apiKeyId: createApiKey.apiKey.id } });
    expect(await newest()).toMatchObject({ kind: 'KEY_CHANGE', operation: 'revokeApiKey', role: 'ADMIN', subjects: [createApiKey.apiKey.id] });
    await admin.request(SET_POLICY, { input: { policy: { minimumAge: 21, documentAttempts: 5 } } });
    expect(await newest()).toMatchObject({ kind: 'POLICY_CHANGE', operation: 'updatePolicy', fields: ['documentAttempts', 'minimumAge'] });
  });

  it('a file read, with the file, its document and whose it is', async () => {
    const url = (await person.reviewer.request(FILE_URL, { documentId: person.documentId })).documents[0]!.fileUploads[0]!.url!;
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(await newest()).toMatchObject({ kind: 'FILE_READ', operation: 'readFile', customerId: person.customerId, subjects: [expect.stringMatching(/^fup_/), person.documentId], requestId: answer.headers.get('x-request-id') });
  });

  it('whoever is given access to a customer: a client token, its renewal, an exchanged link and a session, none of them with the token', async () => {
    const partnerUserId = 'user-of-the-entered';
    const { id, partner, customerId } = await bringTo(gateway, 'APPROVED', { partnerUserId });
    const renewed = gateway.client(await clientToken(partner, customerId));
    const given = [renewed.key!, await clientToken(renewed, customerId)];
    const code = await linkCode(partner, customerId);
    given.push(code, (await gateway.client(code).request(EXCHANGE_CODE, { input: { code } })).exchangeVerificationCode.token);
    given.push((await partner.request(CREATE_SESSION, { input: { partnerUserId } })).createSession.token);
    const { nodes } = (await gateway.client(await gateway.key(id, 'ADMIN')).request(AUDIT_TRAIL, { filter: { customerId } })).auditTrail;
    const entries = nodes.slice(0, 4).reverse();
    expect(entries.map(({ kind, operation, role, customerId: about }) => [kind, operation, role, about])).toEqual([
      ['COMMAND', 'createClientToken', 'PARTNER', customerId],
      ['COMMAND', 'createClientToken', 'APPLICANT', customerId],
      ['COMMAND', 'exchangeVerificationCode', 'VISITOR', customerId],
      ['COMMAND', 'createSession', 'PARTNER', customerId],
    ]);
    expect(entries.map(({ actor }) => actor)).toEqual([expect.stringMatching(/^key_/), customerId, customerId, expect.stringMatching(/^key_/)]);
    for (const secret of [...given, partnerUserId]) expect(JSON.stringify(nodes)).not.toContain(secret);
  });

  it('no client token, session or exchange that is refused', async () => {
    const before = await newest();
    await person.partner.refusal(CREATE_CLIENT_TOKEN, { input: { customerId: person.customerId, expiresInSeconds: 1 } });
    await person.partner.refusal(CREATE_CLIENT_TOKEN, { input: { customerId: 'cus_01kb3v6k8pe2mvb5s3w3x0d2qz' } });
    await person.partner.refusal(CREATE_SESSION, { input: { partnerUserId: 'nobody' } });
    await gateway.client(await linkCode(person.partner, person.customerId)).refusal(EXCHANGE_CODE, { input: { code: 'another' } });
    expect(await newest()).toEqual(before);
  });

  it('what was asked only as a commitment, which opens to who has it and the salt', async () => {
    const input = { email: 'canary-4711@example.com', firstName: 'Canary4711', lastName: 'Audited' };
    await person.partner.request(CREATE_CUSTOMER, { input });
    const entry = await newest();
    expect(entry.entry).not.toMatch(/canary/i);
    const { inputCommitment } = JSON.parse(entry.entry) as { inputCommitment: string };
    expect(inputCommitment).toBe(commitment(entry.salt!, 'input', canonicalJson({ input: { ...input, type: 'INDIVIDUAL' } })));
    expect(inputCommitment).not.toBe(commitment(entry.salt!, 'input', canonicalJson({ input: { ...input, lastName: 'Other', type: 'INDIVIDUAL' } })));
  });
});

describe('refusals of rights', () => {
  it('are written once a minute with how often, however often they happen', async () => {
    const before = (await newest()).position;
    for (let round = 0; round < 200; round += 1) {
      expect(await person.partner.refusal(REVIEW, { input: { identityId: person.identityId, decision: 'APPROVE' } })).toMatchObject({ code: 'FORBIDDEN' });
    }
    const first = await newest();
    expect(first).toMatchObject({ kind: 'REFUSAL', operation: 'reviewIdentity', role: 'PARTNER', code: 'FORBIDDEN', count: 1, position: before + 1, salt: null });
    ahead += 61_000;
    await person.partner.refusal(REVIEW, { input: { identityId: person.identityId, decision: 'APPROVE' } });
    expect(await newest()).toMatchObject({ kind: 'REFUSAL', count: 200, position: before + 2 });
  });

  it('over WebSocket are written too', async () => {
    const socket = person.partner.socket();
    const refused = await new Promise((resolve) => socket.subscribe({ query: '{ auditTrail { nodes { id } } }' }, { next: resolve, error: resolve, complete: () => undefined }));
    expect(JSON.stringify(refused)).toContain('FORBIDDEN');
    expect(await newest()).toMatchObject({ kind: 'REFUSAL', operation: 'auditTrail', code: 'FORBIDDEN', actor: expect.stringMatching(/^key_/) });
    await socket.dispose();
  });

  it('by a key that was revoked are written with the key; by an unknown one they are not', async () => {
    const { createApiKey } = await gateway.operator.request(CREATE_API_KEY, { input: { organizationId: person.id, role: 'PARTNER', name: 'Lost' } });
    await admin.request(REVOKE_API_KEY, { input: { apiKeyId: createApiKey.apiKey.id } });
    await gateway.client(createApiKey.secret).post({ query: '{ lifecycle { to } }' });
    const written = await newest();
    expect(written).toMatchObject({ kind: 'REFUSAL', operation: 'authenticate', code: 'UNAUTHENTICATED', actor: createApiKey.apiKey.id });
    await gateway.client(createApiKey.secret.replace(/.$/, '_')).post({ query: '{ lifecycle { to } }' });
    await gateway.client('kyc_000000000000_0000000000000000000000000000000000000000000').post({ query: '{ lifecycle { to } }' });
    expect(await newest()).toEqual(written);
  });
});

describe('Query.auditTrail', () => {
  it('is a chain: each entry’s hash is its SHA-256, and holds the hash of the one before', async () => {
    let previous = '0'.repeat(64);
    const entries = (await trail()).reverse();
    expect(entries[0]!.position).toBe(1);
    for (const { entry, hash } of entries) {
      expect(hash).toBe(createHash('sha256').update(entry).digest('hex'));
      expect((JSON.parse(entry) as { previous: string }).previous).toBe(previous);
      previous = hash;
    }
    expect(entries.length).toBeGreaterThanOrEqual(20);
  });

  it('comes in pages without gap or repeat, newest first', async () => {
    const all = (await trail()).map(({ position }) => position);
    const paged: number[] = [];
    let after: string | null = null;
    for (;;) {
      const { auditTrail }: AuditTrailQuery = await admin.request(AUDIT_TRAIL, { first: 7, after });
      paged.push(...auditTrail.nodes.map(({ position }) => position));
      if (!auditTrail.pageInfo.hasNextPage) break;
      after = auditTrail.pageInfo.endCursor!;
    }
    expect(paged).toEqual(all);
    expect(all).toEqual([...all].sort((left, right) => right - left));
  });

  it('is narrowed by kind, customer, actor and time', async () => {
    expect((await trail({ filter: { kinds: ['POLICY_CHANGE'] } })).map(({ kind }) => kind)).toEqual(['POLICY_CHANGE']);
    expect(await trail({ filter: { kinds: [] } })).toEqual([]);
    const ofCustomer = await trail({ filter: { customerId: person.customerId } });
    expect(new Set(ofCustomer.map(({ customerId }) => customerId))).toEqual(new Set([person.customerId]));
    const ofOperator = await trail({ filter: { actor: 'operator' } });
    expect(new Set(ofOperator.map(({ role }) => role))).toEqual(new Set(['OPERATOR']));
    const [last] = await trail();
    expect((await trail({ filter: { occurredAfter: last!.occurredAt } })).at(-1)!.occurredAt).toBe(last!.occurredAt);
    expect((await trail({ filter: { occurredBefore: last!.occurredAt } }))[0]!.occurredAt < last!.occurredAt).toBe(true);
  });

  it.each(['', 'x', Buffer.from('audit:0').toString('base64url'), Buffer.from('audit:99999999999999999999').toString('base64url'), '\u0000', '\ud800'])('after: %j is no cursor of it, and BAD_USER_INPUT', async (after) => {
    expect(await admin.refusal(AUDIT_TRAIL, { after })).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'after' }] });
  });

  it('shows nothing of another organization, and is for ADMIN alone', async () => {
    const other = await gateway.organization();
    const theirs = gateway.client(await gateway.key(other.id, 'ADMIN'));
    const { nodes } = (await theirs.request(AUDIT_TRAIL, {})).auditTrail;
    expect(nodes.map(({ operation }) => operation)).toEqual(['createApiKey', 'createApiKey', 'createApiKey', 'createOrganization']);
    expect((await theirs.request(AUDIT_TRAIL, { filter: { customerId: person.customerId } })).auditTrail.nodes).toEqual([]);
    for (const client of [person.partner, person.reviewer, gateway.operator]) expect(await client.refusal(AUDIT_TRAIL, {})).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is one chain however many write at once', async () => {
    const before = (await newest()).position;
    await Promise.all(Array.from({ length: 20 }, (_, index) => newCustomer(person.partner, { email: `many-${index}@example.com` })));
    await advance(person.partner, 0);
    expect((await newest()).position).toBe(before + 21);
    expect((await person.partner.request(CUSTOMER, { id: person.customerId })).customer).not.toBeNull();
  });
});

describe('what opens the entries about a customer', () => {
  it('is encrypted under its data key, what was stored before is while the gateway serves, and both are shown as they were', async () => {
    const input = { customerId: await newCustomer(gateway.client(person.partner.key), { email: 'opening@example.com' }), reason: 'A reason of before.' };
    await gateway.client(person.partner.key).request(DEACTIVATE, { input });
    const before = await trail({ filter: { customerId: input.customerId } });
    const given = before.find(({ reason }) => reason === input.reason)!;
    const inThePlain = (): Promise<number> =>
      gateway.behindItsBack(async (query) => Number((await query('select count(*) as rows from audit_opening where customer_id is not null and (sealed is null or salt is not null or reason is not null)'))[0]!['rows']));
    expect(await inThePlain()).toBe(0);
    await gateway.behindItsBack((query) => query('update audit_opening set sealed = null, salt = $1, reason = $2 where organization_id = $3 and position = $4', [given.salt, given.reason, person.id, given.position]));
    expect(await inThePlain()).toBe(1);
    admin = gateway.client(admin.key);
    expect(await trail({ filter: { customerId: input.customerId } })).toEqual(before);
    overrides.workers = true;
    await gateway.stop();
    await gateway.start();
    await expect.poll(inThePlain, { timeout: 30_000, interval: 500 }).toBe(0);
    admin = gateway.client(admin.key);
    expect(await trail({ filter: { customerId: input.customerId } })).toEqual(before);
    overrides.workers = false;
  });

  it('does not open where it was moved to, which is INTERNAL_SERVER_ERROR and found by `audit verify`; the entries are read all the same', async () => {
    const partner = gateway.client(person.partner.key);
    const customerId = await newCustomer(partner, { email: 'moved@example.com' });
    await partner.request(DEACTIVATE, { input: { customerId, reason: 'One.' } });
    const [entry, first] = await trail({ filter: { customerId } });
    const sealed = await gateway.behindItsBack(async (query) => {
      const [kept] = await query('select sealed from audit_opening where organization_id = $1 and position = $2', [person.id, entry!.position]);
      await query('update audit_opening set sealed = (select sealed from audit_opening where organization_id = $1 and position = $2) where organization_id = $1 and position = $3', [person.id, first!.position, entry!.position]);
      return kept!['sealed'];
    });
    admin = gateway.client(admin.key);
    const { data, errors } = await admin.send(AUDIT_TRAIL, { filter: { customerId } });
    expect(data?.auditTrail.nodes).toEqual([{ ...entry, reason: null, salt: null }, first]);
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']);
    await gateway.stop();
    expect(await operate(gateway, 'audit', 'verify')).toMatchObject({ code: 1, error: expect.stringContaining(`entry ${entry!.position}: what opens its commitments does not open`) });
    await gateway.start();
    await gateway.behindItsBack((query) => query('update audit_opening set sealed = $3 where organization_id = $1 and position = $2', [person.id, entry!.position, sealed]));
    admin = gateway.client(admin.key);
    expect(await trail({ filter: { customerId, kinds: ['COMMAND'] } })).toEqual([entry, first]);
  });
});

describe('npm run gateway -- audit', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kyc-audit-'));
    await gateway.stop();
  });
  afterAll(() => rm(directory, { recursive: true }));

  const standalone = (...words: string[]) => promisify(execFile)(process.execPath, [join(directory, 'verify-audit.mjs'), ...words], { env: {}, cwd: directory }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { code: number; stderr: string }) => ({ code: error.code, out: error.stderr }),
  );

  it('verify says that every chain is unbroken; export writes it with an anchor and a verifier that needs nothing but Node', async () => {
    const verified = await operate(gateway, 'audit', 'verify');
    expect(verified).toMatchObject({ code: 0, error: '' });
    expect(verified.out.split('\n').every((line) => /^org_\w+: \d+ entries, unbroken to [0-9a-f]{64}$/.test(line))).toBe(true);
    const exported = await operate(gateway, 'audit', 'export', '--organization', person.id, '--to', directory);
    expect(exported).toMatchObject({ code: 0, error: '' });
    expect(exported.out.split('\n').map((path) => path.slice(directory.length + 1))).toEqual([`${person.id}.audit.jsonl`, `${person.id}.anchor.json`, 'verify-audit.mjs']);
    expect(await readFile(join(directory, 'verify-audit.mjs'), 'utf8')).not.toMatch(/from '(?!node:)/);
    const { code, out } = await standalone(`${person.id}.audit.jsonl`, '--anchor', `${person.id}.anchor.json`);
    expect([code, out.trim()]).toEqual([0, verified.out.split('\n').find((line) => line.startsWith(person.id))]);
    expect(await operate(gateway, 'audit', 'verify', '--anchor', join(directory, `${person.id}.anchor.json`))).toMatchObject({ code: 0 });
  });

  it('the verifier finds a changed line and, by the anchor alone, a chain that was cut and closed again', async () => {
    const path = join(directory, `${person.id}.audit.jsonl`);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    await writeFile(join(directory, 'changed.jsonl'), [...lines.slice(0, 5), lines[5]!.replace('"count":1', '"count":2'), ...lines.slice(6), ''].join('\n'));
    expect(await standalone('changed.jsonl')).toMatchObject({ code: 1, out: expect.stringContaining('entry 6 does not follow on the one before it') });
    const cut = lines.slice(1, -3);
    const head = { organizationId: person.id, position: cut.length, hash: createHash('sha256').update(cut.at(-1)!).digest('hex') };
    await writeFile(join(directory, 'cut.jsonl'), [JSON.stringify(head), ...cut, ''].join('\n'));
    expect((await standalone('cut.jsonl')).code).toBe(0);
    expect(await standalone('cut.jsonl', '--anchor', `${person.id}.anchor.json`)).toMatchObject({ code: 1, out: expect.stringContaining('which was anchored, is not there') });
  });

  it('a chain whose ledger was removed is not passed over by verify or export, and the verifier says the same of what was exported', async () => {
    const left = 'where the chain should end is not kept: the ledger of the organization is missing';
    const kept = await gateway.behindItsBack((query) => query('delete from organization_ledger where organization_id = $1 returning *', [person.id]));
    await gateway.stop();
    expect(await operate(gateway, 'audit', 'verify')).toMatchObject({ code: 1, error: expect.stringContaining(`${person.id}: ${left}`) });
    expect(await operate(gateway, 'audit', 'export', '--to', join(directory, 'left'))).toMatchObject({ code: 1, error: expect.stringContaining(`${person.id}: ${left}`) });
    await expect(readFile(join(directory, 'left', `${person.id}.anchor.json`))).rejects.toThrow('ENOENT');
    expect(await standalone(join('left', `${person.id}.audit.jsonl`))).toMatchObject({ code: 1, out: expect.stringContaining(left) });
    const [ledger] = kept;
    const columns = Object.keys(ledger!);
    await gateway.behindItsBack((query) => query(`insert into organization_ledger (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`, Object.values(ledger!)));
    await gateway.stop();
    expect(await operate(gateway, 'audit', 'verify')).toMatchObject({ code: 0, error: '' });
  });

  it.each([
    [['audit', 'export'], /needs --to/],
    [['audit', 'verify', '--organization', 'org_x'], /^--organization names no organization\.$/],
    [['audit', 'verify', '--anchor', 'nowhere.json'], /^--anchor names no file that holds an anchor/],
  ])('%j is refused in a sentence', async (words, said) => {
    expect(await operate(gateway, ...words)).toMatchObject({ code: 1, out: '', error: expect.stringMatching(said) });
  });
});
