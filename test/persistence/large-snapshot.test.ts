/**
 * Snapshots of values too large for one go: the image is the state at the beginning, though the values are read in many parts and every command that
 * changes, moves or deletes them runs in between.
 *
 * Method: a server without sockets, a few keys with large values of all types, random commands; a snapshot of each form is taken in the smallest steps,
 * and loaded into a fresh server, whose digest must be that of the moment when the snapshot began.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestKeyspace } from '../../src/keyspace/digest.js';
import { KeyspaceSnapshots, type RdbImageOptions } from '../../src/persistence/keyspace-snapshot.js';
import { KeyspaceTarget } from '../../src/persistence/rdb/keyspace-rdb.js';
import { RdbLoader } from '../../src/persistence/rdb/rdb-loader.js';
import { RDB_DONE } from '../../src/persistence/rdb/rdb-reader.js';
import { Request } from '../../src/resp/request.js';
import { PARSE_REQUEST, parseRequest, RequestState } from '../../src/resp/request-parser.js';
import { hashesOf } from '../../src/types/hash.js';
import { InProcess, NOW_MS } from '../commands/in-process.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const MEMBERS = 2000;
/** Names by the type that large values of theirs have; any of them may be deleted, moved, or be of another type in between. */
const NAMES = ['hash', 'timed', 'set', 'zset', 'list', 'stream', 'a', 'b', 'c', 'd'];
const TYPES = NAMES.slice(0, 6);
/** An image for a replica is an RDB in which times of hash fields have another form. */
const FORMS = ['rdb', 'replica', 'aof-base-commands'] as const;
type Form = (typeof FORMS)[number];

const OPTIONS: RdbImageOptions = {
  redisVersion: '7.2.0',
  unixMs: NOW_MS,
  usedBytes: 0,
  compression: true,
  checksum: true,
  attribute: 'none',
  replication: null,
  isAofBase: false,
};

function newServer(): InProcess {
  const process = new InProcess();
  process.isActive = false;
  // Otherwise FLUSHALL writes a file.
  process.run('CONFIG SET save ""');
  return process;
}

/**
 * The digest; and the times of hash fields, and the groups of streams, of which it knows nothing. No command makes a deleted entry pending, so these are
 * whole in files only.
 */
function stateOf(server: InProcess, form: Form): string[] {
  const digest = digestKeyspace(server.server.keyspace).toString();
  const groups = form === 'aof-base-commands' ? [] : NAMES.map((name) => server.run(`XPENDING ${name} g - + 10000`));
  return [digest, ...NAMES.map((name) => timesOf(server, name)), ...groups];
}

function timesOf(server: InProcess, name: string): string {
  const { keyspace } = server.server;
  const ref = keyspace.databases[0].find(Buffer.from(name), 0, name.length);
  if (ref === 0 || !keyspace.entries.isTimedHash(ref)) return '';
  const { cursor } = hashesOf(keyspace);
  const found: string[] = [];
  cursor.begin(ref);
  while (cursor.next()) {
    const field = Buffer.from(cursor.bytes.subarray(cursor.start, cursor.start + cursor.length)).toString('latin1');
    found.push(`${field} ${cursor.timeMs}`);
  }
  return found.sort().join();
}

/** Gives the key a large value of the type that its name says. */
function fill(server: InProcess, name: string, type: string, random: Random): void {
  server.run(`DEL ${name}`);
  const count = MEMBERS + random.below(MEMBERS);
  for (let from = 0; from < count; from += 500) {
    const items = Array.from({ length: 500 }, (_, i) => from + i);
    if (type === 'hash' || type === 'timed') addFields(server, name, items, type === 'timed');
    else if (type === 'set') server.run(`SADD ${name} ${items.map((i) => `member:${i}`).join(' ')}`);
    else if (type === 'zset')
      server.run(`ZADD ${name} ${items.map((i) => `${random.below(900)} member:${i}`).join(' ')}`);
    else if (type === 'stream') addEntries(server, name, items, random);
    else server.run(`RPUSH ${name} ${items.map((i) => `element:${i}:${'x'.repeat(i % 60)}`).join(' ')}`);
  }
}

