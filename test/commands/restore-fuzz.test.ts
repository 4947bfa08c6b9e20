/**
 * RESTORE of damaged payloads of every type id: each is refused, or becomes a value with which every command can work, and which DUMP gives on.
 *
 * For each payload that was taken: all reading commands of the type answer, without an error, one well-formed reply; what a command counts is what another
 * lists; the value's DUMP makes an equal value; after the writing commands the same holds. In the end no block of the arena is lost.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Reply, ReplyError, ReplyReader } from '../../src/resp/reply-reader.js';
import { mutate } from '../persistence/mutate.js';
import { cpuMs } from '../support/cpu-time.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { InProcess } from './in-process.js';
import { dumped, payloadBodies, sealed } from './restore-payloads.js';

/** No payload here has more than some kilobytes: whatever it says, it may not take longer (in CPU time), nor hold more. */
const PAYLOAD_MS_MAX = 20_000;
const MEMORY_BYTES_MAX = 256 << 20;
const BUFFERS_PER_REAP = 64;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Digests take longer than all else together. */
const DIGEST_EVERY = 5;
const PAYLOAD_BYTES_SHOWN = 1000;

interface Commands {
  readonly reads: readonly string[];
  /** Two commands of which one counts what the other lists; `null` where a payload may say a wrong count. */
  readonly counted: readonly [count: string, list: string] | null;
  readonly writes: readonly string[];
}

const EVERY_TYPE = [
  'TYPE k',
  'EXISTS k',
  'OBJECT ENCODING k',
  'MEMORY USAGE k SAMPLES 0',
  'DEBUG OBJECT k',
  'PTTL k',
  'SCAN 0',
];

