/** Replies on the client side: every type of RESP2 and RESP3, in any pieces, within limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ReadResult,
  type Reply,
  ReplyError,
  ReplyReader,
  type ReplyReaderOptions,
} from '../../src/resp/reply-reader.js';
import { fc } from '../support/property.js';

/** Everything the reader makes of the bytes, fed in the given pieces. */
function readAll(pieces: Iterable<Uint8Array>, options: ReplyReaderOptions = {}): ReadResult[] {
  const reader = new ReplyReader(options);
  const results: ReadResult[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let result = reader.next(); result !== null; result = reader.next()) {
      results.push(result);
      if (result.kind === 'malformed') return results;
    }
  }
  return results;
}

const read = (text: string, options?: ReplyReaderOptions) => readAll([Buffer.from(text, 'latin1')], options);

function replyOf(text: string): Reply {
  const results = read(text);
  assert.equal(results.length, 1, `${JSON.stringify(text)} is one value`);
  assert.equal(results[0]!.kind, 'reply');
  return (results[0] as { value: Reply }).value;
}

function malformed(text: string, options?: ReplyReaderOptions): { code: string; byteOffset: number } {
  const last = read(text, options).at(-1);
  assert.ok(last?.kind === 'malformed', `${JSON.stringify(text)} is malformed`);
  return { code: last.code, byteOffset: last.byteOffset };
}

const values: [bytes: string, value: Reply][] = [
  ['+OK\r\n', 'OK'],
  ['+\r\n', ''],
  ['+a\rb\nc\r\n', 'a\rb\nc'],
  [':0\r\n', 0],
  [':-42\r\n', -42],
  [':+7\r\n', 7],
  [':9223372036854775807\r\n', 9223372036854775807n],
  ['$5\r\nhello\r\n', 'hello'],
  ['$0\r\n\r\n', ''],
  ['$4\r\na\r\nb\r\n', 'a\r\nb'],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['*0\r\n', []],
  ['*2\r\n:1\r\n*1\r\n$1\r\na\r\n', [1, ['a']]],
  ['_\r\n', null],
  ['#t\r\n', true],
  ['#f\r\n', false],
  [',3.25\r\n', 3.25],
  [',-1e-7\r\n', -1e-7],
  [',inf\r\n', Number.POSITIVE_INFINITY],
  [',-inf\r\n', Number.NEGATIVE_INFINITY],
  [',nan\r\n', Number.NaN],
  ['(1234567999999999999999999999999999999\r\n', 1234567999999999999999999999999999999n],
  ['=8\r\ntxt:some\r\n', 'some'],
  [
    '%2\r\n+a\r\n:1\r\n+b\r\n_\r\n',
    new Map<Reply, Reply>([
      ['a', 1],
      ['b', null],
    ]),
  ],
  ['%0\r\n', new Map()],
  ['~2\r\n:1\r\n:2\r\n', new Set([1, 2])],
  ['~0\r\n', new Set()],
  ['|1\r\n+ttl\r\n:3\r\n+value\r\n', 'value'],
  ['|0\r\n+value\r\n', 'value'],
  ['*2\r\n:1\r\n|1\r\n+a\r\n*0\r\n:2\r\n', [1, 2]],
];

test('every RESP2 and RESP3 type is decoded, whole and byte by byte', () => {
  for (const [bytes, value] of values) {
    assert.deepEqual(replyOf(bytes), value, JSON.stringify(bytes));
    const split = readAll(Array.from(bytes, (char) => Buffer.from(char, 'latin1')));
    assert.deepEqual(split, [{ kind: 'reply', value, raw: null }], JSON.stringify(bytes));
  }
});

test('an error reply is a value with its code', () => {
  const error = replyOf('-WRONGTYPE Operation against a key\r\n');
  assert.ok(error instanceof ReplyError);
  assert.equal(error.code, 'WRONGTYPE');
  assert.equal(error.message, 'WRONGTYPE Operation against a key');
  const bulkError = replyOf('!11\r\nMOVED 1 a:2\r\n');
  assert.ok(bulkError instanceof ReplyError && bulkError.code === 'MOVED');
  const odd = replyOf('-something odd\r\n');
  assert.ok(odd instanceof ReplyError && odd.code === 'ERR');
  const inside = replyOf('*2\r\n+OK\r\n-ERR no\r\n') as Reply[];
  assert.ok(inside[1] instanceof ReplyError);
});

