/**
 * --latency and --latency-history: the round trip of PING in whole milliseconds, sampled every 10 ms. On a terminal one line that changes; elsewhere one
 * line when the interval is over. The history adds a line for each interval.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandLine, OutputMode } from '../command-line.js';
import { connectedSession, outputMode } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { askPersistently } from './reconnect.js';

const SAMPLE_EVERY_MS = 10;
const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_HISTORY_INTERVAL_MS = 15_000;

interface Samples {
  minMs: number;
  maxMs: number;
  totalMs: number;
  count: number;
}

export async function runLatency(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  const mode = outputMode(line, terminal);
  const intervalMs = line.intervalMs || (line.keepsLatencyHistory ? DEFAULT_HISTORY_INTERVAL_MS : DEFAULT_INTERVAL_MS);
  let samples: Samples = { minMs: 0, maxMs: 0, totalMs: 0, count: 0 };
  let startedAtMs = performance.now();
  for (;;) {
    const sentAtMs = Math.trunc(performance.now());
    await askPersistently(session, terminal, 'PING');
    add(samples, Math.trunc(performance.now()) - sentAtMs);
    if (mode === 'standard') terminal.write(`\x1b[0G\x1b[2K${formatSamples(samples, mode)}`);
    const elapsedMs = performance.now() - startedAtMs;
    if (elapsedMs > intervalMs) {
      if (!line.keepsLatencyHistory && mode !== 'standard') {
        terminal.write(lineOf(formatSamples(samples, mode)));
        session.disconnect();
        return 0;
      }
      if (line.keepsLatencyHistory) {
        const range = `-- ${(elapsedMs / 1000).toFixed(2)} seconds range`;
        terminal.write(mode === 'standard' ? ` ${range}\n` : lineOf(formatSamples(samples, mode)));
        startedAtMs = performance.now();
        samples = { minMs: 0, maxMs: 0, totalMs: 0, count: 0 };
      }
    }
    await sleep(SAMPLE_EVERY_MS);
  }
}

function add(samples: Samples, latencyMs: number): void {
  samples.minMs = samples.count === 0 ? latencyMs : Math.min(samples.minMs, latencyMs);
  samples.maxMs = Math.max(samples.maxMs, latencyMs);
  samples.totalMs += latencyMs;
  samples.count++;
}

function lineOf(text: string): string {
  return text === '' ? '' : `${text}\n`;
}

/** The result in each form; quoted JSON has none. */
function formatSamples({ minMs, maxMs, totalMs, count }: Samples, mode: OutputMode): string {
  const average = (totalMs / count).toFixed(2);
  switch (mode) {
    case 'standard':
      return `min: ${minMs}, max: ${maxMs}, avg: ${average} (${count} samples)`;
    case 'raw':
      return `${minMs} ${maxMs} ${average} ${count}`;
    case 'csv':
      return `${minMs},${maxMs},${average},${count}`;
    case 'json':
      return `{"min": ${minMs}, "max": ${maxMs}, "avg": ${average}, "count": ${count}}`;
    case 'quoted-json':
      return '';
  }
}
