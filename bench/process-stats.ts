/** CPU time and memory of another process, read from /proc (Linux only; a benchmark elsewhere would have nothing to say about them). */
import { readFileSync } from 'node:fs';

/** Linux reports CPU time in ticks of USER_HZ, which is 100 per second on every architecture that Node runs on. */
const TICK_MS = 10;

/** User plus system CPU time of all threads of the process so far, in ms (steps of 10). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in parentheses and may itself hold blanks and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  return (utime + stime) * TICK_MS;
}

/** Resident memory of the process, in MiB. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  return Number(line?.[1] ?? Number.NaN) / 1024;
}

/**
 * CPU time of the process's main thread so far, in ms: what its event loop has used. The kernel counts it up when the thread goes to sleep, and at
 * its ticks (every few milliseconds) in between, so an idle server has an exact figure.
 */
export function mainThreadMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
}

/** Time so far, ms, in which the process's main thread could have run but the machine ran something else. Counted up when the thread gets its turn. */
export function mainThreadDelayMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
}
