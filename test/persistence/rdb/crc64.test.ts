/** CRC-64 as RDB and DUMP have it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crc64 } from '../../../src/persistence/rdb/crc64.js';
import { Random } from '../../support/fuzz.js';
import { ascii, hex, toHex } from '../support.js';

function crcOf(bytes: Uint8Array): Crc64 {
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  return crc;
}

test('CRC-64 gives the check values of the format', () => {
  const table: [Uint8Array, string][] = [
    [ascii(''), '0000000000000000'],
    [ascii('a'), '5fb354025b277b14'],
    [ascii('123456789'), 'e9c6d914c4b8d9ca'],
    [Uint8Array.from({ length: 256 }, (_, i) => i), '88bfa574e806500e'],
    [hex("'REDIS0010' ff"), 'eb7ea789fe37fda9'],
  ];
  for (const [input, expected] of table) assert.equal(crcOf(input).toString(), expected);
});

test('CRC-64 is stored little-endian and compared as stored', () => {
  const crc = crcOf(ascii('123456789'));
  const stored = new Uint8Array(8);
  crc.store(stored, 0);
  assert.equal(toHex(stored), 'cad9b8c414d9c6e9');
  assert.equal(crc.matches(stored, 0), true);
  for (let i = 0; i < 8; i++) {
    const damaged = Uint8Array.from(stored);
    damaged[i]! ^= 1;
    assert.equal(crc.matches(damaged, 0), false);
  }
});

test('CRC-64 over pieces of any size and place equals the CRC of the whole', () => {
  const bytes = new Random(7).bytes(200);
  const whole = crcOf(bytes).toString();
  for (let step = 1; step < 40; step++) {
    const crc = new Crc64();
    for (let at = 0; at < bytes.length; at += step) crc.update(bytes, at, Math.min(at + step, bytes.length));
    assert.equal(crc.toString(), whole, `pieces of ${step}`);
  }
});
