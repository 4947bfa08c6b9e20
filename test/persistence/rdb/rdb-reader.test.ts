/** The RDB reader: every type and opcode, cut at any byte, in any chunks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultLogLines, RDB_DONE, RDB_FAILED, RDB_MORE, RdbReader } from '../../../src/persistence/rdb/rdb-reader.js';
import { cpuMs } from '../../support/cpu-time.js';
import { ascii, hex, keyRecord, RecordingHandler, rdbFile, readAll, toHex } from '../support.js';
import { VALUE_EXAMPLES } from './examples.js';

const annotated = hex(`'REDIS0010' fa 09 'redis-ver' 06 '7.0.15' fa 0a 'redis-bits' c0 40 fa 05 'ctime' c2 fe 3e 00 6b
  fa 08 'used-mem' c2 f0 d9 0f 00 fa 08 'aof-base' c0 00
  f5 40 41 '#!lua name=l' 0a 'redis.register_function(' 27 'f' 27 ',function() return 1 end)'
  fe 00 fb 02 01 00 01 6e c0 07 fc 00 20 4a a9 d1 01 00 00 00 01 61 05 'hello'
  fe 02 fb 01 00 12 01 6c 01 02 0a 0a 00 00 00 01 00 81 78 02 ff ff 7c ee 54 d8 b8 f7 39 d1`);

test('the annotated file of the format is read, whatever the chunks', () => {
  const expected = [
    'aux redis-ver=7.0.15',
    'aux redis-bits=64',
    'aux ctime=1795178238',
    'aux used-mem=1038832',
    'aux aof-base=0',
    "function #!lua name=l\nredis.register_function('f',function() return 1 end)",
    'db 0',
    'resize 2 1',
    'key 0/n type=0 #7',
    'key 0/a type=0 expire=2000000000000 hello',
    'db 2',
    'resize 1 0',
    'key 2/l type=18 01020a0a0000000100817802ff',
  ];
  assert.equal(annotated.length, 206);
  for (let chunkBytes = 1; chunkBytes <= annotated.length; chunkBytes++) {
    const { events, reader, state } = readAll(annotated, chunkBytes);
    assert.equal(state, RDB_DONE, `chunks of ${chunkBytes}: ${reader.fault?.text}`);
    assert.deepEqual(events, expected);
    assert.equal(reader.offset, annotated.length);
  }
});

for (const { what, type, bytes } of VALUE_EXAMPLES) {
  test(`a value of type ${type} is captured to the byte: ${what}`, () => {
    const file = rdbFile(keyRecord(type, 'k', bytes), keyRecord(0, 'next', hex('01 76')));
    for (const chunkBytes of [1, 7, file.length]) {
      const { events, reader, state } = readAll(file, chunkBytes);
      assert.equal(state, RDB_DONE, reader.fault?.text);
      assert.equal(events[0], type === 0 ? 'key 0/k type=0 hello' : `key 0/k type=${type} ${toHex(bytes)}`);
      assert.equal(events[1], 'key 0/next type=0 v');
    }
  });

  test(`a value of type ${type} that is cut anywhere is a truncated file: ${what}`, () => {
    const record = Buffer.concat([ascii('REDIS0011'), keyRecord(type, 'k', bytes)]);
    for (let length = 0; length < record.length; length++) {
      const { reader, state } = readAll(record.subarray(0, length), 5);
      assert.equal(state, RDB_FAILED);
      assert.equal(reader.fault?.kind, 'truncated', `cut to ${length}: ${reader.fault?.text}`);
    }
  });
}

test('opcodes may come in any order; attributes last until the next key and no longer', () => {
  const file = rdbFile(
    hex("fc 01 00 00 00 00 00 00 00 fe 03 fa 01 'x' 01 'y' fb 00 00 f9 07 f8 40 50"),
    keyRecord(0, 'a', hex("01 'v'")),
    keyRecord(0, 'b', hex('c1 39 30')),
    hex('fd ff ff ff ff'),
    keyRecord(0, 'c', hex('c0 80')),
  );
  assert.deepEqual(readAll(file).events, [
    'db 3',
    'aux x=y',
    'resize 0 0',
    'key 3/a type=0 expire=1 idle=80 freq=7 v',
    'key 3/b type=0 #12345',
    'key 3/c type=0 expire=-1000 #-128',
  ]);
});

test('over-long lengths and integer keys are accepted', () => {
  const file = rdbFile(hex("00 40 01 'k' 81 00 00 00 00 00 00 00 01 'v'"), hex("00 c1 39 30 80 00 00 00 01 'w'"));
  assert.deepEqual(readAll(file).events, ['key 0/k type=0 v', 'key 0/12345 type=0 w']);
});

test('versions 1 to 12 are read, from 5 on with a checksum; others are refused', () => {
  for (let version = 0; version <= 14; version++) {
    const header = ascii(`REDIS${String(version).padStart(4, '0')}`);
    const trailer = version >= 5 ? hex('ff 00 00 00 00 00 00 00 00') : hex('ff');
    const { reader, state } = readAll(Buffer.concat([header, trailer]));
    if (version >= 1 && version <= 12) {
      assert.equal(state, RDB_DONE);
      assert.equal(reader.isChecksumAbsent, version >= 5);
    } else {
      assert.deepEqual(
        [reader.fault?.kind, reader.fault?.text],
        ['version', `Can't handle RDB format version ${version}`],
      );
    }
  }
});

test('a file of Redis 8 in a cluster is read: it tells the slot of the keys that follow', () => {
  const file = hex(`'REDIS0012' fa 09 'redis-ver' 05 '8.2.3' fa 0a 'redis-bits' c0 40 fa 05 'ctime' c2 f3 fc 0b 6b
    fa 08 'used-mem' c2 48 d8 26 00 fa 08 'aof-base' c0 00 fe 00 fb 02 00
    f4 5d cd 01 00 00 01 'k' 01 'v' f4 6d ae 01 00 19 01 'h' c6 57 e3 26 a2 01 00 00
    1d 1d 00 00 00 06 00 81 61 02 01 01 f4 c6 57 e3 26 a2 01 00 00 09 81 62 02 02 01 00 01 ff
    ff 4e c7 5d f5 46 22 b6 2e`);
  assert.deepEqual(readAll(file, 1), readAll(file));
  const { events, state } = readAll(file);
  assert.equal(state, RDB_DONE);
  assert.deepEqual(events.slice(-4), [
    'db 0',
    'resize 2 0',
    'key 0/k type=0 v',
    `key 0/h type=25 ${toHex(hex('c6 57 e3 26 a2 01 00 00 1d 1d 00 00 00 06 00 81 61 02 01 01 f4 c6 57 e3 26 a2 01 00 00 09 81 62 02 02 01 00 01 ff'))}`,
  ]);
});

/** As Valkey 9.1.2 has written it. */
const valkeyFile = hex(`'VALKEY080' fa 0a 'valkey-ver' 05 '9.1.2' fa 0a 'redis-bits' c0 40 fa 05 'ctime' c2 dd fd 0b 6b
  fa 08 'used-mem' c2 38 96 28 00 fa 08 'aof-base' c0 00 fe 00 fb 02 00
  fa 09 'slot-info' 0a '7629,1,0,0' 00 01 'k' 01 'v' fa 09 'slot-info' 0b '11694,1,0,1'
  16 01 'h' 02 01 'a' c0 01 00 40 94 52 a3 03 00 00 01 'b' c0 02 ff ff ff ff ff ff ff ff
  ff 49 d0 1d 77 91 ac c1 6a`);

