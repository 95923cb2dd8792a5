import type { Figure, Goal, Result, Section } from '../section.ts';

/** A figure with as many digits as it bears. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** The median, and the quartiles where they differ. */
export function withSpread({ median, low, high }: Figure): string {
  return low === high ? shown(median) : `${shown(median)} (${shown(low)}–${shown(high)})`;
}

/** Whether a goal is reached. */
export function isReached({ value, limit, better }: Goal): boolean {
  return better === 'lower' ? value.median <= limit : value.median >= limit;
}

function aim({ better, limit }: Goal): string {
  return `${better === 'lower' ? 'at most' : 'at least'} ${shown(limit)}`;
}

/** A sentence for each goal that is missed. */
export function missedGoals(sections: readonly Section[]): string[] {
  return sections.flatMap(({ goals }) => goals).filter((goal) => !isReached(goal)).map((goal) => `Missed: ${goal.name} is ${withSpread(goal.value)}; the goal is ${aim(goal)}`);
}

/** A table of Markdown. */
export function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

function resultTable(rows: readonly Result[]): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  return table(['', ...columns], rows.map(({ name, figures }) => [name, ...columns.map((column) => (figures[column] ? withSpread(figures[column]) : ''))]));
}

/** Goals with what was measured. */
export function goalTable(goals: readonly Goal[]): string {
  return table(['', 'measured', 'goal', ''], goals.map((goal) => [goal.name, withSpread(goal.value), aim(goal), isReached(goal) ? 'reached' : '**missed**']));
}

/** A section as Markdown, with its chart where there is one. */
export function sectionText({ name, title, about, rows, goals }: Section, chart: string | null = null): string {
  return [`## ${name}: ${title}`, about, ...(chart === null ? [] : [chart]), ...(rows.length > 0 ? [resultTable(rows)] : []), ...(goals.length > 0 ? [goalTable(goals)] : [])].join('\n\n');
}
