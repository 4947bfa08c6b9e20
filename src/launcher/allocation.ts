/**
 * Who becomes a primary of which slots, and who replicates whom, when a cluster is made from a list of empty nodes. The same plan as that of
 * `redis-cli --cluster create` for the same list (spec/cli.md section 2.7, phases B and C), except for one thing: where several placements are
 * equally good, the original swaps replicas at random and this one keeps the first, so that a cluster made twice looks the same twice.
 *
 * Pure: addresses in, plan out.
 */

export const SLOT_COUNT = 16_384;

export interface NodeAddress {
  host: string;
  port: number;
}

export interface SlotRange {
  first: number;
  last: number;
}

export interface PlannedPrimary {
  /** Index into the list of nodes given. */
  node: number;
  slots: SlotRange;
  /** Indexes of the nodes that replicate it, in the order they were assigned. */
  replicas: number[];
}

/** The nodes do not suffice for what is asked. */
export class AllocationError extends Error {
  readonly code = 'TOO_FEW_NODES';
}

/**
 * Cuts the slots into `count` ranges of nearly equal size, in order, without gap or overlap.
 * Computed in single precision and rounded half away from zero, as the original does it; double precision would give other borders from 78 on.
 */
export function splitSlots(count: number): SlotRange[] {
  const size = Math.fround(SLOT_COUNT / count);
  const ranges: SlotRange[] = [];
  let cursor = 0;
  let first = 0;
  for (let index = 0; index < count; index++) {
    let last = Math.round(Math.fround(Math.fround(cursor + size) - 1));
    if (last >= SLOT_COUNT || index === count - 1) last = SLOT_COUNT - 1;
    if (last < first) last = first;
    ranges.push({ first, last });
    first = last + 1;
    cursor = Math.fround(cursor + size);
  }
  return ranges;
}

/** Node indexes, one of each host in turn, hosts in order of first appearance: consecutive nodes are on different hosts as far as possible. */
export function interleaveByHost(nodes: readonly NodeAddress[]): number[] {
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
export function allocate(nodes: readonly NodeAddress[], replicasPerPrimary: number): PlannedPrimary[] {
  const primaryCount = Math.floor(nodes.length / (replicasPerPrimary + 1));
  if (primaryCount < 3) {
    throw new AllocationError(
      `A cluster needs at least 3 primaries; ${nodes.length} nodes with ${replicasPerPrimary} replicas per primary give ${primaryCount}. ` +
        `At least ${3 * (replicasPerPrimary + 1)} nodes are required.`,
    );
  }
  const order = interleaveByHost(nodes);
  const ranges = splitSlots(primaryCount);
  const primaries = ranges.map((slots, index) => ({ node: order[index]!, slots, replicas: [] as number[] }));
  const pool = order.slice(primaryCount);
  // Rotated by one, so that with one node list per host a primary's replica is not on the host next in the same order.
  if (pool.length > 1) pool.push(pool.shift()!);

  const assign = (perPrimary: number): void => {
    for (const primary of primaries) {
      const wanted = primary.replicas.length + perPrimary;
      while (primary.replicas.length < wanted && pool.length > 0) {
        const elsewhere = pool.findIndex((node) => nodes[node]!.host !== nodes[primary.node]!.host);
        primary.replicas.push(...pool.splice(Math.max(0, elsewhere), 1));
      }
    }
  };
  assign(replicasPerPrimary);
  if (pool.length > 0) assign(1);
  separate(nodes, primaries);
  return primaries;
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

/** Swaps replicas between primaries as long as a swap lowers the score. */
function separate(nodes: readonly NodeAddress[], primaries: PlannedPrimary[]): void {
  if (new Set(nodes.map((node) => node.host)).size === 1) return;
  let score = affinityScore(nodes, primaries);
  while (score > 0 && swapForLowerScore()) score = affinityScore(nodes, primaries);

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
