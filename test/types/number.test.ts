/** Integers and expiry times as commands read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryTime, OUT_OF_RANGE, positiveExpiryTime } from '../../src/types/expiry-time.js';
import { isInt64Text, parseInt64, parseRoundedInt64, parseSafeInteger } from '../../src/types/number.js';
import { fc } from '../support/property.js';

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const parse = (text: string) => parseInt64(bytesOf(text), 0, text.length);

/** The rule of spec server.md section 20.1, word for word. */
function reference(text: string): bigint | null {
  if (!/^(0|-?[1-9]\d*)$/.test(text) || text.length > 20) return null;
  const value = BigInt(text);
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : null;
}

const nearlyInteger = fc.oneof(
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.maxSafeInteger().map(String),
  fc.string({ unit: fc.constantFrom('0', '1', '9', '-', '+', ' ', 'a'), maxLength: 21 }),
  fc.constantFrom('9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'),
  fc.constantFrom('9007199254740991', '9007199254740992', '-9007199254740992', '00', '-0', '01', ''),
);

test('integers are read by the strict rule', () => {
  fc.assert(
    fc.property(nearlyInteger, (text) => {
      const expected = reference(text);
      assert.equal(parse(text), expected);
      const bytes = bytesOf(`x${text}x`);
      assert.equal(isInt64Text(bytes, 1, text.length), expected !== null);
      const isSafe = expected !== null && Number.isSafeInteger(Number(expected));
      assert.equal(parseSafeInteger(bytes, 1, text.length), isSafe ? Number(expected) : Number.NaN);
      assert.equal(parseRoundedInt64(bytes, 1, text.length), expected === null ? Number.NaN : Number(expected));
    }),
    { numRuns: 2000 },
  );
});

const NOW_MS = 1_700_000_000_000;
const expiry = (text: string, unitMs: number, baseMs: number) =>
  expiryTime(bytesOf(text), 0, text.length, unitMs, baseMs);

test('expiry times are absolute milliseconds, refused where Redis would overflow', () => {
  assert.equal(expiry('10', 1000, NOW_MS), NOW_MS + 10_000);
  assert.equal(expiry('-10', 1, NOW_MS), NOW_MS - 10);
  assert.equal(expiry('1x', 1, NOW_MS), Number.NaN);
  assert.equal(expiry('9223372036854775', 1000, 0), Number.MAX_SAFE_INTEGER);
  assert.equal(expiry('9223372036854776', 1000, 0), OUT_OF_RANGE);
  assert.equal(expiry('9223372036854775', 1000, NOW_MS), OUT_OF_RANGE);
  assert.equal(expiry('9223372036854775807', 1, 0), Number.MAX_SAFE_INTEGER);
  assert.equal(expiry('9223372036854775807', 1, NOW_MS), OUT_OF_RANGE);
  assert.equal(expiry('-9223372036854775808', 1, NOW_MS), Number.MIN_SAFE_INTEGER);
  assert.equal(expiry('-9223372036854775808', 1000, NOW_MS), OUT_OF_RANGE);
});

test('SET and the like refuse times that are not positive', () => {
  const positive = (text: string, baseMs: number) => positiveExpiryTime(bytesOf(text), 0, text.length, 1, baseMs);
  assert.equal(positive('0', NOW_MS), OUT_OF_RANGE);
  assert.equal(positive('-1', NOW_MS), OUT_OF_RANGE);
  assert.equal(positive('-1', 0), OUT_OF_RANGE);
  assert.equal(positive('1', 0), 1);
  assert.equal(positive('1', NOW_MS), NOW_MS + 1);
  assert.equal(positive('a', 0), Number.NaN);
});
