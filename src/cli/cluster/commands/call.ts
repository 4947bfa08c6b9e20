/** `call host:port command …`: sends a command to every node, or to the primaries or replicas only, and prints the replies raw. */
import { ReplyError } from '../../../resp/reply-reader.js';
import { addressWord, type ManagerContext } from '../context.js';
import { NodeLost, NodeRefusal } from '../failure.js';
import { loadCluster } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';

export async function call(context: ManagerContext): Promise<number> {
  const { words, options, output, terminal } = context;
  const [entry = '', ...command] = words;
  const cluster = await loadCluster(context, addressWord(entry));
  output.heading('>>> Calling', ` ${context.dialect.callTitle(command)}`);
  for (const node of cluster.nodes) {
    const isPrimary = node.primaryId === '';
    if ((options.onlyMasters && !isPrimary) || (options.onlyReplicas && isPrimary)) continue;
    const reply = await replyOf(context, node, command);
    terminal.write(Buffer.concat([Buffer.from(`${node.address}: `), reply, Buffer.from('\n')]));
  }
  return 0;
}

async function replyOf({ dialect }: ManagerContext, node: ManagedNode, command: readonly string[]): Promise<Buffer> {
  try {
    return dialect.formatReply(await node.request(command));
  } catch (error) {
    if (error instanceof NodeRefusal) return dialect.formatReply(new ReplyError(error.reply));
    if (error instanceof NodeLost) return Buffer.from('Failed!');
    throw error;
  }
}
