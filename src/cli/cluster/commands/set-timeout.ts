/** `set-timeout host:port ms`: sets cluster-node-timeout on every node, in its configuration file too. Exit code 0 also where some nodes refuse. */
import { atoi } from '../../c-numbers.js';
import { addressWord, type ManagerContext } from '../context.js';
import { Failure, NodeRefusal } from '../failure.js';
import { loadCluster } from '../load-cluster.js';

const SHORTEST_MS = 100;

export async function setTimeout(context: ManagerContext): Promise<number> {
  const [entry = '', text = ''] = context.words;
  const address = addressWord(entry);
  const timeoutMs = atoi(text);
  if (timeoutMs < SHORTEST_MS)
    throw new Failure('stderr', `Setting a node timeout of less than ${SHORTEST_MS} milliseconds is a bad idea.`);
  const { nodes } = await loadCluster(context, address);
  const { output } = context;
  output.info('>>> Reconfiguring node timeout in every cluster node...');
  let refusals = 0;
  for (const node of nodes) {
    try {
      await node.call('CONFIG', 'SET', 'cluster-node-timeout', timeoutMs);
      await node.call('CONFIG', 'REWRITE');
      output.warn(`*** New timeout set for ${node.address}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const reason = error instanceof NodeRefusal ? error.reply : error.message;
      output.error(context.dialect.timeoutRefused(node.address, reason));
      refusals++;
    }
  }
  output.info(`>>> New node timeout set. ${nodes.length - refusals} OK, ${refusals} ERR.`);
  return 0;
}
