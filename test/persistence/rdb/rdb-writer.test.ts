/** The RDB writer: the forms of lengths, strings and numbers, a whole file, and chunks of any size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BulkRoom, RdbWriter } from '../../../src/persistence/rdb/rdb-writer.js';
import { Random } from '../../support/fuzz.js';
import { ascii, hex, readAll, toHex } from '../support.js';

function written(write: (writer: RdbWriter) => void, options = {}): string {
  const writer = new RdbWriter(null, options);
  write(writer);
  return toHex(writer.bytes.subarray(0, writer.length));
}

test('lengths take the shortest form', () => {
  const table: [number, string][] = [
    [0, '00'],
    [63, '3f'],
    [64, '40 40'],
    [300, '41 2c'],
    [16383, '7f ff'],
    [16384, '80 00 00 40 00'],
    [4294967295, '80 ff ff ff ff'],
    [4294967296, '81 00 00 00 01 00 00 00 00'],
  ];
  for (const [value, bytes] of table)
    assert.equal(
      written((w) => w.lengthOf(value)),
      toHex(hex(bytes)),
    );
});

test('strings become integers, LZF or raw bytes by the rules of the format', () => {
  const table: [string, string][] = [
    ['', '00'],
    ['hello', "05 'hello'"],
    ['0', 'c0 00'],
    ['-1', 'c0 ff'],
    ['127', 'c0 7f'],
    ['-128', 'c0 80'],
    ['128', 'c1 80 00'],
    ['-129', 'c1 7f ff'],
    ['32767', 'c1 ff 7f'],
    ['32768', 'c2 00 80 00 00'],
    ['-32769', 'c2 ff 7f ff ff'],
    ['2147483647', 'c2 ff ff ff 7f'],
    ['-2147483648', 'c2 00 00 00 80'],
    ['2147483648', "0a '2147483648'"],
    ['007', "03 '007'"],
    ['-0', "02 '-0'"],
    ['+1', "02 '+1'"],
    ['-', "01 '-'"],
    ['12345678901', "0b '12345678901'"],
    ['a'.repeat(20), `14 '${'a'.repeat(20)}'`],
    ['12345', 'c1 39 30'],
  ];
  for (const [text, bytes] of table) {
    assert.equal(
      written((w) => w.stringOfText(text)),
      toHex(hex(bytes)),
      text,
    );
  }
});

test('strings above 20 bytes are compressed if that saves four bytes, and not with rdbcompression no', () => {
  assert.equal(written((w) => w.stringOfText('a'.repeat(64))).slice(0, 2), 'c3');
  assert.equal(written((w) => w.stringOfText('abcdefghijklmnopqrstu')).slice(0, 2), '15');
  assert.equal(written((w) => w.stringOfText('a'.repeat(64)), { compression: false }).slice(0, 4), '4040');
});

test('numbers are little-endian and keep their sign', () => {
  assert.equal(
    written((w) => w.int64(2000000000000)),
    '00204aa9d1010000',
  );
  assert.equal(
    written((w) => w.int64(-1)),
    'ffffffffffffffff',
  );
  assert.equal(
    written((w) => w.int64(-(2 ** 40) - 5)),
    toHex(hex('fb ff ff ff ff fe ff ff')),
  );
  assert.equal(
    written((w) => w.int64(2 ** 63)),
    'ffffffffffffff7f',
  );
  assert.equal(
    written((w) => w.double(2.5)),
    '0000000000000440',
  );
  assert.equal(
    written((w) => w.double(-0)),
    '0000000000000080',
  );
});

test('the smallest file with one key is written to the byte', () => {
  const bytes = written((w) => {
    w.begin();
    w.selectDb(0);
    w.resizeDb(1, 0);
    w.key(0, ascii('k'), 0, 1);
    w.stringOfText('v');
    w.end();
  });
  assert.equal(
    bytes,
    toHex(hex('52 45 44 49 53 30 30 31 30 fe 00 fb 01 00 00 01 6b 01 76 ff bf c6 84 ba ad 6c a1 03')),
  );
});

test('without checksum the trailer is eight zero bytes', () => {
  const bytes = written(
    (w) => {
      w.begin();
      w.end();
    },
    { checksum: false },
  );
  assert.equal(bytes, toHex(hex("'REDIS0010' ff 00 00 00 00 00 00 00 00")));
});

test('the bytes do not depend on the size of the chunks, and every chunk is handed over once', () => {
  const writeAll = (writer: RdbWriter) => {
    writer.begin();
    writer.aux('redis-ver', '7.2.4');
    writer.functionLibrary(ascii("#!lua name=l\nredis.register_function('f',function() return 1 end)"));
    writer.selectDb(3);
    writer.resizeDb(1000, 1);
    for (let i = 0; i < 1000; i++) {
      if (i === 17) writer.expireAt(2000000000000);
      if (i === 18) writer.idle(70);
      if (i === 19) writer.freq(5);
      const name = ascii(`key:${i}`);
      writer.key(0, name, 0, name.length);
      const value = ascii(i % 7 === 0 ? 'z'.repeat(i) : `${i * 1000}`);
      writer.string(value, 0, value.length);
    }
    writer.end();
  };
  const whole = new RdbWriter(null);
  writeAll(whole);
  const expected = whole.bytes.slice(0, whole.length);
  for (const chunkBytes of [64, 65, 100, 4096, 1 << 20]) {
    const pieces: Uint8Array[] = [];
    const writer: RdbWriter = new RdbWriter(
      (chunk, length) => {
        pieces.push(chunk.slice(0, length));
        chunk.fill(0xee);
        writer.recycle(chunk);
      },
      { chunkBytes },
    );
    writeAll(writer);
    assert.deepEqual(Buffer.concat(pieces), Buffer.from(expected), `chunks of ${chunkBytes}`);
    assert.equal(writer.totalBytes, expected.length);
  }
  const { reader, events } = readAll(expected);
  assert.equal(reader.fault, null);
  assert.equal(events.filter((event) => event.startsWith('key ')).length, 1000);
  assert.ok(events.includes('key 3/key:17 type=0 expire=2000000000000 #17000'));
  assert.ok(events.includes('key 3/key:18 type=0 idle=70 #18000'));
  assert.ok(events.includes('key 3/key:19 type=0 freq=5 #19000'));
});

test('a payload is the same in a room of somebody else, however that grows, and whatever was expected of its length', () => {
  const random = new Random(1);
  const values = Array.from({ length: 600 }, (_, i) => {
    const length = i % 100 === 99 ? 60_000 + random.below(10_000) : random.below(i < 200 ? 100 : 20_000);
    const letters = 1 + random.below(i % 3 === 0 ? 256 : 3);
    return Uint8Array.from({ length }, (_, at) => (at < length / 2 ? random.below(letters) : 0));
  });
  const writeAll = (writer: RdbWriter): void => {
    for (const [i, value] of values.entries()) {
      if (i === 100) writer.reserveRest(0, 10, 11);
      if (i === 200) writer.reserveRest(0, 1, 1e9);
      if (i === 300) writer.reserveRest(0, 300, 500);
      writer.lengthOf(i);
      writer.string(value, 0, value.length);
    }
    writer.appendChecksum();
  };
  for (const compression of [true, false]) {
    const writer = new RdbWriter(null, { compression });
    writeAll(writer);
    const expected = Buffer.from(writer.bytes.slice(0, writer.length));
    let room = new Uint8Array(0);
    const growing: BulkRoom = {
      bulkRoom(byteCount, kept) {
        const grown = new Uint8Array(byteCount);
        grown.set(room.subarray(0, kept));
        room.fill(0xee);
        room = grown;
        return grown;
      },
      takeAside: (byteCount) => new Uint8Array(byteCount + 7),
      giveAside: (bytes) => bytes.fill(0xee),
    };
    for (let round = 0; round < 2; round++) {
      writer.reset(growing);
      writeAll(writer);
      writer.flush();
      assert.ok(expected.equals(room.subarray(0, writer.totalBytes)));
    }
    writer.reset();
    writeAll(writer);
    assert.ok(expected.equals(writer.bytes.subarray(0, writer.length)));
  }
});

test('a type that the version does not know cannot be written', () => {
  assert.throws(() => written((w) => w.type(20)));
  assert.equal(
    written((w) => w.type(20), { version: 11 }),
    '14',
  );
  assert.equal(
    written((w) => w.begin(), { version: 11 }),
    toHex(ascii('REDIS0011')),
  );
});
