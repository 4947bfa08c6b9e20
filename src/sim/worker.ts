/** A thread that runs seeds: one number in, one report out. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawPlan, type PlanWishes } from './plan.js';
import { simulate } from './simulation.js';

parentPort!.on('message', (seed: number) => {
  parentPort!.postMessage(simulate(drawPlan(seed, workerData as PlanWishes)));
});
