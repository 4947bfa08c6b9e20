/** Records of the bitmap commands. Handlers: bitmap.ts, bitfield.ts. */
import { choice, KEY } from './argument-docs.js';
import { bitField, bitFieldRo } from './bitfield.js';
import { bitCount, bitOp, bitPos, getBit, setBit } from './bitmap.js';
import { type ArgumentDoc, type CommandRecord, DENYOOM, FAST, keyRange, READ_KEY, READONLY, WRITE } from './command.js';

const OFFSET: ArgumentDoc = { name: 'offset', type: 'integer' };
const ENCODING: ArgumentDoc = { name: 'encoding', type: 'string' };
const UNIT: ArgumentDoc = choice('index_unit', ['BYTE', 'BIT'], { since: '7.0.0', flags: ['optional'] });

export const bitmapCommands: readonly CommandRecord[] = [
  {
    name: 'setbit',
    arity: 4,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['RW', 'access', 'update'], 1, 1)],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '2.2.0',
    summary: "Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist.",
    complexity: 'O(1)',
    arguments: [KEY, OFFSET, { name: 'value', type: 'integer' }],
    handler: setBit,
  },
  {
    name: 'getbit',
    arity: 3,
    flags: READONLY | FAST,
    keys: [READ_KEY],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '2.2.0',
    summary: 'Returns a bit value by offset.',
    complexity: 'O(1)',
    arguments: [KEY, OFFSET],
    handler: getBit,
  },
  {
    name: 'bitcount',
    arity: -2,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Counts the number of set bits (population counting) in a string.',
    complexity: 'O(N)',
    history: [['7.0.0', 'Added the `BYTE|BIT` option.']],
    arguments: [
      KEY,
      {
        name: 'index',
        type: 'block',
        flags: ['optional'],
        arguments: [{ name: 'start', type: 'integer' }, { name: 'end', type: 'integer' }, UNIT],
      },
    ],
    handler: bitCount,
  },
  {
    name: 'bitpos',
    arity: -3,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '2.8.7',
    summary: 'Finds the first set (1) or clear (0) bit in a string.',
    complexity: 'O(N)',
    history: [['7.0.0', 'Added the `BYTE|BIT` option.']],
    arguments: [
      KEY,
      { name: 'bit', type: 'integer' },
      {
        name: 'index',
        type: 'block',
        flags: ['optional'],
        arguments: [
          { name: 'start', type: 'integer' },
          {
            name: 'end_index',
            type: 'block',
            flags: ['optional'],
            arguments: [{ name: 'end', type: 'integer' }, UNIT],
          },
        ],
      },
    ],
    handler: bitPos,
  },
  {
    name: 'bitop',
    arity: -4,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['OW', 'update'], 2, 2), keyRange(['RO', 'access'], 3, -1)],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Performs bitwise operations on multiple strings, and stores the result.',
    complexity: 'O(N)',
    arguments: [
      { name: 'operation', type: 'string' },
      { name: 'destkey', type: 'key', keySpec: 0 },
      { name: 'key', type: 'key', keySpec: 1, flags: ['multiple'] },
    ],
    handler: bitOp,
  },
  {
    name: 'bitfield',
    arity: -2,
    flags: WRITE | DENYOOM,
    keys: [
      {
        flags: ['RW', 'access', 'update', 'variable_flags'],
        notes: 'This command allows both access and modification of the key',
        begin: { index: 1 },
        find: { lastKey: 0, step: 1, limit: 0 },
      },
    ],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '3.2.0',
    summary: 'Performs arbitrary bitfield integer operations on strings.',
    complexity: 'O(1) for each subcommand specified',
    arguments: [
      KEY,
      {
        name: 'operation',
        type: 'oneof',
        flags: ['optional', 'multiple'],
        arguments: [
          { name: 'encoding_offset', type: 'block', token: 'GET', arguments: [ENCODING, OFFSET] },
          {
            name: 'write',
            type: 'block',
            arguments: [
              choice('wrap_sat_fail', ['WRAP', 'SAT', 'FAIL'], { token: 'OVERFLOW', flags: ['optional'] }),
              {
                name: 'write_operation',
                type: 'oneof',
                arguments: [
                  {
                    name: 'encoding_offset_value',
                    type: 'block',
                    token: 'SET',
                    arguments: [ENCODING, OFFSET, { name: 'value', type: 'integer' }],
                  },
                  {
                    name: 'encoding_offset_increment',
                    type: 'block',
                    token: 'INCRBY',
                    arguments: [ENCODING, OFFSET, { name: 'increment', type: 'integer' }],
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
    handler: bitField,
  },
  {
    name: 'bitfield_ro',
    arity: -2,
    flags: READONLY | FAST,
    keys: [READ_KEY],
    acl: ['bitmap'],
    group: 'bitmap',
    since: '6.0.0',
    summary: 'Performs arbitrary read-only bitfield integer operations on strings.',
    complexity: 'O(1) for each subcommand specified',
    arguments: [
      KEY,
      {
        name: 'encoding_offset',
        type: 'block',
        token: 'GET',
        flags: ['optional', 'multiple', 'multiple_token'],
        arguments: [ENCODING, OFFSET],
      },
    ],
    handler: bitFieldRo,
  },
];
