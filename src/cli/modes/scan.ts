/** --scan: all keys, one a line; on a terminal with everything unprintable escaped. */
import type { CommandLine } from '../command-line.js';
import { repr } from '../reply/quote.js';
import { outputMode } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { KeyScan } from './key-scan.js';
import { withServer } from './mode-session.js';

const LF = Buffer.from('\n');

export function runScan(line: CommandLine, terminal: Terminal): Promise<number> {
  const isForPeople = outputMode(line, terminal) === 'standard';
  return withServer(line, terminal, async (session) => {
    let isStopped = false;
    const stopListening = terminal.onInterrupt(() => {
      isStopped = true;
    });
    const scan = new KeyScan(session, line, { everyScans: 1, pauseMs: line.intervalMs });
    for (;;) {
      session.sendAll(await scan.nextRequest());
      const keys = await scan.nextBatch();
      if (keys === null || isStopped) break;
      const lines = keys.flatMap((key) => [isForPeople ? Buffer.from(repr(key)) : key, LF]);
      terminal.write(Buffer.concat(lines));
    }
    stopListening();
    return 0;
  });
}
