/** Records of SORT and SORT_RO. Handlers: sort.ts. */
import { choice, KEY } from './argument-docs.js';
import {
  type ArgumentDoc,
  type CommandRecord,
  DENYOOM,
  type KeySpec,
  MOVABLE_KEYS,
  READ_KEY,
  READONLY,
  WRITE,
} from './command.js';
import { sort, sortKeys, sortRo } from './sort.js';

const NAMED_BY_PATTERNS: KeySpec = {
  flags: ['RO', 'access'],
  notes:
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
  begin: { unknown: true },
  find: { unknown: true },
};
const COMPLEXITY =
  'O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).';
const ARGUMENTS: readonly ArgumentDoc[] = [
  KEY,
  { name: 'pattern', type: 'pattern', token: 'BY', keySpec: 1, flags: ['optional'] },
  {
    name: 'offset_count',
    type: 'block',
    token: 'LIMIT',
    flags: ['optional'],
    arguments: [
      { name: 'offset', type: 'integer' },
      { name: 'count', type: 'integer' },
    ],
  },
  { name: 'pattern', type: 'pattern', token: 'GET', keySpec: 1, flags: ['optional', 'multiple', 'multiple_token'] },
  choice('order', ['ASC', 'DESC'], { flags: ['optional'] }),
  { name: 'sorting', type: 'pure-token', token: 'ALPHA', flags: ['optional'] },
];

export const sortCommands: readonly CommandRecord[] = [
  {
    name: 'sort',
    arity: -2,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [
      READ_KEY,
      NAMED_BY_PATTERNS,
      {
        flags: ['OW', 'update'],
        notes:
          "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
        begin: { unknown: true },
        find: { unknown: true },
      },
    ],
    acl: ['set', 'sortedset', 'list', 'dangerous'],
    group: 'generic',
    since: '1.0.0',
    summary: 'Sorts the elements in a list, a set, or a sorted set, optionally storing the result.',
    complexity: COMPLEXITY,
    arguments: [...ARGUMENTS, { name: 'destination', type: 'key', token: 'STORE', keySpec: 2, flags: ['optional'] }],
    findKeys: sortKeys,
    handler: sort,
  },
  {
    name: 'sort_ro',
    arity: -2,
    flags: READONLY | MOVABLE_KEYS,
    keys: [READ_KEY, NAMED_BY_PATTERNS],
    acl: ['set', 'sortedset', 'list', 'dangerous'],
    group: 'generic',
    since: '7.0.0',
    summary: 'Returns the sorted elements of a list, a set, or a sorted set.',
    complexity: COMPLEXITY,
    arguments: [...ARGUMENTS],
    handler: sortRo,
  },
];
