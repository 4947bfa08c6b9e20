/** The payload of DUMP and RESTORE: footer, versions, and what is bad data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createDumpWriter,
  openDumpPayload,
  sealDumpPayload,
  verifyDumpPayload,
} from '../../src/persistence/dump-payload.js';
import { RdbRecord } from '../../src/persistence/rdb/rdb-reader.js';
import { hex, toHex } from './support.js';

function sealed(body: Uint8Array): Uint8Array {
  const writer = createDumpWriter(true);
  writer.bytesRange(body, 0, body.length);
  sealDumpPayload(writer);
  return writer.bytes.slice(0, writer.length);
}

const open = (payload: Uint8Array, record = new RdbRecord()) => openDumpPayload(payload, 0, payload.length, record);

test('a payload ends with version 10 and the checksum of everything before it', () => {
  assert.equal(toHex(sealed(hex("00 01 'v'"))), toHex(hex('00 01 76 0a 00 91 08 ce b2 19 38 8a ce')));
  assert.equal(toHex(sealed(hex(''))), toHex(hex('0a 00 5d 9b 5c 40 0f 7f a2 da')));
});

test('payloads of versions up to 11 are accepted, with their checksum only', () => {
  const version11 = hex('00 01 76 0b 00 f8 d7 73 c1 e4 a7 63 47');
  assert.equal(verifyDumpPayload(version11, 0, version11.length), 3);
  for (let at = 0; at < version11.length; at++) {
    const damaged = version11.slice();
    damaged[at]! ^= 0x10;
    assert.equal(open(damaged), 'DUMP payload version or checksum are wrong', `byte ${at}`);
  }
  assert.equal(open(hex('00 01 76')), 'DUMP payload version or checksum are wrong');
  const noChecksum = hex('00 01 76 0a 00 00 00 00 00 00 00 00 00');
  assert.equal(open(noChecksum), 'DUMP payload version or checksum are wrong');
});

test('a payload of Valkey 9 is accepted', () => {
  const valkeys = hex(
    "16 02 01 'a' c0 01 00 40 94 52 a3 03 00 00 01 'b' c0 02 ff ff ff ff ff ff ff ff 50 00 d7 c8 ef ad 4b 63 2b ce",
  );
  assert.equal(open(valkeys), null);
  assert.equal(open(hex("00 01 'v' 50 00 5e 22 07 23 87 6a ed 3a")), null);
});

test('a string payload gives its value, another type its serialised form', () => {
  const record = new RdbRecord();
  assert.equal(open(sealed(hex('00 c1 39 30')), record), null);
  assert.deepEqual([record.type, record.value.isInteger, record.value.integer], [0, true, 12345]);
  const list = hex('12 01 02 0a 0a 00 00 00 01 00 81 78 02 ff');
  assert.equal(open(sealed(list), record), null);
  assert.deepEqual([record.type, record.start, record.end], [18, 1, list.length]);
});

test('bytes between value and footer are ignored', () => {
  assert.equal(open(sealed(hex("00 01 'v' 00 01 02"))), null);
});

test('a value that reads into the footer, an unknown type, an empty collection and no value at all are bad data', () => {
  for (const body of ["00 05 'v'", '08 00', '16 00', 'ff', '02 00', '']) {
    assert.equal(open(sealed(hex(body))), 'Bad data format', body);
  }
});
