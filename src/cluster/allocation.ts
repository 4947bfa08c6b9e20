/**
 * Who becomes a primary of which slots, and who replicates whom, when a cluster is made from a list of empty nodes. The same plan as that of
 * `redis-cli --cluster create` for the same list (spec/cli.md section 2.7, phases B and C), except for one thing: where several placements are
 * equally good, the original swaps replicas at random and this one keeps the first, so that a cluster made twice looks the same twice.
 *
 * Used by `--cluster create`, by redis-trib's create and by `slotmesh cluster start`. Pure: addresses in, plan out.
 */
import type { NodeAddress } from '../client/cluster-client.js';
import type { SlotRange } from '../client/cluster-nodes.js';
import { SLOT_COUNT } from '../keyspace/key-slot.js';

export interface PlannedPrimary {
  /** Index into the list of nodes given. */
  node: number;
  slots: SlotRange;
  /** Indexes of the nodes that replicate it. */
  replicas: number[];
}

export interface Allocation {
  primaries: PlannedPrimary[];
  /** The replicas as they were first handed out, before some were swapped for better places. */
  handedOut: { replica: number; primary: number }[];
  /** How many of `handedOut` each primary was to get; what follows are nodes left over. */
  regularCount: number;
  /** `affinityScore` before and after swapping. */
  firstScore: number;
  score: number;
}

/** The nodes do not suffice for what is asked. */
export class AllocationError extends Error {
  readonly code = 'TOO_FEW_NODES';

  constructor(
    message: string,
    /** With so many it would go. */
    readonly neededCount: number,
  ) {
    super(message);
  }
}

/**
 * Cuts the slots into `count` ranges of nearly equal size, in order, without gap or overlap, rounding half away from zero.
 * redis-cli computes in single precision, redis-trib in double; the borders differ from 78 ranges on.
 */
export function splitSlots(count: number, round: (value: number) => number = Math.fround): SlotRange[] {
  const size = round(SLOT_COUNT / count);
  const ranges: SlotRange[] = [];
  let cursor = 0;
  let first = 0;
  for (let index = 0; index < count; index++) {
    let last = Math.round(round(round(cursor + size) - 1));
    if (last >= SLOT_COUNT || index === count - 1) last = SLOT_COUNT - 1;
    if (last < first) last = first;
    ranges.push({ first, last });
    first = last + 1;
    cursor = round(cursor + size);
  }
  return ranges;
}

/** Node indexes, one of each host in turn, hosts in order of first appearance: consecutive nodes are on different hosts as far as possible. */
function interleaveByHost(nodes: readonly NodeAddress[]): number[] {
  const byHost = new Map<string, number[]>();
  nodes.forEach((node, index) => {
    const group = byHost.get(node.host);
    if (group === undefined) byHost.set(node.host, [index]);
    else group.push(index);
  });
  const order: number[] = [];
  for (let round = 0; order.length < nodes.length; round++) {
    for (const group of byHost.values()) {
      const index = group[round];
      if (index !== undefined) order.push(index);
    }
  }
  return order;
}

/**
 * Plans a cluster with `replicasPerPrimary` replicas for each primary; nodes that are left over become further replicas.
 * Throws AllocationError when fewer than three primaries would result.
 */
