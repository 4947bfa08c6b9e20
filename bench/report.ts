/** Turns measured groups into Markdown. */
import { type Group, type Measure, reachesGoal, type Unit } from './measurement.js';

export interface RunInfo {
  date: string;
  machine: string;
  node: string;
  candidate: string;
  baseline: string;
  pairs: number;
  keys: number;
}

/** A number with three significant digits and the unit a reader would choose: `131k/s`, `8.91 µs`, `340 MiB`. */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'ops/s') {
    if (value >= 1e6) return `${significant(value / 1e6)}M/s`;
    if (value >= 1e3) return `${significant(value / 1e3)}k/s`;
    return `${significant(value)}/s`;
  }
  return unit === 'ratio' ? significant(value) : `${significant(value)} ${unit}`;
}

/** Never in exponent form, trailing zeros kept: the digits shown are the digits meant. */
function significant(value: number): string {
  if (value === 0) return '0';
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 6));
}

/** `1.24× (163k/s : 131k/s)`, with ✓ or ✗ where a goal is set. */
export function formatMeasure(measure: Measure): string {
  const reached = reachesGoal(measure);
  const mark = reached === undefined ? '' : reached ? ' ✓' : ' ✗';
  const ratio = Number.isFinite(measure.ratio) ? `${measure.ratio.toFixed(2)}×` : '–';
  return `**${ratio}**${mark} (${formatValue(measure.candidate, measure.unit)} : ${formatValue(measure.baseline, measure.unit)})`;
}

function formatHeading(measure: Measure): string {
  return `${measure.name} (${measure.better} is better)`;
}

/** One table per group: a column per measure where all rows have the same ones, else a line per measure. */
export function formatGroup(group: Group): string {
  const names = group.rows.map((row) => row.measures.map((measure) => measure.name).join());
  const table = new Set(names).size === 1 ? wideTable(group) : longTable(group);
  return `## ${group.title}\n\n${group.method}\n\n${table}\n`;
}

function wideTable({ rows }: Group): string {
  const columns = rows[0]!.measures.map(formatHeading);
  return [
    `| row | ${columns.join(' | ')} |`,
    `|---|${'---|'.repeat(columns.length)}`,
    ...rows.map((row) => `| ${row.title} | ${row.measures.map(formatMeasure).join(' | ')} |`),
  ].join('\n');
}

function longTable({ rows }: Group): string {
  const lines = rows.flatMap((row) =>
    row.measures.map((measure) => `| ${row.title} | ${formatHeading(measure)} | ${formatMeasure(measure)} |`),
  );
  return ['| row | measure | result |', '|---|---|---|', ...lines].join('\n');
}

export function formatReport(info: RunInfo, groups: readonly Group[]): string {
  return `# Benchmark: ${info.candidate} and ${info.baseline}

${info.date}; ${info.machine}; Node ${info.node}. Each cell is the median over ${info.pairs} pairs of runs of the ratio
${info.candidate} / ${info.baseline}, and in parentheses the medians of both. ✓ and ✗ tell whether a goal is reached.

${groups.map(formatGroup).join('\n')}`;
}
