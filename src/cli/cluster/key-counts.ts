/** How many keys the primaries hold: what `info` prints, and `check` and `fix` before all else. Source: spec/cli.md section 2.5. */
import { SLOT_COUNT } from '../../keyspace/key-slot.js';
import type { ManagerContext } from './context.js';
import { Failure } from './failure.js';
import { type Cluster, primariesOf, tell } from './load-cluster.js';

/** A node that does not tell ends the list, and is no reason to stop. */
export async function printKeyCounts(context: ManagerContext, cluster: Cluster): Promise<void> {
  try {
    await printAll(context, cluster);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(error, context.output);
  }
}

async function printAll({ output }: ManagerContext, cluster: Cluster): Promise<void> {
  const primaries = primariesOf(cluster);
  let total = 0;
  for (const node of primaries) {
    const keys = Number(await node.call('DBSIZE'));
    total += keys;
    output.line(
      `${node.address} (${node.id.slice(0, 8)}...) -> ${keys} keys | ${node.slots.size} slots | ${node.replicaCount} slaves.`,
    );
  }
  output.ok(`[OK] ${total} keys in ${primaries.length} masters.`);
  output.line(`${(total / SLOT_COUNT).toFixed(2)} keys per slot on average.`);
}
