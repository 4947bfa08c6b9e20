/**
 * `create host:port …`: makes one cluster of empty nodes.
 *   every node is looked at → the plan is shown and accepted → slots, config epochs, MEET → all agree → REPLICATE → check
 * Source: spec/cli.md section 2.7.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Allocation, AllocationError, allocate } from '../../../cluster/allocation.js';
import { checkCluster } from '../check-cluster.js';
import { type Address, type ManagerContext, parseAddress } from '../context.js';
import { Failure, NodeRefusal } from '../failure.js';
import { loadCluster } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';
import { inspectNewNode, introduce } from '../new-node.js';
import { acceptsByTyping } from '../prompts.js';
import { SlotSet } from '../slot-set.js';
import { waitForJoin } from '../wait-for-join.js';

/** Time for the handshakes, before it is looked whether all agree. */
const HANDSHAKE_MS = 1000;
/** From here on a replica is beside its own primary. */
const BESIDE_PRIMARY_SCORE = 10_000;

export async function create(context: ManagerContext): Promise<number> {
  const { words, options, terminal } = context;
  const nodes: ManagedNode[] = [];
  for (const word of words) nodes.push(await openNewNode(context, word));
  const allocation = allocateOrFail(context, nodes);
  printAllocation(context, nodes, allocation);
  applyPlan(nodes, allocation);
  for (const node of nodes) context.output.write(formatPlanned(context, node));
  if (!options.yes && !(await acceptsByTyping(terminal, 'Can I set the above configuration?'))) return 0;
  await assemble(context, nodes);
  await checkCluster(context, await loadCluster(context, nodes[0]!));
  return 0;
}

export async function openNewNode({ connections }: ManagerContext, word: string): Promise<ManagedNode> {
  const address: Address | null = parseAddress(word);
  if (address === null) throw new Failure('stderr', `Invalid address format: ${word}`);
  const node = await connections.open(address.host, address.port);
  await inspectNewNode(node);
  return node;
}

export function allocateOrFail(
  { options: { replicas }, dialect }: ManagerContext,
  nodes: readonly ManagedNode[],
): Allocation {
  try {
    return allocate(nodes, replicas, dialect.round);
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error;
    throw new Failure(
      'error',
      '*** ERROR: Invalid configuration for cluster creation.\n' +
        '*** Redis Cluster requires at least 3 master nodes.\n' +
        `*** This is not possible with ${nodes.length} nodes and ${replicas} replicas per node.\n` +
        `*** At least ${error.neededCount} nodes are required.`,
    );
  }
}

function printAllocation(
  { output }: ManagerContext,
  nodes: readonly ManagedNode[],
  { primaries, handedOut, regularCount, firstScore, score }: Allocation,
): void {
  output.info(`>>> Performing hash slots allocation on ${nodes.length} nodes...`);
  for (const [at, { slots }] of primaries.entries())
    output.line(`Master[${at}] -> Slots ${slots.first} - ${slots.last}`);
  for (const [at, { replica, primary }] of handedOut.entries()) {
    if (at === regularCount) output.line('Adding extra replicas...');
    output.line(`Adding replica ${nodes[replica]!.address} to ${nodes[primary]!.address}`);
  }
  if (firstScore > 0) printAffinity({ output }, score);
}

export function printAffinity({ output }: Pick<ManagerContext, 'output'>, score: number): void {
  output.info('>>> Trying to optimize slaves allocation for anti-affinity');
  if (score === 0) output.ok('[OK] Perfect anti-affinity obtained!');
  else if (score >= BESIDE_PRIMARY_SCORE) output.warn('[WARNING] Some slaves are in the same host as their master');
  else output.warn('[WARNING] Some slaves of the same master are in the same host');
}

/** Writes the plan into the nodes, as if they had said so. */
export function applyPlan(nodes: readonly ManagedNode[], { primaries }: Allocation): void {
  for (const { node, slots, replicas } of primaries) {
    nodes[node]!.slots = SlotSet.ofRanges([slots]);
    for (const replica of replicas) {
      nodes[replica]!.primaryId = nodes[node]!.id;
      nodes[replica]!.flags = ['slave'];
    }
  }
}

/** A primary with its slots; of a replica nothing but whose it will be. */
export function formatPlanned({ dialect }: ManagerContext, node: ManagedNode): string {
  if (node.primaryId === '') return dialect.formatNode(node);
  return `S: ${node.id} ${node.address}\n   replicates ${node.primaryId}\n`;
}

export async function assemble(context: ManagerContext, nodes: readonly ManagedNode[]): Promise<void> {
  const { output } = context;
  for (const node of nodes) await ignoringRefusals(node, ['CLUSTER', 'ADDSLOTS', ...node.slots], node.slots.size > 0);
  output.info('>>> Nodes configuration updated');
  output.info('>>> Assign a different config epoch to each node');
  for (const [at, node] of nodes.entries()) await ignoringRefusals(node, ['CLUSTER', 'SET-CONFIG-EPOCH', at + 1]);
  output.info('>>> Sending CLUSTER MEET messages to join the cluster');
  for (const node of nodes.slice(1)) await introduce(context, node, nodes[0]!);
  await sleep(HANDSHAKE_MS);
  await waitForJoin(context, nodes);
  for (const node of nodes)
    await ignoringRefusals(node, ['CLUSTER', 'REPLICATE', node.primaryId], node.primaryId !== '');
}

/** What a refusal here means shows in the check at the end. */
async function ignoringRefusals(node: ManagedNode, command: (string | number)[], isDue = true): Promise<void> {
  if (!isDue) return;
  try {
    await node.request(command);
  } catch (error) {
    if (!(error instanceof NodeRefusal)) throw error;
  }
}
