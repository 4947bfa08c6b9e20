/** `fix host:port`: the check, with whatever it finds mended. Source: spec/cli.md section 2.13. */
import { checkCluster, type Repairs } from '../check-cluster.js';
import { entryAddress, type ManagerContext } from '../context.js';
import { Failure } from '../failure.js';
import { fixCoverage } from '../fix-coverage.js';
import { fixOpenSlot } from '../fix-open-slot.js';
import { fixMultipleOwners } from '../fix-owners.js';
import { printKeyCounts } from '../key-counts.js';
import { type Cluster, loadCluster } from '../load-cluster.js';
import { dottedReport, SlotMover } from '../slot-mover.js';

export async function fix(context: ManagerContext): Promise<number> {
  const cluster = await loadCluster(context, entryAddress(context));
  if (context.dialect.isThorough) await printKeyCounts(context, cluster);
  const mover = new SlotMover(context, cluster, { report: dottedReport, isFix: true });
  const repairs: Repairs = {
    begin: (what) => refuseIfDangerous(context, cluster, what),
    openSlot: (slot) => fixOpenSlot(context, cluster, mover, slot),
    coverage: (slots) => fixCoverage(context, cluster, mover, slots),
    multipleOwners: (slot, owners) => fixMultipleOwners(context, cluster, mover, slot, owners),
  };
  return mover.interruptible(async () => ((await checkCluster(context, cluster, { repairs })).isOk ? 0 : 1));
}

/** Slots of a primary that just cannot be reached from here would be given away, and its data with them. */
function refuseIfDangerous(
  { options, dialect }: ManagerContext,
  { unreachablePrimaries }: Cluster,
  what: 'open slots' | 'slots coverage',
): void {
  if (unreachablePrimaries === 0 || options.fixWithUnreachableMasters) return;
  throw new Failure(
    'warning',
    `*** Fixing ${what} with ${unreachablePrimaries} unreachable masters is dangerous: ${dialect.toolName} will assume that slots about masters that are not reachable are not covered, and will try to reassign them to the reachable nodes. This can cause data loss and is rarely what you want to do. If you really want to proceed use the --cluster-fix-with-unreachable-masters option.`,
  );
}
