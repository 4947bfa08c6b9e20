/** `call host:port command …`: sends a command to every node, or to the primaries or replicas only, and prints the replies raw. */
import { type Reply, ReplyError } from '../../../resp/reply-reader.js';
import { addressWord, type ManagerContext } from '../context.js';
import { NodeLost, NodeRefusal } from '../failure.js';
import { loadCluster } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';

export async function call(context: ManagerContext): Promise<number> {
  const { words, options, output, terminal } = context;
  const [entry = '', ...command] = words;
  const cluster = await loadCluster(context, addressWord(entry));
  output.heading('>>> Calling', ` ${command.join(' ')}`);
  for (const node of cluster.nodes) {
    const isPrimary = node.primaryId === '';
    if ((options.onlyMasters && !isPrimary) || (options.onlyReplicas && isPrimary)) continue;
    const reply = await replyOf(node, command);
    terminal.write(Buffer.concat([Buffer.from(`${node.address}: `), reply, Buffer.from('\n')]));
  }
  return 0;
}

async function replyOf(node: ManagedNode, command: readonly string[]): Promise<Buffer> {
  try {
    return rawText(await node.request(command));
  } catch (error) {
    if (error instanceof NodeRefusal) return Buffer.from(`${error.reply}\n`);
    if (error instanceof NodeLost) return Buffer.from('Failed!');
    throw error;
  }
}

/** Elements of an array one per line, an error with a line end of its own, nil as nothing. */
function rawText(reply: Reply): Buffer {
  if (Array.isArray(reply)) {
    const lines = reply.flatMap((item) => [rawText(item), LINE_END]);
    return Buffer.concat(lines.slice(0, -1));
  }
  if (Buffer.isBuffer(reply)) return reply;
  if (reply instanceof ReplyError) return Buffer.from(`${reply.message}\n`);
  return Buffer.from(reply === null ? '' : String(reply));
}

const LINE_END = Buffer.from('\n');
