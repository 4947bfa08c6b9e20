/** Clusters of real processes for tests: starting the nodes, joining them without any tool, and asking what they know. */
import { SLOT_COUNT } from '../../src/keyspace/key-slot.js';
import { parseFields, type ServerConfig, type ServerOptions, type ServerProcess } from './server-process.js';
import type { ServerKind } from './tools.js';
import { waitFor } from './wait-for.js';

const BUS_PORT_INCREMENT = 10000;
const MEET_AGAIN_MS = 10_000;
/** A replica gives up its manual failover after 5 s; asked sooner it would begin anew. */
const FAILOVER_AGAIN_MS = 6000;

/** One line of CLUSTER NODES, in our words. */
export interface NodeView {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly isPrimary: boolean;
  /** The primary's id, or null. */
  readonly replicaOf: string | null;
  readonly configEpoch: number;
  readonly isConnected: boolean;
  /** Without the open slots. */
  readonly slotRanges: readonly (readonly [first: number, last: number])[];
  /** Open slots as they are written: `[93->-id]`, `[77-<-id]`. */
  readonly openSlots: readonly string[];
}

export interface ClusterNodeOptions {
  readonly nodeTimeoutMs: number;
  readonly password?: string;
  readonly config?: ServerConfig;
}

/** The options of a server that is to be a cluster node. */
export function clusterNode(kind: ServerKind, options: ClusterNodeOptions): ServerOptions {
  return {
    kind,
    ...(options.password === undefined ? {} : { password: options.password }),
    config: {
      'cluster-enabled': 'yes',
      'cluster-config-file': 'nodes.conf',
      'cluster-node-timeout': options.nodeTimeoutMs,
      appendonly: 'yes',
      ...options.config,
    },
  };
}

/**
 * Joins fresh nodes into one cluster: the first `primaryCount` share the slots, the others become replicas of the primaries in turn. Returns when every
 * node says that the cluster is ok and each replica has its data. `addressOf` tells where the others reach a node, if not at its own ports.
 */
export async function joinCluster(
  nodes: readonly ServerProcess[],
  primaryCount: number,
  addressOf = ownAddress,
): Promise<void> {
  const primaries = nodes.slice(0, primaryCount);
  const replicas = nodes.slice(primaryCount);
  for (const [at, node] of nodes.entries()) await node.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
  for (const [at, primary] of primaries.entries()) {
    const first = Math.floor((SLOT_COUNT * at) / primaryCount);
    const last = Math.floor((SLOT_COUNT * (at + 1)) / primaryCount) - 1;
    await primary.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
  }
  await meet(nodes, addressOf);
  for (const [at, replica] of replicas.entries())
    await replica.call('CLUSTER', 'REPLICATE', await primaries[at % primaryCount]!.text('CLUSTER', 'MYID'));
  await waitUntilHealthy(nodes);
}

/** Makes nodes known to each other, and waits until all are connected to all. */
export async function meet(nodes: readonly ServerProcess[], addressOf = ownAddress): Promise<void> {
  const introduce = async (): Promise<void> => {
    for (const { port, busPort } of nodes.slice(1).map(addressOf))
      await nodes[0]!.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  };
  await introduce();
  let introducedAtMs = performance.now();
  const areAcquainted = async (): Promise<boolean> => {
    if ((await Promise.all(nodes.map(knownNodes))).every((count) => count === nodes.length)) return true;
    // A handshake has to end within the node timeout, which a busy machine may miss.
    if (performance.now() - introducedAtMs > MEET_AGAIN_MS) {
      await introduce();
      introducedAtMs = performance.now();
    }
    return false;
  };
  await waitFor(areAcquainted, { what: 'every node to know every other', detail: () => clusterStory(nodes) });
}

/** Waits until all of these nodes say `cluster_state:ok`, agree about who owns which slot and who follows whom, and each replica has its data. */
export async function waitUntilHealthy(nodes: readonly ServerProcess[]): Promise<void> {
  await waitFor(async () => (await Promise.all(nodes.map(isSettled))).every(Boolean) && (await agreeing(nodes)), {
    what: `${nodes.length} nodes to be healthy and of one mind`,
    timeoutMs: 120_000,
    intervalMs: 50,
    detail: () => clusterStory(nodes),
  });
}

/**
 * Gives a slot without keys to another node. It is imported, as cluster managers do it, so that the new owner takes a new epoch, which must be above that
 * of the node that loses it: otherwise the claim of the latter, if on its way still, would win it back at the new owner alone.
 */
