/** The command line of the simulator: `npm run sim -- [options]`. One seed with its story, or many seeds with a line for each that fails. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runMany } from './many.js';
import { drawPlan, type Plan, type PlanWishes } from './plan.js';
import { type Report, simulate } from './simulation.js';
import { formatTime } from './transcript.js';

const HELP = `Simulates a cluster: the same core as in the server, on a virtual network with a virtual clock, under faults drawn from a seed.

Usage: npm run sim -- [options]

  --seed N      32-bit number, decimal or 0x…, that draws everything; chosen and printed if absent
  --nodes N     nodes of the cluster (drawn from 10–30 if absent)
  --minutes N   virtual minutes of faults; healed and checked every few minutes (a short run if absent)
  --seeds N     run N seeds, from --seed upwards (from 1 if absent), on all processors; tells only which fail
  --codec on    every message goes through the wire codec (off: none does). Without it: one seed with up to 50 nodes uses it, a larger one does not, as
                that is faster; of many seeds, some do. The run is the same either way
  --trace       tell everything that the nodes log, not just the story
  --quiet       no story, only the summary
  --help        this page

The exit code is 1 if an invariant did not hold. The same options give the same run.
`;

const CODEC_NODES_MAX = 50;

interface Choices {
  seed: number | null;
  seeds: number | null;
  wishes: PlanWishes;
  isTrace: boolean;
  isQuiet: boolean;
}

/** @returns the exit code of the process */
export async function main(args: readonly string[]): Promise<number> {
  let choices: Choices | null;
  try {
    choices = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\nTry: npm run sim -- --help`);
    return 2;
  }
  if (choices === null) {
    console.log(HELP);
    return 0;
  }
  return choices.seeds === null ? runOne(choices) : runSeeds(choices, choices.seeds);
}

function readArguments(args: readonly string[]): Choices | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      nodes: { type: 'string' },
      minutes: { type: 'string' },
      seeds: { type: 'string' },
      codec: { type: 'string' },
      trace: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const wishes: PlanWishes = {};
  if (values.nodes !== undefined) wishes.nodes = numberIn('nodes', values.nodes, 1, 1000);
  if (values.minutes !== undefined) wishes.minutes = numberIn('minutes', values.minutes, 1, 100_000);
  if (values.codec !== undefined) {
    if (values.codec !== 'on' && values.codec !== 'off')
      throw new Error(`--codec is 'on' or 'off', not '${values.codec}'`);
    wishes.usesCodec = values.codec === 'on';
  }
  return {
    seed: values.seed === undefined ? null : numberIn('seed', values.seed, 0, 2 ** 32 - 1),
    seeds: values.seeds === undefined ? null : numberIn('seeds', values.seeds, 1, 10_000_000),
    wishes,
    isTrace: values.trace,
    isQuiet: values.quiet,
  };
}

function numberIn(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && text !== '' && value >= min && value <= max) return value;
  throw new Error(`--${name} is a whole number from ${min} to ${max}, not '${text}'`);
}

function runOne({ seed, wishes, isTrace, isQuiet }: Choices): number {
  const usesCodec = wishes.usesCodec ?? (wishes.nodes ?? 0) <= CODEC_NODES_MAX;
  const plan = drawPlan(seed ?? randomInt(2 ** 32 - 1), { ...wishes, usesCodec });
  console.log(describePlan(plan));
  const startMs = performance.now();
  const print = (line: string): void => {
    if (!isQuiet) console.log(line);
  };
  const report = simulate(plan, { print, printsEverything: isTrace });
  console.log(summary(report, performance.now() - startMs));
  if (report.failure === null) return 0;
  console.log(describeFailure(report, wishes));
  return 1;
}

async function runSeeds({ seed, wishes }: Choices, count: number): Promise<number> {
  const startMs = performance.now();
  let failed = 0;
  let virtualMs = 0;
  const totals = new Map<string, number>();
  const onReport = (report: Report): void => {
    virtualMs += report.virtualMs;
    for (const [name, checks] of report.checks) totals.set(name, (totals.get(name) ?? 0) + checks);
    if (report.failure === null) return;
    failed += 1;
    console.log(describeFailure(report, wishes));
  };
  await runMany({ firstSeed: seed ?? 1, count, wishes, onReport });
  const realMs = performance.now() - startMs;
  console.log(
    `${count} seeds, ${failed} failed; ${speed(virtualMs, realMs)}\ninvariants and how often they were checked:`,
  );
  console.log(table(totals));
  return failed === 0 ? 0 : 1;
}

/** What did not hold, and the line that shows it again. */
export function describeFailure({ seed, failure, fingerprint }: Report, wishes: PlanWishes): string {
  const options = [`--seed ${seed}`];
  if (wishes.nodes !== undefined) options.push(`--nodes ${wishes.nodes}`);
  if (wishes.minutes !== undefined) options.push(`--minutes ${wishes.minutes}`);
  if (wishes.usesCodec !== undefined) options.push(`--codec ${wishes.usesCodec ? 'on' : 'off'}`);
  const { invariant, detail, atMs } = failure!;
  return [
    `seed ${seed} at ${formatTime(atMs).trim()}: violated: ${invariant}`,
    `  ${detail}`,
    `  replay (${fingerprint}): npm run sim -- ${options.join(' ')}`,
  ].join('\n');
}

function describePlan(plan: Plan): string {
  const { options, latency } = plan;
  const kinds = [...plan.faultWeights].filter(([, weight]) => weight > 0).map(([name, weight]) => `${name} ×${weight}`);
  return [
    `seed ${plan.seed}: ${plan.hostCount} nodes, ${plan.primaryCount} primaries, node timeout ${options.nodeTimeoutMs} ms`,
    `  messages take ${latency.baseMs}–${latency.baseMs + latency.jitterMs} ms, ${plan.usesCodec ? 'as bytes' : 'as objects'}`,
    `  ${plan.rounds} × ${plan.chaosMs / 1000} s of faults, one every ${plan.faultEveryMs / 1000} s or so: ${kinds.join(', ')}`,
  ].join('\n');
}

function summary(report: Report, realMs: number): string {
  const { messagesSent, messagesDelivered, writes, promised } = report;
  return [
    '',
    `${speed(report.virtualMs, realMs)}, ${report.stepCount} steps, fingerprint ${report.fingerprint}`,
    `messages: ${messagesSent} sent, ${messagesDelivered} delivered; lost, by reason:`,
    table(report.drops),
    'refused by nodes, by reason:',
    table(report.refusals),
    'faults:',
    table(report.faults),
    `elections won: ${report.elections}; slowest recovery after a heal: ${report.slowestRecoveryMs / 1000} s`,
    `writes: ${writes} acknowledged, of these ${promised} by all replicas`,
    `slots whose last write, acknowledged by its primary alone, was lost: ${report.unpromisedLost}`,
    'invariants and how often they were checked:',
    table(report.checks),
  ].join('\n');
}

function table(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return '        –';
  const rows = [...counts].sort((a, b) => b[1] - a[1]);
  return rows.map(([name, count]) => `${String(count).padStart(9)}  ${name}`).join('\n');
}

function speed(virtualMs: number, realMs: number): string {
  const ratio = Math.round(virtualMs / Math.max(1, realMs));
  return `${Math.round(virtualMs / 1000)} virtual seconds in ${(realMs / 1000).toFixed(1)} s (${ratio} per second)`;
}
