/**
 * Mends slots that nobody owns. They fall into three groups, each of which is asked about: without keys anywhere, with keys on one node, with keys on
 * several. The questions are asked also with --cluster-yes, and the slots of a group are mended in the order of a hash table, as redis-cli does it. Source: spec/cli.md section 2.13, "Coverage".
 */
import type { ManagerContext } from './context.js';
import { Failure, silentFailure } from './failure.js';
import { type Cluster, primariesOf } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';
import { acceptsByTyping } from './prompts.js';
import type { SlotMover } from './slot-mover.js';
import { setImporting, setOwner, setSlotOwner, setStable, withMostKeys } from './slot-repairs.js';

interface Uncovered {
  slot: number;
  /** Primaries that hold keys of it. */
  holders: ManagedNode[];
}

interface Group {
  /** As in `slots have no keys across the cluster`. */
  keys: string;
  question: string;
  slots: Uncovered[];
  cover(uncovered: Uncovered): Promise<void>;
}

/** @returns whether any slot was covered */
export async function fixCoverage(
  context: ManagerContext,
  cluster: Cluster,
  mover: SlotMover,
  slots: readonly number[],
): Promise<boolean> {
  const { output, terminal, dialect } = context;
  output.info('>>> Fixing slots coverage...');
  const primaries = primariesOf(cluster);
  const uncovered = await findHolders(primaries, dialect.orderSlots(slots.map(String)).map(Number));
  output.write(dialect.uncoveredOverview(uncovered));
  const groups: Group[] = [
    {
      keys: 'no keys across the cluster',
      question: 'Fix these slots by covering with a random node?',
      slots: uncovered.filter(({ holders }) => holders.length === 0),
      cover: ({ slot }) => coverWith(context, slot, primaries[Math.floor(Math.random() * primaries.length)]!),
    },
    {
      keys: 'keys in just one node',
      question: 'Fix these slots by covering with those nodes?',
      slots: uncovered.filter(({ holders }) => holders.length === 1),
      cover: ({ slot, holders }) => coverWith(context, slot, holders[0]!),
    },
    {
      keys: 'keys in multiple nodes',
      question: 'Fix these slots by moving keys into a single node?',
      slots: uncovered.filter(({ holders }) => holders.length > 1),
      cover: (one) => coverByMoving(context, mover, one),
    },
  ];
  let fixedCount = 0;
  for (const group of groups) {
    if (group.slots.length === 0) continue;
    const numbers = group.slots.map(({ slot }) => slot).sort((a, b) => a - b);
    output.line(dialect.uncoveredGroup(group.keys, numbers));
    if (!(await acceptsByTyping(terminal, group.question))) {
      if (dialect.refusalEndsFix) throw new Failure('warning', '*** Aborting...');
      continue;
    }
    for (const one of group.slots) {
      if (mover.isInterrupted) break;
      await group.cover(one);
      fixedCount++;
    }
  }
  return fixedCount > 0;
}

async function coverWith({ output }: ManagerContext, slot: number, node: ManagedNode): Promise<void> {
  output.info(`>>> Covering slot ${slot} with ${node.address}`);
  await setOwner(node, slot);
}

async function coverByMoving(
  { output }: ManagerContext,
  mover: SlotMover,
  { slot, holders }: Uncovered,
): Promise<void> {
  const owner = (await withMostKeys(holders, slot))!;
  output.info(`>>> Covering slot ${slot} moving keys to ${owner.address}`);
  await setOwner(owner, slot, true);
  for (const holder of holders) {
    if (holder === owner) continue;
    await setSlotOwner(holder, slot, owner);
    await setImporting(holder, slot, owner);
    if (!(await mover.gather(slot, holder, owner))) throw silentFailure();
    await setStable(holder, slot);
  }
}

/** Questions asked in one go. */
const SLOTS_PER_QUESTION = 2048;

async function findHolders(primaries: readonly ManagedNode[], slots: readonly number[]): Promise<Uncovered[]> {
  const uncovered = slots.map((slot): Uncovered => ({ slot, holders: [] }));
  for (const node of primaries) {
    for (let first = 0; first < slots.length; first += SLOTS_PER_QUESTION) {
      const some = uncovered.slice(first, first + SLOTS_PER_QUESTION);
      const counts = await node.pipeline(some.map(({ slot }) => ['CLUSTER', 'COUNTKEYSINSLOT', slot]));
      for (const [at, count] of counts.entries()) if (Number(count) > 0) some[at]!.holders.push(node);
    }
  }
  return uncovered;
}
