/**
 * `add-node new existing`: an empty node joins, as a primary without slots (which gets the cluster's function libraries) or, with --cluster-slave, as a
 * replica. Source: spec/cli.md section 2.12.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkCluster } from '../check-cluster.js';
import { type Address, addressWord, type ManagerContext } from '../context.js';
import { Failure, NodeRefusal } from '../failure.js';
import { type Cluster, loadCluster, primariesOf } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';
import { inspectNewNode, introduce } from '../new-node.js';
import { waitForJoin } from '../wait-for-join.js';
import { leastReplicated, nodeById } from './del-node.js';

/** Time for the handshake, before it is looked whether all agree. */
const HANDSHAKE_MS = 1000;

export async function addNode(context: ManagerContext): Promise<number> {
  const { words, output, options } = context;
  const address = addressWord(words[0]!);
  const entry = addressWord(words[1]!);
  output.info(`>>> Adding node ${address.host}:${address.port} to cluster ${entry.host}:${entry.port}`);
  const cluster = await loadCluster(context, entry);
  if (!(await checkCluster(context, cluster)).isOk)
    throw new Failure('stderr', '*** Please fix your cluster problems before adding a node');
  const primary = options.asReplica ? choosePrimary(context, cluster) : null;
  const node = await connectNew(context, address);
  await inspectNewNode(node);
  if (primary === null && context.dialect.copiesFunctions) await copyFunctions(context, cluster.nodes[0]!, node);
  output.info(`>>> Send CLUSTER MEET to node ${node.address} to make it join the cluster.`);
  await introduce(context, node, cluster.nodes[0]!);
  if (primary !== null) {
    await sleep(HANDSHAKE_MS);
    await waitForJoin(context, [...cluster.nodes, node]);
    output.info(`>>> Configure node as replica of ${primary.address}.`);
    await node.call('CLUSTER', 'REPLICATE', primary.id);
  }
  output.ok('[OK] New node added correctly.');
  return 0;
}

function choosePrimary({ options, output }: ManagerContext, cluster: Cluster): ManagedNode {
  if (options.masterId !== null) {
    const named = nodeById(cluster, options.masterId);
    if (named === undefined) throw new Failure('error', `[ERR] No such master ID ${options.masterId}`);
    return named;
  }
  const chosen = leastReplicated(primariesOf(cluster))!;
  output.line(`Automatically selected master ${chosen.address}`);
  return chosen;
}

async function connectNew({ connections, output }: ManagerContext, { host, port }: Address): Promise<ManagedNode> {
  try {
    return await connections.open(host, port);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.level === 'stderr') output.complain(error.message);
    else output.error(error.message);
    throw new Failure('error', `[ERR] Sorry, can't connect to node ${host}:${port}`);
  }
}

async function copyFunctions({ output }: ManagerContext, from: ManagedNode, to: ManagedNode): Promise<void> {
  output.info('>>> Getting functions from cluster');
  let dump: Buffer;
  try {
    dump = (await from.call('FUNCTION', 'DUMP')) as Buffer;
  } catch (error) {
    if (!(error instanceof NodeRefusal)) throw error;
    output.info(
      `>>> Failed retrieving Functions from the cluster, skip this step as Redis version do not support function command (error = '${error.reply}')`,
    );
    return;
  }
  output.info(`>>> Send FUNCTION LIST to ${to.address} to verify there is no functions in it`);
  const libraries = await to.call('FUNCTION', 'LIST').catch(refusedWith('>>> Failed on CLUSTER LIST'));
  if (Array.isArray(libraries) && libraries.length > 0)
    throw new Failure(
      'error',
      '>>> New node already contains functions and can not be added to the cluster. Use FUNCTION FLUSH and try again.\r',
    );
  output.info(`>>> Send FUNCTION RESTORE to ${to.address}`);
  await to.call('FUNCTION', 'RESTORE', dump).catch(refusedWith('>>> Failed loading functions to the new node'));
}

/** Words a refusal; the carriage returns are the original's. */
function refusedWith(title: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof NodeRefusal) throw new Failure('error', `${title} (error = '${error.reply}')\r`);
    throw error;
  };
}