test('a file of Valkey 9 is read, with times of hash fields', () => {
  const { events, state } = readAll(valkeyFile);
  assert.equal(state, RDB_DONE);
  assert.deepEqual(events.slice(-6), [
    'db 0',
    'resize 2 0',
    'aux slot-info=7629,1,0,0',
    'key 0/k type=0 v',
    'aux slot-info=11694,1,0,1',
    `key 0/h type=22 ${toHex(hex("02 01 'a' c0 01 00 40 94 52 a3 03 00 00 01 'b' c0 02 ff ff ff ff ff ff ff ff"))}`,
  ]);
});

test('of Valkey no other version is known, and its type 22 is in no file of Redis', () => {
  const other = valkeyFile.slice();
  other[8] = 0x31;
  assert.equal(readAll(other).reader.fault?.text, "Can't handle RDB format version 81");
  const older = Buffer.concat([ascii('REDIS0012'), valkeyFile.subarray(9)]);
  assert.equal(readAll(older).reader.fault?.text, 'Unknown RDB encoding type 22');
});

test('what follows the end is left to the caller', () => {
  for (const chunkBytes of [1, 10, 300]) {
    const { reader, state } = readAll(annotated.slice(), 206);
    assert.equal(state, RDB_DONE);
    assert.equal(reader.remainder().length, 0);
    const tail = ascii('*1\r\n$4\r\nPING\r\n');
    const whole = Buffer.concat([annotated, tail]);
    const second = new RdbReader(new RecordingHandler());
    for (let at = 0; at < whole.length; at += chunkBytes)
      second.feed(whole, at, Math.min(at + chunkBytes, whole.length));
    assert.equal(second.end(), RDB_DONE);
    assert.deepEqual(Buffer.from(second.remainder()), Buffer.from(tail));
    assert.equal(second.offset, annotated.length);
  }
});

