/**
 * What a benchmark yields: rows, each with one or more measures, each measure with the samples of all pairs. Reports and the chart are made from
 * this alone, so that they can be made again from the JSON file.
 */
import { median, medianOfRatios, type Pair } from './statistics.js';

export type Unit = 'ops/s' | 'µs' | 'ms' | 's' | 'MiB' | 'ratio';

/** One quantity of a row. */
export interface Measure {
  name: string;
  unit: Unit;
  better: 'higher' | 'lower';
  /** Median over the pairs. */
  candidate: number;
  baseline: number;
  /** Median of the paired ratios candidate / baseline. */
  ratio: number;
  /** What the ratio should at least (higher is better) or at most (lower is better) be; absent where no goal is set. */
  goal?: number;
  /** Whether the chart shows it; the report shows all. */
  isCharted: boolean;
  pairs: Pair[];
}

export interface Row {
  /** Short and stable, for `--rows`: `get-p16-16b`. */
  id: string;
  title: string;
  measures: Measure[];
}

/** @returns the id of one of many rows that have their title for a name: of that, the letters */
export function rowIdOf(prefix: string, title: string): string {
  const name = title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  return `${prefix}-${name.replace(/^-|-$/g, '')}`;
}

export interface Group {
  title: string;
  /** How it was measured, in a sentence or two, for the report. */
  method: string;
  rows: Row[];
}

export interface MeasureSpec {
  name: string;
  unit: Unit;
  better: 'higher' | 'lower';
  goal?: number | undefined;
  /** Default true. */
  isCharted?: boolean;
}

export function summarize(spec: MeasureSpec, pairs: Pair[]): Measure {
  const { goal, isCharted = true, ...rest } = spec;
  return {
    ...rest,
    ...(goal === undefined ? {} : { goal }),
    isCharted,
    candidate: median(pairs.map((pair) => pair.candidate)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: medianOfRatios(pairs),
    pairs,
  };
}

/** True or false where a goal is set. */
export function reachesGoal(measure: Measure): boolean | undefined {
  if (measure.goal === undefined || Number.isNaN(measure.ratio)) return undefined;
  return measure.better === 'higher' ? measure.ratio >= measure.goal : measure.ratio <= measure.goal;
}