const COMMANDS: Readonly<Record<string, Commands>> = {
  string: {
    reads: [
      'GET k',
      'STRLEN k',
      'GETRANGE k 1 -2',
      'MGET k k',
      'GETBIT k 77',
      'BITCOUNT k',
      'BITPOS k 1',
      'BITFIELD_RO k GET i64 #1 GET u7 3',
      'LCS k k LEN',
      'PFCOUNT k',
      'PFCOUNT k nokey',
    ],
    counted: null,
    writes: [
      'PFADD k a b c',
      'PFMERGE j k',
      'APPEND k x',
      'SETRANGE k 3 yyy',
      'SETBIT k 5 1',
      'INCR k',
      'BITOP NOT j k',
    ],
  },
  list: {
    reads: [
      'LLEN k',
      'LRANGE k 0 -1',
      'LRANGE k -3 5',
      'LINDEX k 0',
      'LINDEX k -1',
      'LINDEX k 3',
      'LPOS k x',
      'LPOS k a RANK -1 COUNT 0',
      'SORT_RO k ALPHA',
      'SORT k BY nosort DESC',
    ],
    counted: ['LLEN k', 'LRANGE k 0 -1'],
    writes: [
      'RPUSH k x',
      'LPUSH k 12345 y',
      'LINSERT k BEFORE x z',
      'LREM k 0 x',
      'LSET k 0 w',
      'LMOVE k k LEFT RIGHT',
      'LPOP k',
      'RPOP k 2',
      'LTRIM k 1 -1',
    ],
  },
  set: {
    reads: [
      'SCARD k',
      'SMEMBERS k',
      'SISMEMBER k 1',
      'SMISMEMBER k a 1 b',
      'SRANDMEMBER k',
      'SRANDMEMBER k 3',
      'SRANDMEMBER k -3',
      'SSCAN k 0',
      'SINTER k k',
      'SINTERCARD 2 k k',
      'SUNION k k',
      'SDIFF k k',
      'SORT_RO k ALPHA',
    ],
    counted: ['SCARD k', 'SMEMBERS k'],
    writes: ['SADD k 7 zz', 'SREM k a 1', 'SMOVE k j b', 'SUNIONSTORE j k k', 'SPOP k 1', 'SPOP k 2'],
  },
  zset: {
    reads: [
      'ZCARD k',
      'ZRANGE k 0 -1 WITHSCORES',
      'ZRANGE k 0 -1 REV',
      'ZRANGEBYSCORE k -inf +inf WITHSCORES',
      'ZREVRANGEBYSCORE k 5 (-5',
      'ZRANGEBYLEX k - + LIMIT 1 2',
      'ZCOUNT k -5 5',
      'ZLEXCOUNT k - +',
      'ZRANK k a WITHSCORE',
      'ZREVRANK k b',
      'ZSCORE k a',
      'ZMSCORE k a b c',
      'ZRANDMEMBER k 3 WITHSCORES',
      'ZRANDMEMBER k -3',
      'ZSCAN k 0',
      'ZUNION 1 k WITHSCORES',
      'ZINTER 2 k k',
      'ZINTERCARD 2 k k',
      'ZDIFF 1 k WITHSCORES',
      'SORT_RO k ALPHA DESC',
      'GEOPOS k a Palermo',
      'GEOHASH k a Catania',
      'GEODIST k Palermo Catania',
      'GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 10000 km ASC WITHDIST WITHCOORD WITHHASH',
    ],
    counted: ['ZCARD k', 'ZRANGE k 0 -1'],
    writes: [
      'ZADD k 1 a 2.5 zz -7 b',
      'ZINCRBY k 3 b',
      'ZREM k a',
      'ZRANGESTORE j k 0 -1',
      'ZPOPMIN k',
      'ZPOPMAX k 2',
      'ZREMRANGEBYSCORE k 0 2',
      'ZREMRANGEBYRANK k 0 0',
    ],
  },
  hash: {
    reads: [
      'HLEN k',
      'HGETALL k',
      'HKEYS k',
      'HVALS k',
      'HGET k a',
      'HMGET k a b 300',
      'HEXISTS k b',
      'HSTRLEN k a',
      'HRANDFIELD k',
      'HRANDFIELD k 3 WITHVALUES',
      'HRANDFIELD k -3',
      'HSCAN k 0',
    ],
    counted: ['HLEN k', 'HKEYS k'],
    writes: ['HSET k a 9 zz 8', 'HDEL k b', 'HINCRBY k new 5', 'HINCRBYFLOAT k newer 1.5', 'HSETNX k zz 1'],
  },
  stream: {
    reads: [
      'XLEN k',
      'XRANGE k - +',
      'XREVRANGE k + - COUNT 50',
      'XRANGE k 3 7-1',
      'XREAD COUNT 50 STREAMS k 0',
      'XINFO STREAM k',
      'XINFO STREAM k FULL COUNT 50',
      'XINFO GROUPS k',
      'XINFO CONSUMERS k g',
      'XPENDING k g',
      'XPENDING k g - + 10',
    ],
    counted: null,
    writes: [
      'XREADGROUP GROUP g alice COUNT 5 STREAMS k >',
      'XREADGROUP GROUP g alice STREAMS k 0',
      'XAUTOCLAIM k g bob 0 0 COUNT 5',
      'XCLAIM k g eve 0 1-0 1000-5 1001-1 FORCE',
      'XADD k * f v',
      'XADD k MAXLEN ~ 2 * g w',
      'XDEL k 1000-5 1001-0 1-1',
      'XTRIM k MINID 1001',
      'XACK k g 1-1 1001-0',
      'XTRIM k MAXLEN 1',
      'XGROUP DELCONSUMER k g alice',
      'XTRIM k MAXLEN 0',
      'XGROUP DESTROY k h',
    ],
  },
};

/** HLEN counts fields whose time is over as well. */
const TIMED_HASH: Commands = {
  reads: [...COMMANDS['hash']!.reads, 'HPTTL k FIELDS 3 a b 300', 'HEXPIRETIME k FIELDS 2 a c'],
  counted: null,
  writes: [
    'HPEXPIRE k 100 FIELDS 2 a b',
    'HGETEX k PERSIST FIELDS 2 b 300',
    ...COMMANDS['hash']!.writes,
    'HSETEX k PX 1000 FIELDS 2 c 1 d 2',
    'HPERSIST k FIELDS 2 a c',
    'HGETDEL k FIELDS 2 a d',
  ],
};

