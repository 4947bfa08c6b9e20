/** Record of MIGRATE: facts of COMMAND INFO and COMMAND DOCS. */
import { KEY } from './argument-docs.js';
import { type CommandRecord, MOVABLE_KEYS, WRITE } from './command.js';
import { migrate, migrateKeys } from './migrate.js';

export const migrateCommands: readonly CommandRecord[] = [
  {
    name: 'migrate',
    arity: -6,
    flags: WRITE | MOVABLE_KEYS,
    acl: ['keyspace', 'dangerous'],
    tips: ['nondeterministic_output'],
    keys: [
      { flags: ['RW', 'access', 'delete'], begin: { index: 3 }, find: { lastKey: 0, step: 1, limit: 0 } },
      {
        flags: ['RW', 'access', 'delete', 'incomplete'],
        begin: { keyword: 'KEYS', startFrom: -2 },
        find: { lastKey: -1, step: 1, limit: 0 },
      },
    ],
    findKeys: migrateKeys,
    group: 'generic',
    since: '2.6.0',
    summary: 'Atomically transfer a key from a Redis instance to another one.',
    complexity:
      'This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is performed.',
    history: [
      ['3.0.0', 'Added the `COPY` and `REPLACE` options.'],
      ['3.0.6', 'Added the `KEYS` option.'],
      ['4.0.7', 'Added the `AUTH` option.'],
      ['6.0.0', 'Added the `AUTH2` option.'],
    ],
    arguments: [
      { name: 'host', type: 'string' },
      { name: 'port', type: 'integer' },
      {
        name: 'key_or_empty_string',
        type: 'oneof',
        arguments: [KEY, { name: 'empty_string', type: 'pure-token', token: '' }],
      },
      { name: 'destination-db', type: 'integer' },
      { name: 'timeout', type: 'integer' },
      { name: 'copy', type: 'pure-token', token: 'COPY', since: '3.0.0', flags: ['optional'] },
      { name: 'replace', type: 'pure-token', token: 'REPLACE', since: '3.0.0', flags: ['optional'] },
      {
        name: 'authentication',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'password', type: 'string', token: 'AUTH', since: '4.0.7', flags: ['optional'] },
          {
            name: 'username_password',
            type: 'block',
            token: 'AUTH2',
            since: '6.0.0',
            flags: ['optional'],
            arguments: [
              { name: 'username', type: 'string' },
              { name: 'password', type: 'string' },
            ],
          },
        ],
      },
      { name: 'key', type: 'key', token: 'KEYS', keySpec: 1, since: '3.0.6', flags: ['optional', 'multiple'] },
    ],
    handler: migrate,
  },
];
