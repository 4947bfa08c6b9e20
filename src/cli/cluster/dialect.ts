/**
 * The words in which redis-cli and redis-trib differ where both do the same. Where they do different things, redis-trib's front has code of its own
 * (../trib).
 */
import type { ManagedNode } from './managed-node.js';
import { formatRanges } from './slot-set.js';

export interface Dialect {
  /** A node of a listing: its lines, each ending with a line feed, indented by `indent` blanks. */
  formatNode(node: ManagedNode, indent?: number): string;
  openSlotsOfNode(node: ManagedNode, state: 'migrating' | 'importing', slots: readonly number[]): string;
  openSlots(slots: readonly string[]): string;
  /** What stands below the line that says that slots are not covered. */
  readonly afterUncovered: string;
  /** fix: the lines that tell which nodes have a slot open. */
  openSides(migrating: string, importing: string): string;
  readonly electingOwner: string;
  /** fix: what is done about an open slot, by the number that redis-cli gives it; null: nothing is told. */
  repairTitle(number: number, text: string): string | null;
  /** How the tool calls itself. */
  readonly toolName: string;
}

export const redisCliDialect: Dialect = {
  formatNode(node, indent = 0) {
    const margin = ' '.repeat(indent);
    const lines = [
      `${node.isReplica ? 'S' : 'M'}: ${node.id} ${node.address}`,
      `   slots:${formatRanges(node.slots) || ' '}${node.slots.size === 0 ? '' : ' '}(${node.slots.size} slots) ${node.flags.join(',')}`,
    ];
    if (node.primaryId !== '') lines.push(`   replicates ${node.primaryId}`);
    else if (node.replicaCount > 0) lines.push(`   ${node.replicaCount} additional replica(s)`);
    return lines.map((line) => `${margin}${line}\n`).join('');
  },
  openSlotsOfNode: (node, state, slots) =>
    `[WARNING] Node ${node.address} has slots in ${state} state ${slots.join(',')}.`,
  openSlots: (slots) => `[WARNING] The following slots are open: ${slots.join(',')}.`,
  afterUncovered: '\n',
  openSides: (migrating, importing) =>
    (migrating === '' ? '' : `Set as migrating in: ${migrating}\n`) +
    (importing === '' ? '' : `Set as importing in: ${importing}\n`),
  electingOwner: '>>> No single clear owner for the slot, selecting an owner by # of keys...',
  repairTitle: (number, text) => `>>> Case ${number}: ${text}`,
  toolName: 'redis-cli',
};
