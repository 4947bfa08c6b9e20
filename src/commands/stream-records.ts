/** Records of the stream commands that know nothing of groups. Handlers: stream.ts, stream-range.ts, stream-read.ts. */
import { COUNT_OPTION, KEY, KEYS, word } from './argument-docs.js';
import {
  BLOCKING,
  type CommandRecord,
  DENYOOM,
  FAST,
  keyRange,
  MOVABLE_KEYS,
  READ_KEY,
  READONLY,
  WRITE,
} from './command.js';
import { xadd, xdel, xlen, xsetId, xtrim } from './stream.js';
import { xrange, xrevrange } from './stream-range.js';
import { xread } from './stream-read.js';

export const streamCommands: readonly CommandRecord[] = [
  {
    name: 'xadd',
    arity: -5,
    flags: WRITE | DENYOOM | FAST,
    keys: [
      {
        flags: ['RW', 'update'],
        notes: 'UPDATE instead of INSERT because of the optional trimming feature',
        begin: { index: 1 },
        find: { lastKey: 0, step: 1, limit: 0 },
      },
    ],
    acl: ['stream'],
    tips: ['nondeterministic_output'],
    group: 'stream',
    since: '5.0.0',
    summary: "Appends a new message to a stream. Creates the key if it doesn't exist.",
    complexity: 'O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.',
    history: [
      ['6.2.0', 'Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option.'],
      ['7.0.0', 'Added support for the `<ms>-*` explicit ID form.'],
    ],
    arguments: [
      KEY,
      { name: 'nomkstream', type: 'pure-token', token: 'NOMKSTREAM', since: '6.2.0', flags: ['optional'] },
      {
        name: 'trim',
        type: 'block',
        flags: ['optional'],
        arguments: [
          {
            name: 'strategy',
            type: 'oneof',
            arguments: [word('MAXLEN'), { name: 'minid', type: 'pure-token', token: 'MINID', since: '6.2.0' }],
          },
          {
            name: 'operator',
            type: 'oneof',
            flags: ['optional'],
            arguments: [
              { name: 'equal', type: 'pure-token', token: '=' },
              { name: 'approximately', type: 'pure-token', token: '~' },
            ],
          },
          { name: 'threshold', type: 'string' },
          { name: 'count', type: 'integer', token: 'LIMIT', since: '6.2.0', flags: ['optional'] },
        ],
      },
      {
        name: 'id_or_auto',
        type: 'oneof',
        arguments: [
          { name: 'auto_id', type: 'pure-token', token: '*' },
          { name: 'id', type: 'string' },
        ],
      },
      {
        name: 'field_value',
        type: 'block',
        flags: ['multiple'],
        arguments: [
          { name: 'field', type: 'string' },
          { name: 'value', type: 'string' },
        ],
      },
    ],
    handler: xadd,
  },
  {
    name: 'xlen',
    arity: 2,
    flags: READONLY | FAST,
    keys: [keyRange(['RO'], 1, 1)],
    acl: ['stream'],
    group: 'stream',
    since: '5.0.0',
    summary: 'Return the number of messages in a stream.',
    complexity: 'O(1)',
    arguments: [KEY],
    handler: xlen,
  },
  {
    name: 'xrange',
    arity: -4,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['stream'],
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the messages from a stream within a range of IDs.',
    complexity:
      'O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).',
    history: [['6.2.0', 'Added exclusive ranges.']],
    arguments: [KEY, { name: 'start', type: 'string' }, { name: 'end', type: 'string' }, COUNT_OPTION],
    handler: xrange,
  },
  {
    name: 'xrevrange',
    arity: -4,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['stream'],
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the messages from a stream within a range of IDs in reverse order.',
    complexity:
      'O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).',
    history: [['6.2.0', 'Added exclusive ranges.']],
    arguments: [KEY, { name: 'end', type: 'string' }, { name: 'start', type: 'string' }, COUNT_OPTION],
    handler: xrevrange,
  },
  {
    name: 'xread',
    arity: -4,
    flags: READONLY | BLOCKING | MOVABLE_KEYS,
    keys: [
      {
        flags: ['RO', 'access'],
        begin: { keyword: 'STREAMS', startFrom: 1 },
        find: { lastKey: -1, step: 1, limit: 2 },
      },
    ],
    acl: ['stream'],
    group: 'stream',
    since: '5.0.0',
    summary:
      'Returns messages from multiple streams with IDs greater than the ones requested. Blocks until a message is available otherwise.',
    complexity:
      'For each stream mentioned: O(N) with N being the number of elements being returned, it means that XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) time in order to serve the M clients blocked on the stream getting new data.',
    arguments: [
      COUNT_OPTION,
      { name: 'milliseconds', type: 'integer', token: 'BLOCK', flags: ['optional'] },
      {
        name: 'streams',
        type: 'block',
        token: 'STREAMS',
        arguments: [KEYS, { name: 'id', type: 'string', flags: ['multiple'] }],
      },
    ],
    handler: xread,
  },
  {
    name: 'xdel',
    arity: -3,
    flags: WRITE | FAST,
    keys: [keyRange(['RW', 'delete'], 1, 1)],
    acl: ['stream'],
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the number of messages after removing them from a stream.',
    complexity: 'O(1) for each single item to delete in the stream, regardless of the stream size.',
    arguments: [KEY, { name: 'id', type: 'string', flags: ['multiple'] }],
    handler: xdel,
  },
  {
    name: 'xtrim',
    arity: -4,
    flags: WRITE,
    keys: [keyRange(['RW', 'delete'], 1, 1)],
    acl: ['stream'],
    tips: ['nondeterministic_output'],
    group: 'stream',
    since: '5.0.0',
    summary: 'Deletes messages from the beginning of a stream.',
    complexity:
      'O(N), with N being the number of evicted entries. Constant times are very small however, since entries are organized in macro nodes containing multiple entries that can be released with a single deallocation.',
    history: [['6.2.0', 'Added the `MINID` trimming strategy and the `LIMIT` option.']],
    arguments: [
      KEY,
      {
        name: 'trim',
        type: 'block',
        arguments: [
          {
            name: 'strategy',
            type: 'oneof',
            arguments: [word('MAXLEN'), { name: 'minid', type: 'pure-token', token: 'MINID', since: '6.2.0' }],
          },
          {
            name: 'operator',
            type: 'oneof',
            flags: ['optional'],
            arguments: [
              { name: 'equal', type: 'pure-token', token: '=' },
              { name: 'approximately', type: 'pure-token', token: '~' },
            ],
          },
          { name: 'threshold', type: 'string' },
          { name: 'count', type: 'integer', token: 'LIMIT', since: '6.2.0', flags: ['optional'] },
        ],
      },
    ],
    handler: xtrim,
  },
  {
    name: 'xsetid',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    keys: [keyRange(['RW', 'update'], 1, 1)],
    acl: ['stream'],
    group: 'stream',
    since: '5.0.0',
    summary: 'An internal command for replicating stream values.',
    complexity: 'O(1)',
    history: [['7.0.0', 'Added the `entries_added` and `max_deleted_entry_id` arguments.']],
    arguments: [
      KEY,
      { name: 'last-id', type: 'string' },
      { name: 'entries_added', type: 'integer', token: 'ENTRIESADDED', since: '7.0.0', flags: ['optional'] },
      { name: 'max_deleted_entry_id', type: 'string', token: 'MAXDELETEDID', since: '7.0.0', flags: ['optional'] },
    ],
    handler: xsetId,
  },
];
