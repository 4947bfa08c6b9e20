/**
 * Which slots leave which sources when `count` slots go to one target: each source gives in proportion to what it has, its lowest slots first. Pure.
 * Source: spec/cli.md section 2.10.
 *
 * The largest source's share is rounded up, the others' down, in single precision, as redis-cli does it; the plan can be shorter than asked for
 * (sources with 5462, 5461 and 5461 slots give 4 where 5 are asked for).
 */
import type { SlotSet } from './slot-set.js';

/** Any node; the plan needs but its slots. */
export interface SlotOwner {
  readonly slots: SlotSet;
}

export interface SlotMove<Node extends SlotOwner> {
  slot: number;
  source: Node;
}

export function planReshard<Node extends SlotOwner>(
  sources: readonly Node[],
  count: number,
  round: (value: number) => number = Math.fround,
): SlotMove<Node>[] {
  const total = sources.reduce((sum, node) => sum + node.slots.size, 0);
  const bySize = [...sources].sort((a, b) => b.slots.size - a.slots.size);
  const moves: SlotMove<Node>[] = [];
  for (const [at, source] of bySize.entries()) {
    const share = round(round(count / total) * source.slots.size);
    let left = at === 0 ? Math.ceil(share) : Math.floor(share);
    for (const slot of source.slots) {
      if (left-- <= 0 || moves.length >= count) break;
      moves.push({ slot, source });
    }
  }
  return moves;
}
