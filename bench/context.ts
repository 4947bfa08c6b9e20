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
  /** Tells that a row is being measured. */
  begin(title: string): void;
  /** Tells the result of a row as soon as it is there. */
  finish(row: Row): void;
}

export interface GroupRunner {
  /** Ids of all rows, in order; known without measuring. */
  rowIds: readonly string[];
  /** Measures the rows that the user wants. */
  run(context: BenchContext): Promise<Group>;
}

/** The wanted ones; empty filters want all. */
export function isWanted(rowId: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((word) => rowId.includes(word));
}