const NO_COMMANDS: Commands = { reads: [], counted: null, writes: [] };

/** What a reading command may say of a damaged value: a stream has lost its group's name, a string is no HyperLogLog, or too long for LCS. */
const ALLOWED_ERRORS = /^(NOGROUP|INVALIDOBJ|WRONGTYPE Key is not a valid HyperLogLog|ERR Insufficient memory)/;

const KIND_OF_TYPE = new Map<number, string>(
  Object.entries({
    string: [0],
    list: [1, 10, 14, 18],
    set: [2, 11, 20],
    zset: [3, 5, 12, 17],
    hash: [4, 9, 13, 16],
    timedHash: [22, 24, 25],
    stream: [15, 19, 21],
  }).flatMap(([kind, types]) => types.map((type): [number, string] => [type, kind])),
);

/** A command that is asked again and again. */
class Prepared {
  readonly words: readonly string[];
  readonly bytes: Uint8Array;

  constructor(readonly line: string) {
    this.words = line.split(' ');
    this.bytes = Buffer.from(this.words.join(''), 'latin1');
  }
}

/** One server, and what is asked of each value of one type that it takes. */
class Bench {
  readonly server = new InProcess();
  /** As bytes: two members that are no UTF-8 must not become one. */
  private readonly reader = new ReplyReader({ bulk: 'bytes' });
  private readonly reads: readonly Prepared[];
  private readonly writes: readonly Prepared[];
  private readonly counted: readonly Prepared[];
  private readonly copy = new Prepared('COPY k copied REPLACE');
  private readonly digest = new Prepared('DEBUG DIGEST-VALUE k again copied');
  private copyCount = 0;
  private readonly blocksBefore: number;
  private readonly bytesBefore = process.memoryUsage().arrayBuffers;

  constructor({ reads, writes, counted }: Commands) {
    const prepared = (lines: readonly string[]): Prepared[] => lines.map((line) => new Prepared(line));
    this.reads = prepared([...EVERY_TYPE, ...reads]);
    this.writes = prepared(writes);
    this.counted = prepared(counted ?? []);
    this.server.isActive = false;
    this.blocksBefore = this.server.server.keyspace.arena.blockCount;
  }

  /** @returns whether the payload was taken */
  restore(payload: string): boolean {
    const reply = this.server.runWords(['RESTORE', 'k', '0', payload, 'REPLACE']);
    if (reply !== '+OK\r\n') {
      assert.match(reply, /^-ERR Bad data format/);
      return false;
    }
    for (const command of this.reads) this.read(command);
    this.checkCount();
    this.checkCopy();
    for (const command of this.writes) this.answer(command);
    this.checkCount();
    this.checkCopy();
    return true;
  }

  /** Changes the settings that decide about encodings. */
  turnSettings(random: Random): void {
    const { packing } = this.server.server.keyspace;
    packing.hashListpackEntries = random.pick([0, 2, 512]);
    packing.setListpackEntries = random.pick([0, 3, 128]);
    packing.setIntsetEntries = random.pick([0, 3, 512]);
    packing.zsetListpackEntries = random.pick([0, 2, 128]);
    packing.listListpackSize = random.pick([1, 3, -2]);
    packing.streamNodeEntries = random.pick([1, 3, 100]);
  }

  checkMemory(): void {
    this.reap();
    // LCS may have had a table of up to 512 MB, which is garbage now.
    if (this.heldBytes >= MEMORY_BYTES_MAX) collectGarbage();
    assert.ok(this.heldBytes < MEMORY_BYTES_MAX, 'memory stays bounded');
  }

  private get heldBytes(): number {
    return process.memoryUsage().arrayBuffers - this.bytesBefore;
  }

  checkBlocks(): void {
    this.server.run('FLUSHALL');
    this.reap();
    assert.equal(this.server.server.keyspace.arena.blockCount, this.blocksBefore, 'no block is lost');
  }

