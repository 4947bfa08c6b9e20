/**
 * Draws latency over time as SVG, a panel for each test: on a logarithmic scale the median as a line, bands from the minimum to the 50th, 99th and 99.9th
 * percentile and the maximum; below, the throughput. Plain shapes, readable on light and dark pages.
 */
import type { Stretch } from './timeline.js';

export interface ChartPanel {
  readonly title: string;
  readonly stretches: readonly Stretch[];
}

const WIDTH = 900;
const MARGIN = 16;
const LEFT = 76;
const PLOT_WIDTH = WIDTH - LEFT - MARGIN;
const HEAD_HEIGHT = 44;
const LATENCY_HEIGHT = 170;
const GAP = 22;
const THROUGHPUT_HEIGHT = 46;
const AXIS_HEIGHT = 30;
const PANEL_HEIGHT = HEAD_HEIGHT + LATENCY_HEIGHT + GAP + THROUGHPUT_HEIGHT + AXIS_HEIGHT;

/** From the inside out: up to which percentile a band reaches (100: the maximum). */
const BANDS = [
  { upTo: 50, colour: '#3b78c4', name: 'p50' },
  { upTo: 99, colour: '#7fb0e6', name: 'p99' },
  { upTo: 99.9, colour: '#b9d4f1', name: 'p99.9' },
  { upTo: 100, colour: '#e3edf8', name: 'max' },
] as const;
const INK = '#222222';
const FAINT = '#dddddd';

type Point = readonly [x: number, y: number];

export function drawLatencyChart(panels: readonly ChartPanel[]): string {
  const height = 2 * MARGIN + panels.length * PANEL_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>Latency over time</title>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>
${panels.map((panel, index) => drawPanel(panel, MARGIN + index * PANEL_HEIGHT)).join('\n')}
</svg>
`;
}

function drawPanel({ title, stretches }: ChartPanel, top: number): string {
  const parts = [text(MARGIN, top + 16, title, 'font-size="15" font-weight="600"')];
  const filled = stretches.filter(({ latencies }) => latencies.total > 0);
  if (filled.length === 0) return parts.concat(text(LEFT, top + 40, 'no replies')).join('\n');
  const endMs = stretches.at(-1)!.endMs;
  const x = (ms: number): number => LEFT + (ms / endMs) * PLOT_WIDTH;
  const latencyTop = top + HEAD_HEIGHT;
  const throughputTop = latencyTop + LATENCY_HEIGHT + GAP;
  parts.push(drawLegend(top + 16));
  parts.push(drawLatencies(filled, x, latencyTop));
  parts.push(drawThroughput(stretches, x, throughputTop));
  parts.push(drawTimeAxis(endMs, x, throughputTop + THROUGHPUT_HEIGHT));
  return parts.join('\n');
}

function drawLegend(y: number): string {
  return BANDS.map(({ colour, name }, index) => {
    const left = WIDTH - MARGIN - (BANDS.length - index) * 66;
    return `<rect x="${left}" y="${y - 10}" width="12" height="12" fill="${colour}"/>${text(left + 17, y, name)}`;
  }).join('');
}

function drawLatencies(stretches: readonly Stretch[], x: (ms: number) => number, top: number): string {
  const lowest = Math.max(1, Math.min(...stretches.map(({ latencies }) => latencies.min)));
  const highest = Math.max(...stretches.map(({ latencies }) => latencies.max));
  // Whole powers of ten, so that the scale is easily read.
  const [from, to] = [Math.floor(Math.log10(lowest)), Math.ceil(Math.log10(highest))];
  const y = (us: number): number => {
    const share = (Math.log10(Math.max(us, 10 ** from)) - from) / Math.max(1, to - from);
    return top + LATENCY_HEIGHT * (1 - share);
  };
  const parts: string[] = [];
  const lower = outline(stretches, x, ({ latencies }) => y(latencies.min));
  for (const { upTo, colour } of [...BANDS].reverse()) {
    const upper = outline(stretches, x, ({ latencies }) =>
      y(upTo === 100 ? latencies.max : latencies.percentile(upTo)),
    );
    parts.push(`<path d="${path([...upper, ...[...lower].reverse()])}Z" fill="${colour}"/>`);
  }
  for (let power = from; power <= to; power++) {
    const at = y(10 ** power);
    parts.push(line(LEFT, at, LEFT + PLOT_WIDTH, at, FAINT), text(LEFT - 8, at + 4, latencyText(10 ** power), END));
  }
  const median = outline(stretches, x, ({ latencies }) => y(latencies.percentile(50)));
  parts.push(`<path d="${path(median)}" fill="none" stroke="#16457f" stroke-width="1.5"/>`);
  return parts.join('\n');
}

function drawThroughput(stretches: readonly Stretch[], x: (ms: number) => number, top: number): string {
  const highest = Math.max(...stretches.map(({ throughput }) => throughput));
  const bottom = top + THROUGHPUT_HEIGHT;
  const upper = outline(stretches, x, ({ throughput }) => bottom - (throughput / highest) * THROUGHPUT_HEIGHT);
  const area = [...upper, [upper.at(-1)![0], bottom] as const, [upper[0]![0], bottom] as const];
  return [
    `<path d="${path(area)}Z" fill="#c9e4d3" stroke="none"/>`,
    line(LEFT, bottom, LEFT + PLOT_WIDTH, bottom, INK),
    text(LEFT - 8, top + 9, `${countText(highest)}/s`, END),
    text(LEFT - 8, bottom, '0', END),
  ].join('\n');
}

function drawTimeAxis(endMs: number, x: (ms: number) => number, top: number): string {
  const stepMs = roundStep(endMs / 8);
  const parts: string[] = [];
  for (let ms = 0; ms <= endMs; ms += stepMs) {
    parts.push(line(x(ms), top, x(ms), top + 5, INK));
    parts.push(text(x(ms), top + 18, `${Number((ms / 1000).toFixed(3))} s`, 'text-anchor="middle"'));
  }
  return parts.join('\n');
}

const END = 'text-anchor="end"';

/** A line that stays level within each stretch. */
function outline(stretches: readonly Stretch[], x: (ms: number) => number, y: (stretch: Stretch) => number): Point[] {
  return stretches.flatMap((each): Point[] => [
    [x(each.startMs), y(each)],
    [x(each.endMs), y(each)],
  ]);
}

function path(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  const at = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="${colour}"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${INK}" ${attributes}>${escaped}</text>`;
}

function latencyText(us: number): string {
  if (us < 1000) return `${us} µs`;
  return us < 1_000_000 ? `${us / 1000} ms` : `${us / 1_000_000} s`;
}

function countText(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} M`;
  return count >= 1000 ? `${(count / 1000).toFixed(1)} k` : count.toFixed(0);
}

/** The next larger of 1, 2, 5 times a power of ten; at least 1. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= value) ?? 1;
}
