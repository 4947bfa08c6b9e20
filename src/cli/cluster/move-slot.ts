/**
 * Moves one slot from node to node: the protocol of spec/cli.md section 2.9.
 *
 *   target: importing → source: migrating → the keys → target: node → source: node → every other primary: node
 *
 * The target learns first that it is to own the slot, so that a request never finds both nodes pointing at each other; it is also the first to be told
 * that it does own it, for with a higher config epoch its word counts.
 *
 * Invariant: `openSlots` holds the move from before the first SETSLOT until no node has the slot open. A move that failed before a key was moved is
 * undone.
 */
import { Failure, NodeLost, NodeRefusal } from './failure.js';
import type { ManagedNode } from './managed-node.js';
import { type KeyMove, MigrationFailure, type MigrationSettings, migrateKeys } from './migrate-keys.js';
import type { Output } from './output.js';

/** How a move shows in the output. Every call gets the output of that move. */
export interface MoveReport {
  began(move: KeyMove, output: Output): void;
  migrated(keyCount: number, output: Output): void;
  /** The keys are moved, or will not be. */
  keysEnded(output: Output): void;
  moved(output: Output): void;
}

export interface SlotMoveSettings extends Omit<MigrationSettings, 'onMigrated'> {
  readonly report: MoveReport;
  /** Only the keys move, no node is told of a new owner. */
  readonly isCold: boolean;
  /** The primaries that are told, besides source and target. */
  readonly others: readonly ManagedNode[];
  /** Slots that are open because of us. */
  readonly openSlots: Set<KeyMove>;
}

/** The reason, in the node's words; empty where all is said already. */
export interface MoveFailure {
  readonly reason: string;
}

/** The text of redis-cli for a SETSLOT that got no reply. */
const NO_REPLY = 'CLUSTER SETSLOT failed to run';
/** What a source answers that lost its last slot by this very move, and became a replica. */
const NOT_PRIMARY_ANY_MORE = 'ERR Please use SETSLOT only with masters.';

export async function moveSlot(move: KeyMove, settings: SlotMoveSettings): Promise<MoveFailure | null> {
  const { output, report, isCold, openSlots } = settings;
  report.began(move, output);
  openSlots.add(move);
  try {
    if (!isCold) await open(move);
    try {
      await migrateKeys(move, { ...settings, onMigrated: (count) => report.migrated(count, output) });
    } finally {
      report.keysEnded(output);
    }
    if (isCold) openSlots.delete(move);
    else await settle(move, settings);
  } catch (error) {
    if (!(error instanceof MigrationFailure)) throw error;
    if (!isCold && openSlots.has(move) && (await undo(move))) openSlots.delete(move);
    return { reason: error.message };
  }
  report.moved(output);
  return null;
}

async function open({ slot, source, target }: KeyMove): Promise<void> {
  await setSlot(target, slot, 'importing', source.id);
  await setSlot(source, slot, 'migrating', target.id);
}

async function settle(move: KeyMove, { others, openSlots, isFix, output }: SlotMoveSettings): Promise<void> {
  const { slot, source, target } = move;
  await setSlot(target, slot, 'node', target.id);
  try {
    await setSlot(source, slot, 'node', target.id);
  } catch (error) {
    if (!(error instanceof MigrationFailure)) throw error;
    if (!error.message.startsWith(NOT_PRIMARY_ANY_MORE)) {
      if (!isFix) throw error;
      output.error(`Node ${source.address} replied with error:\n${error.message}`);
    }
  }
  openSlots.delete(move);
  source.slots.delete(slot);
  target.slots.add(slot);
  const told = await Promise.allSettled(others.map((node) => setSlot(node, slot, 'node', target.id)));
  for (const result of told) if (result.status === 'rejected') throw result.reason;
}

async function setSlot(node: ManagedNode, slot: number, state: string, nodeId: string): Promise<void> {
  try {
    await node.call('CLUSTER', 'SETSLOT', slot, state, nodeId);
  } catch (error) {
    if (error instanceof NodeRefusal) throw new MigrationFailure(error.reply);
    if (error instanceof NodeLost) throw new MigrationFailure(NO_REPLY);
    throw error;
  }
}

/** Closes the slot on both sides if none of its keys has arrived. */
async function undo({ slot, source, target }: KeyMove): Promise<boolean> {
  try {
    if ((await target.keysInSlot(slot)) > 0) return false;
    // The source first: as long as it migrates, it sends those who ask for new keys to the target.
    await source.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
    await target.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
    if ((await target.keysInSlot(slot)) === 0) return true;
    // One came in the meantime. An open slot can be mended, a key where nobody looks for it is lost.
    await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
    return false;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}
