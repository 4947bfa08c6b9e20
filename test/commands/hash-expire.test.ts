/**
 * Times of hash fields as in Redis 8.0 (which test/oracle/random-hash-times.test.ts compares with): replies, what is propagated, events.
 * Each case runs on a packed hash and on a table.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXPIRY_HIDE, EXPIRY_IGNORE } from '../../src/keyspace/keyspace.js';
import { InProcess, NOW_MS } from './in-process.js';

const LONG = 'L'.repeat(70);
const ENCODINGS = { packed: 'HSET h a 1 b 2 c 3', table: `HSET h a 1 b 2 c 3 long ${LONG}` } as const;

interface Case {
  /** Commands, of which `expect` has the replies of the last one; `+ms` lets time pass. */
  run: readonly string[];
  /** Of arrays: their elements, separated by blanks; null = nil. */
  expect: string;
  propagates?: readonly string[];
}

/** RESP to something short to write down. */
function shortened(reply: string): string {
  const lines = reply.split('\r\n');
  let at = 0;
  const next = (): string => {
    const line = lines[at++];
    const rest = line.slice(1);
    switch (line[0]) {
      case '*':
        return rest === '-1' ? 'null' : Array.from({ length: Number(rest) }, next).join(' ');
      case '$':
        return rest === '-1' ? 'null' : lines[at++];
      case '-':
        return line;
      default:
        return rest;
    }
  };
  return next();
}

