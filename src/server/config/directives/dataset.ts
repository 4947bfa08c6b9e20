/** The dataset in memory: limits, eviction, expiry, freeing, and when a value changes its encoding. */
import { bool, enumeration, integer, memory, UINT64 } from '../kinds.js';
import { INT32_MAX, INT32_MIN, INT64_MAX } from '../numbers.js';

const COUNT = [0n, INT32_MAX] as const;
const LONG = [0n, INT64_MAX] as const;
const NO_DEFRAG =
  'Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one shipped by default with the Redis source distribution';
const noJemalloc = { effect: 'kept', note: 'The dataset is not in jemalloc.' } as const;

export const datasetDirectives = {
  maxmemory: memory(0, UINT64, 'Memory of the dataset beyond which keys are evicted or writes refused; 0: no limit'),
  'maxmemory-policy': enumeration(
    [
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ],
    'noeviction',
    'Which keys are evicted',
  ),
  'maxmemory-samples': integer(5, [1n, INT32_MAX], 'Keys looked at to find one to evict'),
  'maxmemory-eviction-tenacity': integer(10, [0n, 100n], 'How long one round of eviction may take'),
  'lfu-log-factor': integer(10, COUNT, 'How slowly the access counter of a key grows'),
  'lfu-decay-time': integer(1, COUNT, 'Minutes after which that counter is halved'),
  'active-expire-effort': integer(1, [1n, 10n], 'How eagerly expired keys are looked for'),
  'lazyfree-lazy-eviction': bool(false, 'Evict by UNLINK instead of DEL'),
  'lazyfree-lazy-expire': bool(false, 'Expire by UNLINK instead of DEL'),
  'lazyfree-lazy-server-del': bool(false, 'Overwrite (RENAME and the like) by UNLINK instead of DEL'),
  'lazyfree-lazy-user-del': bool(false, 'Treat DEL as UNLINK'),
  'lazyfree-lazy-user-flush': bool(false, 'FLUSHALL and FLUSHDB without a mode are ASYNC'),

  'hash-max-listpack-entries': integer(512, LONG, 'Most fields of a hash in a listpack', {
    aliases: ['hash-max-ziplist-entries'],
  }),
  'hash-max-listpack-value': memory(64, LONG, 'Longest field or value in a listpack', {
    aliases: ['hash-max-ziplist-value'],
  }),
  'list-max-listpack-size': integer(
    -2,
    [INT32_MIN, INT32_MAX],
    'Size of a list node: elements, or -1 to -5 for 4 to 64 kb',
    {
      aliases: ['list-max-ziplist-size'],
    },
  ),
  'list-compress-depth': integer(0, COUNT, 'List nodes at each end that stay uncompressed; 0: all'),
  'set-max-intset-entries': integer(512, LONG, 'Most members of a set of integers in an intset'),
  'set-max-listpack-entries': integer(128, LONG, 'Most members of a set in a listpack'),
  'set-max-listpack-value': integer(64, LONG, 'Longest member in a listpack'),
  'zset-max-listpack-entries': integer(128, LONG, 'Most members of a sorted set in a listpack', {
    aliases: ['zset-max-ziplist-entries'],
  }),
  'zset-max-listpack-value': memory(64, LONG, 'Longest member in a listpack', { aliases: ['zset-max-ziplist-value'] }),
  'hll-sparse-max-bytes': memory(3000, LONG, 'Longest sparse form of a HyperLogLog'),
  'stream-node-max-bytes': memory(4096, LONG, 'Most bytes of a stream node'),
  'stream-node-max-entries': integer(100, LONG, 'Most entries of a stream node'),

  activerehashing: bool(true, 'Move entries to a grown table in idle time', {
    effect: 'kept',
    note: 'Tables are one per slot and small; they always grow in steps.',
  }),
  activedefrag: bool(false, 'Defragment memory in the background', {
    ...noJemalloc,
    check: (wanted) => (wanted ? NO_DEFRAG : null),
  }),
  'active-defrag-ignore-bytes': memory(
    100 * 1024 * 1024,
    [1n, INT64_MAX],
    'Waste below which nothing is defragmented',
    noJemalloc,
  ),
  'active-defrag-threshold-lower': integer(
    10,
    [0n, 1000n],
    'Percentage of fragmentation from which it begins',
    noJemalloc,
  ),
  'active-defrag-threshold-upper': integer(100, [0n, 1000n], 'Percentage at which it works hardest', noJemalloc),
  'active-defrag-cycle-min': integer(1, [1n, 99n], 'Percentage of processor time at the lower threshold', noJemalloc),
  'active-defrag-cycle-max': integer(25, [1n, 99n], 'Percentage of processor time at the upper threshold', noJemalloc),
  'active-defrag-max-scan-fields': integer(1000, [1n, INT64_MAX], 'Most fields of a value moved in one go', noJemalloc),
  'jemalloc-bg-thread': bool(true, 'Purge memory in a background thread', noJemalloc),
};
