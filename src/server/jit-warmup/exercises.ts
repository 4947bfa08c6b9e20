/**
 * What a server practises before it serves (warm-up.ts): commands of every kind, on values that are packed and on values that are not.
 *
 * An exercise begins with an empty keyspace; afterwards it is emptied. Its commands must not fail, for the way of an error is not what is to be compiled:
 * a test sees to that. It names enough elements, and repeats short commands often enough, that three rounds of all exercises make the compiler take
 * every loop for a hot one; more only makes the start longer. What large values alone have (tables of several segments, trees of three levels) is in
 * an exercise of its own: compiled code that meets a branch for the first time is thrown away.
 */
import type { Arg } from '../../client/encode-command.js';

export interface Exercise {
  readonly commands: readonly Command[];
  /** Keys that are dumped then, restored and digested. */
  readonly dumped?: readonly string[];
}

type Command = readonly Arg[];

/** Elements of a value that stays packed, and of one that does not. */
const SIZES = [40, 1000] as const;
const LARGE = 70_000;
/** How often a short command is repeated. */
const REPEATS = 200;
/** Commands of one transaction. */
const QUEUED = 500;
const TEXT_BYTES = 400;
const SKETCHES = 20;
const BITMAP_BYTES = 64 * 1024;
/** A prime: multiples of it visit all elements, in no order. */
const STRIDE = 7919;

const element = (index: number): string => `element:${String(index).padStart(9, '0')}`;
const key = (index: number): string => `key:${index}`;
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const inNoOrder = (index: number, count: number): number => (index * STRIDE) % count;

/** One command that names many elements. */
const many = (start: string, count: number, words: (index: number) => readonly Arg[]): Command => [
  ...start.split(' '),
  ...times(count, (i) => words(inNoOrder(i, count))).flat(),
];
/** Commands by their words, one a line. */
const lines = (text: string): Command[] =>
  text
    .trim()
    .split(/\n\s*/)
    .map((line) => line.split(' '));
const numbered = (words: Command, index: number): Command =>
  words.map((word) => String(word).replaceAll('#', `${index}`));
/** Each command again and again before the next, `#` replaced by a number. */
const repeated = (text: string): Command[] =>
  lines(text).flatMap((words) => times(REPEATS, (i) => numbered(words, inNoOrder(i, REPEATS))));
/** A transaction of each command. */
const queued = (text: string, count = QUEUED): Command[] =>
  lines(text).flatMap((words) => [['MULTI'], ...times(count, (i) => numbered(words, i)), ['EXEC']]);

function strings(): Exercise {
  const text = (seed: number): string =>
    String.fromCharCode(...times(TEXT_BYTES, (i) => 97 + ((Math.imul(i + seed, STRIDE) >>> 4) % 26)));
  const count = 1000;
  return {
    commands: [
      ...repeated(`
        SET key:# value:#
        GET key:#
        SET key:# value EX 100
        SET key:# value
        INCR counter
        INCRBY counter:# 5
        DECR counter
        APPEND text a
        STRLEN key:#
        GETRANGE key:# 1 3
        SETRANGE key:# 2 x
        GETSET key:# value
        SETNX new:# value
        SETEX key:# 100 value
        GETEX key:# EX 100
        GETDEL new:#
        INCRBYFLOAT float:# 1.5
        MSET a:# 1 b:# 2
        MGET a:# b:#
        EXPIRE key:# 100
        TTL key:#
        PERSIST key:#
        EXISTS key:#
        TYPE key:#
        TOUCH key:#
        DEL key:#
        UNLINK a:#
        PING
        OBJECT ENCODING b:#`),
      ...queued(`
        SET key:# value
        GET key:#
        INCR counter
        SET key:# other
        DEL key:#`),
      many('MSET', count, (i) => [key(i), `value:${i}`]),
      ...['MGET', 'EXISTS', 'TOUCH', 'DEL'].map((command) => many(command, count, (i) => [key(i)])),
      many('MSETNX', count, (i) => [key(i), i]),
      ...lines(`
        KEYS *
        KEYS none*
        SCAN 0 COUNT 3000
        SCAN 0 MATCH key:1* TYPE string COUNT 1000
        RANDOMKEY
        DBSIZE
        RENAME key:1 other
        COPY other key:1
        DEBUG DIGEST`),
      many('UNLINK', count, (i) => [key(i)]),
      ['SET', 'text', text(1)],
      ['SET', 'text2', text(2)],
      ...lines(`
        LCS text text2
        LCS text text2 LEN
        LCS text text2 IDX WITHMATCHLEN
        SET number 12345`),
    ],
    dumped: ['text', 'number'],
  };
}