const cases: Record<string, readonly Case[]> = {
  'HEXPIRE and its kin set times, absolute where they are propagated': [
    { run: ['HEXPIRE h 10 FIELDS 1 a'], expect: '1', propagates: [`HPEXPIREAT h ${NOW_MS + 10000} FIELDS 1 a`] },
    { run: ['hpexpire h 10 fields 2 a b'], expect: '1 1', propagates: [`HPEXPIREAT h ${NOW_MS + 10} FIELDS 2 a b`] },
    { run: ['HEXPIREAT h 2000000000 FIELDS 1 b'], expect: '1', propagates: ['HPEXPIREAT h 2000000000000 FIELDS 1 b'] },
    { run: ['HPEXPIREAT h 2000000000001 FIELDS 3 b none b'], expect: '1 -2 1' },
    { run: ['HPEXPIREAT h 2000000000001 FIELDS 1 b', 'HPEXPIRETIME h FIELDS 2 a b'], expect: '-1 2000000000001' },
    { run: ['HEXPIRE none 10 FIELDS 2 a b'], expect: '-2 -2', propagates: [] },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+10', 'HGET h a'], expect: '1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HGET h a'], expect: 'null', propagates: ['HDEL h a'] },
    { run: ['HPEXPIRE h 70368744177663 FIELDS 1 a'], expect: "-ERR invalid expire time in 'hpexpire' command" },
    { run: ['HPEXPIREAT h 70368744177663 FIELDS 1 a'], expect: '1' },
    { run: ['HPEXPIREAT h 70368744177664 FIELDS 1 a'], expect: "-ERR invalid expire time in 'hpexpireat' command" },
    { run: ['HEXPIREAT h 9223372036854775807 FIELDS 1 a'], expect: "-ERR invalid expire time in 'hexpireat' command" },
  ],
  'a time that is over deletes the field': [
    { run: ['HPEXPIRE h 0 FIELDS 1 a'], expect: '2', propagates: ['HDEL h a'] },
    { run: ['HEXPIREAT h 1 FIELDS 3 a none b', 'HMGET h a b c'], expect: 'null null 3' },
    { run: ['HPEXPIREAT h 1 FIELDS 5 a b c long none', 'EXISTS h'], expect: '0' },
    { run: [`HPEXPIREAT h ${NOW_MS} FIELDS 1 a`], expect: '2' },
    { run: [`HPEXPIREAT h ${NOW_MS + 1} FIELDS 1 a`], expect: '1' },
  ],
  conditions: [
    { run: ['HEXPIRE h 10 NX FIELDS 1 a'], expect: '1' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HEXPIRE h 20 NX FIELDS 2 a b'], expect: '0 1' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HEXPIRE h 20 XX FIELDS 2 a b'], expect: '1 0' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HEXPIRE h 20 GT FIELDS 2 a b'], expect: '1 0' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HEXPIRE h 10 GT FIELDS 1 a'], expect: '0', propagates: [] },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HEXPIRE h 5 lt FIELDS 2 a b'], expect: '1 1' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HEXPIRE h 10 LT FIELDS 1 a'], expect: '0' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', 'HPEXPIREAT h 1 GT FIELDS 1 a'], expect: '0' },
    {
      run: ['HEXPIRE h 10 FIELDS 1 a', 'HPEXPIRE h 20 XX FIELDS 2 a b'],
      expect: '1 0',
      propagates: [`HPEXPIREAT h ${NOW_MS + 20} FIELDS 1 a`],
    },
  ],
  syntax: [
    { run: ['HEXPIRE h 10 FIELDS 1'], expect: "-ERR wrong number of arguments for 'hexpire' command" },
    { run: ['HEXPIRE h x FIELDS 1 a'], expect: '-ERR value is not an integer or out of range' },
    { run: ['HEXPIRE h 9223372036854775808 FIELDS 1 a'], expect: '-ERR value is not an integer or out of range' },
    { run: ['HEXPIRE h -1 FIELDS 1 a'], expect: '-ERR invalid expire time, must be >= 0' },
    { run: ['HPEXPIREAT h -9223372036854775808 FIELDS 1 a'], expect: '-ERR invalid expire time, must be >= 0' },
    {
      run: ['HEXPIRE h 10 NOT 1 a b'],
      expect: '-ERR Mandatory argument FIELDS is missing or not at the right position',
    },
    {
      run: ['HEXPIRE h 10 NX GT FIELDS 1 a'],
      expect: '-ERR Mandatory argument FIELDS is missing or not at the right position',
    },
    { run: ['HEXPIRE h 10 FIELDS 0 a'], expect: '-ERR Parameter `numFields` should be greater than 0' },
    { run: ['HEXPIRE h 10 NX FIELDS x a'], expect: '-ERR Parameter `numFields` should be greater than 0' },
    {
      run: ['HEXPIRE h 10 FIELDS 2 a'],
      expect: '-ERR The `numfields` parameter must match the number of arguments',
    },
    {
      run: ['HEXPIRE h 10 FIELDS 1 a b'],
      expect: '-ERR The `numfields` parameter must match the number of arguments',
    },
    { run: ['HTTL h FIELDS 0 a'], expect: '-ERR Number of fields must be a positive integer' },
    { run: ['HTTL h FIELD 1 a'], expect: '-ERR Mandatory argument FIELDS is missing or not at the right position' },
    { run: ['HPERSIST h FIELDS 3 a'], expect: '-ERR The `numfields` parameter must match the number of arguments' },
    { run: ['HTTL s FIELDS 1 a'], expect: '-WRONGTYPE Operation against a key holding the wrong kind of value' },
    { run: ['HEXPIRE s 1 FIELDS 1 a'], expect: '-WRONGTYPE Operation against a key holding the wrong kind of value' },
    { run: ['HGETEX s FIELDS 1 a'], expect: '-WRONGTYPE Operation against a key holding the wrong kind of value' },
    { run: ['HSETEX s FIELDS 1 a b'], expect: '-WRONGTYPE Operation against a key holding the wrong kind of value' },
    { run: ['HGETDEL s FIELDS 1 a'], expect: '-WRONGTYPE Operation against a key holding the wrong kind of value' },
  ],
  'HTTL and its kin': [
    { run: ['HTTL h FIELDS 2 a none'], expect: '-1 -2' },
    { run: ['HTTL none FIELDS 2 a b'], expect: '-2 -2' },
    { run: ['HPEXPIRE h 1500 FIELDS 1 a', 'HTTL h FIELDS 1 a'], expect: '2' },
    { run: ['HPEXPIRE h 1500 FIELDS 1 a', '+600', 'HPTTL h FIELDS 1 a'], expect: '900' },
    { run: ['HPEXPIREAT h 2000000000500 FIELDS 1 a', 'HEXPIRETIME h FIELDS 1 a'], expect: '2000000001' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HPTTL h FIELDS 2 a b'], expect: '-2 -1', propagates: [] },
  ],
  HPERSIST: [
    { run: ['HPERSIST h FIELDS 2 a none'], expect: '-1 -2', propagates: [] },
    {
      run: ['HPEXPIRE h 10 FIELDS 1 a', 'HPERSIST h FIELDS 2 b a'],
      expect: '-1 1',
      propagates: ['HPERSIST h FIELDS 1 a'],
    },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HPERSIST h FIELDS 1 a', '+11', 'HGET h a'], expect: '1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HPERSIST h FIELDS 1 a'], expect: '-2', propagates: ['HDEL h a'] },
    // Redis 7.0 would drop a transaction of the two.
    {
      run: ['HPEXPIRE h 10 FIELDS 1 a', 'HPEXPIREAT h 2000000000000 FIELDS 1 b', '+11', 'HPERSIST h FIELDS 2 a b'],
      expect: '-2 1',
      propagates: ['HDEL h a', 'HPERSIST h FIELDS 1 b'],
    },
    {
      run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HPEXPIREAT h 2000000000000 FIELDS 2 a b'],
      expect: '-2 1',
      propagates: ['HDEL h a', 'HPEXPIREAT h 2000000000000 FIELDS 1 b'],
    },
    { run: ['HPERSIST none FIELDS 1 a'], expect: '-2' },
  ],
  'what sets a field takes its time, what counts keeps it': [
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HSET h a 2', 'HPTTL h FIELDS 1 a'], expect: '-1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HMSET h a 2 b 3', 'HPTTL h FIELDS 1 a'], expect: '-1' },
    { run: ['HPEXPIRE h 10 FIELDS 2 a b', 'HSET h a 2', 'HPTTL h FIELDS 2 a b'], expect: '-1 10' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HINCRBY h a 2', 'HPTTL h FIELDS 1 a'], expect: '10' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HINCRBY h a 9007199254740993', 'HPTTL h FIELDS 1 a'], expect: '10' },
    {
      run: ['HPEXPIRE h 10 FIELDS 1 a', 'HINCRBYFLOAT h a 0.5'],
      expect: '1.5',
      propagates: ['HSET h a 1.5', `HPEXPIREAT h ${NOW_MS + 10} FIELDS 1 a`],
    },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HINCRBYFLOAT h a 0.5', 'HPTTL h FIELDS 1 a'], expect: '10' },
    {
      run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HINCRBY h a 5'],
      expect: '5',
      propagates: ['MULTI', 'HDEL h a', 'HINCRBY h a 5', 'EXEC'],
    },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HINCRBY h a 5', 'HTTL h FIELDS 1 a'], expect: '-1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HSET h a 5'], expect: '1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HSETNX h a 5'], expect: '1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HSETNX h a 5', 'HPTTL h FIELDS 1 a'], expect: '10' },
  ],
  'a field whose time is over is gone for every command, but counted until it is removed': [
    { run: ['HPEXPIRE h 10 FIELDS 2 a b', '+11', 'HMGET h a b c'], expect: 'null null 3' },
    { run: ['HPEXPIRE h 10 FIELDS 2 a b', '+11', 'HEXISTS h a'], expect: '0', propagates: ['HDEL h a'] },
    { run: ['HPEXPIRE h 10 FIELDS 2 a b', '+11', 'HSTRLEN h a'], expect: '0' },
    { run: ['HPEXPIRE h 10 FIELDS 2 a b', '+11', 'HDEL h a'], expect: '0', propagates: ['HDEL h a'] },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HLEN h'], expect: '2', propagates: [] },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HGETALL h'], expect: 'b 2', propagates: [] },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HKEYS h'], expect: 'b' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HVALS h'], expect: '2' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HRANDFIELD h'], expect: 'b' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HRANDFIELD h -3'], expect: 'b b b' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HRANDFIELD h 2'], expect: 'b' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 2 a b', '+11', 'HRANDFIELD h'], expect: 'null' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 2 a b', '+11', 'HRANDFIELD h 3'], expect: '' },
    { run: ['DEL h', 'HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HSCAN h 0'], expect: '0 b 2' },
    { run: ['DEL h', 'HSET h a 1', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'HGET h a', 'EXISTS h'], expect: '0' },
    { run: ['DEL h', 'HSET h a 1', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'EXISTS h'], expect: '1' },
    { run: ['RPUSH l h', 'HPEXPIRE h 10 FIELDS 1 a', 'SORT l BY nosort GET *->a GET *->b'], expect: '1 2' },
    { run: ['RPUSH l h', 'HPEXPIRE h 10 FIELDS 1 a', '+11', 'SORT l BY nosort GET *->a GET *->b'], expect: 'null 2' },
  ],
  'times go with the hash': [
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'RENAME h g', 'HPTTL g FIELDS 2 a b'], expect: '10 -1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'COPY h g', 'HPERSIST h FIELDS 1 a', 'HPTTL g FIELDS 2 a b'], expect: '10 -1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'MOVE h 1', 'SELECT 1', 'HPTTL h FIELDS 2 a b'], expect: '10 -1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'EXPIRE h 100', 'PERSIST h', 'HPTTL h FIELDS 2 a b'], expect: '10 -1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', `HSET h f ${LONG}`, 'HPTTL h FIELDS 2 a f'], expect: '10 -1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HDEL h a', 'HSET h a 1', '+11', 'HGET h a'], expect: '1' },
  ],
  HGETDEL: [
    { run: ['HGETDEL h FIELDS 2 a none'], expect: '1 null', propagates: ['HDEL h a'] },
    { run: ['HGETDEL h FIELDS 2 a a'], expect: '1 null', propagates: ['HDEL h a'] },
    { run: ['HGETDEL h FIELDS 4 a b c long', 'EXISTS h'], expect: '0' },
    { run: ['HGETDEL none FIELDS 2 a b'], expect: 'null null', propagates: [] },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HGETDEL h FIELDS 2 a b'], expect: 'null 2' },
    { run: ['HGETDEL h FIELDS 0 a'], expect: '-ERR Number of fields must be a positive integer' },
    { run: ['HGETDEL h FIELDS 2 a'], expect: '-ERR The `numfields` parameter must match the number of arguments' },
  ],
  HGETEX: [
    { run: ['HGETEX h FIELDS 2 a none'], expect: '1 null', propagates: [] },
    {
      run: ['HGETEX h EX 10 FIELDS 2 a none'],
      expect: '1 null',
      propagates: [`HPEXPIREAT h ${NOW_MS + 10000} FIELDS 1 a`],
    },
    { run: ['HGETEX h PXAT 2000000000001 FIELDS 1 a', 'HPEXPIRETIME h FIELDS 1 a'], expect: '2000000000001' },
    { run: ['HGETEX h PERSIST FIELDS 1 a'], expect: '1', propagates: [] },
    {
      run: ['HEXPIRE h 10 FIELDS 1 a', 'HGETEX h PERSIST FIELDS 2 a b'],
      expect: '1 2',
      propagates: ['HPERSIST h FIELDS 1 a'],
    },
    { run: ['HGETEX h EXAT 1 FIELDS 2 a b'], expect: '1 2', propagates: ['HDEL h a b'] },
    { run: ['HGETEX h EXAT 1 FIELDS 4 a b c long', 'EXISTS h'], expect: '0' },
    { run: ['HGETEX none EX 10 FIELDS 1 a'], expect: 'null', propagates: [] },
    { run: ['HGETEX h PX -1 FIELDS 1 a'], expect: '-ERR invalid expire time, must be >= 0' },
    { run: ['HGETEX h EX x FIELDS 1 a'], expect: '-ERR value is not an integer or out of range' },
    { run: ['HGETEX h EX 281474976710656 FIELDS 1 a'], expect: "-ERR invalid expire time in 'hgetex' command" },
    {
      run: ['HGETEX h PERSIST 1 FIELDS 1 a'],
      expect: '-ERR Mandatory argument FIELDS is missing or not at the right position',
    },
  ],
  HSETEX: [
    { run: ['HSETEX h FIELDS 2 a x d y'], expect: '1', propagates: ['HSET h a x d y'] },
    {
      run: ['HSETEX h EX 10 FIELDS 2 a x d y'],
      expect: '1',
      propagates: ['HSET h a x d y', `HPEXPIREAT h ${NOW_MS + 10000} FIELDS 2 a d`],
    },
    { run: ['HSETEX new PX 10 FIELDS 1 f v', 'HPTTL new FIELDS 1 f'], expect: '10' },
    { run: ['HSETEX h PX 10 FIELDS 1 a x', 'HPTTL h FIELDS 1 a'], expect: '10' },
    { run: ['HSETEX h FNX FIELDS 2 a x d y'], expect: '0', propagates: [] },
    { run: ['HSETEX h FNX FIELDS 2 d x e y', 'HMGET h d e'], expect: 'x y' },
    { run: ['HSETEX h FXX FIELDS 2 a x d y'], expect: '0' },
    { run: ['HSETEX h FXX FIELDS 2 a x b y', 'HMGET h a b'], expect: 'x y' },
    { run: ['HSETEX new FXX FIELDS 1 a x', 'EXISTS new'], expect: '0' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HSETEX h FIELDS 1 a x', 'HPTTL h FIELDS 1 a'], expect: '-1' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', 'HSETEX h KEEPTTL FIELDS 2 a x d y', 'HPTTL h FIELDS 2 a d'], expect: '10 -1' },
    {
      run: ['HPEXPIRE h 10 FIELDS 1 a', 'HSETEX h KEEPTTL FIELDS 2 a x d y'],
      expect: '1',
      propagates: ['HSET h a x d y', `HPEXPIREAT h ${NOW_MS + 10} FIELDS 1 a`],
    },
    {
      run: ['HSETEX h PXAT 1 FIELDS 2 a x d y'],
      expect: '1',
      propagates: ['MULTI', 'HSET h a x d y', 'HDEL h a d', 'EXEC'],
    },
    { run: ['HSETEX new PXAT 1 FIELDS 2 a x a y', 'EXISTS new'], expect: '0' },
    { run: ['HPEXPIRE h 10 FIELDS 1 a', '+11', 'HSETEX h FNX FIELDS 1 a x'], expect: '1' },
    { run: ['HSETEX h FIELDS 1 a'], expect: "-ERR wrong number of arguments for 'hsetex' command" },
    { run: ['HSETEX h FNX FIELDS x a'], expect: "-ERR wrong number of arguments for 'hsetex' command" },
    { run: ['HSETEX h FIELDS 2 a b c'], expect: "-ERR wrong number of arguments for 'hsetex' command" },
    { run: ['HSETEX h FIELDS 0 a b'], expect: '-ERR invalid number of fields' },
    { run: ['HSETEX h NX FIELDS 1 a b'], expect: '-ERR unknown argument: NX' },
    { run: ['HSETEX h FNX FXX FIELDS 1 a b'], expect: '-ERR Only one of FXX or FNX arguments can be specified' },
    {
      run: ['HSETEX h EX 1 KEEPTTL FIELDS 1 a b'],
      expect: '-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified',
    },
    { run: ['HSETEX h FIELDS 1 a b EX'], expect: "-ERR wrong number of arguments for 'hsetex' command" },
    { run: ['HSETEX h FIELDS 1 a b FIELDS 1 a b'], expect: "-ERR wrong number of arguments for 'hsetex' command" },
  ],
  'OBJECT ENCODING': [
    { run: ['DEL h', 'HSET h a 1', 'HEXPIRE h 10 FIELDS 1 a', 'OBJECT ENCODING h'], expect: 'listpackex' },
    { run: ['HEXPIRE h 10 FIELDS 1 a', `HSET h f ${LONG}`, 'OBJECT ENCODING h'], expect: 'hashtable' },
    { run: ['DEL h', 'HSET h a 1', 'HEXPIRE h 10 FIELDS 1 a', 'HSET h a 1', 'OBJECT ENCODING h'], expect: 'listpack' },
  ],
};

