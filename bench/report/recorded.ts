import { readFile, writeFile } from 'node:fs/promises';
import type { Goal, Section } from '../section.ts';
import { shown, withSpread } from './text.ts';

const RECORDED = new URL('../recorded.json', import.meta.url);
/** How much worse than recorded a ratio may be. */
const TOLERANCE = 1.3;

/** Ratios of the short form by the names of their goals, as they were measured on a day. */
interface Record {
  date: string;
  ratios: { [goal: string]: number };
}

/** By the model of the processor: a socket's write, which is most of what a floor does, costs one model a third of what it costs another. */
async function recorded(): Promise<{ [processor: string]: Record }> {
  return JSON.parse(await readFile(RECORDED, 'utf8')) as { [processor: string]: Record };
}

function isCompared({ isAbsolute, isTiming }: Goal): boolean {
  return !isAbsolute && !isTiming;
}

/** Keeps the ratios of a run on this processor, in the place of those that were recorded on such a one before. */
export async function record(processor: string, sections: readonly Section[], date: string): Promise<void> {
  const goals = sections.flatMap((section) => section.goals).filter(isCompared);
  const ratios = Object.fromEntries(goals.map(({ name, value }) => [name, Number(value.median.toPrecision(4))]));
  await writeFile(RECORDED, `${JSON.stringify({ ...(await recorded()), [processor]: { date, ratios } }, null, 2)}\n`);
}

/** What was recorded of each goal on such a processor; what was recorded on others, where nothing was on this. */
export async function recordedRatios(processor: string): Promise<(goal: string) => number[]> {
  const records = await recorded();
  const of = (goal: string, all: readonly Record[]): number[] => all.flatMap(({ ratios }) => ratios[goal] ?? []);
  const own = records[processor];
  return (goal) => {
    const ratios = own ? of(goal, [own]) : [];
    return ratios.length > 0 ? ratios : of(goal, Object.values(records));
  };
}

/**
 * A sentence for each goal of a section whose ratio has become worse than each that was recorded of it, or of which nothing was. The better quartile speaks for
 * a ratio: noise is no fault.
 */
export function worseThan(recordedOf: (goal: string) => readonly number[], { goals }: Section): string[] {
  return goals.filter(isCompared).flatMap(({ name, value, better }) => {
    const before = recordedOf(name);
    const isWorse = (ratio: number): boolean =>
      better === 'lower' ? Math.min(value.low, value.median) > ratio * TOLERANCE : Math.max(value.high, value.median) < ratio / TOLERANCE;
    if (before.length === 0) return [`Nothing is recorded of ${name}: \`npm run bench -- short record\` does.`];
    if (!before.every(isWorse)) return [];
    return [`${name} is ${withSpread(value)}; recorded ${before.map(shown).join(' and ')}, of which ${TOLERANCE} times are tolerated`];
  });
}