function bitmaps(): Exercise {
  const bits = Buffer.alloc(BITMAP_BYTES, 0x5a);
  return {
    commands: [
      ['SET', 'value', bits],
      ['SET', 'value2', bits.subarray(1)],
      ...repeated(`
        SETBIT bits # 1
        GETBIT bits #
        BITCOUNT bits
        BITFIELD bits INCRBY u8 # 1`),
      ...lines(`
        BITCOUNT value
        BITCOUNT value 5 -5 BIT
        BITPOS value 0
        BITPOS value 1 8000
        BITOP NOT target value
        BITOP AND target value value2
        BITOP OR target value value2
        BITOP XOR target value value2
        SETRANGE target 100000 x
        GETRANGE target 0 -1
        BITFIELD_RO bits GET u8 0 GET i16 #3
        COPY value target REPLACE
        APPEND target x
        SETBIT fresh 500000 1`),
    ],
    dumped: ['value', 'bits'],
  };
}

function lists(size: number): Exercise {
  return {
    commands: [
      ...['RPUSH', 'LPUSH', 'RPUSHX', 'LPUSHX'].map((command) => many(`${command} value`, size, (i) => [element(i)])),
      many('RPUSH numbers', size, (i) => [i]),
      ...repeated(`
        RPUSH queue element:#
        LPUSH queue element:#
        LRANGE queue 0 20
        LINDEX queue #
        LLEN queue
        LSET queue # other
        LMOVE queue queue2 LEFT RIGHT
        RPOPLPUSH queue queue2
        LPOP queue2
        RPOP queue2`),
      ...lines(`
        LRANGE value 0 -1
        LRANGE value 5 300
        LRANGE value -30 -5
        LINDEX value ${size}
        LSET value ${size} other
        LPOS value none
        LPOS value other RANK -1 COUNT 0
        LINSERT value BEFORE other new
        LINSERT value AFTER other new
        LREM value 0 none
        LREM value -1 new
        SORT value ALPHA
        SORT value ALPHA LIMIT 0 10
        SORT value ALPHA DESC STORE sorted
        SORT value BY nosort
        SORT value BY nosort DESC
        SORT value BY nosort STORE sorted
        SORT numbers
        SORT numbers BY *weight GET # GET *none
        SORT_RO numbers LIMIT 2 5
        COPY value copy
        LTRIM copy 3 -4
        LTRIM copy 0 ${size}
        LPOP copy ${size / 4}
        RPOP copy ${size / 4}
        LMPOP 2 none copy LEFT COUNT 5`),
    ],
    dumped: ['value', 'numbers'],
  };
}

function hashes(size: number): Exercise {
  return {
    commands: [
      many('HSET value', size, (i) => [element(i), `value:${i}`]),
      many('HSET value', size, (i) => [element(i), 'other']),
      many('HMGET value', size, (i) => [element(i)]),
      ...repeated(`
        HSET hash field:# value
        HSET value element:# value
        HGET hash field:#
        HGET value element:#
        HMGET hash field:# none
        HINCRBY counters count:# 1
        HINCRBYFLOAT floats float:# 1.5
        HEXISTS hash field:#
        HSETNX hash new:# 1
        HSTRLEN hash field:#
        HLEN hash
        HDEL hash new:#
        HSET small:# a 1 b 2 c 3
        HGET small:# b
        HGETALL small:#
        HDEL small:# a`),
      ...lines(`
        HGETALL value
        HKEYS value
        HVALS value
        HRANDFIELD value
        HRANDFIELD value ${size / 2}
        HRANDFIELD value -${size / 2} WITHVALUES
        HSCAN value 0 COUNT ${size}
        HSCAN value 0 MATCH element:*1 COUNT 100
        COPY value copy`),
      many('HDEL copy', size, (i) => [element(i)]),
    ],
    dumped: ['value', 'counters'],
  };
}