test('bulk strings are bytes on request, binary-safe and owned by the caller', () => {
  const reader = new ReplyReader({ bulk: 'bytes' });
  reader.feed(Buffer.from('$3\r\n\x00\xff\r\r\n', 'latin1'));
  const first = reader.next();
  reader.feed(Buffer.from('$3\r\nabc\r\n'));
  reader.next();
  assert.deepEqual(first, { kind: 'reply', value: Buffer.from([0, 255, 13]), raw: null });
});

test('push messages are told apart from replies', () => {
  const results = read('>2\r\n+invalidate\r\n*1\r\n+k\r\n:5\r\n', { keepRaw: true });
  assert.deepEqual(results, [
    { kind: 'push', value: ['invalidate', ['k']], raw: Buffer.from('>2\r\n+invalidate\r\n*1\r\n+k\r\n') },
    { kind: 'reply', value: 5, raw: Buffer.from(':5\r\n') },
  ]);
});

test('raw bytes are kept exactly, across any split', () => {
  const texts = values.map(([bytes]) => bytes);
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...texts), { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 50 })),
      (chosen, sizes) => {
        const results = readAll(pieces(Buffer.from(chosen.join(''), 'latin1'), sizes), { keepRaw: true });
        assert.deepEqual(
          results.map((result) => (result.kind === 'malformed' ? result.code : result.raw!.toString('latin1'))),
          chosen,
        );
      },
    ),
  );
});

test('wrong bytes give a code and a position, never an exception', () => {
  assert.deepEqual(malformed('+OK\r\n?\r\n'), { code: 'unknown-type', byteOffset: 5 });
  assert.deepEqual(malformed('$x\r\n'), { code: 'bad-length', byteOffset: 0 });
  assert.deepEqual(malformed('$-2\r\n'), { code: 'bad-length', byteOffset: 0 });
  assert.deepEqual(malformed('*1\r\n$3\r\nabcde\r\n'), { code: 'missing-crlf', byteOffset: 8 });
  assert.deepEqual(malformed(':1x\r\n'), { code: 'bad-number', byteOffset: 0 });
  assert.deepEqual(malformed('#y\r\n'), { code: 'bad-boolean', byteOffset: 0 });
  assert.deepEqual(malformed('=3\r\ntxt\r\n'), { code: 'bad-verbatim', byteOffset: 4 });
  assert.deepEqual(malformed('*1\r\n>1\r\n:1\r\n'), { code: 'misplaced-push', byteOffset: 4 });
  assert.deepEqual(malformed('%-1\r\n'), { code: 'bad-length', byteOffset: 0 });
  assert.equal(malformed('*1\r\n'.repeat(100)).code, 'too-deep');
});

test('what a peer announces is checked against the limit before anything is kept for it', () => {
  assert.equal(malformed('$1025\r\n', { maxReplyBytes: 1024 }).code, 'too-large');
  assert.equal(malformed('*1000000\r\n', { maxReplyBytes: 1024 }).code, 'too-large');
  assert.equal(malformed(`+${'x'.repeat(2000)}`, { maxReplyBytes: 1024 }).code, 'too-large');
  assert.equal(malformed(`:${'1'.repeat(5000)}`).code, 'bad-length');
  assert.equal(malformed(`*300\r\n${'+abc\r\n'.repeat(299)}+`, { maxReplyBytes: 1024 }).code, 'too-large');
  assert.deepEqual(read(`$1000\r\n${'x'.repeat(1000)}\r\n`, { maxReplyBytes: 1024 }).length, 1);
});

test('after wrong bytes the reader stays malformed', () => {
  const reader = new ReplyReader();
  reader.feed(Buffer.from('?'));
  const first = reader.next();
  reader.feed(Buffer.from('+OK\r\n'));
  assert.equal(first?.kind, 'malformed');
  assert.equal(reader.next(), first);
});

test('mutated streams never throw and end bounded', () => {
  const seedText = values.map(([bytes]) => bytes).join('');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(seedText.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 64 })),
      (mutations, sizes) => {
        const bytes = Buffer.from(seedText, 'latin1');
        for (const [at, byte] of mutations) bytes[at] = byte;
        readAll(pieces(bytes, sizes), { maxReplyBytes: 4096 });
      },
    ),
    { numRuns: 2000 },
  );
});

/** Cuts `bytes` into pieces of the given sizes, repeated; the rest is one piece when there are no sizes. */
function* pieces(bytes: Uint8Array, sizes: number[]): Generator<Uint8Array> {
  let start = 0;
  for (let turn = 0; start < bytes.length; turn++) {
    const end = sizes.length === 0 ? bytes.length : start + sizes[turn % sizes.length]!;
    yield bytes.subarray(start, end);
    start = end;
  }
}
