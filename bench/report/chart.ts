import type { Section } from '../section.ts';
import { shown } from './text.ts';

const [BARS, LINE, RIGHT, TOP] = [480, 30, 90, 40] as const;
/** Pixels that names take at least, and a letter of one about. */
const [SHORTEST, LETTER] = [150, 7.2] as const;
/** The gateway among the others. */
const COLOURS = { gateway: '#1a6b5c', other: '#9aa7b5', text: '#24292f', spread: '#57606a' } as const;

/** A bar for each line of a section, with its quartiles, as SVG; null where the section has no chart. */
export function chartOf({ name, chart, rows }: Section): string | null {
  if (chart === undefined) return null;
  const bars = rows.flatMap((row) => (row.figures[chart] ? [{ name: row.name.replace(`${name}: `, ''), figure: row.figures[chart] }] : []));
  const left = Math.max(SHORTEST, ...bars.map(({ name: label }) => Math.ceil(label.length * LETTER) + 20));
  const width = left + BARS + RIGHT;
  const most = Math.max(...bars.map(({ figure }) => figure.high));
  const x = (value: number): string => (left + (value / most) * BARS).toFixed(1);
  const lines = bars.map(({ name: label, figure: { median, low, high } }, index) => {
    const y = TOP + index * LINE;
    const middle = y + LINE / 2;
    return [
      `<text x="${left - 10}" y="${middle + 5}" text-anchor="end">${label}</text>`,
      `<rect x="${left}" y="${y + 5}" width="${(Number(x(median)) - left).toFixed(1)}" height="${LINE - 10}" fill="${/(^|, )gateway$/.test(label) ? COLOURS.gateway : COLOURS.other}"/>`,
      `<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}" stroke="${COLOURS.spread}" stroke-width="2"/>`,
      `<text x="${Number(x(high)) + 8}" y="${middle + 5}">${shown(median)}</text>`,
    ].join('');
  });
  const height = TOP + bars.length * LINE + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="14" fill="${COLOURS.text}" role="img" aria-label="${name}: ${chart}"><rect width="${width}" height="${height}" fill="#fff"/><text x="10" y="22" font-weight="600">${name}: ${chart}${chart.includes(' a ') ? '' : ' a request'}, less is better</text>${lines.join('')}</svg>\n`;
}