function addFields(server: InProcess, name: string, items: readonly number[], areTimed: boolean): void {
  server.run(`HSET ${name} ${items.map((i) => `field:${i} value:${i}`).join(' ')}`);
  if (!areTimed) return;
  for (let at = 0; at < items.length; at += 25) {
    const fields = items.slice(at, at + 25).filter((i) => i % 3 > 0);
    const names = fields.map((i) => `field:${i}`).join(' ');
    server.run(`HPEXPIREAT ${name} ${NOW_MS + 1e6 + items[at]!} FIELDS ${fields.length} ${names}`);
  }
}

function addEntries(server: InProcess, name: string, items: readonly number[], random: Random): void {
  for (const i of items) server.run(`XADD ${name} ${i + 1} f ${i} g v${'x'.repeat(i % 50)}`);
  server.run(`XGROUP CREATE ${name} g 0`);
  for (const consumer of ['c', 'd'])
    server.run(`XREADGROUP GROUP g ${consumer} COUNT ${random.pick([5, 60, 500])} STREAMS ${name} >`);
}

/** A command that changes a little or a lot of the values. */
function commandOf(random: Random): string {
  const name = random.pick(NAMES);
  const at = random.below(MEMBERS * 2);
  const text = 'y'.repeat(random.below(70));
  switch (random.below(56)) {
    case 0:
      return random.oneIn(4) ? `DEL ${name}` : `EXISTS ${name}`;
    case 1:
      return random.oneIn(3) ? `RENAME ${name} ${random.pick(NAMES)}` : `PERSIST ${name}`;
    case 2:
      return random.oneIn(3) ? `COPY ${name} ${random.pick(NAMES)} REPLACE` : `TTL ${name}`;
    case 3:
      return `PEXPIREAT ${name} ${NOW_MS + 1e9 + at}`;
    case 4:
      return random.oneIn(20) ? 'FLUSHALL' : `TYPE ${name}`;
    case 5:
      return random.oneIn(4) ? `MOVE ${name} 3` : `SET ${name}:small ${text}`;
    case 6:
      return `LTRIM list ${random.below(200)} -${1 + random.below(200)}`;
    case 7:
      return `ZREMRANGEBYRANK zset ${at} ${at + random.below(200)}`;
    case 8:
      return `SPOP set ${random.oneIn(20) ? 1500 + random.below(2000) : random.below(30)}`;
    case 9:
      return `ZREMRANGEBYSCORE zset ${random.below(900)} ${random.below(900)}`;
    case 10:
      return `SMOVE set a member:${at}`;
    case 11:
      return `LMOVE list list LEFT RIGHT`;
    case 12:
      return `LREM list 1 element:${at}:`;
    case 13:
      return `LSET list ${random.below(3000)} replaced:${at}:${text}`;
    case 14:
      return `LINSERT list BEFORE element:${at}: inserted:${text}`;
    case 15:
      return `LPOP list ${random.below(100)}`;
    case 16:
      return `RPUSH list pushed:${text}`;
    case 17:
      return `HDEL hash field:${at} field:${at + 1} field:${at + 2}`;
    case 18:
      return `HINCRBY hash counter:${at % 50} 1`;
    case 19:
      return `ZINCRBY zset ${random.below(400) - 200} member:${at}`;
    case 20:
      return `ZPOPMAX zset ${random.below(20)}`;
    case 21:
      return `ZADD zset ${random.below(900)} member:${at} ${random.below(900)} member:${at + 7}`;
    case 22:
      return `SREM set member:${at}`;
    case 23:
      return random.oneIn(4) ? `SUNIONSTORE set set a` : `SADD set member:${at} new:${at}`;
    case 24:
      return random.oneIn(4) ? `ZUNIONSTORE zset 1 zset` : `ZADD zset 5 new:${at}`;
    case 25:
      return random.oneIn(6) ? 'SWAPDB 0 3' : `HSET hash field:${at} short`;
    case 26:
      return `XADD stream 0-* f v`;
    case 27:
      return `XADD stream * changed ${text}`;
    case 28:
      return `XDEL stream ${at} ${at + 1} ${at + 2} 1 2 3`;
    case 29:
      return `XTRIM stream MAXLEN ~ ${1500 + at}`;
    case 30:
      return `XTRIM stream MINID ${random.below(400)}`;
    case 31:
      return `XREADGROUP GROUP g d COUNT 5 STREAMS stream ${random.pick(['>', '>', `${at}`])}`;
    case 32:
      if (random.oneIn(3)) return `XCLAIM stream g ${random.pick(['c', 'd', 'e'])} 0 ${random.below(99)} ${at} FORCE`;
      return `XACK stream g ${random.below(100)} ${random.below(100)} ${random.below(MEMBERS)}`;
    case 33:
      if (random.oneIn(6)) return random.oneIn(2) ? 'XGROUP DESTROY stream g' : 'XGROUP DELCONSUMER stream g d';
      return `XAUTOCLAIM stream g e 0 ${random.below(MEMBERS)} COUNT 3`;
    case 34:
      return random.oneIn(4) ? `XGROUP CREATE stream g 0` : `XSETID stream ${NOW_MS * 2}`;
    case 35:
      return `HPEXPIREAT timed ${NOW_MS + 1e7 + at} FIELDS 3 field:${at} field:${at + 1} field:${at + 20}`;
    case 36:
      return `HPEXPIREAT hash ${NOW_MS + 1e7 + at} FIELDS 2 field:${at} field:${at + 1}`;
    case 37:
      return random.oneIn(8)
        ? `HPERSIST timed FIELDS 100 ${Array.from({ length: 100 }, (_, i) => `field:${at + i}`).join(' ')}`
        : `HPERSIST timed FIELDS 2 field:${at} field:${at + 1}`;
    case 38:
      return `HSET timed field:${at} changed:${text} field:${at + 1} ${text}`;
    case 39:
      return `HSETEX timed KEEPTTL FIELDS 2 field:${at} changed:${text} field:${at + 1} ${text}x`;
    case 40:
      return `HGETDEL timed FIELDS 2 field:${at} field:${at + 1}`;
    case 41:
      return `HPEXPIREAT timed 1 FIELDS 2 field:${at} field:${at + 1}`;
    case 42:
      return `HSETEX timed PXAT ${NOW_MS + 1e8 + at} FIELDS 1 new:${at} ${text}`;
    case 43:
      return `HINCRBY timed counter:${at % 9} 5`;
    case 44:
      return manyMembersCommand(random);
    default:
      return `HSET hash field:${at} changed:${text} new:${at} ${text}x`;
  }
}

