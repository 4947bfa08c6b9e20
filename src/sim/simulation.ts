/**
 * One run, from a plan to a report:
 *
 *   form ──► faults ──► heal everything ──► agree, within a bounded time ──► a primary dies and is replaced ──► (again) faults …
 *
 * Checkers watch all the time. Under faults only safety is demanded; after the heal liveness as well.
 */
import { isPrimary, isVotingPrimary } from '../cluster/core/nodes.js';
import type { Checker } from './checkers/checker.js';
import { disagreement } from './checkers/convergence.js';
import { Durability } from './checkers/durability.js';
import { Elections } from './checkers/elections.js';
import { IsolatedPrimaries } from './checkers/isolation.js';
import { ManualFailovers } from './checkers/manual-failovers.js';
import { Structure } from './checkers/structure.js';
import { ToldEpochs } from './checkers/told-epochs.js';
import { Violation } from './checkers/violation.js';
import { Clients } from './clients.js';
import { FaultSchedule } from './faults/index.js';
import { form } from './formation.js';
import type { Host } from './host.js';
import { Operator } from './operator.js';
import type { Plan } from './plan.js';
import type { Process } from './process.js';
import { Trace } from './trace.js';
import { Transcript } from './transcript.js';
import { type Sabotage, World } from './world.js';

export interface Report {
  seed: number;
  /** Null: everything held. */
  failure: { invariant: string; detail: string; atMs: number } | null;
  fingerprint: string;
  stepCount: number;
  virtualMs: number;
  messagesSent: number;
  messagesDelivered: number;
  /** Reason → messages that did not arrive. */
  drops: Map<string, number>;
  /** Reason → what nodes refused; empty without a transcript. */
  refusals: Map<string, number>;
  faults: Map<string, number>;
  /** Invariant → how often it was looked at. */
  checks: Map<string, number>;
  elections: number;
  writes: number;
  promised: number;
  unpromisedLost: number;
  /** Longest time in which a healed cluster came to agree. */
  slowestRecoveryMs: number;
}

export interface RunOptions {
  /** Where the transcript goes; none is made if absent. */
  print?: (line: string) => void;
  /** All log lines of all nodes instead of the story. */
  printsEverything?: boolean;
  sabotage?: Sabotage;
}

/** Takes a violation or any other error of the code under test as the result of the run; never throws for one. */
export function simulate(plan: Plan, options: RunOptions = {}): Report {
  const simulation = new Simulation(plan, options);
  let failure: Report['failure'] = null;
  try {
    simulation.run();
  } catch (error) {
    const { nowMs } = simulation.world;
    if (error instanceof Violation) failure = { invariant: error.invariant, detail: error.detail, atMs: error.atMs };
    else failure = { invariant: 'the code runs without errors', detail: String((error as Error).stack), atMs: nowMs };
  }
  return simulation.report(failure);
}

/** After the heal: time for failures to be taken back, elections to be tried twice, connections to be made. */
const RECOVERY_TIMEOUTS = 25;
const RECOVERY_EXTRA_MS = 40_000;

class Simulation {
  readonly world: World;
  readonly #plan: Plan;
  readonly #trace: Trace;
  readonly #transcript: Transcript | null = null;
  readonly #clients: Clients;
  readonly #operator: Operator;
  readonly #faults: FaultSchedule;
  readonly #isolation: IsolatedPrimaries;
  readonly #durability: Durability;
  readonly #checkers: Checker[];
  #agreements = 0;
  #successions = 0;
  #elections = 0;
  #slowestRecoveryMs = 0;

