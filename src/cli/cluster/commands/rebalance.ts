/** `rebalance host:port`: moves slots so that each primary has its share by weight. Source: spec/cli.md section 2.11. */
import { atof } from '../../c-numbers.js';
import { checkCluster } from '../check-cluster.js';
import { entryAddress, type ManagerContext } from '../context.js';
import { Failure } from '../failure.js';
import { type Cluster, loadCluster, primariesOf } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';
import type { KeyMove } from '../migrate-keys.js';
import { planRebalance, type Transfer, type WeightedNode } from '../rebalance-plan.js';
import { markedReport, SlotMover } from '../slot-mover.js';

export async function rebalance(context: ManagerContext): Promise<number> {
  const { options, output } = context;
  const cluster = await loadCluster(context, entryAddress(context));
  const nodes = weightedNodes(context, cluster);
  if ((await checkCluster(context, cluster, { isQuiet: true })).errorCount > 0)
    throw new Failure('error', '*** Please fix your cluster problems before rebalancing');
  const { isNeeded, totalWeight, shares, transfers } = planRebalance(nodes, options.thresholdPercent);
  if (!isNeeded) {
    const percent = context.dialect.formatThreshold(options.thresholdPercent);
    output.warn(`*** No rebalancing needed! All nodes are within the ${percent}% threshold.`);
    return 0;
  }
  const weight = context.dialect.formatTotalWeight(totalWeight, options.weights.length > 0);
  output.info(`>>> Rebalancing across ${nodes.length} nodes. Total weight = ${weight}`);
  if (options.verbose)
    for (const { node, balance } of shares) output.line(`${node.address} balance is ${balance} slots`);
  return applyTransfers(context, cluster, transfers);
}

/** The primaries that take part, each with its weight. */
function weightedNodes({ options }: ManagerContext, cluster: Cluster): WeightedNode<ManagedNode>[] {
  const primaries = primariesOf(cluster);
  const weights = new Map<ManagedNode, number>();
  for (const text of options.weights) {
    const [prefix = '', weight = ''] = text.split('=', 2);
    const node = primaries.find(({ id }) => id.startsWith(prefix.toLowerCase()));
    if (node === undefined) throw new Failure('error', `*** No such master node ${prefix}`);
    weights.set(node, atof(weight));
  }
  return primaries
    .filter((node) => node.slots.size > 0 || options.useEmptyMasters)
    .map((node) => ({ node, slotCount: node.slots.size, weight: weights.get(node) ?? 1 }));
}

async function applyTransfers(
  context: ManagerContext,
  cluster: Cluster,
  transfers: readonly Transfer<ManagedNode>[],
): Promise<number> {
  const { options, output } = context;
  const steps = stepsOf(transfers);
  const mover = new SlotMover(context, cluster, { report: markedReport });
  const planned = options.simulate ? [] : steps.flatMap(({ moves }) => moves);
  const apply = async (): Promise<number> => {
    for (const { transfer, moves } of steps) {
      const { source, target, count } = transfer;
      output.line(`Moving ${count} slots from ${source.address} to ${target.address}`);
      // With weights that make no sense (all of them 0, or negative ones).
      if (moves.length !== count) throw new Failure('error', '*** Assertion failed: Reshard table != number of slots');
      if (options.simulate) {
        output.write('#'.repeat(count));
      } else {
        const failure = await mover.move(moves);
        if (failure !== null) throw new Failure('error', `*** clusterManagerMoveSlot: ${failure.reason}`);
        if (mover.isInterrupted) return 1;
      }
      if (!mover.hasBar) output.write('\n');
    }
    return 0;
  };
  return mover.interruptible(() => mover.withBar(planned, apply));
}

interface Step {
  transfer: Transfer<ManagedNode>;
  moves: KeyMove[];
}

/**
 * The slots of each transfer: the lowest that the source still has then. A node gives or takes, never both, so they are known in advance. In a
 * simulation redis-cli counts the same slots several times; nothing shows of it.
 */
function stepsOf(transfers: readonly Transfer<ManagedNode>[]): Step[] {
  const left = new Map<ManagedNode, number[]>();
  return transfers.map((transfer) => {
    const { source, target, count } = transfer;
    if (!left.has(source)) left.set(source, [...source.slots]);
    const slots = left.get(source)!.splice(0, Math.max(0, count));
    return { transfer, moves: slots.map((slot) => ({ slot, source, target })) };
  });
}
