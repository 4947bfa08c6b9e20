/** `backup host:port folder`: an RDB file of every primary, and a description of the cluster. Source: spec/cli.md section 2.14. */
import { writeFileSync } from 'node:fs';
import { strerror } from '../../../persistence/file-system.js';
import { saveImage } from '../../modes/rdb.js';
import { ReplicaStream } from '../../replica-stream.js';
import { checkCluster } from '../check-cluster.js';
import { addressWord, type ManagerContext } from '../context.js';
import { silentFailure } from '../failure.js';
import { loadCluster, primariesOf } from '../load-cluster.js';
import { formatNodesJson } from '../nodes-json.js';

export async function backup(context: ManagerContext): Promise<number> {
  const { words, output, terminal } = context;
  const [entry = '', folder = ''] = words;
  const cluster = await loadCluster(context, addressWord(entry));
  const { isOk, errorCount } = await checkCluster(context, cluster);
  const inFolder = (name: string): string => `${folder}${folder.endsWith('/') ? '' : '/'}${name}`;
  for (const node of primariesOf(cluster)) {
    output.info(`>>> Node ${node.address} -> Saving RDB...`);
    const stream = new ReplicaStream(await node.detachedSocket());
    const file = inFolder(`redis-node-${node.host}-${node.port}-${node.id}.rdb`);
    const isSaved = await saveImage(stream, file, terminal);
    stream.close();
    if (!isSaved) throw silentFailure();
  }
  const file = inFolder('nodes.json');
  output.info(`Saving cluster configuration to: ${file}`);
  try {
    writeFileSync(file, formatNodesJson(cluster.nodes, isOk ? 0 : errorCount));
  } catch (error) {
    output.error(`Could not save nodes to: ${file}`);
    output.ok(`[ERR] Failed to back cluster!`);
    output.complain(`${file}: ${strerror(error)}`);
    return 1;
  }
  if (!isOk)
    output.warn(
      "*** Cluster seems to have some problems, please be aware of it if you're going to restore this backup.",
    );
  output.ok(`[OK] Backup created into: ${folder}`);
  return 0;
}
