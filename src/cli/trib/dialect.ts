/** redis-trib.rb 4.0's words and habits. Source: spec/cli.md section 3.2. */
import type { Reply } from '../../resp/reply-reader.js';
import { ReplyError } from '../../resp/reply-reader.js';
import { type Dialect, redisCliDialect } from '../cluster/dialect.js';
import type { Painter } from '../cluster/output.js';
import { rangesOf } from '../cluster/slot-set.js';

export const tribDialect: Dialect = {
  ...redisCliDialect,
  toolName: 'Redis-trib',
  round: (value) => value,
  formatNode(node, indent = 0) {
    const ranges = rangesOf(node.slots).map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
    const lines = [
      `${node.isReplica ? 'S' : 'M'}: ${node.id} ${node.address}`,
      `   slots:${ranges.join(',')} (${node.slots.size} slots) ${node.isReplica ? 'slave' : 'master'}`,
    ];
    lines.push(
      node.primaryId === '' ? `   ${node.replicaCount} additional replica(s)` : `   replicates ${node.primaryId}`,
    );
    return `${' '.repeat(indent)}${lines.join('\n')}\n`;
  },
  openSlotsOfNode: (node, state, slots) =>
    `[WARNING] Node ${node.address} has slots in ${state} state (${slots.join(',')}).`,
  orderSlots: (found) => [...new Set(found)],
  openSlots: (slots) => `[WARNING] The following slots are open: ${slots.join(',')}`,
  afterUncovered: '',
  isThorough: false,
  joining: 'Waiting for the cluster to join',

  openSides: (migrating, importing) => `Set as migrating in: ${migrating}\nSet as importing in: ${importing}\n`,
  electingOwner: '>>> Nobody claims ownership, selecting an owner...',
  repairTitle: (number, text) => (number === 2 ? `>>> ${text}` : null),
  uncoveredOverview: (slots) =>
    [
      `List of not covered slots: ${slots.map(({ slot }) => slot).join(',')}`,
      ...slots.map(
        ({ slot, holders }) =>
          `Slot ${slot} has keys in ${holders.length} nodes: ${holders.map(({ address }) => address).join(', ')}`,
      ),
      '',
    ].join('\n'),
  uncoveredGroup: (keys, slots) => `The folowing uncovered slots have ${keys}:\n${slots.join(',')}`,
  refusalEndsFix: true,

  migrateRefused: ({ reply }) => `[ERR] Calling MIGRATE: ${reply}`,
  moveFailed: () => null,
  sourcePrompt: (number) => `Source node #${number}:`,
  unknownPrimary: (_, role) =>
    role === 'target'
      ? '*** The specified node is not known or not a master, please retry.'
      : '*** The specified node is not known or is not a master, please retry.',
  asksAgain: true,
  noSources: '*** No source nodes given, operation aborted',

  formatThreshold: (percent) => (Number.isInteger(percent) ? percent.toFixed(1) : String(percent)),
  formatTotalWeight: (total, hasWeights) => (hasWeights && Number.isInteger(total) ? total.toFixed(1) : String(total)),

  copiesFunctions: false,
  retirement: { title: '>>> SHUTDOWN the node.', command: ['SHUTDOWN'] },
  timeoutRefused: (address, reason) => `ERR setting node-timeot for ${address}: ${reason}`,
  callTitle: ([name = '', ...rest]) => [name.toUpperCase(), ...rest].join(' '),
  formatReply: rubyText,
  importTitle: (from) => `>>> Importing data from ${from} to cluster \n>>> Connecting to the source Redis instance`,
  skipsRefusedKeys: true,
};

/** A reply as Ruby prints it: nil as nothing, arrays as `["a", "b"]`. */
function rubyText(reply: Reply): Buffer {
  if (Array.isArray(reply)) return Buffer.from(inspect(reply));
  if (Buffer.isBuffer(reply)) return reply;
  if (reply instanceof ReplyError) return Buffer.from(reply.message);
  return Buffer.from(reply === null ? '' : String(reply));
}

function inspect(reply: Reply): string {
  if (Array.isArray(reply)) return `[${reply.map(inspect).join(', ')}]`;
  if (reply === null) return 'nil';
  return typeof reply === 'number' ? String(reply) : JSON.stringify(String(reply));
}

const COLOUR_CODES: readonly (readonly [prefix: string, code: string])[] = [
  ['>>>', '29;1'],
  ['[ER', '31;1'],
  ['[WA', '31;1'],
  ['[OK', '32'],
  ['***', '33'],
  ['[FA', '33'],
];

/** Colours by how a text begins, ended before its line feed. */
export const paintAsTrib: Painter = (_, text) => {
  const code = COLOUR_CODES.find(([prefix]) => text.startsWith(prefix))?.[1];
  if (code === undefined) return text;
  const hasLineEnd = text.endsWith('\n');
  return `\x1b[${code}m${hasLineEnd ? text.slice(0, -1) : text}\x1b[0m${hasLineEnd ? '\n' : ''}`;
};
