import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Section } from '../section.ts';
import { chartOf } from './chart.ts';
import { goalTable, isReached, sectionText, shown, table, withSpread } from './text.ts';

const DOCUMENT = new URL('../../docs/performance.md', import.meta.url);
const CHARTS = new URL('../../docs/performance/', import.meta.url);
const RECORDED = new URL('../recorded.json', import.meta.url);
/** How much worse than recorded a ratio may be. */
const TOLERANCE = 1.3;

/** Writes docs/performance.md with its charts, and records the ratios that the short form compares with. */
export async function writeReport(sections: readonly Section[], facts: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(CHARTS, { recursive: true });
  const parts: string[] = [];
  for (const section of sections) {
    const chart = chartOf(section);
    if (chart !== null) await writeFile(new URL(`${section.name}.svg`, CHARTS), chart);
    parts.push(sectionText(section, chart === null ? null : `![${section.name}](performance/${section.name}.svg)`));
  }
  const goals = sections.flatMap(({ goals: own }) => own);
  const text = [
    '<!-- Written by `npm run bench`. Do not edit. -->\n# Performance',
    'What the gateway costs beside a floor and its peers, on the same rows of the same PostgreSQL, everything on: authentication, permissions, tenancy, limits, request log. Contenders were measured in turn, round by round. Figures are medians with their quartiles; a ratio is one of medians, with the quartiles of the ratios round by round. The machine was not quiet, so ratios say more than figures, and differences below 15 % say little. How it is made: [bench/README.md](../bench/README.md).',
    table(['', ''], Object.entries(facts)),
    `${goals.filter(isReached).length} of ${goals.length} goals are reached.`,
    goalTable(goals),
    ...parts,
  ];
  await writeFile(DOCUMENT, `${text.join('\n\n')}\n`);
  const ratios = Object.fromEntries(goals.filter(({ isAbsolute }) => !isAbsolute).map(({ name, value }) => [name, Number(value.median.toPrecision(4))]));
  await writeFile(RECORDED, `${JSON.stringify({ date: facts['date'], ratios }, null, 2)}\n`);
}

/** The ratios that have become worse than they were recorded, in sentences. The better quartile speaks for a ratio: noise is no fault. */
export async function worseThanRecorded(sections: readonly Section[]): Promise<string[]> {
  const text = await readFile(RECORDED, 'utf8').catch(() => null);
  if (text === null) throw new Error('Nothing is recorded to compare with: `npm run bench` records.');
  const { ratios } = JSON.parse(text) as { ratios: Record<string, number> };
  return sections.flatMap(({ goals }) => goals).flatMap(({ name, value, better }) => {
    const recorded = ratios[name];
    if (recorded === undefined) return [];
    const isWorse = better === 'lower' ? Math.min(value.low, value.median) > recorded * TOLERANCE : Math.max(value.high, value.median) < recorded / TOLERANCE;
    return isWorse ? [`${name} is ${withSpread(value)}; recorded ${shown(recorded)}, of which ${TOLERANCE} times are tolerated`] : [];
  });
}
