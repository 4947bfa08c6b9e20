/**
 * What LATENCY GRAPH and LATENCY DOCTOR make of the samples. The frame of both is Redis's; the advice is about this server, which neither forks nor
 * has an allocator of its own to blame. Source: spec server.md section 15, and the real server's output.
 */
import type { Config } from './config/config.js';
import type { LatencyEvent, LatencyMonitor, LatencySample } from './latency.js';

const COLUMNS_MAX = 80;
const ROWS = 4;
/** Bars by height within a row. */
const BARS = '_o#';

/** Bars of the samples, the newest at the right, with each sample's age below, from top to bottom. */
export function drawLatencyGraph(name: string, event: LatencyEvent, nowSeconds: number): string {
  const { samples, maxMs } = event;
  const low = Math.min(...samples.map((sample) => sample.ms));
  const high = Math.max(...samples.map((sample) => sample.ms));
  let text = `${name} - high ${high} ms, low ${low} ms (all time high ${maxMs} ms)\n${'-'.repeat(80)}\n`;
  for (let from = 0; from < samples.length; from += COLUMNS_MAX) {
    if (from > 0) text += '\n';
    text += drawBars(samples.slice(from, from + COLUMNS_MAX), low, high, nowSeconds);
  }
  return text;
}

function drawBars(samples: readonly LatencySample[], low: number, high: number, nowSeconds: number): string {
  const steps = ROWS * BARS.length;
  const levels = samples.map(({ ms }) =>
    high === low ? 0 : Math.min(steps - 1, Math.floor(((ms - low) * steps) / (high - low))),
  );
  const labels = samples.map(({ unixSeconds }) => ageLabel(nowSeconds - unixSeconds));
  let text = '';
  for (let row = ROWS - 1; row >= 0; row--) {
    for (const level of levels) {
      const inRow = level - row * BARS.length;
      text += inRow < 0 ? ' ' : (BARS[inRow] ?? '|');
    }
    text += '\n';
  }
  text += `${' '.repeat(samples.length)}\n`;
  const labelRows = Math.max(...labels.map((label) => label.length));
  for (let row = 0; row < labelRows; row++) text += `${labels.map((label) => label[row] ?? ' ').join('')}\n`;
  return text;
}

function ageLabel(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}

/** The events one by one, and what can be done about them. There is at least one event. */
export function latencyReport(latency: LatencyMonitor, config: Config, nowSeconds: number): string {
  let text =
    "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n";
  let number = 1;
  for (const [name, { samples, maxMs }] of latency.events) {
    const mean = Math.floor(samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length);
    const deviation = Math.floor(samples.reduce((sum, { ms }) => sum + Math.abs(ms - mean), 0) / samples.length);
    const period = Math.max(1, nowSeconds - samples[0].unixSeconds) / samples.length;
    text += `${number++}. ${name}: ${samples.length} latency spikes (average ${mean}ms, mean deviation ${deviation}ms, period ${period.toFixed(2)} sec). Worst all time event ${maxMs}ms.\n`;
  }
  const advices = adviceFor(latency, config);
  if (advices.length === 0) return text;
  return `${text}\nI have a few advices for you:\n\n${advices.map((advice) => `- ${advice}\n`).join('')}`;
}

function adviceFor(latency: LatencyMonitor, config: Config): string[] {
  const { slowlogLogSlowerThan, appendfsync, hz } = config.values;
  const names = [...latency.events.keys()];
  const has = (prefix: string): boolean => names.some((name) => name.startsWith(prefix));
  const advices: string[] = [];
  if (has('command')) {
    const thresholdUs = latency.thresholdMs * 1000;
    if (slowlogLogSlowerThan < 0 || slowlogLogSlowerThan > thresholdUs) {
      advices.push(
        `The Slow Log does not show all of these commands. Use 'CONFIG SET slowlog-log-slower-than ${thresholdUs}' to have every command there that the latency monitor counts.`,
      );
    }
    advices.push(
      'Look into the Slow Log (SLOWLOG GET) for the commands that take long. What walks over many keys or elements holds up everybody else: prefer SCAN and its like, and smaller values.',
    );
  }
  if (has('fast-command')) {
    advices.push(
      'Commands that should take microseconds took milliseconds: the process did not get the processor. Look at the load of the machine, and for neighbours on the same host.',
    );
  }
  if (has('aof')) {
    advices.push(
      'Writing the append only file takes long. Use a local disk, best a solid-state one, that nothing else writes to.',
    );
    if (appendfsync === 'always') {
      advices.push(
        "With 'appendfsync always' every write waits for the disk. 'appendfsync everysec' does not, and may lose the last second in a crash.",
      );
    }
  }
  if (has('expire-cycle')) {
    advices.push(
      `Many keys expire at the same time. Spread their times to live, or let the cycle run more often and shorter: 'CONFIG SET hz ${Math.min(500, Math.max(100, hz * 2))}'.`,
    );
  }
  return advices;
}
