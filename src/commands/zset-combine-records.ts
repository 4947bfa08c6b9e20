/** Records of the sorted set commands that combine several. Handlers: zset-combine.ts. */
import { choice, KEYS, NUMKEYS, option } from './argument-docs.js';
import { type CommandRecord, countedKeys, DENYOOM, keyRange, MOVABLE_KEYS, READONLY, WRITE } from './command.js';
import { zdiff, zdiffStore, zinter, zinterCard, zinterStore, zunion, zunionStore } from './zset-combine.js';

export const zsetCombineCommands: readonly CommandRecord[] = [
  {
    name: 'zunion',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    keys: [countedKeys(['RO', 'access'], 1)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Add multiple sorted sets',
    complexity:
      'O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.',
    arguments: [
      NUMKEYS,
      KEYS,
      { name: 'weight', type: 'integer', token: 'WEIGHTS', flags: ['optional', 'multiple'] },
      choice('aggregate', ['SUM', 'MIN', 'MAX'], { token: 'AGGREGATE', flags: ['optional'] }),
      option('WITHSCORES'),
    ],
    handler: zunion,
  },
  {
    name: 'zinter',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    keys: [countedKeys(['RO', 'access'], 1)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Intersect multiple sorted sets',
    complexity:
      'O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.',
    arguments: [
      NUMKEYS,
      KEYS,
      { name: 'weight', type: 'integer', token: 'WEIGHTS', flags: ['optional', 'multiple'] },
      choice('aggregate', ['SUM', 'MIN', 'MAX'], { token: 'AGGREGATE', flags: ['optional'] }),
      option('WITHSCORES'),
    ],
    handler: zinter,
  },
  {
    name: 'zdiff',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    keys: [countedKeys(['RO', 'access'], 1)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Subtract multiple sorted sets',
    complexity:
      'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.',
    arguments: [NUMKEYS, KEYS, option('WITHSCORES')],
    handler: zdiff,
  },
  {
    name: 'zunionstore',
    arity: -4,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [keyRange(['OW', 'update'], 1, 1), countedKeys(['RO', 'access'], 2)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Add multiple sorted sets and store the resulting sorted set in a new key',
    complexity:
      'O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.',
    arguments: [
      { name: 'destination', type: 'key', keySpec: 0 },
      NUMKEYS,
      { name: 'key', type: 'key', keySpec: 1, flags: ['multiple'] },
      { name: 'weight', type: 'integer', token: 'WEIGHTS', flags: ['optional', 'multiple'] },
      choice('aggregate', ['SUM', 'MIN', 'MAX'], { token: 'AGGREGATE', flags: ['optional'] }),
    ],
    handler: zunionStore,
  },
  {
    name: 'zinterstore',
    arity: -4,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [keyRange(['OW', 'update'], 1, 1), countedKeys(['RO', 'access'], 2)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Intersect multiple sorted sets and store the resulting sorted set in a new key',
    complexity:
      'O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.',
    arguments: [
      { name: 'destination', type: 'key', keySpec: 0 },
      NUMKEYS,
      { name: 'key', type: 'key', keySpec: 1, flags: ['multiple'] },
      { name: 'weight', type: 'integer', token: 'WEIGHTS', flags: ['optional', 'multiple'] },
      choice('aggregate', ['SUM', 'MIN', 'MAX'], { token: 'AGGREGATE', flags: ['optional'] }),
    ],
    handler: zinterStore,
  },
  {
    name: 'zdiffstore',
    arity: -4,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [keyRange(['OW', 'update'], 1, 1), countedKeys(['RO', 'access'], 2)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Subtract multiple sorted sets and store the resulting sorted set in a new key',
    complexity:
      'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.',
    arguments: [
      { name: 'destination', type: 'key', keySpec: 0 },
      NUMKEYS,
      { name: 'key', type: 'key', keySpec: 1, flags: ['multiple'] },
    ],
    handler: zdiffStore,
  },
  {
    name: 'zintercard',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    keys: [countedKeys(['RO', 'access'], 1)],
    acl: ['sortedset'],
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Intersect multiple sorted sets and return the cardinality of the result',
    complexity:
      'O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.',
    arguments: [NUMKEYS, KEYS, { name: 'limit', type: 'integer', token: 'LIMIT', flags: ['optional'] }],
    handler: zinterCard,
  },
];
