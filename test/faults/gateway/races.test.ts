import { afterAll, describe, expect, it } from 'vitest';
import { advance, newCustomer, photo, submit, WAITING } from '../../support/flows.js';
import { useGateway, type TestOrganization } from '../../support/gateway.js';
import { PATCH_IDENTITY, REVIEW, SUBMIT_DOCUMENT, SUBMIT_SIGNATURES } from '../../support/operations.js';
import { CALIFORNIAN } from '../../support/people.js';
import { CONTRACTS, signature } from '../../support/flows.js';
import { brokenBy, historyOf } from '../support/history.js';
import { inLanes, scaled, told } from '../support/scale.js';

// Two of which one at most may be acknowledged, at the same moment.
const gateway = useGateway({}, { workers: false });
const PAIRS = scaled(250, 10);
const LANES = 4;
const EVALUATION = 5;

interface Person extends TestOrganization {
  customerId: string;
  identityId: string;
}
type Act = (person: Person) => Promise<boolean>;
const accepted = async (answer: Promise<{ errors: readonly { extensions?: Record<string, unknown> }[] | undefined }>): Promise<boolean> => {
  const { errors } = await answer;
  const code = errors?.[0]?.extensions?.['code'];
  if (errors && code !== 'PATCH_NOT_ALLOWED' && code !== 'BAD_USER_INPUT') throw new Error(`Refused as ${String(code)}`);
  return !errors;
};
const review = (decision: 'APPROVE' | 'DECLINE'): Act => ({ reviewer, identityId }) => accepted(reviewer.send(REVIEW, { input: { identityId, decision } }));
const patch: Act = ({ partner, identityId }) => accepted(partner.send(PATCH_IDENTITY, { input: { identityId, kycData: { address: { city: 'Oakland' } } } }));
const name = (userId: string): Act => ({ partner, identityId }) => accepted(partner.send(PATCH_IDENTITY, { input: { identityId, userId } }));
const upload: Act = async ({ partner, identityId }) => accepted(partner.send(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: await photo() } }));
const signAll: Act = ({ partner, identityId }) => accepted(partner.send(SUBMIT_SIGNATURES, { input: { identityId, signatures: CONTRACTS.map((contract) => signature(contract)) } }));
/** It is acknowledged where the event says that it happened. */
const expire: Act = async ({ partner, customerId }) => {
  await advance(partner, WAITING);
  return (await historyOf(partner, customerId)).changes.some(({ oldStatus, newStatus }) => newStatus === 'EXPIRED' && oldStatus === 'AWAITING_DOCUMENT_UPLOAD');
};

/** Somebody who waits for a document, a decision or a signature. */
async function person(organization: TestOrganization, status: 'AWAITING_DOCUMENT_UPLOAD' | 'IN_REVIEW' | 'AWAITING_SIGNATURE'): Promise<Person> {
  const customerId = await newCustomer(organization.partner);
  const data = status === 'IN_REVIEW' ? { ...CALIFORNIAN, nationalIdNumber: '000-00-0000' } : CALIFORNIAN;
  const options = status === 'AWAITING_DOCUMENT_UPLOAD' ? { debugStatus: 'FAILED' as const } : {};
  return { ...organization, customerId, identityId: await submit(organization.partner, customerId, data, { transactionType: 'INSTITUTIONAL_INDIVIDUAL', ...options }) };
}

/** Runs pairs. @returns how many had none, one and two acknowledged, and what was wrong with any history. */
async function race(status: Parameters<typeof person>[1], one: Act, other: Act, pairs: number) {
  const acknowledged: [number, number, number] = [0, 0, 0];
  const faults: string[] = [];
  await inLanes(Array.from({ length: pairs }), LANES, async () => {
    const somebody = await person(await gateway.organization(), status);
    await advance(somebody.partner, EVALUATION);
    const both = await Promise.all([one(somebody), other(somebody)]);
    acknowledged[both.filter(Boolean).length]! += 1;
    faults.push(...brokenBy(await historyOf(somebody.partner, somebody.customerId)));
  });
  return { acknowledged, faults };
}

let pairs = 0;
describe('at the same moment', () => {
  it.each([
    ['approve and decline', 'IN_REVIEW', review('APPROVE'), review('DECLINE')],
    ['patch and approve', 'IN_REVIEW', patch, review('APPROVE')],
    ['upload and expire', 'AWAITING_DOCUMENT_UPLOAD', upload, expire],
    ['sign and sign', 'AWAITING_SIGNATURE', signAll, signAll],
  ] as const)('%s: one is acknowledged, and events and versions are in step', async (title, status, one, other) => {
    const { acknowledged, faults } = await race(status, one, other, PAIRS);
    told(`races, ${title}`, { pairs: PAIRS, 'with one acknowledged': acknowledged[1], 'with two': acknowledged[2], 'histories out of step': faults.length });
    expect(faults).toEqual([]);
    expect(acknowledged).toEqual([0, PAIRS, 0]);
    pairs += PAIRS;
  });

  it('control: two that may both happen are found to be two', async () => {
    const { acknowledged } = await race('AWAITING_DOCUMENT_UPLOAD', name('one'), name('other'), 3);
    expect(acknowledged).toEqual([0, 0, 3]);
    expect(brokenBy({ changes: [{ oldStatus: null, newStatus: 'INITIATING', version: 1 }, { oldStatus: 'IN_REVIEW', newStatus: 'DECLINED', version: 1 }], status: 'APPROVED', version: 0 })).toHaveLength(4);
  });

  afterAll(() => expect(pairs).toBeGreaterThanOrEqual(scaled(1_000, 40)));
});
