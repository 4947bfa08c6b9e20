/** How every run of the manager ends, whichever front it was called by: its failure is told, its connections are closed, what it wrote is written out. */
import type { BufferedTerminal } from './buffered-terminal.js';
import type { Connections } from './connections.js';
import { Failure } from './failure.js';
import { tell } from './load-cluster.js';
import type { Output } from './output.js';

export interface ManagerRun {
  readonly terminal: BufferedTerminal;
  readonly output: Output;
  readonly connections: Connections;
}

/** @returns the exit code: what `body` gives, or 1 for a Failure */
export async function runToEnd(
  { terminal, output, connections }: ManagerRun,
  body: () => Promise<number>,
): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(error, output);
    return 1;
  } finally {
    connections.closeAll();
    terminal.flush();
  }
}
