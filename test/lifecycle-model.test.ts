import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ACTIONS, allows, project } from '../src/customer/lifecycle.js';
import { FIRST, LIFECYCLE, type IdentityEvent } from '../src/identity/lifecycle.js';
import type { Action, IdentityStatus } from '../src/kyc/vocabularies.js';
import { customerStatus, EVENTS, kycStatus, MAY, next, STATUSES, STEPS, type Model } from './faults/support/model.js';

// The lifecycle that the gateway runs by, walked beside a model that was written from docs/domain.md and imports nothing.

type Table = Readonly<Record<string, Partial<Record<string, string>>>>;

/** What runs: a table to step by, and where it has come to. */
interface Real {
  table: Table;
  status: IdentityStatus | null;
  deactivated: boolean;
}

const RUNS = 2_000;
const SEED = 20_261_122;
const STEPS_PER_RUN = 40;

class Divergence extends Error {}

function same(what: string, expected: unknown, actual: unknown): void {
  if (expected !== actual) throw new Divergence(`${what}: the model says ${String(expected)}, the gateway ${String(actual)}`);
}

/** Everything that can be seen of where somebody stands. */
function compare(model: Model, real: Real): void {
  same('status', model.status, real.status);
  const projected = project(real.status, real.deactivated);
  same('customer status', customerStatus(model), projected.customerStatus);
  same('kycStatus', kycStatus(model), projected.kycStatus);
  const standing = { customerStatus: projected.customerStatus, identityStatus: real.status, documentAttemptsRemaining: 1, hasDocuments: true, isErased: false };
  for (const action of Object.keys(ACTIONS) as Action[]) same(`${action} in ${model.status}`, MAY[action]!(model), allows(action, standing));
}

/** An event of the page, where it has one; where it has none, the table has none either. */
class Step implements fc.Command<Model, Real> {
  constructor(readonly event: string) {}
  check = (model: Readonly<Model>): boolean => model.status !== null;
  run(model: Model, real: Real): void {
    const expected = next(model.status!, this.event);
    const actual = real.table[real.status!]?.[this.event] ?? null;
    same(`${this.event} in ${model.status}`, expected, actual);
    if (expected === null) return;
    model.status = expected;
    real.status = actual as IdentityStatus;
    compare(model, real);
  }
  toString = (): string => this.event;
}

class Submit implements fc.Command<Model, Real> {
  check = (model: Readonly<Model>): boolean => MAY['SUBMIT_IDENTITY']!(model);
  run(model: Model, real: Real): void {
    model.status = 'INITIATING';
    real.status = FIRST.to;
    compare(model, real);
  }
  toString = (): string => 'submit';
}

class Switch implements fc.Command<Model, Real> {
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    model.deactivated = !model.deactivated;
    real.deactivated = !real.deactivated;
    compare(model, real);
  }
  toString = (): string => 'switch off or on';
}

const walks = fc.commands([fc.constant(new Submit()), fc.constant(new Switch()), ...EVENTS.map((event) => fc.constant(new Step(event)))], { size: 'max', maxCommands: STEPS_PER_RUN });

/** Walks a table so often. Throws at the first divergence. */
function walk(table: Table, numRuns: number): void {
  fc.assert(
    fc.property(walks, (commands) => fc.modelRun(() => ({ model: { status: null, deactivated: false }, real: { table, status: null, deactivated: false } }), commands)),
    { numRuns, seed: SEED, endOnFailure: true },
  );
}

/** Leads a model to a status by the shortest way, on a table, and then asks everything there is to ask. */
function visit(table: Table, status: IdentityStatus): void {
  const way = wayTo(status);
  const model: Model = { status: null, deactivated: false };
  const real: Real = { table, status: null, deactivated: false };
  for (const command of [new Submit(), ...way.map((event) => new Step(event))]) command.run(model, real);
  for (const event of EVENTS) new Step(event).run({ ...model }, { ...real });
}

/** The events of the shortest way from the first status, by the page. */
function wayTo(status: IdentityStatus): string[] {
  const ways = new Map<string, string[]>([['INITIATING', []]]);
  for (const [from, way] of ways) {
    for (const step of STEPS) if (step.from === from && !ways.has(step.to)) ways.set(step.to, [...way, step.event]);
  }
  return ways.get(status)!;
}

function isFound(table: Table): boolean {
  try {
    for (const status of STATUSES) visit(table, status);
    return false;
  } catch (error) {
    if (error instanceof Divergence) return true;
    throw error;
  }
}

/** Every table that differs from this one in one entry: led elsewhere, left out, or added. */
function* faultyTables(): Generator<Table> {
  for (const from of STATUSES) {
    for (const event of EVENTS) {
      const row = LIFECYCLE[from] as Partial<Record<string, string>>;
      const { [event]: right, ...others } = row;
      if (right !== undefined) yield { ...LIFECYCLE, [from]: others } as Table;
      for (const to of STATUSES) if (to !== right) yield { ...LIFECYCLE, [from]: { ...row, [event]: to } } as Table;
    }
  }
}

const counts = { walks: 0, faults: 0, found: 0 };
describe('the lifecycle beside an independent model', () => {
  it(`${RUNS} walks diverge nowhere: statuses, projections, and what is allowed`, () => {
    walk(LIFECYCLE as Table, RUNS);
    counts.walks += RUNS;
  });

  it('control: every single fault that is seeded into the table is found', () => {
    expect(isFound(LIFECYCLE as Table)).toBe(false);
    for (const table of faultyTables()) {
      counts.faults += 1;
      if (isFound(table)) counts.found += 1;
    }
    expect(counts.found).toBe(counts.faults);
  });

  it('control: the walks find faults too', () => {
    const row = LIFECYCLE.IN_REVIEW as Partial<Record<IdentityEvent, IdentityStatus>>;
    expect(() => walk({ ...LIFECYCLE, IN_REVIEW: { ...row, decline: 'APPROVED' } } as Table, RUNS)).toThrow(/Property failed/);
  });

  afterAll(() => {
    console.log(`lifecycle model: ${counts.walks} walks, 0 divergences; ${counts.found} of ${counts.faults} seeded faults found`);
    expect(counts.walks).toBeGreaterThanOrEqual(2_000);
    expect(counts.faults).toBeGreaterThanOrEqual(3_000);
  });
});