function sets(size: number): Exercise {
  return {
    commands: [
      many('SADD value', size, (i) => [element(i)]),
      many('SADD value2', size, (i) => [element(i + size / 2)]),
      many('SADD numbers', size / 4, (i) => [i * 7]),
      many('SADD numbers2', size / 4, (i) => [i * 14]),
      many('SMISMEMBER value', size, (i) => [element(i * 2)]),
      ...repeated(`
        SADD set member:#
        SISMEMBER set member:#
        SADD value member:#
        SISMEMBER value member:#
        SMISMEMBER set member:# none
        SADD integers #
        SISMEMBER integers #
        SCARD set
        SRANDMEMBER value
        SADD small:# a b c
        SMEMBERS small:#
        SREM small:# b
        SMOVE small:# moved c
        SREM value member:#
        SPOP set`),
      ...lines(`
        SMEMBERS value
        SMEMBERS numbers
        SRANDMEMBER value ${size / 2}
        SRANDMEMBER value -${size / 2}
        SSCAN value 0 COUNT ${size}
        SSCAN numbers 0 COUNT ${size}
        SORT value ALPHA LIMIT 0 10
        SORT numbers
        SORT numbers STORE sorted
        COPY value copy
        SPOP copy ${size / 2}
        SPOP copy 3`),
      ...['SINTER', 'SUNION', 'SDIFF'].flatMap((command) =>
        lines(`
          ${command} value value2
          ${command} numbers numbers2
          ${command}STORE target value value2
          ${command}STORE target numbers numbers2`),
      ),
      ...lines(`
        SINTERCARD 2 value value2
        COPY value copy REPLACE`),
      many('SREM copy', size, (i) => [element(i)]),
    ],
    dumped: ['value', 'numbers'],
  };
}

function sortedSets(size: number): Exercise {
  return {
    commands: [
      many('ZADD value', size, (i) => [i, element(i)]),
      many('ZADD value', size, (i) => [i * 3, element(i)]),
      many('ZADD value2', size, (i) => [i / 3, element(i + size / 2)]),
      many('ZADD same', size, (i) => [0, element(i)]),
      many('ZMSCORE value', size, (i) => [element(i)]),
      ...repeated(`
        ZADD zset # member:#
        ZADD value # member:#
        ZINCRBY zset 1 member:#
        ZINCRBY value 5 member:#
        ZSCORE zset member:#
        ZSCORE value member:#
        ZRANK value member:#
        ZREVRANK zset member:#
        ZADD value GT CH # member:#
        ZRANGE value # 20
        ZRANGEBYSCORE value # +inf LIMIT 0 10
        ZCARD value
        ZCOUNT value # 500
        ZREM value member:#
        ZADD small:# 1 a 2 b
        ZRANGE small:# 0 -1
        ZREM small:# a
        ZPOPMIN zset
        ZPOPMAX value`),
      many('ZADD value', size, (i) => [i, element(i)]),
      ...lines(`
        ZRANGE value 0 -1
        ZRANGE value 0 -1 WITHSCORES
        ZRANGE value 0 -1 REV
        ZREVRANGE value 0 -1 WITHSCORES
        ZRANGEBYSCORE value 0 +inf WITHSCORES
        ZREVRANGEBYSCORE value +inf 0
        ZRANGEBYLEX same - +
        ZREVRANGEBYLEX same + -
        ZLEXCOUNT same - +
        ZRANGESTORE target value 0 -1
        ZSCAN value 0 COUNT ${size}
        ZRANDMEMBER value ${size / 2}
        ZRANDMEMBER value -${size / 2} WITHSCORES
        ZUNION 2 value value2 WITHSCORES
        ZINTER 2 value value2
        ZDIFF 2 value value2
        ZINTERCARD 2 value value2
        ZUNIONSTORE target 2 value value2
        ZUNIONSTORE target 2 value value2 WEIGHTS 2 3 AGGREGATE MAX
        ZINTERSTORE target 2 value value2
        ZDIFFSTORE target 2 value value2
        SORT same ALPHA
        COPY value copy
        ZREMRANGEBYRANK copy 0 ${size / 4}
        ZREMRANGEBYSCORE copy 0 ${size / 2}
        ZPOPMIN copy ${size / 8}
        ZPOPMAX copy ${size / 8}
        ZMPOP 2 none copy MIN COUNT 5
        COPY same copy REPLACE
        ZREMRANGEBYLEX copy - [${element(size / 2)}
        COPY value copy REPLACE`),
      many('ZREM copy', size, (i) => [element(i)]),
    ],
    dumped: ['value', 'same'],
  };
}

function places(size: number): Exercise {
  const around = 'FROMLONLAT 0 0 BYRADIUS 9000 km';
  return {
    commands: [
      many('GEOADD value', size, (i) => [((i * STRIDE) % 3600) / 10 - 180, (i % 1600) / 10 - 80, element(i)]),
      ...repeated(`
        GEOADD places 1.5 2.25 place:#
        GEOPOS places place:#
        GEODIST value ${element(1)} ${element(2)}
        GEOHASH places place:#`),
      ...lines(`
        GEOSEARCH value ${around} COUNT 10
        GEOSEARCH value ${around} ASC WITHCOORD WITHDIST WITHHASH
        GEOSEARCH value FROMMEMBER ${element(1)} BYBOX 5000 5000 km DESC
        GEOSEARCHSTORE target value ${around}
        GEORADIUS value 0 0 5000 km
        GEORADIUSBYMEMBER value ${element(2)} 5000 km`),
    ],
  };
}

