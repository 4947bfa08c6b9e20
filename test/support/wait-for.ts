/** Waiting for a condition. Tests never wait for a duration. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, as the end of the sentence "timed out waiting for …". */
  readonly what: string;
  /** Default: a minute. What takes milliseconds on an idle machine takes seconds on a busy one; only what fails waits so long. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** Added to the failure message: the state of things at that moment. */
  readonly detail?: () => string | Promise<string>;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** For `detail`, which may ask the very server that hangs. */
const DETAIL_TIMEOUT_MS = 10_000;

/**
 * Polls every 20 ms until `condition` gives something truthy and returns it. An exception of the condition counts as "not yet"; the last one is the cause
 * of the failure, which is an Error that says what was waited for and for how long. The limit holds also for a condition that never settles.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const { what, timeoutMs = DEFAULT_TIMEOUT_MS, intervalMs = 20, detail } = options;
  const startedAtMs = performance.now();
  let lastError: unknown;
  do {
    try {
      const leftMs = Math.max(startedAtMs + timeoutMs - performance.now(), 1);
      const result = await within(leftMs, Promise.resolve(condition()), 'an answer to the question whether it is so');
      if (result) return result;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await sleep(intervalMs);
  } while (performance.now() - startedAtMs <= timeoutMs);
  const details =
    detail === undefined ? '' : `\n${await within(DETAIL_TIMEOUT_MS, tell(detail), 'the detail').catch(String)}`;
  throw new Error(
    `timed out after ${timeoutMs} ms waiting for ${what}${details}`,
    lastError === undefined ? undefined : { cause: lastError },
  );
}

/** The promise, which is rejected when it does not settle in time. */
export function within<T>(timeoutMs: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${timeoutMs} ms waiting for ${what}`)), timeoutMs);
  });
  return Promise.race([promise, overdue]).finally(() => clearTimeout(timer));
}

async function tell(detail: () => string | Promise<string>): Promise<string> {
  return detail();
}
