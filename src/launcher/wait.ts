/** Waiting for a condition. */

export interface WaitOptions {
  timeoutMs: number;
  pollMs: number;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks until the answer is yes. @returns false when the time is up; what `isTrue` throws passes through */
export async function waitFor(
  isTrue: () => boolean | Promise<boolean>,
  { timeoutMs, pollMs }: WaitOptions,
): Promise<boolean> {
  const endsAtMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() >= endsAtMs) return false;
    await sleep(pollMs);
  }
  return true;
}