  /** What the server's cron does. */
  private reap(): void {
    const { reaper, arena } = this.server.server.keyspace;
    while (reaper.step(10));
    arena.releaseBuffers(BUFFERS_PER_REAP);
  }

  /** @returns the one value that the reply is */
  private answer(command: Prepared): Reply {
    const { reader } = this;
    const raw = this.server.execute(command.bytes, command.words);
    reader.feed(raw);
    const result = reader.next();
    if (result?.kind !== 'reply' || reader.next() !== null)
      assert.fail(`${command.line}: ${JSON.stringify(raw.toString('latin1'))}`);
    return result.value;
  }

  private read(command: Prepared): Reply {
    const reply = this.answer(command);
    if (reply instanceof ReplyError && !ALLOWED_ERRORS.test(reply.message))
      assert.fail(`${command.line}: ${reply.message}`);
    return reply;
  }

  private checkCount(): void {
    if (this.counted.length === 0) return;
    const [count, list] = this.counted.map((command) => this.read(command)) as [number, Reply[] | Set<Reply>];
    assert.equal(count, list instanceof Set ? list.size : list.length, 'as many are counted as are listed');
  }

  private checkCopy(): void {
    const { server } = this;
    const payload = dumped(server, 'k');
    if (payload === null) return;
    assert.equal(server.runWords(['RESTORE', 'again', '0', payload, 'REPLACE']), '+OK\r\n', 'the DUMP is restored');
    if (++this.copyCount % DIGEST_EVERY !== 0) return;
    assert.equal(this.answer(this.copy), 1);
    const [original, again, copied] = this.answer(this.digest) as string[];
    assert.equal(again, original, 'the DUMP holds the same');
    assert.equal(copied, original, 'COPY makes the same');
  }
}

/** Heavy damage, or single bytes: those leave more payloads acceptable. */
function damaged(body: Uint8Array, random: Random): Uint8Array {
  if (random.oneIn(4)) return Buffer.concat([body.subarray(0, 1), mutate(body.subarray(1), random)]);
  const bytes = Uint8Array.from(body);
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = 1 + random.below(bytes.length - 1);
    if (random.oneIn(2)) bytes[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xf4, 0xfe, 0xff]);
    else bytes[at]! ^= 1 << random.below(8);
  }
  return bytes;
}

describe('a damaged payload is refused or makes a sound value', () => {
  const seed = fuzzSeed();
  for (const type of [...payloadBodies(new InProcess()).keys()].sort((a, b) => a - b)) {
    const kind = KIND_OF_TYPE.get(type);
    test(`type ${type}, ${kind ?? 'no type of ours'}`, (context) => {
      replayable(seed, () => {
        const random = new Random(seed + type);
        const bench = new Bench(kind === 'timedHash' ? TIMED_HASH : (COMMANDS[kind ?? ''] ?? NO_COMMANDS));
        const bodies = payloadBodies(bench.server).get(type)!;
        if (random.oneIn(2)) bench.server.run('HELLO 3');
        const iterations = fuzzIterations(300);
        let taken = 0;
        for (let i = 0; i < iterations; i++) {
          bench.turnSettings(random);
          const payload = sealed(damaged(random.pick(bodies), random));
          const startMs = cpuMs();
          try {
            if (bench.restore(payload)) taken++;
          } catch (error) {
            const shown = Buffer.from(payload.slice(0, PAYLOAD_BYTES_SHOWN), 'latin1').toString('hex');
            (error as Error).message += `\npayload ${i}: ${shown}`;
            throw error;
          }
          assert.ok(cpuMs() - startMs < PAYLOAD_MS_MAX, `payload ${i} takes no time`);
          if (i % 1000 === 0) bench.checkMemory();
        }
        context.diagnostic(`${taken} of ${iterations} payloads were taken`);
        if (kind !== undefined) assert.ok(taken > iterations / 50, `${taken} of ${iterations} payloads were taken`);
        else assert.equal(taken, 0);
        bench.checkBlocks();
      });
    });
  }
});
