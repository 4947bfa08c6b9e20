/**
 * The check of a cluster that `check` and `fix` are about and most other subcommands begin with: do the nodes agree about the slots, is any slot open, is
 * every slot covered, and, where wanted, has any slot several owners. `fix` hands in what mends each of these. Source: spec/cli.md section 2.6.
 */
import { parseClusterNodes, slotsSignature } from '../../client/cluster-nodes.js';
import { SLOT_COUNT } from '../../keyspace/key-slot.js';
import { ReplyError } from '../../resp/reply-reader.js';
import type { ManagerContext } from './context.js';
import { Failure } from './failure.js';
import { type Cluster, primariesOf } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';
import { SlotSet } from './slot-set.js';

/** What mends a cluster; each tells whether it did. */
export interface Repairs {
  openSlot(slot: number): Promise<boolean>;
  coverage(uncovered: readonly number[]): Promise<boolean>;
  multipleOwners(slot: number, owners: readonly ManagedNode[]): Promise<boolean>;
  /** Before the first repair of a kind: throws where repairing is too dangerous. */
  begin(what: 'open slots' | 'slots coverage'): void;
}

export interface CheckOptions {
  /** Without the list of nodes. */
  isQuiet?: boolean;
  repairs?: Repairs;
}

export interface CheckResult {
  /** No problem, or the last one was mended. */
  isOk: boolean;
  /** Problems of slots that were found, mended or not. */
  errorCount: number;
}

export async function checkCluster(
  context: ManagerContext,
  cluster: Cluster,
  { isQuiet = false, repairs }: CheckOptions = {},
): Promise<CheckResult> {
  const { output, dialect } = context;
  const result: CheckResult = { isOk: true, errorCount: 0 };
  const fail = (text: string): void => {
    output.error(text);
    result.isOk = false;
    result.errorCount++;
  };

  output.info(`>>> Performing Cluster Check (using node ${cluster.nodes[0]!.address})`);
  if (!isQuiet) for (const node of cluster.nodes) output.write(dialect.formatNode(node));
  if (await isAgreed(cluster)) output.ok('[OK] All nodes agree about slots configuration.');
  else fail("[ERR] Nodes don't agree about configuration!");

  output.info('>>> Check for open slots...');
  const openSlots: string[] = [];
  for (const node of cluster.nodes) {
    for (const state of ['migrating', 'importing'] as const) {
      const slots = [...node[state].keys()];
      if (slots.length === 0) continue;
      fail(dialect.openSlotsOfNode(node, state, slots));
      openSlots.push(...slots.map(String));
    }
  }
  const open = dialect.orderSlots(openSlots);
  if (open.length > 0) {
    output.error(dialect.openSlots(open));
    if (repairs !== undefined) {
      repairs.begin('open slots');
      result.isOk = await mendAll(open.map(Number), repairs.openSlot);
    }
  }

  output.info('>>> Check slots coverage...');
  const uncovered = [...coveredSlots(cluster).missing()];
  if (uncovered.length === 0) {
    output.ok(`[OK] All ${SLOT_COUNT} slots covered.`);
  } else {
    fail(`[ERR] Not all ${SLOT_COUNT} slots are covered by nodes.${dialect.afterUncovered}`);
    if (repairs !== undefined) {
      repairs.begin('slots coverage');
      result.isOk = await repairs.coverage(uncovered);
    }
  }
  if (context.options.searchMultipleOwners) await checkOwners(context, cluster, result, repairs);
  return result;
}

/** Whether every node tells of the same owners; one that refuses to tell does not agree. */
export async function isAgreed({ nodes }: Pick<Cluster, 'nodes'>): Promise<boolean> {
  const signatures = await Promise.all(nodes.map(signatureOf));
  return signatures.every((signature) => signature !== null && signature === signatures[0]);
}

async function signatureOf(node: ManagedNode): Promise<string | null> {
  try {
    return slotsSignature(parseClusterNodes(await node.text('CLUSTER', 'NODES')));
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

function coveredSlots({ nodes }: Cluster): SlotSet {
  const covered = new SlotSet();
  for (const node of nodes) for (const slot of node.slots) covered.add(slot);
  return covered;
}

/** In order, up to the first that fails. */
async function mendAll(slots: readonly number[], mend: (slot: number) => Promise<boolean>): Promise<boolean> {
  for (const slot of slots) if (!(await mend(slot))) return false;
  return true;
}

/** A node owns a slot if it says so, or if it holds keys of it. */
async function checkOwners(
  { output }: ManagerContext,
  cluster: Cluster,
  result: CheckResult,
  repairs: Repairs | undefined,
): Promise<void> {
  output.info('>>> Check for multiple slot owners...');
  const primaries = primariesOf(cluster);
  const holders = await Promise.all(primaries.map(slotsHeld));
  let hasMultiple = false;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const owners = primaries.filter((_, at) => holders[at]!.has(slot));
    if (owners.length < 2) continue;
    result.isOk = false;
    hasMultiple = true;
    output.error(`[WARNING] Slot ${slot} has ${owners.length} owners:`);
    for (const owner of owners) output.error(`    ${owner.address}`);
    if (repairs === undefined) continue;
    result.isOk = await repairs.multipleOwners(slot, owners);
    if (!result.isOk) {
      output.error(`Failed to fix multiple owners for slot ${slot}`);
      break;
    }
  }
  if (!hasMultiple) output.ok('[OK] No multiple owners found.');
}

/** Counts asked for in one go. */
const SLOTS_PER_QUESTION = 2048;

async function slotsHeld(node: ManagedNode): Promise<SlotSet> {
  const held = new SlotSet();
  for (let first = 0; first < SLOT_COUNT; first += SLOTS_PER_QUESTION) {
    const slots = Array.from({ length: SLOTS_PER_QUESTION }, (_, at) => first + at);
    const counts = await node.pipeline(slots.map((slot) => ['CLUSTER', 'COUNTKEYSINSLOT', slot]));
    for (const [at, count] of counts.entries())
      if (node.slots.has(slots[at]!) || (!(count instanceof ReplyError) && Number(count) > 0)) held.add(slots[at]!);
  }
  return held;
}
