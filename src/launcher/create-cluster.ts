/**
 * Makes one cluster out of running, empty nodes, with the commands of `redis-cli --cluster create` (spec/cli.md section 2.7, phase E):
 *   slots to the primaries → a distinct config epoch for each → MEET → everyone knows everyone → REPLICATE.
 * The epochs are set before MEET because a node that knows others refuses it; REPLICATE comes last because it needs a known primary.
 */
import type { NodeAddress } from '../client/cluster-client.js';
import { parseClusterNodes } from '../client/cluster-nodes.js';
import { allocate } from '../cluster/allocation.js';
import { LauncherError, messageOf } from './errors.js';
import { NodeClient } from './node-client.js';
import { BUS_PORT_OFFSET } from './ports.js';
import { waitFor } from './wait.js';

export interface CreateOptions {
  password: string;
  replicasPerPrimary: number;
  /** For all nodes to know each other, and again for the replicas to have accepted their primaries. */
  timeoutMs: number;
}

const POLL_MS = 50;
const CALL_TIMEOUT_MS = 5000;

/** @param nodes reachable, in cluster mode, knowing no other node and holding no key */
export async function createCluster(nodes: readonly NodeAddress[], options: CreateOptions): Promise<void> {
  const { primaries } = allocate(nodes, options.replicasPerPrimary);
  const clients: NodeClient[] = [];
  try {
    for (const address of nodes) clients.push(await NodeClient.connect(address, options.password, CALL_TIMEOUT_MS));
    for (const { node, slots } of primaries)
      await call(clients[node]!, 'CLUSTER', 'ADDSLOTSRANGE', `${slots.first}`, `${slots.last}`);
    for (const [index, client] of clients.entries()) await call(client, 'CLUSTER', 'SET-CONFIG-EPOCH', `${index + 1}`);
    const { host, port } = nodes[0]!;
    for (const client of clients.slice(1))
      await call(client, 'CLUSTER', 'MEET', host, `${port}`, `${port + BUS_PORT_OFFSET}`);
    await waitUntilAcquainted(clients, options.timeoutMs);
    for (const { node, replicas } of primaries) {
      const primaryId = await call(clients[node]!, 'CLUSTER', 'MYID');
      for (const replica of replicas) await call(clients[replica]!, 'CLUSTER', 'REPLICATE', primaryId);
    }
  } finally {
    for (const client of clients) client.close();
  }
}

/** Every node lists every other one, handshakes done. */
async function waitUntilAcquainted(clients: readonly NodeClient[], timeoutMs: number): Promise<void> {
  const areAcquainted = async (): Promise<boolean> => {
    const lists = await Promise.all(
      clients.map(async (client) => parseClusterNodes(await call(client, 'CLUSTER', 'NODES'))),
    );
    return lists.every((list) => list.length === clients.length && list.every((node) => node.isSound));
  };
  if (await waitFor(areAcquainted, { timeoutMs, pollMs: POLL_MS })) return;
  throw new LauncherError('NOT_HEALTHY', `The nodes did not all get to know each other within ${timeoutMs / 1000} s.`, [
    'They talk over the bus ports, 10000 above their own; a firewall that blocks these keeps them apart.',
  ]);
}

async function call(client: NodeClient, ...args: string[]): Promise<string> {
  try {
    return await client.call(...args);
  } catch (error) {
    throw new LauncherError(
      'NODE_REFUSED',
      `Node ${client.address.port} answered ${args.slice(0, 2).join(' ')} with: ${messageOf(error)}`,
      [],
      { cause: error },
    );
  }
}
