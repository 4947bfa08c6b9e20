/** RDB snapshots and the append-only file. */
import { bool, enumeration, integer, memory, path } from '../kinds.js';
import { INT32_MAX, INT32_MIN, INT64_MAX } from '../numbers.js';
import { savePoints } from '../special.js';

const plainName = (directive: string, kind: string, emptyAllowed: boolean) => (name: string) => {
  if (name.includes('/')) return `${directive} can't be a path, just a ${kind}`;
  return name === '' && !emptyAllowed ? `${directive} can't be empty` : null;
};

export const persistenceDirectives = {
  save: savePoints(
    [
      { seconds: 3600, changes: 1 },
      { seconds: 300, changes: 100 },
      { seconds: 60, changes: 10000 },
    ],
    'Save a snapshot after so many seconds if there were at least so many changes',
    {},
  ),
  dbfilename: path('dump.rdb', 'Name of the RDB file', {
    protected: true,
    emptyIsValue: true,
    check: plainName('dbfilename', 'filename', true),
  }),
  rdbcompression: bool(true, 'Compress strings in RDB files'),
  rdbchecksum: bool(true, 'Write and verify the checksum of RDB files', { immutable: true }),
  'rdb-del-sync-files': bool(false, 'Delete RDB files of a full sync when nothing else is persisted'),
  'rdb-save-incremental-fsync': bool(true, 'fsync every 4 MiB while writing an RDB file'),
  'rdb-key-save-delay': integer(0, [INT32_MIN, INT32_MAX], 'Microseconds to pause after each key saved, for tests', {
    hidden: true,
  }),
  'key-load-delay': integer(0, [INT32_MIN, INT32_MAX], 'Microseconds to pause after each key loaded, for tests', {
    hidden: true,
  }),
  'loading-process-events-interval-bytes': integer(
    2 * 1024 * 1024,
    [1024n, INT32_MAX],
    'How often clients are looked after while loading',
    {
      hidden: true,
    },
  ),
  'stop-writes-on-bgsave-error': bool(true, 'Refuse writes after a failed snapshot'),
  'sanitize-dump-payload': enumeration(
    ['no', 'yes', 'clients'],
    'no',
    'Verify values from RESTORE and RDB files in depth',
    {
      effect: 'kept',
      note: 'They are always verified.',
    },
  ),
  'propagation-error-behavior': enumeration(
    ['ignore', 'panic', 'panic-on-replicas'],
    'ignore',
    'What to do when a command from the primary or the AOF fails',
  ),

  appendonly: bool(false, 'Keep an append-only file', { denyLoading: true }),
  appendfilename: path('appendonly.aof', 'Name from which those of the AOF files are made', {
    immutable: true,
    emptyIsValue: true,
    check: plainName('appendfilename', 'filename', false),
  }),
  appenddirname: path('appendonlydir', 'Directory of the AOF files, below `dir`', {
    immutable: true,
    emptyIsValue: true,
    check: plainName('appenddirname', 'dirname', false),
  }),
  appendfsync: enumeration(['everysec', 'always', 'no'], 'everysec', 'When the AOF is synced to disk'),
  'no-appendfsync-on-rewrite': bool(false, 'Do not sync the AOF while a snapshot or rewrite runs'),
  'auto-aof-rewrite-percentage': integer(
    100,
    [0n, INT32_MAX],
    'Growth of the AOF, in percent, after which it is rewritten; 0: never',
  ),
  'auto-aof-rewrite-min-size': memory(64 * 1024 * 1024, [0n, INT64_MAX], 'Size below which the AOF is not rewritten'),
  'aof-load-truncated': bool(true, 'Load an AOF whose last command was cut off'),
  'aof-use-rdb-preamble': bool(true, 'Write the AOF base in RDB form'),
  'aof-timestamp-enabled': bool(false, 'Write time stamps into the AOF'),
  'aof-rewrite-incremental-fsync': bool(true, 'fsync every 4 MiB while rewriting'),
  'aof-disable-auto-gc': bool(false, 'Keep AOF files that are no longer needed', { hidden: true }),
};
