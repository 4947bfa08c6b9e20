/** Records of the HyperLogLog commands. Handlers: hyperloglog.ts. */
import { KEY, KEYS } from './argument-docs.js';
import { ADMIN, type CommandRecord, DENYOOM, FAST, keyRange, MAY_REPLICATE, READONLY, WRITE } from './command.js';
import { pfAdd, pfCount, pfDebug, pfMerge, pfSelfTest } from './hyperloglog.js';

export const hyperLogLogCommands: readonly CommandRecord[] = [
  {
    name: 'pfadd',
    arity: -2,
    flags: WRITE | DENYOOM | FAST,
    keys: [keyRange(['RW', 'insert'], 1, 1)],
    acl: ['hyperloglog'],
    group: 'hyperloglog',
    since: '2.8.9',
    summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    complexity: 'O(1) to add every element.',
    arguments: [KEY, { name: 'element', type: 'string', flags: ['optional', 'multiple'] }],
    handler: pfAdd,
  },
  {
    name: 'pfcount',
    arity: -2,
    flags: READONLY | MAY_REPLICATE,
    keys: [
      {
        flags: ['RW', 'access'],
        notes: 'RW because it may change the internal representation of the key, and propagate to replicas',
        begin: { index: 1 },
        find: { lastKey: -1, step: 1, limit: 0 },
      },
    ],
    acl: ['hyperloglog'],
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).',
    complexity:
      'O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.',
    arguments: [KEYS],
    handler: pfCount,
  },
  {
    name: 'pfmerge',
    arity: -2,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['RW', 'access', 'insert'], 1, 1), keyRange(['RO', 'access'], 2, -1)],
    acl: ['hyperloglog'],
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Merges one or more HyperLogLog values into a single key.',
    complexity: 'O(N) to merge N HyperLogLogs, but with high constant times.',
    arguments: [
      { name: 'destkey', type: 'key', keySpec: 0 },
      { name: 'sourcekey', type: 'key', keySpec: 1, flags: ['multiple'] },
    ],
    handler: pfMerge,
  },
  {
    name: 'pfdebug',
    arity: 3,
    flags: WRITE | DENYOOM | ADMIN,
    keys: [keyRange(['RW', 'access'], 2, 2)],
    acl: ['hyperloglog'],
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Internal commands for debugging HyperLogLog values.',
    complexity: 'N/A',
    docFlags: ['syscmd'],
    arguments: [{ name: 'subcommand', type: 'string' }, KEY],
    handler: pfDebug,
  },
  {
    name: 'pfselftest',
    arity: 1,
    flags: ADMIN,
    acl: ['hyperloglog'],
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'An internal command for testing HyperLogLog values.',
    complexity: 'N/A',
    docFlags: ['syscmd'],
    handler: pfSelfTest,
  },
];
