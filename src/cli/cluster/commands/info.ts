/** `info host:port`: keys, slots and replicas of each primary. */
import { entryAddress, type ManagerContext } from '../context.js';
import { printKeyCounts } from '../key-counts.js';
import { loadCluster } from '../load-cluster.js';

export async function info(context: ManagerContext): Promise<number> {
  const cluster = await loadCluster(context, entryAddress(context));
  await printKeyCounts(context, cluster);
  return 0;
}
