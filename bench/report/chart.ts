import type { Section } from '../section.ts';
import { shown } from './text.ts';

const [WIDTH, LINE, LEFT, RIGHT, TOP] = [720, 30, 150, 90, 40] as const;
/** The gateway among the others. */
const COLOURS = { gateway: '#1a6b5c', other: '#9aa7b5', text: '#24292f', spread: '#57606a' } as const;

/** A bar for each line of a section, with its quartiles, as SVG; null where the section has no chart. */
export function chartOf({ name, chart, rows }: Section): string | null {
  if (chart === undefined) return null;
  const bars = rows.flatMap((row) => (row.figures[chart] ? [{ name: row.name, figure: row.figures[chart] }] : []));
  const most = Math.max(...bars.map(({ figure }) => figure.high));
  const x = (value: number): string => (LEFT + (value / most) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const lines = bars.map(({ name: label, figure: { median, low, high } }, index) => {
    const y = TOP + index * LINE;
    const middle = y + LINE / 2;
    return [
      `<text x="${LEFT - 10}" y="${middle + 5}" text-anchor="end">${label}</text>`,
      `<rect x="${LEFT}" y="${y + 5}" width="${(Number(x(median)) - LEFT).toFixed(1)}" height="${LINE - 10}" fill="${label === 'gateway' ? COLOURS.gateway : COLOURS.other}"/>`,
      `<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}" stroke="${COLOURS.spread}" stroke-width="2"/>`,
      `<text x="${Number(x(high)) + 8}" y="${middle + 5}">${shown(median)}</text>`,
    ].join('');
  });
  const height = TOP + bars.length * LINE + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="14" fill="${COLOURS.text}" role="img" aria-label="${name}: ${chart}"><rect width="${WIDTH}" height="${height}" fill="#fff"/><text x="10" y="22" font-weight="600">${name}: ${chart} a request, less is better</text>${lines.join('')}</svg>\n`;
}
