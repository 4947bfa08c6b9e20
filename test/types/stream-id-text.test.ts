/** Stream IDs as text against a model in bigints. What is accepted is what redis-server accepts (spec server.md section 24, rule 1; test/oracle). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamId } from '../../src/memory/stream-id.js';
import {
  ID_INVALID,
  ID_WHOLE,
  ID_WITH_ANY_SEQ,
  ID_WITHOUT_SEQ,
  parseStreamId,
  streamIdText,
} from '../../src/types/stream-id-text.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const UINT64 = 2n ** 64n;

function read(text: string): { form: number; id: string } {
  const bytes = Buffer.from(`<${text}>`, 'latin1');
  const id = new StreamId();
  const form = parseStreamId(bytes, 1, bytes.length - 2, id);
  return { form, id: form === ID_INVALID ? '' : streamIdText(id) };
}

function numberOf(text: string): bigint | null {
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text);
  if (match === null || BigInt(match[2]!) >= UINT64) return null;
  // A negative number that is an int64 in its canonical form is refused; whatever else has a minus counts modulo 2^64.
  if (/^-[1-9]\d*$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return null;
  return BigInt.asUintN(64, BigInt(match[2]!) * (match[1] === '-' ? -1n : 1n));
}

function expected(text: string): { form: number; id: string } {
  const minusAt = text.indexOf('-');
  const ms = numberOf(minusAt < 0 ? text : text.slice(0, minusAt));
  const rest = text.slice(minusAt + 1);
  const seq = minusAt < 0 || rest === '*' ? 0n : numberOf(rest);
  if (ms === null || seq === null) return { form: ID_INVALID, id: '' };
  const form = minusAt < 0 ? ID_WITHOUT_SEQ : rest === '*' ? ID_WITH_ANY_SEQ : ID_WHOLE;
  return { form, id: `${ms}-${seq}` };
}

test('IDs of all lengths are read as the model reads them', () => {
  const numbers = ['', '0', '7', '00', '012', '-0', '+5', ' 9', '1x', '*', '/', ':', '1 ', '-'];
  for (let digits = 1; digits <= 21; digits++) numbers.push('9'.repeat(digits), `1${'0'.repeat(digits - 1)}`);
  numbers.push(`${2n ** 32n}`, `${2n ** 53n}`, `${2n ** 63n - 1n}`, `${2n ** 63n}`, `${UINT64 - 1n}`, `${UINT64}`);
  for (const ms of numbers) {
    assert.deepEqual(read(ms), expected(ms), ms);
    for (const seq of numbers) assert.deepEqual(read(`${ms}-${seq}`), expected(`${ms}-${seq}`), `${ms}-${seq}`);
  }
});

test('random texts are read as the model reads them', () => {
  const seed = fuzzSeed();
  const random = new Random(seed);
  replayable(seed, () => {
    for (let i = fuzzIterations(20_000); i > 0; i--) {
      const text = Array.from({ length: random.below(24) }, () => '0123456789-* +a'[random.below(15)]).join('');
      assert.deepEqual(read(text), expected(text), text);
    }
  });
});
