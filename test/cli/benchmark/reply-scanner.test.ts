/** The scanner against the reader that makes values: the same replies, the same errors, wherever the bytes are cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplyScanner } from '../../../src/cli/benchmark/reply-scanner.js';
import { ReplyError, ReplyReader } from '../../../src/resp/reply-reader.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../../support/fuzz.js';

/** Feeds all bytes in pieces. @returns the text of each reply that was an error, null for the others; and the fault */
function scan(bytes: Uint8Array, cut: () => number): { replies: (string | null)[]; fault: string } {
  const scanner = new ReplyScanner();
  const replies: (string | null)[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + cut());
    for (let at = scanner.next(bytes, start, end); at >= 0; at = scanner.next(bytes, at, end))
      replies.push(scanner.isError ? scanner.errorText : null);
    start = end;
  }
  return { replies, fault: scanner.fault };
}

const whole = (text: string): ReturnType<typeof scan> => scan(Buffer.from(text), () => text.length);

/** A random reply in its bytes. */
function randomReply(random: Random, depth: number): string {
  const count = random.below(4);
  const children = (times: number): string =>
    Array.from({ length: times }, () => randomReply(random, depth - 1)).join('');
  const text = 'x'.repeat(random.below(30));
  switch (random.below(depth > 0 ? 15 : 9)) {
    case 0:
      return `+${text}\r\n`;
    case 1:
      return `:-${random.below(1000)}\r\n`;
    case 2:
      return `$${text.length}\r\n${text}\r\n`;
    case 3:
      return random.pick(['$-1\r\n', '*-1\r\n', '_\r\n']);
    case 4:
      return `,3.${random.below(100)}\r\n`;
    case 5:
      return random.pick(['#t\r\n', '#f\r\n']);
    case 6:
      return `(${random.below(1e9)}\r\n`;
    case 7:
      return `=${text.length + 4}\r\ntxt:${text}\r\n`;
    case 8:
      return `-ERR ${text}\r\n`;
    case 9:
    case 10:
      return `*${count}\r\n${children(count)}`;
    case 11:
      return `~${count}\r\n${children(count)}`;
    case 12:
    case 13:
      return `%${count}\r\n${children(2 * count)}`;
    default:
      return `|1\r\n+key\r\n:1\r\n${randomReply(random, depth - 1)}`;
  }
}

test('replies of all types are counted, wherever they are cut, as the reader of values reads them', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let i = 0; i < fuzzIterations(3000); i++) {
      const count = random.below(6);
      const text = Array.from({ length: count }, () => randomReply(random, 3)).join('');
      const bytes = Buffer.from(text);
      const reader = new ReplyReader();
      reader.feed(bytes);
      const expected: (string | null)[] = [];
      for (let result = reader.next(); result !== null; result = reader.next()) {
        assert.equal(result.kind, 'reply', text);
        if (result.kind === 'reply') expected.push(result.value instanceof ReplyError ? result.value.message : null);
      }
      const { replies, fault } = scan(bytes, () => 1 + random.below(1 + random.below(40)));
      assert.deepEqual([replies, fault], [expected, ''], text);
    }
  });
});

test('pushes are read and not counted, also between replies', () => {
  assert.deepEqual(whole('>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n+OK\r\n>1\r\n+x\r\n:1\r\n').replies, [
    null,
    null,
  ]);
});

test('an error inside of an array is no error of the request; a long text is kept in part', () => {
  assert.deepEqual(whole('*2\r\n-ERR inner\r\n+OK\r\n!11\r\nSYNTAX oops\r\n').replies, [null, 'SYNTAX oops']);
  assert.equal(whole(`-${'e'.repeat(5000)}\r\n`).replies[0]!.length, 1024);
});

test('bytes that are no reply are told in the words of the C client', () => {
  assert.equal(whole('HTTP/1.1 400 Bad Request\r\n').fault, 'Protocol error, got "H" as reply type byte');
  assert.equal(whole('+OK\r\n\x01').fault, 'Protocol error, got "\\x01" as reply type byte');
  assert.equal(whole('$abc\r\n').fault, 'Bad bulk string length');
  assert.equal(whole('*1x\r\n').fault, 'Bad multi-bulk length');
});

test('random bytes end in a count or a fault, never in an exception, and announced sizes take no memory', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let i = 0; i < fuzzIterations(3000); i++) {
      const bytes = Buffer.from(
        Array.from({ length: random.below(60) }, () => random.pick([...Buffer.from('*$+-%|>:0123456789\r\n\r\nab')])),
      );
      scan(bytes, () => 1 + random.below(20));
    }
    assert.deepEqual(whole('*99999999999\r\n$99999999999999\r\nabc').replies, []);
  });
});
