/** Draws the ratios as an SVG bar chart: one panel where longer is better, one where shorter is. Plain shapes, readable on light and dark pages. */
import type { Group } from './measurement.js';

export interface Bar {
  label: string;
  ratio: number;
}

export interface Panel {
  title: string;
  bars: Bar[];
  /** Whether a bar beyond the line at 1 is good. */
  better: 'higher' | 'lower';
}

const WIDTH = 760;
const LABEL_WIDTH = 285;
const VALUE_WIDTH = 60;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 22;
const PANEL_HEAD = 44;
const MARGIN = 16;
const GOOD = '#2a9d5c';
const BAD = '#c8553d';

/** Collects the panels from the groups: throughput and speed above, costs below. Measures without a finite ratio are left out. */
export function panelsOf(groups: readonly Group[]): Panel[] {
  const bars = { higher: [] as Bar[], lower: [] as Bar[] };
  for (const group of groups) {
    for (const row of group.rows) {
      for (const measure of row.measures) {
        if (measure.isCharted && Number.isFinite(measure.ratio))
          bars[measure.better].push({ label: `${row.title}: ${measure.name}`, ratio: measure.ratio });
      }
    }
  }
  const panels: Panel[] = [
    { title: 'Speed, relative to redis-server (longer is better)', bars: bars.higher, better: 'higher' },
    { title: 'Cost, relative to redis-server (shorter is better)', bars: bars.lower, better: 'lower' },
  ];
  return panels.filter((panel) => panel.bars.length > 0);
}

export function drawChart(panels: readonly Panel[]): string {
  const parts: string[] = [];
  let y = MARGIN;
  for (const panel of panels) {
    parts.push(drawPanel(panel, y));
    y += PANEL_HEAD + panel.bars.length * ROW_HEIGHT + MARGIN;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>Slotmesh and redis-server compared</title>
<rect width="${WIDTH}" height="${y}" rx="8" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
}

function drawPanel(panel: Panel, top: number): string {
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * MARGIN;
  const longest = Math.max(1.25, ...panel.bars.map((bar) => bar.ratio));
  const left = MARGIN + LABEL_WIDTH;
  const scale = room / longest;
  const parts = [
    `<text x="${MARGIN}" y="${top + 18}" font-size="15" font-weight="600" fill="#222222">${escapeXml(panel.title)}</text>`,
  ];
  panel.bars.forEach((bar, index) => {
    const y = top + PANEL_HEAD - 8 + index * ROW_HEIGHT;
    const isGood = panel.better === 'higher' ? bar.ratio >= 1 : bar.ratio <= 1;
    const width = Math.max(1, bar.ratio * scale);
    parts.push(
      `<text x="${left - 8}" y="${y + 12}" text-anchor="end" fill="#444444">${escapeXml(bar.label)}</text>`,
      `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2" fill="${isGood ? GOOD : BAD}"/>`,
      `<text x="${WIDTH - MARGIN}" y="${y + 12}" text-anchor="end" fill="#222222">${bar.ratio.toFixed(2)}×</text>`,
    );
  });
  const lineX = (left + scale).toFixed(1);
  const [lineTop, lineEnd] = [top + PANEL_HEAD - 14, top + PANEL_HEAD - 8 + panel.bars.length * ROW_HEIGHT];
  parts.push(
    `<line x1="${lineX}" y1="${lineTop}" x2="${lineX}" y2="${lineEnd}" stroke="#222222" stroke-dasharray="3 3"/>`,
  );
  return parts.join('\n');
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
