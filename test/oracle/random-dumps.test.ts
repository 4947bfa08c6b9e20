/**
 * DUMP of packed values beside the server nearest to 7.2 that is to be had: the same bytes, whatever way a value came about. So nodes of lists and streams
 * are split, filled and joined at the same elements, and texts that are numbers are packed as numbers. Without compression, as LZF leaves the
 * writer free; the version of the payload and the checksum are not compared.
 */
import { RdbType } from '../../src/persistence/rdb/opcodes.js';
import { fc } from '../support/property.js';
import { type Comparison, exact, lengthOnly } from './comparisons.js';
import { type ComparisonOf, type Line, staysEqual } from './random-sequences.js';

/** Version and checksum. */
const FOOTER_BYTES = 10;
/** Not longer than a node of any size tried here: longer ones lie apart since Valkey 8. */
const TEXT_BYTES_MAX = 3800;

const key = fc.constantFrom('a', 'b');
const text = (longest: number) =>
  fc.tuple(fc.constantFrom('w', 'x', '1', '-'), fc.integer({ min: 0, max: longest })).map(([c, n]) => c.repeat(n));
const number = fc.oneof(fc.integer({ min: -9000, max: 9000 }), fc.integer(), fc.maxSafeInteger());
const element = fc.oneof(
  { weight: 4, arbitrary: number.map(String) },
  { weight: 4, arbitrary: text(20) },
  { weight: 3, arbitrary: text(300) },
  { weight: 1, arbitrary: text(TEXT_BYTES_MAX) },
);
const elements = fc.array(element, { minLength: 1, maxLength: 30, size: 'max' });
const index = fc.integer({ min: -40, max: 40 }).map(String);
const end = fc.constantFrom('LEFT', 'RIGHT');

type Words = fc.Arbitrary<readonly string[]>;

/** Each change is followed by a DUMP. */
const dumped = (command: Words) =>
  fc.tuple(command, key).map(([words, k]): Line => [words, ['DUMP', k], ['OBJECT', 'ENCODING', k]]);

const list: Words = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constantFrom('LPUSH', 'RPUSH'), key, elements).map(([name, k, all]) => [name, k, ...all]),
  },
  fc.tuple(fc.constantFrom('LPOP', 'RPOP'), key, fc.integer({ min: 1, max: 9 }).map(String)).map((args) => [...args]),
  { weight: 2, arbitrary: fc.tuple(fc.constant('LSET'), key, index, element).map((args) => [...args]) },
  fc
    .tuple(key, fc.integer({ min: 0, max: 4 }), fc.integer({ min: -4, max: -1 }))
    .map(([k, from, to]) => ['LTRIM', k, String(from), String(to)]),
  fc.tuple(fc.constant('LREM'), key, fc.integer({ min: -3, max: 3 }).map(String), element).map((args) => [...args]),
  fc
    .tuple(
      fc.constant('LINSERT'),
      key,
      fc.constantFrom('BEFORE', 'AFTER'),
      fc.integer({ min: -9, max: 9 }).map(String),
      element,
    )
    .map((args) => [...args]),
  fc.tuple(fc.constant('LMOVE'), key, key, end, end).map((args) => [...args]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
);

const small = fc.oneof(
  { weight: 4, arbitrary: number.map(String) },
  { weight: 4, arbitrary: text(20) },
  { weight: 1, arbitrary: text(64) },
);
const member = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', '1', '2', '300', '-70000', '5000000000', '007', '') },
  { weight: 1, arbitrary: small },
);
const members = fc.array(member, { minLength: 1, maxLength: 5 });

const hash: Words = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.array(fc.tuple(member, small), { minLength: 1, maxLength: 4 }))
      .map(([k, pairs]) => ['HSET', k, ...pairs.flat()]),
  },
  fc
    .tuple(fc.constantFrom('HINCRBY', 'HINCRBYFLOAT'), key, member, fc.integer({ min: -300, max: 300 }).map(String))
    .map((args) => [...args]),
  fc.tuple(key, members).map(([k, all]) => ['HDEL', k, ...all]),
);

/** Sets of numbers only: packed texts are written as a table for older readers. */
const set: Words = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.array(number.map(String), { minLength: 1, maxLength: 4 }))
      .map(([k, all]) => ['SADD', k, ...all]),
  },
  fc.tuple(key, members).map(([k, all]) => ['SREM', k, ...all]),
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('SUNIONSTORE', 'SINTERSTORE', 'SDIFFSTORE'), key, key, key)
      .map((args) => [...args]),
  },
  key.map((k) => ['DEL', k]),
);

