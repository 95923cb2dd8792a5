import { afterAll, describe, expect, it } from 'vitest';
import { graphql } from '../generated/index.js';
import type { Action, CustomerStatus, IdentityStatus, KycStatus } from '../generated/graphql.js';
import type { Client, RefusalFacts } from '../support/client.js';
import { advance, bringTo, CONTRACTS, newCustomer, photo, signature, STATUSES, type Applicant } from '../support/flows.js';
import { useGateway } from '../support/gateway.js';
import { CUSTOMER_CHANGES } from '../support/changes.js';
import { DEACTIVATE, PATCH_CUSTOMER, PATCH_IDENTITY, REACTIVATE, REQUIRE_REVERIFICATION, REVIEW, SNAPSHOT, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES, UPDATE_DOCUMENT } from '../support/operations.js';
import { CALIFORNIAN } from '../support/people.js';

// Every status that a person can be in × every action × every role. Nothing moves by itself here: no workers.
const gateway = useGateway({}, { workers: false });

const LIFECYCLE = graphql(`
  query Lifecycle {
    lifecycle {
      from
      event
      to
      customerStatus
      kycStatus
    }
  }
`);

const ALLOWED = graphql(`
  query AllowedActions($customerId: ID!) {
    customer(id: $customerId) {
      status
      allowedActions
      identity {
        status
        allowedActions
      }
    }
  }
`);

type Role = 'PARTNER' | 'REVIEWER' | 'ADMIN';
const ROLES: readonly Role[] = ['PARTNER', 'REVIEWER', 'ADMIN'];
const STAFF: readonly Role[] = ['REVIEWER', 'ADMIN'];
const PARTNER: readonly Role[] = ['PARTNER'];

