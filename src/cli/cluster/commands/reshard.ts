/**
 * `reshard host:port`: moves a number of slots from one or several primaries to another one. What the options do not tell is asked for.
 * Source: spec/cli.md section 2.10.
 */
import { SLOT_COUNT } from '../../../keyspace/key-slot.js';
import { atoi } from '../../c-numbers.js';
import { checkCluster } from '../check-cluster.js';
import { entryAddress, type ManagerContext } from '../context.js';
import { Failure, silentFailure } from '../failure.js';
import { type Cluster, loadCluster, primariesOf } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';
import { accepts } from '../prompts.js';
import { planReshard, type SlotMove } from '../reshard-plan.js';
import { dottedReport, SlotMover } from '../slot-mover.js';
import { nodeById } from './del-node.js';

export async function reshard(context: ManagerContext): Promise<number> {
  const cluster = await loadCluster(context, entryAddress(context));
  if ((await checkCluster(context, cluster)).errorCount > 0)
    throw new Failure('stderr', context.dialect.fixBeforeReshard);
  const count = await slotCount(context);
  const target = await targetNode(context, cluster);
  const sources = await sourceNodes(context, cluster, target);
  if (sources.length === 0) throw new Failure('stderr', context.dialect.noSources);
  const plan = planReshard(sources, count, context.dialect.round);
  printPlan(context, count, sources, target, plan);
  const { terminal, options } = context;
  if (!options.yes && !(await accepts(terminal, 'Do you want to proceed with the proposed reshard plan (yes/no)? ')))
    return 1;
  return moveAll(context, cluster, target, plan);
}

/** @returns the exit code */
async function moveAll(
  context: ManagerContext,
  cluster: Cluster,
  target: ManagedNode,
  plan: readonly SlotMove<ManagedNode>[],
): Promise<number> {
  const moves = plan.map(({ slot, source }) => ({ slot, source, target }));
  const mover = new SlotMover(context, cluster, { report: dottedReport });
  return mover.interruptible(async () => {
    const failure = await mover.withBar(moves, () => mover.move(moves));
    if (failure === null) return 0;
    const text = context.dialect.moveFailed(failure.reason);
    if (text !== null) context.output.error(text);
    return 1;
  });
}

async function slotCount({ options, terminal }: ManagerContext): Promise<number> {
  let count = options.slots;
  while (count === 0 || (options.slots === 0 && (count < 0 || count > SLOT_COUNT))) {
    const answer = await terminal.readLine(`How many slots do you want to move (from 1 to ${SLOT_COUNT})? `);
    if (answer === null) throw silentFailure();
    count = atoi(answer);
  }
  return count;
}

async function targetNode(context: ManagerContext, cluster: Cluster): Promise<ManagedNode> {
  const { options, terminal } = context;
  if (options.to !== null && options.to !== '') return primaryById(context, cluster, options.to, 'target');
  for (;;) {
    const answer = await terminal.readLine('What is the receiving node ID? ');
    if (answer === null) throw silentFailure();
    if (answer === '') continue;
    const node = askedPrimary(context, cluster, answer, 'target');
    if (node !== null) return node;
  }
}

function primaryById(
  { dialect }: ManagerContext,
  cluster: Cluster,
  id: string,
  role: 'target' | 'source',
): ManagedNode {
  const node = nodeById(cluster, id);
  if (node === undefined || node.isReplica) throw new Failure('error', dialect.unknownPrimary(id, role));
  return node;
}

/** null: it is to be asked again. */
function askedPrimary(
  context: ManagerContext,
  cluster: Cluster,
  id: string,
  role: 'target' | 'source',
): ManagedNode | null {
  try {
    return primaryById(context, cluster, id, role);
  } catch (error) {
    if (!(error instanceof Failure) || !context.dialect.asksAgain) throw error;
    context.output.error(error.message);
    return null;
  }
}

/** In the order in which they were given; `all` is every primary but the target, in the order of the cluster. */
async function sourceNodes(context: ManagerContext, cluster: Cluster, target: ManagedNode): Promise<ManagedNode[]> {
  const { options, output, terminal, dialect } = context;
  const others = primariesOf(cluster).filter((node) => node !== target);
  const sources = new Set<ManagedNode>();
  const add = (node: ManagedNode | null): void => {
    if (node === target) output.error(dialect.targetIsSource);
    else if (node !== null) sources.add(node);
  };
  if (options.from !== null) {
    const ids = options.from.split(',').filter((id) => id !== '');
    if (ids.includes('all')) return others;
    for (const id of ids) add(primaryById(context, cluster, id, 'source'));
    return [...sources];
  }
  output.line('Please enter all the source node IDs.');
  output.line("  Type 'all' to use all the nodes as source nodes for the hash slots.");
  output.line("  Type 'done' once you entered all the source nodes IDs.");
  for (;;) {
    const answer = await terminal.readLine(dialect.sourcePrompt(sources.size + 1));
    if (answer === null) throw silentFailure();
    if (answer === 'all') return others;
    if (answer === 'done') return [...sources];
    if (answer !== '') add(askedPrimary(context, cluster, answer, 'source'));
  }
}

function printPlan(
  { output, dialect }: ManagerContext,
  count: number,
  sources: readonly ManagedNode[],
  target: ManagedNode,
  plan: readonly SlotMove<ManagedNode>[],
): void {
  output.line(`\nReady to move ${count} slots.`);
  output.line('  Source nodes:');
  for (const source of sources) output.write(dialect.formatNode(source, 4));
  output.line('  Destination node:');
  output.write(dialect.formatNode(target, 4));
  output.line('  Resharding plan:');
  for (const { slot, source } of plan) output.line(`    Moving slot ${slot} from ${source.id}`);
}
