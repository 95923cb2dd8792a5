import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KycDataInput, SubmitIdentityInput } from '../../generated/graphql.js';
import type { Answer } from '../../support/client.js';
import { advance, CONTRACTS, EVALUATION, DOCUMENT_CHECK, newCustomer, photo, REVIEWING, signature, WAITING } from '../../support/flows.js';
import { useGateway, type TestOrganization } from '../../support/gateway.js';
import { CUSTOMER, DEACTIVATE, PATCH_IDENTITY, REACTIVATE, REQUIRE_REVERIFICATION, REVIEW, SUBMIT_DOCUMENT, SUBMIT_IDENTITY, SUBMIT_SIGNATURES } from '../../support/operations.js';
import { CALIFORNIAN } from '../../support/people.js';
import { customerStatus, kycStatus, MAY, next, type Model, type Status } from '../support/model.js';
import { inLanes, scaled, told } from '../support/scale.js';

// The running gateway, walked through its API beside the model that imports nothing. test/lifecycle-model.test.ts walks its tables.
const gateway = useGateway({}, { workers: false });
const WALKS = scaled(300, 12);
/** Of the control, which ends with the first that differs: enough that some meet the fault, wherever chance leads a few. */
const CONTROL_WALKS = 60;
const LANES = 3;
const STEPS_PER_WALK = 24;
const SEED = 20_261_127;
/** One less than there are: what happens when the last is spent is test/gateway/attempts.test.ts's. */
const UPLOADS = 2;

/** What the sandbox does with somebody, by the page: the event of the first evaluation, of one after a patch, and of the check of documents. */
interface Kind {
  name: string;
  kycData: KycDataInput;
  options: Partial<SubmitIdentityInput>;
  first: string;
  later: string;
  check: string;
}
const { city: _city, ...NO_CITY } = CALIFORNIAN.address!;
const KINDS: readonly Kind[] = [
  { name: 'good', kycData: CALIFORNIAN, options: {}, first: 'pass', later: 'pass', check: 'pass_documents' },
  { name: 'failing', kycData: CALIFORNIAN, options: { debugStatus: 'FAILED' }, first: 'require_documents', later: 'require_documents', check: 'fail_documents' },
  { name: 'doubtful', kycData: { ...CALIFORNIAN, nationalIdNumber: '000-00-0000' }, options: {}, first: 'flag', later: 'flag', check: 'pass_documents' },
  { name: 'contradicted', kycData: { ...CALIFORNIAN, nationalIdNumber: '111-11-1111' }, options: {}, first: 'reject_ssn', later: 'require_documents', check: 'pass_documents' },
  { name: 'incomplete', kycData: { ...CALIFORNIAN, address: NO_CITY }, options: {}, first: 'reject_input', later: 'pass', check: 'pass_documents' },
];

/** Where somebody stands by the page, with what their attempt has had. */
interface Person extends Model {
  kind: Kind | null;
  patches: number;
  uploads: number;
  signed: number;
}

interface Real extends TestOrganization {
  customerId: string;
  identityId: string;
}

class Divergence extends Error {}
/** The model of the page, or one with a fault. */
type Page = (status: Status, event: string) => Status | null;

let commands = 0;
async function compare(model: Person, { partner, customerId }: Real, what: string): Promise<void> {
  commands += 1;
  const { customer } = await partner.request(CUSTOMER, { id: customerId });
  const partners = Object.keys(MAY).filter((action) => !['REVIEW', 'REQUIRE_REVERIFICATION'].includes(action) && (action !== 'UPDATE_DOCUMENT' || model.uploads > 0));
  const expected = { status: model.status, customer: customerStatus(model), kyc: kycStatus(model), may: partners.filter((action) => MAY[action]!(model)).toSorted() };
  const actual = { status: customer!.identity?.status ?? null, customer: customer!.status, kyc: customer!.kycStatus, may: customer!.allowedActions.toSorted() };
  if (JSON.stringify(expected) !== JSON.stringify(actual)) throw new Divergence(`${what}: the page says ${JSON.stringify(expected)}, the gateway ${JSON.stringify(actual)}`);
}

/** A mutation, in whatever state: the page says whether it is accepted, and what it leads to. */
class Ask implements fc.AsyncCommand<Person, Real> {
  constructor(
    private readonly name: string,
    private readonly action: string,
    private readonly ask: (real: Real, model: Person) => Promise<Answer<unknown>>,
    private readonly lead: (model: Person) => void,
    private readonly makesSense: (model: Readonly<Person>) => boolean = () => true,
  ) {}
  check = (model: Readonly<Person>): boolean => (model.status !== null || ['SUBMIT_IDENTITY', 'DEACTIVATE', 'REACTIVATE'].includes(this.action)) && this.makesSense(model);
  async run(model: Person, real: Real): Promise<void> {
    const may = MAY[this.action]!(model);
    const { errors } = await this.ask(real, model);
    const code = errors?.[0]?.extensions?.['code'] ?? 'accepted';
    if (code !== (may ? 'accepted' : 'PATCH_NOT_ALLOWED')) throw new Divergence(`${this.name} in ${model.status}: the page says ${may ? 'yes' : 'no'}, the gateway ${String(code)}`);
    if (may) this.lead(model);
    await compare(model, real, this.name);
  }
  toString = (): string => this.name;
}

