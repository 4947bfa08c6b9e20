/**
 * --intrinsic-latency: how long this machine itself makes a busy process wait, without any server. A short computation is timed over and over; what it
 * takes longer than usual went to others: the scheduler, the hypervisor.
 */
import type { CommandLine } from '../command-line.js';
import type { Terminal } from '../terminal.js';

const STEPS_PER_RUN = 64;

export async function runIntrinsicLatency(line: CommandLine, terminal: Terminal): Promise<number> {
  const durationUs = line.intrinsicLatencyS * 1_000_000;
  const startedAtUs = performance.now() * 1000;
  let elapsedUs = 0;
  let maxUs = 0;
  let runs = 0;
  let state = 1;
  do {
    const beganAtUs = performance.now() * 1000;
    state = compute(state);
    const endedAtUs = performance.now() * 1000;
    runs++;
    elapsedUs = endedAtUs - startedAtUs;
    const latencyUs = Math.trunc(endedAtUs - beganAtUs);
    if (latencyUs > maxUs) {
      maxUs = latencyUs;
      terminal.write(`Max latency so far: ${maxUs} microseconds.\n`);
    }
  } while (elapsedUs < durationUs);
  const averageUs = elapsedUs / runs;
  terminal.write(
    `\n${runs} total runs (avg latency: ${averageUs.toFixed(4)} microseconds / ${(averageUs * 1000).toFixed(2)} nanoseconds per run).\n` +
      `Worst run took ${(maxUs / averageUs).toFixed(0)}x longer than the average latency.\n`,
  );
  // The computation's result is used, so that no compiler can leave it out.
  return state < 0 ? 1 : 0;
}

/** Something short that depends on its last result: xorshift. Never negative. */
function compute(seed: number): number {
  let state = seed | 1;
  for (let step = 0; step < STEPS_PER_RUN; step++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state & 0x7fffffff;
}
