/** redis-trib's `create`: the plan and the steps of the cluster manager's create, told in redis-trib's way. Source: spec/cli.md section 3.2. */
import type { Allocation } from '../../cluster/allocation.js';
import { checkCluster } from '../cluster/check-cluster.js';
import {
  allocateOrFail,
  applyPlan,
  assemble,
  formatPlanned,
  openNewNode,
  printAffinity,
} from '../cluster/commands/create.js';
import type { ManagerContext } from '../cluster/context.js';
import { Failure } from '../cluster/failure.js';
import { loadCluster } from '../cluster/load-cluster.js';
import type { ManagedNode } from '../cluster/managed-node.js';

export async function create(context: ManagerContext): Promise<number> {
  const { words, output, terminal } = context;
  output.info('>>> Creating cluster');
  const nodes: ManagedNode[] = [];
  for (const word of words) nodes.push(await openNewNode(context, word));
  const allocation = allocateOrFail(context, nodes);
  printAllocation(context, nodes, allocation);
  applyPlan(nodes, allocation);
  for (const node of nodes) output.write(formatPlanned(context, node));
  const answer = await terminal.readLine("Can I set the above configuration? (type 'yes' to accept): ");
  if (answer?.trim().toLowerCase() !== 'yes') throw new Failure('warning', '*** Aborting...');
  await assemble(context, nodes);
  await checkCluster(context, await loadCluster(context, nodes[0]!));
  return 0;
}

function printAllocation(
  { output }: ManagerContext,
  nodes: readonly ManagedNode[],
  { primaries, handedOut, firstScore, score }: Allocation,
): void {
  output.info(`>>> Performing hash slots allocation on ${nodes.length} nodes...`);
  output.line(`Using ${primaries.length} masters:`);
  for (const { node } of primaries) output.line(nodes[node]!.address);
  for (const { replica, primary } of handedOut)
    output.line(`Adding replica ${nodes[replica]!.address} to ${nodes[primary]!.address}`);
  if (firstScore > 0) printAffinity({ output }, score);
}
