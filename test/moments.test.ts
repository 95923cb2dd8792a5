import { describe, expect, it } from 'vitest';
import { DateTimeScalar } from '../src/core/scalars.js';

describe('a moment is shown in UTC, with milliseconds', () => {
  it.each([
    ['2026-01-31T09:30:00+00:00', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30:00.1+00:00', '2026-01-31T09:30:00.100Z'],
    ['2026-01-31T09:30:00.12+00:00', '2026-01-31T09:30:00.120Z'],
    ['2026-01-31T09:30:00.123+00:00', '2026-01-31T09:30:00.123Z'],
    ['2026-01-31T09:30:00.123456+00:00', '2026-01-31T09:30:00.123Z'],
  ])('as the database writes it: %s', (written, shown) => expect(DateTimeScalar.serialize(written)).toBe(shown));

  it.each([
    ['2026-01-31T09:30:00.123+02:00', '2026-01-31T07:30:00.123Z'],
    ['2026-01-31 09:30:00+00', '2026-01-31T09:30:00.000Z'],
    ['+012026-01-31T09:30:00+00:00', '+012026-01-31T09:30:00.000Z'],
  ])('however else it is written: %s', (written, shown) => expect(DateTimeScalar.serialize(written)).toBe(shown));

  it('as a Date', () => expect(DateTimeScalar.serialize(new Date(0))).toBe('1970-01-01T00:00:00.000Z'));
});
