/** Records of DUMP and RESTORE. Handlers: dump.ts. */
import { KEY } from './argument-docs.js';
import {
  type ArgumentDoc,
  ASKING,
  type CommandRecord,
  DENYOOM,
  keyRange,
  READ_KEY,
  READONLY,
  WRITE,
} from './command.js';
import { dump, restore } from './dump.js';

const RESTORE_COMPLEXITY =
  'O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).';
const RESTORE_HISTORY = [
  ['3.0.0', 'Added the `REPLACE` modifier.'],
  ['5.0.0', 'Added the `ABSTTL` modifier.'],
  ['5.0.0', 'Added the `IDLETIME` and `FREQ` options.'],
] as const;
const RESTORE_ARGUMENTS: readonly ArgumentDoc[] = [
  KEY,
  { name: 'ttl', type: 'integer' },
  { name: 'serialized-value', type: 'string' },
  { name: 'replace', type: 'pure-token', token: 'REPLACE', since: '3.0.0', flags: ['optional'] },
  { name: 'absttl', type: 'pure-token', token: 'ABSTTL', since: '5.0.0', flags: ['optional'] },
  { name: 'seconds', type: 'integer', token: 'IDLETIME', since: '5.0.0', flags: ['optional'] },
  { name: 'frequency', type: 'integer', token: 'FREQ', since: '5.0.0', flags: ['optional'] },
];

export const dumpCommands: readonly CommandRecord[] = [
  {
    name: 'dump',
    arity: 2,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['keyspace'],
    tips: ['nondeterministic_output'],
    group: 'generic',
    since: '2.6.0',
    summary: 'Returns a serialized representation of the value stored at a key.',
    complexity:
      'O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).',
    arguments: [KEY],
    handler: dump,
  },
  {
    name: 'restore',
    arity: -4,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['OW', 'update'], 1, 1)],
    acl: ['keyspace', 'dangerous'],
    group: 'generic',
    since: '2.6.0',
    summary: 'Creates a key from the serialized representation of a value.',
    complexity: RESTORE_COMPLEXITY,
    history: RESTORE_HISTORY,
    arguments: RESTORE_ARGUMENTS,
    handler: restore,
  },
  {
    name: 'restore-asking',
    arity: -4,
    flags: WRITE | DENYOOM | ASKING,
    keys: [keyRange(['OW', 'update'], 1, 1)],
    acl: ['keyspace', 'dangerous'],
    group: 'server',
    since: '3.0.0',
    summary: 'An internal command for migrating keys in a cluster.',
    complexity: RESTORE_COMPLEXITY,
    history: RESTORE_HISTORY,
    docFlags: ['syscmd'],
    arguments: RESTORE_ARGUMENTS,
    handler: restore,
  },
];
