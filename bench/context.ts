/** What every group of rows is given. */
import type { Group, Row } from './measurement.js';
import type { BenchOptions } from './options.js';
import type { Contender } from './server-under-test.js';

export interface BenchContext {
  options: BenchOptions;
  candidate: Contender;
  baseline: Contender;
  /** Whether the user wants this row. */
  wants(rowId: string): boolean;
  /** Measures one row and tells what came out. A row that fails is told and left out, the others go on. */
  attempt(rowId: string, measure: () => Promise<Row>): Promise<Row[]>;
}

export interface GroupRunner {
  /** Ids of all rows, in order; known without measuring. */
  rowIds: readonly string[];
  /** Measures the rows that the user wants. */
  run(context: BenchContext): Promise<Group>;
}

/** A filter is the beginning of an id, with * for anything: `get`, `*-p16`, `cluster-cost`. No filter wants all. */
export function isWanted(rowId: string, filters: readonly string[]): boolean {
  const matches = (filter: string): boolean =>
    new RegExp(`^${filter.split('*').map(escapeRegExp).join('.*')}`).test(rowId);
  return filters.length === 0 || filters.some(matches);
}

function escapeRegExp(text: string): string {
  return text.replace(/[^\w-]/g, '\\$&');
}