test('a wrong checksum is found, unless rdbchecksum is off', () => {
  const damaged = annotated.slice();
  damaged[30] = 0x32;
  const { reader } = readAll(damaged);
  assert.equal(reader.fault?.kind, 'checksum');
  assert.match(
    faultLogLines(reader.fault!)[0]!,
    /^Wrong RDB checksum expected: \([0-9a-f]{16}\) but got \(d139f7b8d854ee7c\)\. Aborting now\.$/,
  );
  assert.match(
    faultLogLines(reader.fault!)[1]!,
    /^Internal error in RDB reading offset 206, function at \S+ -> RDB CRC error$/,
  );
  assert.equal(readAll(damaged, 50, { checksum: false }).state, RDB_DONE);
});

test('a length that points beyond the known end is found without waiting for the bytes', () => {
  const reader = new RdbReader(new RecordingHandler(), { totalBytes: 1000 });
  const start = hex("'REDIS0010' 00 01 'k' 81 00 00 01 00 00 00 00 00 'abc'");
  assert.equal(reader.feed(start, 0, start.length), RDB_FAILED);
  assert.deepEqual(faultLogLines(reader.fault!), [
    'Short read or OOM loading DB. Unrecoverable error, aborting now.',
    'Internal error in RDB reading offset 21, function at rdb-reader:read-object-value -> Unexpected EOF reading RDB file',
  ]);
});

test('a record beyond the limit fails, also when its length is unknown', () => {
  const reader = new RdbReader(new RecordingHandler(), { recordBytesMax: 1000 });
  const start = hex("'REDIS0010' 02 01 'k' 80 00 ff ff ff");
  reader.feed(start, 0, start.length);
  let state = RDB_MORE;
  let fed = 0;
  for (; state === RDB_MORE && fed < 5000; fed += 5) {
    const member = Buffer.concat([hex('04'), ascii(String(fed).padStart(4, '0'))]);
    state = reader.feed(member, 0, member.length);
  }
  assert.equal(state, RDB_FAILED);
  assert.ok(fed <= 1010);
  assert.match(reader.fault!.text, /larger than the limit of 1000 bytes/);
});

test('a large collection in small chunks is not walked once per chunk', () => {
  const members = 60_000;
  const body = Buffer.concat(
    Array.from({ length: members }, (_, i) => Buffer.concat([hex('06'), ascii(String(i).padStart(6, '0'))])),
  );
  const file = rdbFile(Buffer.concat([hex("02 01 'k' 80 00 00 ea 60"), body]));
  const startMs = cpuMs();
  const { state } = readAll(file, 512);
  assert.equal(state, RDB_DONE);
  assert.ok(cpuMs() - startMs < 3000, 'linear, not quadratic');
});