function streams(size: number): Exercise {
  const ids = (start: string): Command => many(start, size / 2, (i) => [`1-${i + 1}`]);
  return {
    commands: [
      ...times(size, (i): Command => ['XADD', 'value', `1-${i + 1}`, 'field', `value:${i}`]),
      ...repeated(`
        XADD stream * field value other #
        XADD stream MAXLEN ~ 100 * field #
        XRANGE value 1-# + COUNT 3`),
      ...lines(`
        XRANGE value - +
        XREVRANGE value + -
        XREAD STREAMS value 0
        XLEN value
        XINFO STREAM value FULL COUNT 0
        XGROUP CREATE value group 0
        XREADGROUP GROUP group consumer COUNT ${size} STREAMS value >
        XPENDING value group
        XPENDING value group - + ${size} consumer
        XAUTOCLAIM value group other 0 0 COUNT ${size} JUSTID
        XAUTOCLAIM value group third 0 0 COUNT ${size}`),
      ids('XCLAIM value group fourth 0'),
      ...times(size / 4, (i): Command => ['XACK', 'value', 'group', `1-${i + 1}`]),
      ids('XACK value group'),
      ...lines(`
        COPY value copy
        XGROUP DELCONSUMER value group third
        XGROUP DESTROY value group
        XTRIM copy MAXLEN ${Math.floor(size * 0.9)}`),
      ids('XDEL copy'),
      ...lines(`
        XTRIM copy MAXLEN 10
        XTRIM stream MINID 5`),
    ],
    dumped: ['value', 'stream'],
  };
}

function sketches(): Exercise {
  const names = times(SKETCHES, (i) => `sketch:${i}`);
  return {
    commands: [
      ...names.map((name, n) => many(`PFADD ${name}`, 1000, (i) => [element(i + n * 100)])),
      many(`PFADD ${names[0]}`, 5000, (i) => [element(i)]),
      ...repeated(`
        PFADD sketch element:#
        PFCOUNT sketch`),
      ['PFCOUNT', ...names],
      ['PFMERGE', 'target', ...names],
    ],
    dumped: ['sketch'],
  };
}

/** What has no type: the server's own replies, messages, transactions. */
function others(): Exercise {
  const reports = lines(`
    INFO
    INFO all
    CLIENT LIST
    CLIENT INFO
    CONFIG GET *
    CONFIG GET maxmemory`);
  const descriptions = lines(`
    COMMAND
    COMMAND DOCS
    COMMAND COUNT
    SLOWLOG GET
    MEMORY STATS
    LATENCY HISTOGRAM`);
  return {
    commands: [
      ...times(20, () => reports).flat(),
      ...times(2, () => descriptions).flat(),
      ...repeated(`
        PUBLISH channel message
        SET key:# value
        DUMP key:#
        WATCH key:#
        UNWATCH`),
    ],
  };
}

/** Requests of megabytes, which arrive in many reads, and what is done with large values only: once is enough. */
export function largeExercise(): Exercise {
  const some = 2000;
  return {
    commands: [
      many('RPUSH list', LARGE, (i) => [element(i)]),
      many('HSET hash', LARGE, (i) => [element(i), i]),
      many('HMGET hash', some, (i) => [element(i)]),
      many('SADD set', LARGE, (i) => [element(i)]),
      many('SMISMEMBER set', some, (i) => [element(i)]),
      many('ZADD zset', LARGE, (i) => [i, element(i)]),
      many('ZADD zset', some, (i) => [i * 30, element(i)]),
      many('ZMSCORE zset', some, (i) => [element(i)]),
      many('PFADD sketch', LARGE, (i) => [element(i)]),
      many('MSET', LARGE, (i) => [key(i), i]),
      many('DEL', LARGE, (i) => [key(i)]),
      many('HDEL hash', some, (i) => [element(i)]),
      many('SREM set', some, (i) => [element(i)]),
      many('ZREM zset', some, (i) => [element(i)]),
      ...queued('SET key:# value\nGET key:#', LARGE / 10),
      ...times(LARGE / 10, (i): Command => ['XADD', 'stream', '*', 'field', `value:${i}`]),
      ...lines(`
        ZREMRANGEBYRANK zset 0 20000
        ZPOPMIN zset 20000
        SPOP set 1000
        LTRIM list 100 60000`),
    ],
  };
}

/** What is to be practised several times. */
export const usualExercises = (): Exercise[] => [
  strings(),
  bitmaps(),
  sketches(),
  others(),
  ...SIZES.flatMap((size) => [lists, hashes, sets, sortedSets, places, streams].map((exercise) => exercise(size))),
];