for (const [title, table] of Object.entries(cases)) {
  describe(title, () => {
    for (const { run, expect, propagates } of table) {
      for (const [encoding, setUp] of Object.entries(ENCODINGS)) {
        test(`${run.join('; ')} (${encoding})`, () => {
          const server = new InProcess();
          for (const line of [setUp, 'SET s v', ...run.slice(0, -1)]) {
            if (line.startsWith('+')) server.advance(Number(line));
            else server.run(line);
          }
          server.takePropagated();
          assert.equal(shortened(server.run(run.at(-1)!)), expect);
          if (propagates !== undefined) assert.deepEqual(server.takePropagated(), propagates);
        });
      }
    }
  });
}

test('in a transaction a field that has ended goes, and a value and its time stay together', () => {
  const server = new InProcess();
  for (const line of ['HSET h a 1 b 2', 'HPEXPIRE h 10 FIELDS 1 a']) server.run(line);
  server.advance(11);
  server.takePropagated();
  for (const line of ['MULTI', 'HGET h a', 'HINCRBY h b 1', 'HSETEX h PX 10 FIELDS 1 c 3']) server.run(line);
  assert.equal(shortened(server.run('EXEC')), 'null 3 1');
  assert.deepEqual(server.takePropagated(), [
    'MULTI',
    'HDEL h a',
    'HINCRBY h b 1',
    'HSET h c 3',
    `HPEXPIREAT h ${NOW_MS + 21} FIELDS 1 c`,
    'EXEC',
  ]);
});