export async function moveEmptySlot(slot: number, from: ServerProcess, to: ServerProcess): Promise<void> {
  const [loser, winner] = [await viewOfMyself(from), await viewOfMyself(to)];
  const knownEpoch = async () => (await clusterNodes(to)).find(({ id }) => id === loser.id)!.configEpoch;
  await waitFor(async () => (await knownEpoch()) === loser.configEpoch, {
    what: 'the new owner to know the epoch of the old one',
    detail: () => clusterStory([from, to]),
  });
  await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', loser.id);
  await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', winner.id);
  for (const node of [to, from]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', winner.id);
}

/** Makes a replica change places with its primary. It is asked until it has, for on a busy machine the five seconds of a manual failover may pass. */
export async function failOver(replica: ServerProcess, nodes: readonly ServerProcess[]): Promise<void> {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  const isPrimary = async (): Promise<boolean> => {
    if ((await viewOfMyself(replica)).isPrimary) return true;
    if (performance.now() - askedAtMs > FAILOVER_AGAIN_MS) {
      askedAtMs = performance.now();
      await replica.call('CLUSTER', 'FAILOVER');
    }
    return false;
  };
  await waitFor(isPrimary, {
    what: `${replica.kind} ${replica.port} to change places with its primary`,
    timeoutMs: 120_000,
    detail: () => clusterStory(nodes),
  });
}

export async function clusterInfo(node: ServerProcess): Promise<Record<string, string>> {
  return parseFields(await node.text('CLUSTER', 'INFO'));
}

/** What this node knows about every node, itself included. */
export async function clusterNodes(node: ServerProcess): Promise<NodeView[]> {
  return parseNodes(await node.text('CLUSTER', 'NODES'));
}

/** What the node says about itself. */
export async function viewOfMyself(node: ServerProcess): Promise<NodeView> {
  const views = await clusterNodes(node);
  return views.find((view) => view.flags.includes('myself'))!;
}

export function slotCount(view: NodeView): number {
  return view.slotRanges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** The owner of every slot, by this node's table: one id per slot, '' where none. */
export function slotOwners(views: readonly NodeView[]): string[] {
  const owners = new Array<string>(SLOT_COUNT).fill('');
  for (const view of views) for (const [first, last] of view.slotRanges) owners.fill(view.id, first, last + 1);
  return owners;
}

/** Each node's CLUSTER NODES, for failure messages. */
export async function clusterStory(nodes: readonly ServerProcess[]): Promise<string> {
  const views = nodes.map(
    async (node) => `--- ${node.kind} ${node.port}: ${await node.text('CLUSTER', 'NODES').catch(String)}`,
  );
  return (await Promise.all(views)).join('\n');
}

export function parseNodes(text: string): NodeView[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id, address, flagText, primary, , , epoch, link, ...slots] = line.split(' ');
      const [host, port] = address!
        .split(',')[0]!
        .split('@')[0]!
        .split(/:(?=\d*$)/);
      const flags = flagText!.split(',');
      return {
        id: id!,
        host: host!,
        port: Number(port),
        flags,
        isPrimary: flags.includes('master'),
        replicaOf: primary === '-' ? null : primary!,
        configEpoch: Number(epoch),
        isConnected: link === 'connected',
        slotRanges: slots
          .filter((slot) => !slot.startsWith('['))
          .map((slot) => {
            const [first, last = first] = slot.split('-').map(Number);
            return [first!, last!] as const;
          }),
        openSlots: slots.filter((slot) => slot.startsWith('[')),
      };
    });
}

function ownAddress({ port }: ServerProcess): { port: number; busPort: number } {
  return { port, busPort: port + BUS_PORT_INCREMENT };
}

async function knownNodes(node: ServerProcess): Promise<number> {
  const views = await clusterNodes(node);
  return views.filter((view) => !view.flags.includes('handshake') && view.isConnected).length;
}

async function isSettled(node: ServerProcess): Promise<boolean> {
  if ((await clusterInfo(node))['cluster_state'] !== 'ok') return false;
  const replication = await node.info('replication');
  return replication['role'] === 'master' || replication['master_link_status'] === 'up';
}

/** Whether the nodes give the same roles, owners and epochs to everybody (the part of CLUSTER NODES that is not about links). */
async function agreeing(nodes: readonly ServerProcess[]): Promise<boolean> {
  const tables = await Promise.all(
    nodes.map(async (node) => {
      const views = await clusterNodes(node);
      const rows = views.map((view) =>
        JSON.stringify([
          view.id,
          view.isPrimary,
          view.replicaOf,
          view.isPrimary ? view.configEpoch : 0,
          view.slotRanges,
        ]),
      );
      return rows.sort().join('\n');
    }),
  );
  return tables.every((table) => table === tables[0]);
}
