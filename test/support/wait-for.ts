/** Waiting for a condition. Tests never wait for a duration. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, as the end of the sentence "timed out waiting for …". */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** Added to the failure message: the state of things at that moment. */
  readonly detail?: () => string | Promise<string>;
}

/**
 * Polls until `condition` gives something truthy and returns it. An exception of the condition counts as "not yet"; the last one is the cause of the
 * failure, which is an Error that says what was waited for and for how long. Default: 10 s, every 20 ms.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const { what, timeoutMs = 10000, intervalMs = 20, detail } = options;
  const startedAtMs = performance.now();
  let lastError: unknown;
  for (;;) {
    try {
      const result = await condition();
      if (result) return result;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() - startedAtMs > timeoutMs) break;
    await sleep(intervalMs);
  }
  const details = detail === undefined ? '' : `\n${await Promise.resolve(detail()).catch(String)}`;
  throw new Error(
    `timed out after ${timeoutMs} ms waiting for ${what}${details}`,
    lastError === undefined ? undefined : { cause: lastError },
  );
}
