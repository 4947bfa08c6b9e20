/** --latency-dist: the round trips of PING as a spectrum, one line for each interval: a column for each range of times, its colour the share of samples. */
import type { CommandLine } from '../command-line.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { askPersistently } from './reconnect.js';

const DEFAULT_INTERVAL_MS = 1000;
const LEGEND_EVERY_LINES = 20;
/** Colours of the 256-colour palette, from no sample to all. */
const COLOURS = [0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196];
const GREYS = [0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253];

interface Bucket {
  readonly mark: string;
  /** Longest time that counts here. */
  readonly maxUs: number;
}

const BUCKETS: readonly Bucket[] = [
  { mark: '.', maxUs: 10 },
  { mark: '-', maxUs: 125 },
  { mark: '*', maxUs: 250 },
  { mark: '#', maxUs: 500 },
  ...series('123456789', 1000),
  ...series('ABCDE', 10_000),
  ...series('FGHIJ', 100_000),
  { mark: 'K', maxUs: 1_000_000 },
  { mark: 'L', maxUs: 2_000_000 },
  { mark: 'M', maxUs: 4_000_000 },
  { mark: 'N', maxUs: 8_000_000 },
  { mark: 'O', maxUs: 16_000_000 },
  { mark: 'P', maxUs: 30_000_000 },
  { mark: 'Q', maxUs: 60_000_000 },
  { mark: '?', maxUs: Number.POSITIVE_INFINITY },
];

function series(marks: string, stepUs: number): Bucket[] {
  return Array.from(marks, (mark, index) => ({ mark, maxUs: (index + 1) * stepUs }));
}

export async function runLatencyDistribution(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  const palette = line.isMonochrome ? GREYS : COLOURS;
  const intervalMs = line.intervalMs || DEFAULT_INTERVAL_MS;
  const counts = new Array<number>(BUCKETS.length).fill(0);
  let lineCount = 0;
  for (let startedAtMs = performance.now(); ; ) {
    const sentAtMs = performance.now();
    await askPersistently(session, terminal, 'PING');
    const latencyUs = (performance.now() - sentAtMs) * 1000;
    counts[BUCKETS.findIndex((bucket) => latencyUs <= bucket.maxUs)]!++;
    if (performance.now() - startedAtMs <= intervalMs) continue;
    if (lineCount++ % LEGEND_EVERY_LINES === 0) terminal.write(legend(palette));
    terminal.write(spectrumLine(counts, palette));
    counts.fill(0);
    startedAtMs = performance.now();
  }
}

function spectrumLine(counts: readonly number[], palette: readonly number[]): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const columns = BUCKETS.map(({ mark }, at) => {
    const index = Math.ceil((counts[at]! / total) * (palette.length - 1));
    return `\x1b[48;5;${palette[index]}m${mark}`;
  });
  return `\x1b[38;5;0m${columns.join('')}\x1b[0m\n`;
}

function legend(palette: readonly number[]): string {
  return `---------------------------------------------
. - * #          .01 .125 .25 .5 milliseconds
1,2,3,...,9      from 1 to 9     milliseconds
A,B,C,D,E        10,20,30,40,50  milliseconds
F,G,H,I,J        .1,.2,.3,.4,.5       seconds
K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds
From 0 to 100%: ${palette.map((colour) => `\x1b[48;5;${colour}m `).join('')}\x1b[0m
---------------------------------------------
`;
}
