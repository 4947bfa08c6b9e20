/** --scan: all keys, one a line; on a terminal with everything unprintable escaped. */
import type { CommandLine } from '../command-line.js';
import { repr } from '../reply/quote.js';
import { outputMode } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { scanKeys } from './key-scan.js';
import { withServer } from './mode-session.js';

const LF = Buffer.from('\n');

export function runScan(line: CommandLine, terminal: Terminal): Promise<number> {
  const isForPeople = outputMode(line, terminal) === 'standard';
  return withServer(line, terminal, async (session) => {
    let isStopped = false;
    const stopListening = terminal.onInterrupt(() => {
      isStopped = true;
    });
    for await (const keys of scanKeys(session, line, { everyScans: 1, pauseMs: line.intervalMs })) {
      if (isStopped) break;
      const lines = keys.flatMap((key) => [isForPeople ? Buffer.from(repr(key)) : key, LF]);
      terminal.write(Buffer.concat(lines));
    }
    stopListening();
    return 0;
  });
}
