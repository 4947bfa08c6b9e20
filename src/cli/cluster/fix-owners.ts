/** Mends a slot with several owners: the one with the most keys keeps it. Source: spec/cli.md section 2.13, "Multiple owners". */
import type { ManagerContext } from './context.js';
import { Failure } from './failure.js';
import { type Cluster, primariesOf, tell } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';
import type { SlotMover } from './slot-mover.js';
import { deleteSlot, setOwner, setSlotOwner, withMostKeys } from './slot-repairs.js';

/** @returns whether the slot has one owner now */
export async function fixMultipleOwners(
  context: ManagerContext,
  cluster: Cluster,
  mover: SlotMover,
  slot: number,
  owners: readonly ManagedNode[],
): Promise<boolean> {
  const { output } = context;
  output.info(`>>> Fixing multiple owners for slot ${slot}...`);
  try {
    const owner = (await withMostKeys(owners, slot))!;
    output.info(`>>> Setting slot ${slot} owner: ${owner.address}`);
    await setOwner(owner, slot);
    for (const node of primariesOf(cluster)) {
      if (node === owner) continue;
      const keyCount = await node.keysInSlot(slot);
      await deleteSlot(node, slot);
      await setSlotOwner(node, slot, owner);
      if (keyCount > 0 && !(await mover.gather(slot, node, owner))) return false;
    }
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(error, output);
    return false;
  }
}
