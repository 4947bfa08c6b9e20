/** `check host:port`: key counts, then the check. Exit code 1 if anything is wrong. */
import { checkCluster } from '../check-cluster.js';
import { entryAddress, type ManagerContext } from '../context.js';
import { printKeyCounts } from '../key-counts.js';
import { loadCluster } from '../load-cluster.js';

export async function check(context: ManagerContext): Promise<number> {
  const cluster = await loadCluster(context, entryAddress(context));
  if (context.dialect.isThorough) await printKeyCounts(context, cluster);
  const { isOk } = await checkCluster(context, cluster);
  return isOk || !context.dialect.isThorough ? 0 : 1;
}