/** A command that names most members of a sorted set: its tree is then changed as a whole. */
function manyMembersCommand(random: Random): string {
  const members = Array.from({ length: MEMBERS }, () => `member:${random.below(MEMBERS)}`);
  if (random.oneIn(2)) return `ZREM zset ${members.slice(random.below(MEMBERS / 2)).join(' ')}`;
  return `ZADD zset ${members.map((member) => `${random.below(900)} ${member}`).join(' ')}`;
}

/** Loads an image into a fresh server. */
function load(form: Form, image: Uint8Array): InProcess {
  const loaded = newServer();
  if (form !== 'aof-base-commands') {
    const loader = new RdbLoader(new KeyspaceTarget(loaded.server.keyspace), {
      databases: 16,
      expiredKeys: 'keep',
      nowMs: NOW_MS,
      log: () => {},
    });
    assert.equal(loader.reader.feed(image, 0, image.length), RDB_DONE, loader.reader.fault?.text);
    return loaded;
  }
  const request = new Request();
  const state = new RequestState();
  while (parseRequest(image, image.length, request, state) === PARSE_REQUEST) {
    const reply = loaded.runWords(Array.from({ length: request.argc }, (_, i) => request.latin1(i)));
    assert.doesNotMatch(reply, /^-/);
  }
  return loaded;
}

