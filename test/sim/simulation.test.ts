/**
 * The cluster core under hundreds of drawn disasters. A seed that fails prints the line that replays it.
 * New seeds are worth running from time to time: `npm run sim -- --seeds 10000 --seed 1000000`.
 */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { describeFailure } from '../../src/sim/main.js';
import { runMany } from '../../src/sim/many.js';
import { drawPlan } from '../../src/sim/plan.js';
import { type Report, simulate } from '../../src/sim/simulation.js';

const SEEDS = 200;
const THREADS = 2;

test('200 clusters of 10–30 nodes keep all invariants under faults, and recover when healed', async (context) => {
  const failures: string[] = [];
  const checks = new Map<string, number>();
  const faults = new Map<string, number>();
  const add = (to: Map<string, number>, counts: ReadonlyMap<string, number>): void => {
    for (const [name, count] of counts) to.set(name, (to.get(name) ?? 0) + count);
  };
  const onReport = (report: Report): void => {
    add(checks, report.checks);
    add(faults, report.faults);
    if (report.failure !== null) failures.push(describeFailure(report, {}));
  };
  await runMany({ firstSeed: 1, count: SEEDS, wishes: {}, threads: THREADS, onReport });
  for (const [name, count] of [...checks, ...faults]) context.diagnostic(`${count} × ${name}`);
  assert.equal(failures.join('\n'), '');
  // A checker that never looks, or a fault that never strikes, proves nothing.
  for (const [name, count] of checks) assert(count >= 50, `'${name}' was checked only ${count} times`);
  assert.equal(faults.size, 16, 'every kind of fault was made');
});

test('a seed gives the same run again, to the step', () => {
  for (const seed of [5, 0xdeadbeef]) {
    const plan = drawPlan(seed, { nodes: 10 });
    const first = simulate(plan);
    const second = simulate(drawPlan(seed, { nodes: 10 }));
    assert.deepEqual(second, first);
    assert(first.stepCount > 5000);
  }
});

test('a run with messages as bytes is the same as one with messages as objects: the codec loses nothing', () => {
  const asBytes = simulate(drawPlan(8, { nodes: 12, usesCodec: true }));
  const asObjects = simulate(drawPlan(8, { nodes: 12, usesCodec: false }));
  assert.equal(asBytes.fingerprint, asObjects.fingerprint);
});

test('different seeds give different runs', () => {
  const prints = [11, 12, 13].map((seed) => simulate(drawPlan(seed, { nodes: 10 })).fingerprint);
  assert.equal(new Set(prints).size, 3);
});