export function allocate(
  nodes: readonly NodeAddress[],
  replicasPerPrimary: number,
  round?: (value: number) => number,
): Allocation {
  const primaryCount = Math.floor(nodes.length / (replicasPerPrimary + 1));
  if (primaryCount < 3) {
    const neededCount = 3 * (replicasPerPrimary + 1);
    throw new AllocationError(
      `A cluster needs at least 3 primaries; ${nodes.length} nodes with ${replicasPerPrimary} replicas per primary give ${primaryCount}. ` +
        `At least ${neededCount} nodes are required.`,
      neededCount,
    );
  }
  const order = interleaveByHost(nodes);
  const primaries = splitSlots(primaryCount, round).map((slots, index) => ({
    node: order[index]!,
    slots,
    replicas: [] as number[],
  }));
  const pool = order.slice(primaryCount);
  // Rotated by one, so that with one node list per host a primary's replica is not on the host next in the same order.
  if (pool.length > 1) pool.push(pool.shift()!);

  const handedOut: Allocation['handedOut'] = [];
  const handOut = (perPrimary: number): void => {
    for (const primary of primaries) {
      for (let turn = 0; turn < perPrimary && pool.length > 0; turn++) {
        const elsewhere = pool.findIndex((node) => nodes[node]!.host !== nodes[primary.node]!.host);
        const [replica] = pool.splice(Math.max(0, elsewhere), 1);
        primary.replicas.push(replica!);
        handedOut.push({ replica: replica!, primary: primary.node });
      }
    }
  };
  handOut(replicasPerPrimary);
  const regularCount = handedOut.length;
  // The original does this once; with more nodes left than primaries, some would get no role at all.
  while (pool.length > 0) handOut(1);
  const firstScore = affinityScore(nodes, primaries);
  separate(nodes, primaries);
  return { primaries, handedOut, regularCount, firstScore, score: affinityScore(nodes, primaries) };
}

/**
 * How bad the placement is: per host and primary, 10000 for each replica beside its own primary, and the number of replicas where several of one
 * primary share a host. 0 is perfect.
 */
export function affinityScore(nodes: readonly NodeAddress[], primaries: readonly PlannedPrimary[]): number {
  let score = 0;
  for (const primary of primaries) {
    const perHost = new Map<string, number>();
    for (const replica of primary.replicas) {
      const { host } = nodes[replica]!;
      perHost.set(host, (perHost.get(host) ?? 0) + 1);
    }
    for (const [host, count] of perHost) {
      if (host === nodes[primary.node]!.host) score += 10_000 * count;
      else if (count > 1) score += count;
    }
  }
  return score;
}

/** How long the search for a perfect placement goes on, per node: as long as the original's. */
const WALK_STEPS_PER_NODE = 500;

/** Swaps replicas between primaries as long as a single swap lowers the score; where none does and the score is not 0, walks over equally good places. */
function separate(nodes: readonly NodeAddress[], primaries: PlannedPrimary[]): void {
  if (new Set(nodes.map((node) => node.host)).size === 1) return;
  let score = affinityScore(nodes, primaries);
  while (score > 0 && swapForLowerScore()) score = affinityScore(nodes, primaries);
  const places = primaries.flatMap((primary) => primary.replicas.map((_, at) => ({ primary, at })));
  const random = lehmerGenerator();
  for (let step = 0; score > 0 && places.length > 1 && step < WALK_STEPS_PER_NODE * nodes.length; step++) {
    const [left, right] = [places[random() % places.length]!, places[random() % places.length]!];
    swapReplicas(left.primary, left.at, right.primary, right.at);
    const next = affinityScore(nodes, primaries);
    if (next <= score) score = next;
    else swapReplicas(left.primary, left.at, right.primary, right.at);
  }

  function swapForLowerScore(): boolean {
    for (const [index, left] of primaries.entries()) {
      for (const right of primaries.slice(index + 1)) {
        for (let i = 0; i < left.replicas.length; i++) {
          for (let j = 0; j < right.replicas.length; j++) {
            swapReplicas(left, i, right, j);
            if (affinityScore(nodes, primaries) < score) return true;
            swapReplicas(left, i, right, j);
          }
        }
      }
    }
    return false;
  }
}

function swapReplicas(left: PlannedPrimary, i: number, right: PlannedPrimary, j: number): void {
  const moved = left.replicas[i]!;
  left.replicas[i] = right.replicas[j]!;
  right.replicas[j] = moved;
}

/** The same numbers every time (Park and Miller's generator): a plan depends on the nodes alone. */
function lehmerGenerator(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
}