describe('a snapshot of large values', () => {
  for (const form of FORMS) {
    test(`as ${form} is the state at its beginning, whatever is written meanwhile`, () => {
      const seed = fuzzSeed();
      replayable(seed, () => {
        const random = new Random(seed);
        const server = newServer();
        const { keyspace, snapshotMarks } = server.server;
        const options = { ...OPTIONS, isForReplica: form === 'replica' };
        const snapshots = new KeyspaceSnapshots(keyspace, snapshotMarks, () => options);
        const rounds = fuzzIterations(6);
        let stepCount = 0;
        for (let round = 0; round < rounds; round++) {
          for (const name of NAMES)
            if (round === 0 || random.oneIn(3)) fill(server, name, random.oneIn(3) ? random.pick(TYPES) : name, random);
          server.run('SET small 1');
          const expected = stateOf(server, form);
          const chunks: Uint8Array[] = [];
          const producer = snapshots.begin(form === 'replica' ? 'rdb' : form, (chunk, length) =>
            chunks.push(chunk.slice(0, length)),
          );
          let steps = 0;
          for (let isDone = false; !isDone; steps++) {
            for (let i = random.below(12); i > 0; i--) server.run(commandOf(random));
            if (random.oneIn(4)) keyspace.reaper.step(0.1);
            isDone = producer.step(0);
          }
          stepCount += steps;
          assert.deepEqual(stateOf(load(form, Buffer.concat(chunks)), form), expected);
        }
        assert.ok(stepCount > rounds * 50, `${rounds} snapshots came in ${stepCount} parts only`);
        endClean(server);
      });
    });
  }

  test('that is given up leaves nothing behind', () => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const server = newServer();
      const { keyspace, snapshotMarks } = server.server;
      const snapshots = new KeyspaceSnapshots(keyspace, snapshotMarks, () => OPTIONS);
      for (const name of TYPES) fill(server, name, name, random);
      for (let round = 0; round < 10; round++) {
        const producer = snapshots.begin('rdb', () => {});
        for (let i = random.below(60); i > 0; i--) {
          server.run(commandOf(random));
          producer.step(0);
        }
        producer.cancel();
      }
      endClean(server);
    });
  });
});

test('pending entries are dumped whole wherever a part of them ends', () => {
  const server = newServer();
  for (let id = 1; id <= 2100; id++) server.run(`XADD stream ${id} f v`);
  for (let consumerCount = 1; consumerCount <= 2; consumerCount++) {
    // A part has at most 512 entries: all ways in which a list of them can meet its end.
    for (let count = 505; count <= 520; count++) {
      server.run('XGROUP CREATE stream g 0');
      for (let i = 0; i < consumerCount; i++)
        server.run(`XREADGROUP GROUP g consumer:${i} COUNT ${count} STREAMS stream >`);
      const dump = Buffer.from(server.run('DUMP stream'), 'latin1');
      const payload = dump.subarray(dump.indexOf('\r\n') + 2, -2).toString('latin1');
      assert.equal(server.runWords(['RESTORE', 'twin', '0', payload]), '+OK\r\n', `${consumerCount} × ${count}`);
      assert.equal(server.run('XPENDING twin g - + 10000'), server.run('XPENDING stream g - + 10000'));
      server.run('DEL twin');
      server.run('XGROUP DESTROY stream g');
    }
  }
});

/** All blocks are given back in the end. */
function endClean(server: InProcess): void {
  const { keyspace } = server.server;
  server.run('FLUSHALL');
  while (keyspace.reaper.step(100));
  assert.equal(keyspace.arena.blockCount, newServer().server.keyspace.arena.blockCount);
}