/** Nodes of a stream, without entries, whose IDs have these `ms`. */
const emptyNodes = (...ms: number[]) =>
  ms.map((byte) => `10 000000000000000${byte}0000000000000000 0f 0f000000 0400 0001 0001 0001 0001 ff`).join(' ');

const FAULTS: [what: string, type: number, value: string, text: string][] = [
  ['length of the undefined form', 0, '82 61 62', 'Unknown length encoding 2 in rdbLoadLen()'],
  ['string of an undefined form', 0, 'c4 61', 'Unknown RDB string encoding type 4'],
  ['LZF that does not decode', 0, 'c3 03 1e 61 62 63', 'Invalid LZF compressed string'],
  ['LZF that claims more than LZF can hold', 0, 'c3 03 80 10 00 00 00 61 62 63', 'Invalid LZF compressed string'],
  [
    'hash listpack with a wrong total',
    16,
    '0e 0e 00 00 00 02 00 81 61 02 81 62 02 ff 00',
    'Hash listpack integrity check failed.',
  ],
  [
    'hash listpack with a wrong count',
    16,
    '0d 0d 00 00 00 04 00 81 61 02 81 62 02 ff',
    'Hash listpack integrity check failed.',
  ],
  [
    'hash listpack with a wrong back-length',
    16,
    '0d 0d 00 00 00 02 00 81 61 03 81 62 02 ff',
    'Hash listpack integrity check failed.',
  ],
  ['hash listpack with an odd count', 16, '0a 0a 00 00 00 01 00 81 61 02 ff', 'Hash listpack integrity check failed.'],
  [
    'hash listpack with a field twice',
    16,
    '13 13 00 00 00 04 00 81 61 02 81 62 02 81 61 02 81 62 02 ff',
    'Hash listpack integrity check failed.',
  ],
  ['zset listpack with an odd count', 17, '0a 0a 00 00 00 01 00 81 61 02 ff', 'Zset listpack integrity check failed.'],
  [
    'set listpack with a member twice, as number and as text',
    20,
    '0c 0c 00 00 00 02 00 01 01 81 31 02 ff',
    'Set listpack integrity check failed.',
  ],
  ['quicklist with an unknown container', 18, '01 03 01 61', 'Quicklist integrity check failed.'],
  ['quicklist with a broken node', 18, '01 02 03 61 62 63', 'Listpack integrity check failed.'],
  ['quicklist of the first form with a broken node', 14, '01 03 61 62 63', 'Ziplist integrity check failed.'],
  ['list ziplist', 10, '03 61 62 63', 'List ziplist integrity check failed.'],
  ['zset ziplist', 12, '03 61 62 63', 'Zset ziplist integrity check failed.'],
  ['hash ziplist', 13, '03 61 62 63', 'Hash ziplist integrity check failed.'],
  ['zipmap', 9, '03 61 62 63', 'Zipmap integrity check failed.'],
  ['empty zipmap', 9, '02 00 ff', 'Zipmap integrity check failed.'],
  ['intset without members', 11, '08 02 00 00 00 00 00 00 00', 'Intset integrity check failed.'],
  ['intset out of order', 11, '0c 02 00 00 00 02 00 00 00 02 00 01 00', 'Intset integrity check failed.'],
  ['intset with a member twice', 11, '0c 02 00 00 00 02 00 00 00 01 00 01 00', 'Intset integrity check failed.'],
  ['set with a member twice', 2, '02 01 61 01 61', 'Duplicate set members detected'],
  ['set with a member twice, as number and as text', 2, '02 c0 05 01 35', 'Duplicate set members detected'],
  ['hash with a field twice', 4, '02 01 61 01 62 01 61 01 63', 'Hash with dup elements'],
  ['zset with a member twice', 5, '02 01 61 0000000000000000 01 61 0000000000000000', 'Duplicate zset fields detected'],
  ['zset with NaN', 5, '01 01 61 000000000000f87f', 'Zset with NAN score detected'],
  ['zset with NaN as text', 3, '01 01 61 fd', 'Zset with NAN score detected'],
  ['module value of the first form', 6, '05 61', 'Pre-release module format not supported'],
  [
    'stream node with a short key',
    15,
    '01 0f 000000000000000000000000000000 03 61 62 63',
    'Stream node key entry is not the size of a stream ID',
  ],
  [
    'stream with a broken node',
    15,
    '01 10 00000000000000000000000000000000 03 61 62 63',
    'Stream listpack integrity check failed.',
  ],
  ['stream with a node twice', 15, `02 ${emptyNodes(5, 5)}`, 'Listpack re-added with existing key'],
  ['stream with a node twice, not in order', 15, `04 ${emptyNodes(5, 3, 9, 5)}`, 'Listpack re-added with existing key'],
  [
    'stream with a short key behind nodes that are not in order',
    15,
    `05 ${emptyNodes(5, 3, 9, 1)} 01 61`,
    'Stream node key entry is not the size of a stream ID',
  ],
  [
    'stream with length but no nodes',
    19,
    '00 05 00 00 00 00 00 00 00 00 00',
    'Stream length inconsistent with rax entries',
  ],
  [
    'stream with a group twice',
    15,
    '00 00 00 00 02 01 67 00 00 00 00 01 67 00 00 00 00',
    'Duplicated consumer group name g',
  ],
  [
    'stream with a consumer twice',
    15,
    '00 00 00 00 01 01 67 00 00 00 02 01 63 0000000000000000 00 01 63 0000000000000000 00',
    'Duplicate stream consumer detected.',
  ],
  [
    'stream with a pending entry nobody has',
    15,
    '00 00 00 00 01 01 67 00 00 01 00000000000000010000000000000001 0000000000000000 01 00',
    'Stream CG PEL entry without consumer',
  ],
  [
    'stream with a consumer whose entry is not pending',
    15,
    '00 00 00 00 01 01 67 00 00 00 01 01 63 0000000000000000 01 00000000000000010000000000000001',
    'Consumer entry not found in group global PEL',
  ],
];

