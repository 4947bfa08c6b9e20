/** Many seeds, spread over threads. Each seed is a run of its own, so the order in which they end does not matter. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PlanWishes } from './plan.js';
import type { Report } from './simulation.js';

/** Nearly all objects of a run die young; with the default of a few megabytes some of them live to be moved. */
const YOUNG_GENERATION_MB = 64;

export interface ManyOptions {
  firstSeed: number;
  count: number;
  wishes: PlanWishes;
  /** Threads; as many as the machine has processors if absent. */
  threads?: number;
  onReport: (report: Report) => void;
}

/** Runs the seeds `firstSeed` … `firstSeed + count − 1`. Resolves when all are done. @throws Error if a thread breaks down */
export async function runMany({ firstSeed, count, wishes, threads, onReport }: ManyOptions): Promise<void> {
  const threadCount = Math.min(threads ?? availableParallelism(), count);
  let next = 0;
  const runThread = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: wishes,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    try {
      while (next < count) {
        const seed = (firstSeed + next) >>> 0;
        next += 1;
        onReport(await ask(worker, seed));
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: threadCount }, runThread));
}

function ask(worker: Worker, seed: number): Promise<Report> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (report: Report) => {
      worker.off('error', reject);
      resolve(report);
    });
    worker.postMessage(seed);
  });
}