  constructor(plan: Plan, { print, printsEverything = false, sabotage = {} }: RunOptions) {
    this.#plan = plan;
    const world = new World(plan, sabotage);
    this.world = world;
    this.#trace = new Trace(world);
    this.#clients = new Clients(world, world.dice.fork());
    this.#operator = new Operator(world, world.dice.fork());
    this.#faults = new FaultSchedule(world, world.dice.fork());
    this.#isolation = new IsolatedPrimaries(world);
    this.#durability = new Durability(world);
    this.#checkers = [
      new Elections(world),
      new ToldEpochs(world),
      new Structure(world),
      this.#isolation,
      this.#durability,
      new ManualFailovers(world),
    ];
    // The transcript comes before the checkers: it tells what a checker then objects to.
    if (print !== undefined) {
      this.#transcript = new Transcript(world, print, printsEverything);
      world.observers.push(this.#transcript);
    }
    world.observers.push(this.#trace, this.#clients, ...this.#checkers, {
      stepped: (_, input, effects) => {
        if (input.kind !== 'admin' && effects.some(({ kind }) => kind === 'become-primary')) this.#elections += 1;
      },
    });
  }

  run(): void {
    const { world } = this;
    form(world);
    world.tell('the cluster is formed');
    this.#isolation.start();
    this.#clients.start();
    this.#operator.start();
    for (let round = 0; round < this.#plan.rounds; round += 1) {
      this.#faults.start();
      world.run(this.#plan.chaosMs);
      world.tell('everything is healed');
      this.#faults.stopAndHeal();
      if (round === this.#plan.rounds - 1) this.#operator.stop();
      this.#recover();
      this.#succeed();
    }
    this.#clients.stop();
  }

  /** All nodes agree, and go on to. */
  #recover(): void {
    const { world } = this;
    const { options, replication } = this.#plan;
    // A copy that had to be begun again, too.
    const copiesMs = 2 * replication.fullCopyMsMax;
    const limitMs = RECOVERY_TIMEOUTS * options.nodeTimeoutMs + RECOVERY_EXTRA_MS + copiesMs;
    const tookMs = world.runUntil(() => disagreement(world) === null, limitMs);
    if (tookMs < 0) {
      const detail = `after ${limitMs} ms: ${disagreement(world)}`;
      throw new Violation('a healed cluster agrees and is ok within a bounded time', detail, world.nowMs);
    }
    this.#agreements += 1;
    this.#slowestRecoveryMs = Math.max(this.#slowestRecoveryMs, tookMs);
    world.tell(`all nodes agree after ${tookMs} ms`);
    for (const checker of this.#checkers) checker.settled?.();
  }

  /** A failed primary with a good replica is replaced, in the time that the protocol's delays add up to. */
  #succeed(): void {
    const { world } = this;
    const primary = this.#replaceable();
    if (primary === null) return;
    const { nodeTimeoutMs } = this.#plan.options;
    world.tell(`node ${primary.index} is crashed to be replaced`);
    const shard = primary.process!.me.shardId;
    world.crash(primary);
    const limitMs = 8 * nodeTimeoutMs + 10_000;
    const tookMs = world.runUntil(() => this.#isReplaced(shard), limitMs);
    if (tookMs < 0) {
      const detail = `node ${primary.index} has no successor after ${limitMs} ms`;
      throw new Violation('a failed primary with a good replica is replaced', detail, world.nowMs);
    }
    this.#successions += 1;
    world.tell(`a successor has taken over after ${tookMs} ms`);
    world.restart(primary);
    this.#recover();
  }

  #isReplaced(shard: string): boolean {
    const { running } = this.world;
    const successor = running.find(({ me }) => me.shardId === shard && isVotingPrimary(me));
    return successor !== undefined && running.every(({ state }) => state.status === 'ok');
  }

  /** A primary whose death leaves a majority, and a connected replica that may take over. */
  #replaceable(): Host | null {
    const { running, dice } = this.world;
    const voters = running.filter(({ me }) => isVotingPrimary(me));
    const candidates = voters.filter(({ me }) => running.some((process) => isHeir(process, me.id)));
    return voters.length < 3 || candidates.length === 0 ? null : dice.pick(candidates).host;
  }

  report(failure: Report['failure']): Report {
    const { network, nowMs } = this.world;
    const checks = new Map(this.#checkers.map(({ name, checkCount }) => [name, checkCount]));
    checks.set('a healed cluster agrees and is ok within a bounded time', this.#agreements);
    checks.set('a failed primary with a good replica is replaced', this.#successions);
    return {
      seed: this.#plan.seed,
      failure,
      fingerprint: this.#trace.fingerprint,
      stepCount: this.#trace.stepCount,
      virtualMs: nowMs,
      messagesSent: network.sentCount,
      messagesDelivered: network.deliveredCount,
      drops: network.drops,
      refusals: this.#transcript?.refusals ?? new Map(),
      faults: this.#faults.counts,
      checks,
      elections: this.#elections,
      writes: this.#clients.writeCount,
      promised: this.#clients.promisedCount,
      unpromisedLost: this.#durability.unpromisedLost,
      slowestRecoveryMs: this.#slowestRecoveryMs,
    };
  }
}

function isHeir(process: Process, primaryId: string): boolean {
  return process.me.replicaOf === primaryId && !isPrimary(process.me);
}
