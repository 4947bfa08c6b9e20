/** Single steps of mending a slot, for the repairs of `fix`. Source: spec/cli.md section 2.13, building blocks. */
import { ReplyError } from '../../resp/reply-reader.js';
import { NodeRefusal } from './failure.js';
import type { ManagedNode } from './managed-node.js';

/** Makes a node the owner of a slot, with a config epoch that beats all others. @param isClosing whether it also closes the slot there */
export async function setOwner(node: ManagedNode, slot: number, isClosing = false): Promise<void> {
  const replies = await node.pipeline([
    ['MULTI'],
    ['CLUSTER', 'DELSLOTS', slot],
    ['CLUSTER', 'ADDSLOTS', slot],
    ...(isClosing ? [['CLUSTER', 'SETSLOT', slot, 'STABLE']] : []),
    ['CLUSTER', 'BUMPEPOCH'],
    ['EXEC'],
  ]);
  const results = replies.at(-1)!;
  // That the slot was nobody's, or the epoch is the highest already, is as good.
  const added = Array.isArray(results) ? results[1] : results;
  if (added instanceof ReplyError) throw new NodeRefusal(node.address, added.message);
  node.slots.add(slot);
}

/** Makes a node forget who owns a slot. */
export async function deleteSlot(node: ManagedNode, slot: number): Promise<void> {
  try {
    await node.call('CLUSTER', 'DELSLOTS', slot);
  } catch (error) {
    if (!(error instanceof NodeRefusal) || !(await isUnassigned(node, slot))) throw error;
  }
  node.slots.delete(slot);
}

/** Whether a node knows of no owner of a slot. */
export async function isUnassigned(node: ManagedNode, slot: number): Promise<boolean> {
  const ranges = (await node.call('CLUSTER', 'SLOTS')) as [first: number, last: number, ...nodes: unknown[]][];
  return !ranges.some(([first, last]) => first <= slot && slot <= last);
}

/** The first of those that hold the most keys of a slot; also where none holds any. */
export async function withMostKeys(nodes: readonly ManagedNode[], slot: number): Promise<ManagedNode | undefined> {
  let best: ManagedNode | undefined;
  let most = -1;
  for (const node of nodes) {
    const count = await node.keysInSlot(slot);
    if (count <= most) continue;
    best = node;
    most = count;
  }
  return best;
}

export function setStable(node: ManagedNode, slot: number): Promise<unknown> {
  return node.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
}

/** Tells a node who owns a slot. */
export function setSlotOwner(node: ManagedNode, slot: number, owner: ManagedNode): Promise<unknown> {
  return node.call('CLUSTER', 'SETSLOT', slot, 'NODE', owner.id);
}

/** Opens a slot at a node as if it came from the owner, so that its keys can be moved there. */
export function setImporting(node: ManagedNode, slot: number, owner: ManagedNode): Promise<unknown> {
  return node.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', owner.id);
}