/** "Who may change what, when" (domain.md), written out once more. */
const RULES: Readonly<Record<Action, { customer: readonly CustomerStatus[]; identity: readonly IdentityStatus[]; roles: readonly Role[] }>> = {
  SUBMIT_IDENTITY: { customer: ['CREATED', 'REJECTED'], identity: ['EXPIRED'], roles: PARTNER },
  PATCH_CUSTOMER: { customer: ['CREATED', 'NEEDS_ADDITIONAL_INFORMATION', 'REJECTED'], identity: [], roles: PARTNER },
  PATCH_IDENTITY: { customer: [], identity: ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS', 'INPUT_ERROR', 'SSN_ERROR'], roles: PARTNER },
  SUBMIT_DOCUMENT: { customer: [], identity: ['AWAITING_DOCUMENT_UPLOAD', 'INCOMPLETE_VERIFICATIONS'], roles: PARTNER },
  UPDATE_DOCUMENT: { customer: [], identity: ['INCOMPLETE_VERIFICATIONS'], roles: PARTNER },
  SUBMIT_SIGNATURES: { customer: [], identity: ['AWAITING_SIGNATURE'], roles: PARTNER },
  DEACTIVATE: { customer: ['CREATED', 'UNDER_REVIEW', 'NEEDS_ADDITIONAL_INFORMATION', 'ACTIVE', 'REJECTED'], identity: [], roles: PARTNER },
  REACTIVATE: { customer: ['DEACTIVATED'], identity: [], roles: PARTNER },
  REVIEW: { customer: [], identity: ['IN_REVIEW'], roles: STAFF },
  REQUIRE_REVERIFICATION: { customer: [], identity: ['APPROVED'], roles: STAFF },
};
const ACTIONS = Object.keys(RULES) as Action[];

/** The table of domain.md: "from: event → to, …". */
const TABLE = `
(none): submit → INITIATING
INITIATING: evaluate → EVALUATING_SUBMISSION
EVALUATING_SUBMISSION: reject_input → INPUT_ERROR, reject_ssn → SSN_ERROR, require_documents → AWAITING_DOCUMENT_UPLOAD, receive_documents → RECORDS_UPLOADED, flag → IN_REVIEW, time_out → EXPIRED, pass → AWAITING_SIGNATURE, pass_unsigned → APPROVED, decline → DECLINED
INPUT_ERROR: patch → INITIATING, expire → EXPIRED
SSN_ERROR: patch → INITIATING, expire → EXPIRED
AWAITING_DOCUMENT_UPLOAD: receive_documents → RECORDS_UPLOADED, patch → INITIATING, expire → EXPIRED
RECORDS_UPLOADED: pass_documents → IN_REVIEW, fail_documents → INCOMPLETE_VERIFICATIONS, exhaust_attempts → IN_REVIEW, flag → IN_REVIEW
INCOMPLETE_VERIFICATIONS: receive_documents → RECORDS_UPLOADED, patch → INITIATING, expire → EXPIRED
IN_REVIEW: approve → AWAITING_SIGNATURE, approve_unsigned → APPROVED, decline → DECLINED, request_information → INCOMPLETE_VERIFICATIONS, request_correction → INPUT_ERROR
AWAITING_SIGNATURE: sign → AWAITING_SIGNATURE, complete_signatures → SIGNATURE_SUBMITTED, expire → EXPIRED
SIGNATURE_SUBMITTED: finish → APPROVED
APPROVED: require_reverification → EXPIRED`;

const PROJECTIONS: Readonly<Record<IdentityStatus, readonly [CustomerStatus, KycStatus]>> = {
  INITIATING: ['UNDER_REVIEW', 'PENDING'],
  EVALUATING_SUBMISSION: ['UNDER_REVIEW', 'PENDING'],
  RECORDS_UPLOADED: ['UNDER_REVIEW', 'PENDING'],
  SIGNATURE_SUBMITTED: ['UNDER_REVIEW', 'PENDING'],
  IN_REVIEW: ['UNDER_REVIEW', 'PENDING'],
  AWAITING_SIGNATURE: ['UNDER_REVIEW', 'PENDING'],
  AWAITING_DOCUMENT_UPLOAD: ['NEEDS_ADDITIONAL_INFORMATION', 'PENDING'],
  INCOMPLETE_VERIFICATIONS: ['NEEDS_ADDITIONAL_INFORMATION', 'FAILED'],
  INPUT_ERROR: ['NEEDS_ADDITIONAL_INFORMATION', 'FAILED'],
  SSN_ERROR: ['NEEDS_ADDITIONAL_INFORMATION', 'FAILED'],
  APPROVED: ['ACTIVE', 'VERIFIED'],
  DECLINED: ['REJECTED', 'FAILED'],
  EXPIRED: ['NEEDS_ADDITIONAL_INFORMATION', 'FAILED'],
};

/** Where somebody stands: in an attempt's status or before any attempt, switched off or not. */
interface Standing {
  identity: IdentityStatus | null;
  deactivated: boolean;
}
const STANDINGS: Standing[] = [false, true].flatMap((deactivated) => [null, ...STATUSES].map((identity) => ({ identity, deactivated })));

/** A person who stands so; without an attempt the ids of another's attempt are absent. */
async function stand({ identity, deactivated }: Standing): Promise<Applicant> {
  const person = identity === null ? await withoutAttempt() : await bringTo(gateway, identity);
  if (deactivated) await person.partner.request(DEACTIVATE, { input: { customerId: person.customerId, reason: 'Asked for.' } });
  return person;
}

async function withoutAttempt(): Promise<Applicant> {
  const organization = await gateway.organization();
  return { ...organization, customerId: await newCustomer(organization.partner), identityId: '', documentId: '' };
}

type Outcome = 'accepted' | RefusalFacts;
type Attempt = (client: Client, person: Applicant) => Promise<Outcome>;

async function outcome(answer: Promise<{ data: unknown; errors: readonly { extensions?: unknown }[] | undefined }>): Promise<Outcome> {
  const { errors } = await answer;
  return errors?.[0] ? (errors[0].extensions as RefusalFacts) : 'accepted';
}

/** Each action with input that only the state can refuse. */
const ASK: Readonly<Record<Action, Attempt>> = {
  SUBMIT_IDENTITY: (client, { customerId }) => outcome(client.send(SUBMIT_IDENTITY, { input: { customerId, kycData: CALIFORNIAN, transactionType: 'INSTITUTIONAL_INDIVIDUAL' } })),
  PATCH_CUSTOMER: (client, { customerId }) => outcome(client.send(PATCH_CUSTOMER, { input: { customerId, kycData: { address: { city: 'Berkeley' } } } })),
  PATCH_IDENTITY: (client, { identityId }) => outcome(client.send(PATCH_IDENTITY, { input: { identityId, kycData: { address: { city: 'Berkeley' } } } })),
  SUBMIT_DOCUMENT: async (client, { identityId }) => outcome(client.send(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } })),
  UPDATE_DOCUMENT: async (client, { documentId }) => outcome(client.send(UPDATE_DOCUMENT, { input: { documentId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } })),
  SUBMIT_SIGNATURES: (client, { identityId }) => outcome(client.send(SUBMIT_SIGNATURES, { input: { identityId, signatures: CONTRACTS.map((contract) => signature(contract)) } })),
  DEACTIVATE: (client, { customerId }) => outcome(client.send(DEACTIVATE, { input: { customerId, reason: 'Asked for.' } })),
  REACTIVATE: (client, { customerId }) => outcome(client.send(REACTIVATE, { input: { customerId } })),
  REVIEW: (client, { identityId }) => outcome(client.send(REVIEW, { input: { identityId, decision: 'APPROVE' } })),
  REQUIRE_REVERIFICATION: (client, { customerId }) => outcome(client.send(REQUIRE_REVERIFICATION, { input: { customerId, reason: 'The data is old.' } })),
};