for (const [encoding, setUp] of Object.entries(ENCODINGS)) {
  test(`a replica hides a field that has ended, and leaves it to its primary (${encoding})`, () => {
    const server = new InProcess();
    const { keyspace } = server.server;
    for (const line of [setUp, 'HPEXPIRE h 10 FIELDS 2 a b']) server.run(line);
    const count = Number(shortened(server.run('HLEN h')));
    server.advance(11);
    server.takePropagated();
    keyspace.expiryMode = EXPIRY_HIDE;
    assert.equal(shortened(server.run('HMGET h a b c')), 'null null 3');
    assert.equal(shortened(server.run('HPTTL h FIELDS 2 a c')), '-2 -1');
    assert.equal(shortened(server.run('HLEN h')), String(count));
    assert.equal(shortened(server.run('HKEYS h')).split(' ').length, count - 2);
    // A writable one takes it for a field that is not there.
    assert.equal(shortened(server.run('HINCRBY h a 5')), '5');
    assert.equal(shortened(server.run('HPTTL h FIELDS 1 a')), '-1');
    assert.equal(shortened(server.run('HPEXPIRE h 10 FIELDS 2 a b')), '1 -2');
    assert.equal(shortened(server.run('HSETEX h FNX KEEPTTL FIELDS 1 b 7')), '1');
    assert.equal(shortened(server.run('HPTTL h FIELDS 1 b')), '-1');
    // The primary's stream sees everything, and ends nothing.
    keyspace.expiryMode = EXPIRY_IGNORE;
    assert.equal(shortened(server.run('HPEXPIREAT h 5 FIELDS 1 c')), '1');
    assert.equal(shortened(server.run('HGET h c')), '3');
    assert.equal(shortened(server.run('HDEL h c')), '1');
  });
}
