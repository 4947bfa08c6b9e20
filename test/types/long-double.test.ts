/** The arithmetic of INCRBYFLOAT: 80-bit sums, beside redis-server where it is there. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  addLongDoubles,
  formatDoubleAsLong,
  formatLongDouble,
  longDoubleOf,
  parseLongDouble,
} from '../../src/types/long-double.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';

const encoder = new TextEncoder();

function parse(text: string) {
  const bytes = encoder.encode(text);
  return parseLongDouble(bytes, 0, bytes.length);
}

/** What INCRBYFLOAT answers when the key holds `value`. */
function increment(value: string, by: string): string {
  const [a, b] = [parse(value), parse(by)];
  if (a === null || b === null) return 'ERR value is not a valid float';
  const sum = addLongDoubles(a, b);
  return sum === null ? 'ERR increment would produce NaN or Infinity' : formatLongDouble(sum);
}

test('a double has the text that its exact value has, also in the middle between two texts', () => {
  const random = new Random(fuzzSeed());
  const values = [0, -0, 1, -180, 85.05112878, 1e-17, -1e-18, 1e-300, 123456789.5, 4.9e-324];
  for (let i = 0; i < 2000; i++) {
    const odd = random.below(2 ** 24) * 2 + 1;
    values.push(
      (random.below(2 ** 31) / 2 ** 31) * 360 - 180,
      odd / 2 ** 18,
      -odd / 2 ** 18,
      odd / 2 ** 24,
      odd / 2 ** 19,
    );
  }
  for (const value of values) assert.equal(formatDoubleAsLong(value), formatLongDouble(longDoubleOf(value)));
});

test('sums are those of 80-bit arithmetic, printed with 17 decimals at most', () => {
  for (const [value, by, sum] of [
    ['0.1', '0.2', '0.3'],
    ['1.1', '2.2', '3.3'],
    ['0', '3.0e3', '3000'],
    ['0', '1e-18', '0'],
    ['0', '5.0e-17', '0.00000000000000005'],
    ['0', '1e20', '100000000000000000000'],
    ['2.1', '3.0e3', '3002.10000000000000009'],
    ['-1', '1', '0'],
    ['-0', '-0', '0'],
    ['0', '-1e-30', '0'],
    ['0x1p3', '0x.8', '8.5'],
    ['1e4000', '-1e4000', '0'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['18446744073709551617', '0', '18446744073709551616'],
  ] as const) {
    assert.equal(increment(value, by), sum, `${value} + ${by}`);
  }
});

test('what is no number is refused: empty, spaces, trailing garbage, NaN, overflow, underflow to zero', () => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '1x',
    '.',
    '-',
    '+',
    'e5',
    '1e',
    '0x',
    '0xp1',
    'nan',
    'nan(1)',
    '1e4933',
    '1e-4952',
    '1..2',
    '--1',
    '1\0',
  ])
    assert.equal(parse(text), null, JSON.stringify(text));
  assert.equal(parse('9'.repeat(5120)), null);
  assert.notEqual(parse(`0.${'9'.repeat(5117)}`), null);
  for (const text of ['1e-4950', '1e4932', '+1', '1.', '.5', '0e99999999999', 'inf', '-INFINITY', '0X1.8P-2'])
    assert.notEqual(parse(text), null, text);
});

test('an infinite summand is an error, as is an infinite sum', () => {
  assert.equal(increment('0', 'inf'), 'ERR increment would produce NaN or Infinity');
  assert.equal(increment('1e4932', '1e4932'), 'ERR increment would produce NaN or Infinity');
});

describe('redis-server computes the same', { skip: needsServers('redis') }, () => {
  test('for random pairs of numbers', async () => {
    const seed = fuzzSeed();
    const random = new Random(seed);
    const server = await ServerProcess.start({ kind: 'redis' });
    try {
      const pairs = Array.from({ length: 4000 }, () => [randomNumber(random), randomNumber(random)] as const);
      const client = await server.connect();
      const replies = await client.pipeline(
        pairs.flatMap(([value, by]) => [
          ['SET', 'k', value],
          ['INCRBYFLOAT', 'k', by],
        ]),
      );
      client.close();
      pairs.forEach(([value, by], at) => {
        const reply = replies[at * 2 + 1];
        const expected = reply instanceof Error ? reply.message : reply;
        assert.equal(increment(value, by), expected, `${value} + ${by} (repeat with SLOTMESH_FUZZ_SEED=${seed})`);
      });
    } finally {
      await server.dispose();
    }
  });
});

function randomNumber(random: Random): string {
  const digits = (count: number) => Array.from({ length: count }, () => random.below(10)).join('');
  const sign = random.pick(['', '', '-', '+']);
  switch (random.below(8)) {
    case 0:
      return `${sign}${random.below(1000)}`;
    case 1:
      return `${sign}${digits(1 + random.below(30))}`;
    case 2:
      return `${sign}${digits(1 + random.below(20))}.${digits(random.below(30))}`;
    case 3:
      return `${sign}.${digits(1 + random.below(40))}`;
    case 4:
      return `${sign}${digits(1 + random.below(5))}.${digits(random.below(5))}e${random.below(60) - 30}`;
    case 5:
      return `${sign}${digits(1 + random.below(25))}e${random.below(10000) - 5000}`;
    case 6:
      return `${sign}0x${digits(1 + random.below(18))}.${digits(random.below(5))}p${random.below(200) - 100}`;
    default:
      // Halves of a unit of the 17th decimal, where rounding is decided.
      return `${sign}${random.below(4)}.${digits(16)}${random.pick(['5', '05', '15', '25', '50000000000000001', '49999999999999999'])}`;
  }
}