/** These name an attempt or a document: without an attempt there is nothing to name. */
const NEEDS_ATTEMPT: readonly Action[] = ['PATCH_IDENTITY', 'SUBMIT_DOCUMENT', 'UPDATE_DOCUMENT', 'SUBMIT_SIGNATURES', 'REVIEW'];

function expectedActions({ identity, deactivated }: Standing, role: Role): Action[] {
  const customerStatus = deactivated ? 'DEACTIVATED' : identity === null ? 'CREATED' : PROJECTIONS[identity][0];
  return ACTIONS.filter((action) => {
    const { customer, identity: attempts, roles } = RULES[action];
    return roles.includes(role) && (customer.includes(customerStatus) || (!deactivated && identity !== null && attempts.includes(identity)));
  });
}

async function clientsOf(person: Applicant): Promise<Record<Role, Client>> {
  return { PARTNER: person.partner, REVIEWER: person.reviewer, ADMIN: gateway.client(await gateway.key(person.id, 'ADMIN')) };
}

/** The organization's newest position in the order of its events: they have no gaps, so the difference counts them. */
async function position(person: Applicant): Promise<number> {
  const changes = await person.partner.subscribe(CUSTOMER_CHANGES, {});
  await newCustomer(person.partner);
  const [fence] = await changes.take(1);
  await changes.close();
  return Number(Buffer.from(fence!.customerStatusChanged.cursor, 'base64url').toString().split(':').at(-1));
}

/** Milliseconds: some thirty people are brought somewhere by the slowest of these tests. */
const LONGEST = 180_000;
const counts = { refused: 0, forbidden: 0, accepted: 0, standings: 0 };

