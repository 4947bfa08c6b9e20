/**
 * Where redis-cli and redis-trib differ while doing the same: words, and a few habits. redis-trib's record is in ../trib/dialect.ts; what it does quite
 * differently (create) has code of its own there.
 */
import { type Reply, ReplyError } from '../../resp/reply-reader.js';
import { dictionaryOrder } from './dictionary-order.js';
import type { NodeRefusal } from './failure.js';
import type { ManagedNode } from './managed-node.js';
import { formatRanges } from './slot-set.js';

export interface Dialect {
  /** How the tool calls itself in its messages. */
  readonly toolName: string;
  /** The precision of divisions. */
  round(value: number): number;

  /** A node of a listing: its lines, each ending with a line feed, indented by `indent` blanks. */
  formatNode(node: ManagedNode, indent?: number): string;
  openSlotsOfNode(node: ManagedNode, state: 'migrating' | 'importing', slots: readonly number[]): string;
  openSlots(slots: readonly string[]): string;
  /** In which order slots are walked that were found in the order given; an open one is found once or twice. */
  orderSlots(found: readonly string[]): string[];
  /** What stands below the line that says that slots are not covered. */
  readonly afterUncovered: string;
  /** check and fix begin with the key counts; check's exit code tells of problems. */
  readonly isThorough: boolean;
  /** `Waiting for the cluster to join` and what follows it before the dots. */
  readonly joining: string;

  /** fix: the lines that tell which nodes have a slot open. */
  openSides(migrating: string, importing: string): string;
  readonly electingOwner: string;
  /** fix: what is done about an open slot, by the number that redis-cli gives it; null: nothing is told. */
  repairTitle(number: number, text: string): string | null;
  /** fix: what is told of uncovered slots before they are asked about. */
  uncoveredOverview(slots: readonly { slot: number; holders: readonly ManagedNode[] }[]): string;
  /** fix: a group of uncovered slots. */
  uncoveredGroup(keys: string, slots: readonly number[]): string;
  /** fix: whether a `no` ends everything. */
  readonly refusalEndsFix: boolean;

  /** A refused MIGRATE. */
  migrateRefused(refusal: NodeRefusal): string;
  /** reshard: what is told at the end of a failed move; null: nothing. */
  moveFailed(reason: string): string | null;
  readonly fixBeforeReshard: string;
  sourcePrompt(number: number): string;
  unknownPrimary(id: string, role: 'target' | 'source'): string;
  /** reshard: whether a wrong answer is asked again. */
  readonly asksAgain: boolean;
  readonly targetIsSource: string;
  readonly noSources: string;

  formatThreshold(percent: number): string;
  formatTotalWeight(total: number, hasWeights: boolean): string;

  /** add-node: a new primary gets the cluster's functions. */
  readonly copiesFunctions: boolean;
  /** del-node: how the removed node is left behind. */
  readonly retirement: { readonly title: string; readonly command: readonly string[] };
  timeoutRefused(address: string, reason: string): string;
  callTitle(command: readonly string[]): string;
  formatReply(reply: Reply): Buffer;
  importTitle(from: string, to: string): string;
  /** import: whether the other keys are moved when one is refused. */
  readonly skipsRefusedKeys: boolean;
}

export const redisCliDialect: Dialect = {
  toolName: 'redis-cli',
  round: Math.fround,
  formatNode(node, indent = 0) {
    const margin = ' '.repeat(indent);
    const slots = node.slots.size === 0 ? ' ' : `${formatRanges(node.slots)} `;
    const lines = [
      `${node.isReplica ? 'S' : 'M'}: ${node.id} ${node.address}`,
      `   slots:${slots}(${node.slots.size} slots) ${node.flags.join(',')}`,
    ];
    if (node.primaryId !== '') lines.push(`   replicates ${node.primaryId}`);
    else if (node.replicaCount > 0) lines.push(`   ${node.replicaCount} additional replica(s)`);
    return lines.map((line) => `${margin}${line}\n`).join('');
  },
  openSlotsOfNode: (node, state, slots) =>
    `[WARNING] Node ${node.address} has slots in ${state} state ${slots.join(',')}.`,
  orderSlots: dictionaryOrder,
  openSlots: (slots) => `[WARNING] The following slots are open: ${slots.join(',')}.`,
  afterUncovered: '\n',
  isThorough: true,
  joining: 'Waiting for the cluster to join\n',

  openSides: (migrating, importing) =>
    (migrating === '' ? '' : `Set as migrating in: ${migrating}\n`) +
    (importing === '' ? '' : `Set as importing in: ${importing}\n`),
  electingOwner: '>>> No single clear owner for the slot, selecting an owner by # of keys...',
  repairTitle: (number, text) => `>>> Case ${number}: ${text}`,
  uncoveredOverview: () => '',
  uncoveredGroup: (keys, slots) => `The following uncovered slots have ${keys}:\n${formatRanges(slots)}`,
  refusalEndsFix: false,

  migrateRefused: (refusal) => refusal.message,
  moveFailed: (reason) => (reason === '' ? null : `clusterManagerMoveSlot failed: ${reason}`),
  fixBeforeReshard: '*** Please fix your cluster problems before resharding',
  sourcePrompt: (number) => `Source node #${number}: `,
  unknownPrimary: (id) => `*** The specified node (${id}) is not known or not a master, please retry.`,
  asksAgain: false,
  targetIsSource: '*** It is not possible to use the target node as source node.',
  noSources: '*** No source nodes given, operation aborted.',

  formatThreshold: (percent) => percent.toFixed(2),
  formatTotalWeight: (total) => total.toFixed(2),

  copiesFunctions: true,
  retirement: {
    title: '>>> Sending CLUSTER RESET SOFT to the deleted node.',
    command: ['CLUSTER', 'RESET', 'SOFT'],
  },
  timeoutRefused: (address, reason) => `ERR setting node-timeout for ${address}: ${reason}`,
  callTitle: (command) => command.join(' '),
  formatReply: rawText,
  importTitle: (from, to) => `>>> Importing data from ${from} to cluster ${to}`,
  skipsRefusedKeys: false,
};

const LINE_END = Buffer.from('\n');

/** Elements of an array one per line, an error with a line end of its own, nil as nothing. */
function rawText(reply: Reply): Buffer {
  if (Array.isArray(reply)) {
    const lines = reply.flatMap((item) => [rawText(item), LINE_END]);
    return Buffer.concat(lines.slice(0, -1));
  }
  if (Buffer.isBuffer(reply)) return reply;
  if (reply instanceof ReplyError) return Buffer.from(`${reply.message}\n`);
  return Buffer.from(reply === null ? '' : String(reply));
}
