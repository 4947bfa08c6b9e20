/** CPU time of this process, for limits that tell linear from quadratic: unlike wall time it does not grow when the machine is busy. */

/** @returns milliseconds of user and system time that the process has used so far */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