describe('the lifecycle matrix', () => {
  it.each(STANDINGS)('$identity, deactivated $deactivated: what is offered is accepted; all else is refused, with the facts, and changes nothing', async (standing) => {
    const person = await stand(standing);
    const clients = await clientsOf(person);
    const before = await person.partner.request(SNAPSHOT, { id: person.customerId });
    const first = await position(person);
    for (const role of ROLES) {
      const { customer } = await clients[role].request(ALLOWED, { customerId: person.customerId });
      const offered = customer!.allowedActions;
      expect([customer?.identity?.status ?? null, offered]).toEqual([standing.identity, expectedActions(standing, role)]);
      if (customer?.identity) expect(customer.identity.allowedActions).toEqual(offered);
      for (const action of ACTIONS.filter((each) => !offered.includes(each))) {
        if (standing.identity === null && NEEDS_ATTEMPT.includes(action)) continue;
        const refused = await ASK[action](clients[role], person);
        expectRefusal(refused, action, role, { customerStatus: customer!.status, identityStatus: standing.identity, allowedActions: offered });
        if (RULES[action].roles.includes(role)) expect(await person.partner.request(SNAPSHOT, { id: person.customerId }), `${role} ${action}`).toEqual(before);
      }
    }
    expect(await person.partner.request(SNAPSHOT, { id: person.customerId })).toEqual(before);
    expect(await position(person), 'no event was written between the fences').toBe(first + 1);
    for (const role of ROLES) for (const action of expectedActions(standing, role)) await expectAccepted(standing, role, action);
    counts.standings += 1;
  }, LONGEST);

  afterAll(() => {
    console.log(`lifecycle matrix: ${counts.standings} standings; ${counts.accepted} accepted, ${counts.refused} refused by the state, ${counts.forbidden} by the role`);
    expect(counts.standings).toBe(2 * (STATUSES.length + 1));
    expect(counts.accepted + counts.refused + counts.forbidden).toBeGreaterThanOrEqual(800);
    expect(counts.accepted).toBeGreaterThanOrEqual(50);
  });

  function expectRefusal(refused: Outcome, action: Action, role: Role, facts: object): void {
    const { roles, customer, identity } = RULES[action];
    if (!roles.includes(role)) {
      expect(refused, `${role} ${action}`).toMatchObject({ code: 'FORBIDDEN', statusCode: 403 });
      counts.forbidden += 1;
      return;
    }
    expect(refused, `${role} ${action}`).toMatchObject({ code: 'PATCH_NOT_ALLOWED', statusCode: 400, allowedStatuses: [...customer, ...identity], ...facts });
    counts.refused += 1;
  }

  /** With somebody of its own: what is accepted moves them on. */
  async function expectAccepted(standing: Standing, role: Role, action: Action): Promise<void> {
    const person = await stand(standing);
    const before = (await person.partner.request(SNAPSHOT, { id: person.customerId })).customer!;
    expect(await ASK[action]((await clientsOf(person))[role], person), `${role} ${action}`).toBe('accepted');
    const after = (await person.partner.request(SNAPSHOT, { id: person.customerId })).customer!;
    expect(after.version, `${role} ${action}`).toBe(before.version + 1);
    counts.accepted += 1;
  }

  it('an attempt that is no longer its customer’s current one allows nothing', async () => {
    const person = await bringTo(gateway, 'DECLINED');
    await ASK.SUBMIT_IDENTITY(person.partner, person);
    await advance(person.partner, 0);
    const before = await person.partner.request(SNAPSHOT, { id: person.customerId });
    expect(before.customer?.identities.nodes.find(({ id }) => id === person.identityId)?.allowedActions).toEqual([]);
    for (const action of NEEDS_ATTEMPT) {
      const refused = await ASK[action](action === 'REVIEW' ? person.reviewer : person.partner, person);
      expect(refused, action).toMatchObject({ code: 'PATCH_NOT_ALLOWED', identityStatus: 'DECLINED' });
    }
    expect(await person.partner.request(SNAPSHOT, { id: person.customerId })).toEqual(before);
  });
});

describe('Query.lifecycle', () => {
  it('is the table of the domain, with its projections', async () => {
    const expected = TABLE.trim().split('\n').flatMap((line) => {
      const [from = '', events = ''] = line.split(': ');
      return events.split(', ').map((each) => {
        const [event, to] = each.split(' → ') as [string, IdentityStatus];
        const [customerStatus, kycStatus] = PROJECTIONS[to];
        return { from: from === '(none)' ? null : from, event, to, customerStatus, kycStatus };
      });
    });
    const { lifecycle } = await gateway.operator.request(LIFECYCLE, {});
    const key = ({ from, event }: { from?: string | null; event: string }): string => `${from} ${event}`;
    const sorted = <Row extends { from?: string | null; event: string }>(rows: readonly Row[]): Row[] => rows.toSorted((one, other) => key(one).localeCompare(key(other)));
    expect(sorted(lifecycle)).toEqual(sorted(expected));
    console.log(`lifecycle: ${expected.length} transitions`);
  });
});