for (const [what, type, value, text] of FAULTS) {
  test(`refused with the words of Redis: ${what}`, () => {
    const { reader } = readAll(rdbFile(keyRecord(type, 'key', hex(value))), 4);
    assert.deepEqual([reader.fault?.kind, reader.fault?.text, reader.fault?.key], ['corrupt', text, 'key']);
  });
}

test('type ids and opcodes that do not exist are refused', () => {
  for (const id of [8, 22, 100, 23, 243]) {
    const { reader } = readAll(rdbFile(hex(`${id.toString(16).padStart(2, '0')} 01 6b 00`)));
    assert.deepEqual([reader.fault?.kind, reader.fault?.text], ['unknown-type', `Unknown RDB encoding type ${id}`]);
  }
});

test('collections without elements are marked as empty', () => {
  const empties: [number, string][] = [
    [1, '00'],
    [2, '00'],
    [4, '00'],
    [5, '00'],
    [10, '0b 0b 00 00 00 0a 00 00 00 00 00 ff'],
    [14, '00'],
    [16, '07 07 00 00 00 00 00 ff'],
    [18, '00'],
    [18, '01 02 07 07 00 00 00 00 00 ff'],
    [20, '07 07 00 00 00 00 00 ff'],
  ];
  for (const [type, value] of empties) {
    const { events } = readAll(rdbFile(keyRecord(type, 'k', hex(value))));
    assert.match(events[0]!, /^key 0\/k type=\d+ empty /);
  }
});

test('values of unknown modules stop a load and can be skipped by a checker', () => {
  const example = VALUE_EXAMPLES.find(({ type }) => type === 7)!;
  const file = rdbFile(keyRecord(7, 'k', example.bytes));
  assert.equal(
    readAll(file, 3, { modules: 'refuse' }).reader.fault?.text,
    "The RDB file contains module data I can't load: no matching module type 'EhISEhISE'",
  );
  assert.equal(readAll(file, 3, { modules: 'skip' }).state, RDB_DONE);
  const withAux = rdbFile(hex('f7 81 12 12 12 12 12 12 12 12 02 01 01 05 00'));
  for (const chunkBytes of [1, 100]) assert.deepEqual(readAll(withAux, chunkBytes).events, ['module-aux EhISEhISE']);
});
