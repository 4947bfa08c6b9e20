/** `check host:port`: key counts, then the check. Exit code 1 if anything is wrong. */
import { checkCluster } from '../check-cluster.js';
import { entryAddress, type ManagerContext } from '../context.js';
import { printKeyCounts } from '../key-counts.js';
import { loadCluster } from '../load-cluster.js';

export async function check(context: ManagerContext): Promise<number> {
  const cluster = await loadCluster(context, entryAddress(context));
  await printKeyCounts(context, cluster);
  return (await checkCluster(context, cluster)).isOk ? 0 : 1;
}
