/**
 * The plan of a run: everything that is drawn before it begins, from one 32-bit seed. Two runs with the same plan are the same run.
 *
 * Rates are drawn, too, and some kinds of faults are left out of each run altogether: what never happens makes room for what does, so that long
 * chains of one kind of trouble come about as well as mixtures. Time-outs are drawn short, since most of what matters is counted in node timeouts.
 */
import { type ClusterOptions, DEFAULT_OPTIONS } from '../cluster/core/types.js';
import { Dice } from './dice.js';
import { FAULTS } from './faults/index.js';
import type { Latency } from './network.js';
import { OPERATIONS } from './operator.js';
import type { ReplicationOptions } from './replication.js';

export interface Plan {
  seed: number;
  hostCount: number;
  primaryCount: number;
  options: ClusterOptions;
  /** True: the cluster is made by CLUSTER MEET from nothing; false: nodes begin with a nodes.conf that knows all. */
  formsByMeeting: boolean;
  /** True: messages travel as bytes, through encoder and decoder; false: as objects, which is faster. */
  usesCodec: boolean;
  /** True: the effects of all steps of one millisecond are joined, as in the server; false: each step is performed at once. */
  joinsEffects: boolean;
  /** About the size of a message, for the limit of queued bytes. */
  messageBytes: number;
  latency: Latency;
  driftMaxThousandths: number;
  skewMaxMs: number;
  /** A tick is late once in so many; 0 = never. */
  tickLagOneIn: number;
  tickLagMaxMs: number;
  replication: ReplicationOptions;
  writeEveryMs: number;
  /** One write in so many is followed by WAIT for all replicas. */
  waitOneIn: number;
  /** Something breaks about this often. */
  faultEveryMs: number;
  /** Name of the kind of fault → weight. */
  faultWeights: ReadonlyMap<string, number>;
  /** An operator does something about this often; 0 = never. */
  operateEveryMs: number;
  operationWeights: ReadonlyMap<string, number>;
  /** Faults are made for this long, then everything is healed and has to recover; so many times. */
  chaosMs: number;
  rounds: number;
}

export interface PlanWishes {
  /** Number of nodes; drawn from 10–30 if absent. */
  nodes?: number;
  /** Virtual minutes of faults, in rounds; one short round if absent. */
  minutes?: number;
  /** Bytes or objects; drawn if absent. */
  usesCodec?: boolean;
}

const NODES_MIN = 10;
const NODES_MAX = 30;
const ROUND_MINUTES = 3;
const NODE_TIMEOUTS_MS = [500, 1000, 2000, 5000];
/** In a large cluster every node pings hundreds of others twice in this time, so it is given the time that operators give it. */
const NODE_TIMEOUTS_OF_LARGE_MS = [5000, 15_000];
const LARGE_NODES = 50;

export function drawPlan(seed: number, wishes: PlanWishes = {}): Plan {
  const dice = new Dice(seed);
  // The cost of a run grows with the square; small clusters get into as much trouble as large ones.
  const hostCount = wishes.nodes ?? Math.min(dice.between(NODES_MIN, NODES_MAX), dice.between(NODES_MIN, NODES_MAX));
  const replicasPerPrimary = dice.pick([1, 1, 2, 3]);
  const primaryCount = Math.max(1, Math.floor(hostCount / (1 + replicasPerPrimary)));
  const nodeTimeoutMs = dice.pick(hostCount < LARGE_NODES ? NODE_TIMEOUTS_MS : NODE_TIMEOUTS_OF_LARGE_MS);
  const isFastNetwork = dice.chance(2, 3);
  const baseMs = isFastNetwork ? 0 : dice.between(1, 20);
  // Runs in which replicas change shards and those in which operators force failovers are different runs: a forced failover to a replica that has not
  // copied its new primary's data loses them by order.
  const mayMigrate = dice.chance(1, 2);
  const usesCodec = dice.chance(1, 6);
  const minutes = wishes.minutes ?? 0;
  const rounds = Math.max(1, Math.round(minutes / ROUND_MINUTES));
  return {
    seed,
    hostCount,
    primaryCount,
    options: {
      ...DEFAULT_OPTIONS,
      nodeTimeoutMs,
      replicaValidityFactor: dice.pick([10, 10, 4, 0]),
      replPingReplicaPeriodS: dice.pick([10, 1]),
      allowReplicaMigration: mayMigrate,
      migrationBarrier: dice.pick([1, 1, 0, 2]),
      requireFullCoverage: dice.chance(3, 4),
      linkSendbufLimit: dice.chance(1, 4) ? 20_000 : 0,
    },
    formsByMeeting: hostCount <= NODES_MAX && dice.chance(1, 5),
    usesCodec: wishes.usesCodec ?? usesCodec,
    joinsEffects: dice.chance(1, 2),
    messageBytes: 2500,
    latency: {
      baseMs,
      jitterMs: isFastNetwork ? 1 : dice.between(1, 30),
      spikeOneIn: dice.pick([0, 1000, 200]),
      spikeMs: Math.floor(nodeTimeoutMs / dice.pick([1, 2, 10])),
    },
    driftMaxThousandths: dice.pick([0, 0, 1, 10]),
    skewMaxMs: dice.pick([0, 400, 5000, 3_600_000]),
    tickLagOneIn: dice.pick([0, 100, 10]),
    tickLagMaxMs: dice.pick([20, 200]),
    replication: {
      backlogBytes: dice.pick([1000, 10_000, 1_000_000]),
      fullCopyMsMax: dice.pick([50, 2000, 20_000]),
      timeoutMs: dice.pick([5000, 60_000]),
      pingPeriodMs: 1000,
    },
    writeEveryMs: dice.pick([20, 100, 500]),
    waitOneIn: dice.pick([1, 2, 5]),
    faultEveryMs: Math.floor(nodeTimeoutMs * dice.pick([1, 2, 4])),
    faultWeights: drawWeights(dice, [...FAULTS.keys()]),
    operateEveryMs: dice.chance(1, 2) ? nodeTimeoutMs * dice.pick([1, 3, 10]) : 0,
    operationWeights: drawWeights(
      dice,
      [...OPERATIONS].filter(([, { isSafeWithMigration }]) => isSafeWithMigration || !mayMigrate).map(([name]) => name),
    ),
    chaosMs: minutes > 0 ? Math.floor((minutes * 60_000) / rounds) : nodeTimeoutMs * dice.between(15, 25),
    rounds,
  };
}

/** About a third of the kinds get none, few get much. */
function drawWeights(dice: Dice, names: string[]): Map<string, number> {
  const weights = new Map(names.map((name) => [name, dice.pick([0, 0, 1, 2, 2, 5])]));
  if ([...weights.values()].every((weight) => weight === 0)) weights.set(dice.pick(names), 1);
  return weights;
}
