/**
 * Turns SIGINT, SIGTERM and SIGHUP into abort signals. A first one asks for a clean stop; a second one a while later means that the user has lost
 * patience. One Ctrl-C under `npm start` arrives twice within a moment (from the terminal, and passed on by npm), which must not count as two.
 */
import type { StopSignals } from './start-command.js';

const SAME_KEYPRESS_MS = 1000;

/** From here on the signals do not end the process any more. */
export function listenForStopSignals(): StopSignals {
  const stop = new AbortController();
  const force = new AbortController();
  let firstAtMs = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!stop.signal.aborted) {
        firstAtMs = performance.now();
        stop.abort();
      } else if (performance.now() - firstAtMs > SAME_KEYPRESS_MS) {
        force.abort();
      }
    });
  }
  return { stop: stop.signal, force: force.signal };
}
