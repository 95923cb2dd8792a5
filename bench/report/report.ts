import { mkdir, writeFile } from 'node:fs/promises';
import type { Section } from '../section.ts';
import { chartOf } from './chart.ts';
import { goalTable, isReached, sectionText, table } from './text.ts';

const DOCUMENT = new URL('../../docs/performance.md', import.meta.url);
const CHARTS = new URL('../../docs/performance/', import.meta.url);

/** Contenders as charts and tables name them. */
const LEGEND: readonly (readonly [name: string, what: string])[] = [
  ['gateway', 'its build, as `npm start` runs it'],
  ['floor', 'bare node:http and one prepared statement, whose text is the answer (Q1, Q2)'],
  ['five-sql', 'bare node:http and five batched statements, put together by hand: what dataloaders come to at best (Q1, Q2)'],
  ['postgraphile', 'PostGraphile 5 over the gateway’s tables'],
  ['mercurius', 'Mercurius on Fastify with graphql-jit, its loaders over the five statements'],
  ['yoga', 'GraphQL Yoga on node:http, dataloaders over the five statements: for information'],
  ['apollo', 'Apollo Server on Express, dataloaders over the five statements: for information'],
  ['by-hand', 'the gateway’s statements of two mutations through pg, without GraphQL, encryption or checks (M1)'],
  ['pipe', 'a file hashed and encrypted on its way to the disk, its picture decoded and made small (M2)'],
  ['loop', 'what opening and evaluating customers costs alone, rows and keys at hand (Q1E, Q2E)'],
  ['prebuilt frame', 'a bare server that writes one prebuilt frame to every socket (S1)'],
];

/** Writes docs/performance.md with its charts; `missing` names the works that are still to be measured. */
export async function writeReport(sections: readonly Section[], facts: Readonly<Record<string, string>>, missing: readonly string[]): Promise<void> {
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
    'The contenders, all with the same flags of Node:',
    table(['', ''], LEGEND),
    `${goals.filter(isReached).length} of ${goals.length} goals are reached.${missing.length > 0 ? ` Not measured in this run: ${missing.join(', ')}.` : ''}`,
    goalTable(goals),
    ...parts,
  ];
  await writeFile(DOCUMENT, `${text.join('\n\n')}\n`);
}