/** Time that passes: what the gateway then does by itself. */
class Wait implements fc.AsyncCommand<Person, Real> {
  constructor(private readonly page: Page) {}
  check = (): boolean => true;
  async run(model: Person, real: Real): Promise<void> {
    const [seconds, event] = this.#due(model);
    await advance(real.partner, seconds);
    if (event !== null) model.status = this.page(model.status!, event) ?? model.status;
    await compare(model, real, `waiting for ${event ?? 'nothing'}`);
  }
  #due({ status, kind, patches }: Person): [number, string | null] {
    if (status === 'INITIATING') return [0, 'evaluate'];
    if (status === 'EVALUATING_SUBMISSION') return [EVALUATION, patches === 0 ? kind!.first : kind!.later];
    if (status === 'RECORDS_UPLOADED') return [DOCUMENT_CHECK, kind!.check];
    if (status === 'IN_REVIEW') return [REVIEWING, 'approve'];
    if (status === 'SIGNATURE_SUBMITTED') return [0, 'finish'];
    return [60, null];
  }
  toString = (): string => 'wait';
}

class Expire implements fc.AsyncCommand<Person, Real> {
  constructor(private readonly page: Page) {}
  check = ({ status }: Readonly<Person>): boolean => status !== null && next(status, 'expire') !== null;
  async run(model: Person, real: Real): Promise<void> {
    await advance(real.partner, WAITING);
    model.status = this.page(model.status!, 'expire');
    await compare(model, real, 'expiry');
  }
  toString = (): string => 'expire';
}

function everything(page: Page, picture: File) {
  const lead = (event: string) => (model: Person): void => void (model.status = page(model.status!, event));
  const submits = KINDS.map((kind) => new Ask(
    `submit ${kind.name}`,
    'SUBMIT_IDENTITY',
    async (real) => {
      const answer = await real.partner.send(SUBMIT_IDENTITY, { input: { customerId: real.customerId, kycData: kind.kycData, transactionType: 'INSTITUTIONAL_INDIVIDUAL', ...kind.options } });
      if (answer.data) real.identityId = answer.data.submitIdentity.identity.id;
      return answer;
    },
    (model) => void Object.assign(model, { status: 'INITIATING', kind, patches: 0, uploads: 0, signed: 0 }),
  ));
  const others = [
    new Ask('patch', 'PATCH_IDENTITY', ({ partner, identityId }) => partner.send(PATCH_IDENTITY, { input: { identityId, kycData: { address: { city: 'Oakland' } } } }), (model) => {
      lead('patch')(model);
      model.patches += 1;
    }, ({ patches }) => patches === 0),
    new Ask('upload', 'SUBMIT_DOCUMENT', ({ partner, identityId }) => partner.send(SUBMIT_DOCUMENT, { input: { identityId, selectedIdClass: 'PASSPORT', frontPhoto: picture } }), (model) => {
      lead('receive_documents')(model);
      model.uploads += 1;
    }, ({ uploads }) => uploads < UPLOADS),
    ...(['APPROVE', 'DECLINE'] as const).map((decision) => new Ask(decision, 'REVIEW', ({ reviewer, identityId }) => reviewer.send(REVIEW, { input: { identityId, decision } }), lead(decision.toLowerCase()))),
    new Ask('sign', 'SUBMIT_SIGNATURES', ({ partner, identityId }, { signed }) => partner.send(SUBMIT_SIGNATURES, { input: { identityId, signatures: [signature(CONTRACTS[signed % CONTRACTS.length]!)] } }), (model) => {
      model.signed += 1;
      lead(model.signed === CONTRACTS.length ? 'complete_signatures' : 'sign')(model);
    }),
    new Ask('reverify', 'REQUIRE_REVERIFICATION', ({ reviewer, customerId }) => reviewer.send(REQUIRE_REVERIFICATION, { input: { customerId, reason: 'Documents have to be renewed.' } }), lead('require_reverification')),
    new Ask('switch off', 'DEACTIVATE', ({ partner, customerId }) => partner.send(DEACTIVATE, { input: { customerId, reason: 'A walk.' } }), (model) => void (model.deactivated = true)),
    new Ask('switch on', 'REACTIVATE', ({ partner, customerId }) => partner.send(REACTIVATE, { input: { customerId } }), (model) => void (model.deactivated = false)),
  ];
  // Time passes often, so that walks come far.
  return [...submits, ...others, ...Array.from({ length: submits.length + others.length }, () => new Wait(page)), new Expire(page)].map((command) => fc.constant(command));
}

async function walk(page: Page, walks: number): Promise<void> {
  const commandsOf = fc.commands<Person, Real, false>(everything(page, await photo()), { maxCommands: STEPS_PER_WALK, size: 'max' });
  const seeds = Array.from({ length: walks }, (_, index) => SEED + index);
  await inLanes(seeds, LANES, (seed) => fc.assert(
    fc.asyncProperty(commandsOf, async (drawn) => {
      const organization = await gateway.organization();
      const customerId = await newCustomer(organization.partner);
      await fc.asyncModelRun(() => ({ model: { status: null, deactivated: false, kind: null, patches: 0, uploads: 0, signed: 0 }, real: { ...organization, customerId, identityId: '' } }), drawn);
    }),
    { numRuns: 1, seed, endOnFailure: true },
  ));
}

it(`${WALKS} walks of the running gateway diverge nowhere from the page`, async () => {
  await walk(next, WALKS);
  told('walks of the gateway', { walks: WALKS, 'commands compared': commands, divergences: 0 });
  expect(commands).toBeGreaterThanOrEqual(WALKS * 5);
});

it('control: a page with one fault is found to differ', async () => {
  const faulty: Page = (status, event) => (status === 'EVALUATING_SUBMISSION' && event === 'pass' ? 'APPROVED' : next(status, event));
  const failure = await walk(faulty, CONTROL_WALKS).catch((error: unknown) => error);
  expect((failure as Error).cause).toBeInstanceOf(Divergence);
});
