/**
 * Who gives how many slots to whom so that each node has its share by weight. Pure. Source: spec/cli.md section 2.11.
 *
 *   expected slots = 16384 · weight / sum of weights, rounded down; balance = slots − expected
 *   what rounding left over is taken off the balances of those that lack slots; then the neediest node takes from the richest until one of them is even
 *
 * Single precision throughout, as in redis-cli.
 */
import { SLOT_COUNT } from '../../keyspace/key-slot.js';

export interface Share<Node> {
  readonly node: Node;
  readonly slotCount: number;
  readonly weight: number;
  /** Slots above its share; negative: below it. */
  balance: number;
}

export interface Transfer<Node> {
  readonly source: Node;
  readonly target: Node;
  readonly count: number;
}

export interface RebalancePlan<Node> {
  /** Single-precision sum. */
  totalWeight: number;
  /** Whether any node is further from its share than the threshold allows; else nothing is planned. */
  isNeeded: boolean;
  /** By balance, neediest first, before any transfer. */
  shares: Share<Node>[];
  transfers: Transfer<Node>[];
}

export interface WeightedNode<Node> {
  readonly node: Node;
  readonly slotCount: number;
  readonly weight: number;
}

/** @param thresholdPercent 0 allows any imbalance, oddly, as in redis-cli */
export function planRebalance<Node>(
  nodes: readonly WeightedNode<Node>[],
  thresholdPercent: number,
): RebalancePlan<Node> {
  const totalWeight = nodes.reduce((sum, { weight }) => Math.fround(sum + Math.fround(weight)), 0);
  const perWeight = Math.fround(SLOT_COUNT / totalWeight);
  let isNeeded = false;
  const shares = nodes.map(({ node, slotCount, weight }): Share<Node> => {
    const expected = Math.trunc(Math.fround(perWeight * Math.fround(weight)));
    if (thresholdPercent > 0) isNeeded ||= isOverThreshold(slotCount, expected, thresholdPercent);
    return { node, slotCount, weight, balance: slotCount - expected };
  });
  if (!isNeeded) return { totalWeight, isNeeded, shares, transfers: [] };

  let excess = shares.reduce((sum, { balance }) => sum + balance, 0);
  while (excess > 0) {
    for (const share of shares) {
      if (share.balance > 0 || excess <= 0) continue;
      share.balance--;
      excess--;
    }
  }
  shares.sort((a, b) => a.balance - b.balance);
  return { totalWeight, isNeeded, shares, transfers: planTransfers(shares) };
}

function isOverThreshold(slotCount: number, expected: number, thresholdPercent: number): boolean {
  if (slotCount === 0) return expected > 1;
  return Math.fround(Math.abs(100 - (100 * expected) / slotCount)) > thresholdPercent;
}

function planTransfers<Node>(shares: readonly Share<Node>[]): Transfer<Node>[] {
  const transfers: Transfer<Node>[] = [];
  const balances = shares.map(({ balance }) => balance);
  for (let target = 0, source = shares.length - 1; target < source; ) {
    const count = Math.min(Math.abs(balances[target]!), Math.abs(balances[source]!));
    if (count > 0) transfers.push({ source: shares[source]!.node, target: shares[target]!.node, count });
    balances[target]! += count;
    balances[source]! -= count;
    if (balances[target] === 0) target++;
    if (balances[source] === 0) source--;
  }
  return transfers;
}
