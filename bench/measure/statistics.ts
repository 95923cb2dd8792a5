import type { Figure } from '../section.ts';

/** The value below which this share of the values lie. The values need not be in order. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const [below = NaN, above = below] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** The median of values with its quartiles. */
export function figure(values: readonly number[]): Figure {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** How one contender's values compare with another's: the ratio of the medians, and the quartiles of the ratios round by round. */
export function ratio(values: readonly number[], base: readonly number[]): Figure {
  const paired = values.map((value, round) => value / (base[round] ?? NaN));
  return { ...figure(paired), median: quantile(values, 0.5) / quantile(base, 0.5) };
}

/** A figure that was measured once. */
export function single(value: number): Figure {
  return { median: value, low: value, high: value };
}
