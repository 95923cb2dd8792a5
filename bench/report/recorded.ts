import { readFile, writeFile } from 'node:fs/promises';
import type { Goal, Section } from '../section.ts';
import { shown, withSpread } from './text.ts';

const RECORDED = new URL('../recorded.json', import.meta.url);
/** How much worse than recorded a ratio may be. */
const TOLERANCE = 1.3;

/** The forms of a run. A tenth of the rows has ratios of its own: each form is compared with itself. */
export type Form = 'full' | 'short';

/** Ratios by the names of their goals, as they were measured on a day. */
interface Record {
  date: string;
  ratios: { [goal: string]: number };
}

async function recorded(): Promise<{ [form in Form]?: Record }> {
  return JSON.parse(await readFile(RECORDED, 'utf8')) as { [form in Form]?: Record };
}

function isCompared({ isAbsolute, isTiming }: Goal): boolean {
  return !isAbsolute && !isTiming;
}

/** Keeps the ratios of a run of this form, in the place of those that were recorded before. */
export async function record(form: Form, sections: readonly Section[], date: string): Promise<void> {
  const goals = sections.flatMap((section) => section.goals).filter(isCompared);
  const ratios = Object.fromEntries(goals.map(({ name, value }) => [name, Number(value.median.toPrecision(4))]));
  await writeFile(RECORDED, `${JSON.stringify({ ...(await recorded()), [form]: { date, ratios } }, null, 2)}\n`);
}

/** The ratios of the short form as they were recorded. Throws where none were. */
export async function recordedRatios(): Promise<Record['ratios']> {
  const { short } = await recorded();
  if (!short) throw new Error('Nothing is recorded to compare with: `npm run bench -- short record` records.');
  return short.ratios;
}

/** A sentence for each goal of a section whose ratio has become worse than it was recorded. The better quartile speaks for a ratio: noise is no fault. */
export function worseThan(ratios: Record['ratios'], { goals }: Section): string[] {
  const worse = goals.filter(isCompared).filter(({ name, value, better }) => {
    const before = ratios[name];
    if (before === undefined) return false;
    return better === 'lower' ? Math.min(value.low, value.median) > before * TOLERANCE : Math.max(value.high, value.median) < before / TOLERANCE;
  });
  return worse.map(({ name, value }) => `${name} is ${withSpread(value)}; recorded ${shown(ratios[name] ?? NaN)}, of which ${TOLERANCE} times are tolerated`);
}
