/** Runs one test to its end: starts the threads, watches their progress, and has the map of the cluster fetched again when it is stale. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LatencyHistogram } from './histogram.js';
import type { StaleMap } from './load-thread.js';
import type { LoadThreads } from './load-threads.js';
import { SharedProgress, type Target, type Workload } from './workload.js';

export interface TestResult {
  /** Whole milliseconds. */
  readonly elapsedMs: number;
  readonly finishedCount: number;
  readonly latencies: LatencyHistogram;
}

/** The test could not be finished; the message is for stderr. */
export class BenchmarkError extends Error {
  readonly code = 'BENCHMARK_FAILED';
}

/** Looks at a test while it runs. */
export interface ProgressWatcher {
  readonly firstMs: number;
  readonly everyMs: number;
  look(progress: SharedProgress, elapsedMs: number): void;
}

/** A cluster that is down is asked again after so long. */
const DOWN_PAUSE_MS = 1000;

/**
 * @param refetchTargets  fetches the map of the cluster again
 * @throws BenchmarkError
 */
export function runTest(
  threads: LoadThreads,
  workload: Workload,
  watchers: readonly ProgressWatcher[],
  refetchTargets: (reason: StaleMap) => Promise<readonly Target[]>,
): Promise<TestResult> {
  const progress = SharedProgress.allocate(workload.threadCount, workload.precision);
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  return new Promise((resolve, reject) => {
    const timers = new Set<NodeJS.Timeout>();
    const watch = ({ firstMs, everyMs, look }: ProgressWatcher): void => {
      const lookAgainIn = (ms: number): void => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          look(progress, elapsedMs());
          lookAgainIn(everyMs);
        }, ms);
        timers.add(timer);
      };
      lookAgainIn(firstMs);
    };
    const end = (): void => {
      for (const timer of timers) clearTimeout(timer);
      threads.stop();
    };
    const fail = (text: string): void => {
      end();
      reject(new BenchmarkError(text));
    };
    let isFetching = false;
    const refetch = async (reason: StaleMap): Promise<void> => {
      if (isFetching) return;
      isFetching = true;
      if (reason.kind === 'down') await sleep(DOWN_PAUSE_MS);
      threads.retarget(await refetchTargets(reason));
      isFetching = false;
    };
    watchers.forEach(watch);
    threads.start(workload, progress, {
      onIdle: () => {
        if (progress.finishedCount < workload.requestCount) return;
        const finishedAtMs = elapsedMs();
        end();
        resolve({
          elapsedMs: Math.floor(finishedAtMs),
          finishedCount: progress.finishedCount,
          latencies: progress.latencies(),
        });
      },
      onFailure: fail,
      onStaleMap: (reason) => void refetch(reason).catch((error: Error) => fail(error.message)),
    });
  });
}
