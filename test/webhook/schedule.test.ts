import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPTS, conclude, delayAfter, type AttemptAnswer } from '../../src/webhook/schedule.js';

const START = new Date('2026-02-01T00:00:00Z');
const DAY = 86_400_000;
const FAILED: AttemptAnswer = { status: 500, retryAfter: null };

/** Walks a delivery through attempts that all end alike. @returns when each attempt was made, and what came of the last. */
function walk(answer: AttemptAnswer, random: () => number, failingSince = START) {
  const moments = [START];
  for (;;) {
    const now = moments.at(-1)!;
    const conclusion = conclude(answer, { attempts: moments.length, now, startedAt: START, failingSince, random: random() });
    if (conclusion.next !== 'RETRY') return { moments, conclusion };
    moments.push(conclusion.at);
  }
}

describe('the retry schedule', () => {
  it('is twelve attempts, each wait three times the last, at most a day', () => {
    const { moments } = walk(FAILED, () => 0.5);
    const waits = moments.slice(1).map((moment, index) => (moment.getTime() - moments[index]!.getTime()) / 1_000);
    expect(waits).toEqual([10, 30, 90, 270, 810, 2_430, 7_290, 21_870, 65_610, 86_400, 86_400]);
    expect(moments).toHaveLength(ATTEMPTS);
  });

  it('lasts about three days whatever is drawn, and two that fail together do not come back together', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 11, maxLength: 11 }), (draws) => {
        let drawn = 0;
        const { moments } = walk(FAILED, () => draws[drawn++]!);
        const total = (moments.at(-1)!.getTime() - START.getTime()) / DAY;
        expect(total).toBeGreaterThan(2.5);
        expect(total).toBeLessThan(3.8);
      }),
    );
    const [early, late] = [0, 0.999].map((random) => walk(FAILED, () => random).moments[1]!.getTime());
    expect(late! - early!).toBeGreaterThan(delayAfter(1) / 3);
  });

  it.each([
    ['120', 120_000],
    [' 60 ', 60_000],
    ['Sun, 01 Feb 2026 01:00:00 GMT', 3_600_000],
    ['999999999', DAY],
    ['1', delayAfter(1)],
    ['soon', delayAfter(1)],
    ['Sat, 31 Jan 2026 00:00:00 GMT', delayAfter(1)],
    ['-5', delayAfter(1)],
  ])('Retry-After %s waits for %d milliseconds: never less than the schedule, never more than a day', (retryAfter, milliseconds) => {
    for (const status of [429, 503, 500]) {
      const conclusion = conclude({ status, retryAfter }, { attempts: 1, now: START, startedAt: START, failingSince: START, random: 0.5 });
      expect(conclusion).toEqual({ next: 'RETRY', at: new Date(START.getTime() + milliseconds) });
    }
  });

  it.each([200, 201, 202, 204, 299])('%d is success', (status) => {
    expect(walk({ status, retryAfter: null }, () => 0).conclusion).toEqual({ next: 'SUCCEED' });
  });

  it.each([null, 100, 301, 302, 307, 400, 401, 404, 409, 429, 500, 503])('%s is tried again', (status) => {
    expect(walk({ status, retryAfter: null }, () => 0).moments).toHaveLength(ATTEMPTS);
  });

  it('410 disables the endpoint at once', () => {
    const { moments, conclusion } = walk({ status: 410, retryAfter: null }, () => 0);
    expect(moments).toHaveLength(1);
    expect(conclusion).toEqual({ next: 'DISABLE', reason: 'GONE' });
  });

  it('the twelfth failure disables an endpoint that nothing has reached meanwhile, and gives the event up at one that takes others', () => {
    expect(walk(FAILED, () => 0.5).conclusion).toEqual({ next: 'DISABLE', reason: 'FAILING' });
    expect(walk(FAILED, () => 0.5, new Date(START.getTime() + DAY)).conclusion).toEqual({ next: 'GIVE_UP' });
  });
});