const score = fc.oneof(number.map(String), fc.constantFrom('1.5', '-0', 'inf', '-inf', '3.0', '1e30', '0.1', '-2.25'));
const sortedSet: Words = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 4 }))
      .map(([k, pairs]) => ['ZADD', k, ...pairs.flat()]),
  },
  fc.tuple(fc.constant('ZINCRBY'), key, fc.constantFrom('1', '-2.5', '1000'), member).map((args) => [...args]),
  fc.tuple(key, members).map(([k, all]) => ['ZREM', k, ...all]),
  fc
    .tuple(fc.constant('ZREMRANGEBYRANK'), key, fc.constantFrom('0', '3', '-1'), fc.constantFrom('0', '4', '-1'))
    .map((args) => [...args]),
  key.map((k) => ['ZPOPMIN', k]),
);

const pairs = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(small, small).map(([a, b]) => ['field', a, 'other', b]) },
  fc.array(fc.tuple(small, element), { minLength: 1, maxLength: 3 }).map((all) => all.flat()),
);
const id = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 3 }))
  .map(([ms, seq]) => `${ms}-${seq}`);
const stream: Words = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(key, id, pairs).map(([k, at, all]) => ['XADD', k, at, ...all]) },
  { weight: 6, arbitrary: fc.tuple(key, pairs).map(([k, all]) => ['XADD', k, '200-*', ...all]) },
  fc.tuple(fc.constant('XDEL'), key, id, id).map((args) => [...args]),
  fc
    .tuple(key, fc.constantFrom('=', '~'), fc.integer({ min: 0, max: 30 }))
    .map(([k, how, n]) => ['XTRIM', k, 'MAXLEN', how, String(n)]),
  fc.tuple(key, fc.constantFrom('=', '~'), id).map(([k, how, at]) => ['XTRIM', k, 'MINID', how, at]),
);

/** Types whose elements may come in any order. */
const TABLES: readonly number[] = [RdbType.SET, RdbType.HASH, RdbType.ZSET_2];

/** Without the footer; a stream without groups is the same in the two newest forms but for the type's number. */
function bodyOf(raw: Buffer): Buffer {
  const start = raw.indexOf('\r\n') + 2;
  const body = Buffer.from(raw.subarray(start, Math.max(start, raw.length - 2 - FOOTER_BYTES)));
  if (body[0] === RdbType.STREAM_3) body[0] = RdbType.STREAM_2;
  return body;
}

const payloads: Comparison = (oracle, subject) => {
  const [left, right] = [bodyOf(oracle), bodyOf(subject)];
  if (left[0] === right[0] && TABLES.includes(left[0]!)) return lengthOnly(oracle, subject);
  return exact(left, right);
};

const comparisonOf: ComparisonOf = ([name]) => (name === 'DUMP' ? payloads : exact);

function sameBytes(name: string, command: Words, config: Record<string, string> = {}): void {
  staysEqual(name, dumped(command), { rdbcompression: 'no', ...config }, comparisonOf, 'valkey-8');
}

for (const size of ['-2', '-1', '5', '9000']) {
  sameBytes(`list (nodes of ${size}, dumped)`, list, { 'list-max-listpack-size': size });
}
sameBytes('hash (dumped)', hash, { 'hash-max-listpack-entries': '9' });
sameBytes('set (dumped)', set, { 'set-max-listpack-entries': '0', 'set-max-intset-entries': '9' });
sameBytes('sorted set (dumped)', sortedSet, { 'zset-max-listpack-entries': '9' });
sameBytes('stream (dumped)', stream, { 'stream-node-max-entries': '7', 'stream-node-max-bytes': '600' });

const textSet: Words = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(key, members).map(([k, all]) => ['SADD', k, ...all]) },
  fc.tuple(key, members).map(([k, all]) => ['SREM', k, ...all]),
  fc.tuple(fc.constant('SMOVE'), key, key, member).map((args) => [...args]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
  key.map((k) => ['DEL', k]),
);
staysEqual(
  'set (encodings)',
  fc.tuple(textSet, key).map(([words, k]): Line => [words, ['OBJECT', 'ENCODING', k], ['SCARD', k]]),
  { 'set-max-listpack-entries': '6', 'set-max-intset-entries': '4' },
  () => exact,
  'valkey-8',
);
