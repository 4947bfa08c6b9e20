/** The harness of the oracle tests itself: what a comparison lets pass, and how the words of a case are read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as compare from './comparisons.js';
import { words } from './steps.js';

const check = (comparison: compare.Comparison, oracle: string, subject: string) =>
  comparison(Buffer.from(oracle, 'latin1'), Buffer.from(subject, 'latin1')) === null;

test('each comparison gives the freedom that its name says, and no other', () => {
  assert.ok(check(compare.exact, '+OK\r\n', '+OK\r\n'));
  assert.ok(!check(compare.exact, '+OK\r\n', '$2\r\nOK\r\n'));

  assert.ok(check(compare.sorted, '*2\r\n:1\r\n:2\r\n', '*2\r\n:2\r\n:1\r\n'));
  assert.ok(check(compare.sorted, '%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n', '%1\r\n+a\r\n~2\r\n:2\r\n:1\r\n'));
  assert.ok(!check(compare.sorted, '*2\r\n:1\r\n:2\r\n', '*2\r\n:1\r\n:1\r\n'));
  assert.ok(!check(compare.sorted, '*2\r\n:1\r\n:2\r\n', '~2\r\n:1\r\n:2\r\n'));

  assert.ok(check(compare.near(1), ':100\r\n', ':99\r\n'));
  assert.ok(!check(compare.near(1), ':100\r\n', ':98\r\n'));
  assert.ok(!check(compare.near(1), ':100\r\n', '-ERR x\r\n'));

  assert.ok(check(compare.rounded(3), '$6\r\n1.2345\r\n', '$6\r\n1.2346\r\n'));
  assert.ok(!check(compare.rounded(3), '$4\r\n1.23\r\n', '$4\r\n1.24\r\n'));

  assert.ok(check(compare.lengthOnly, '$3\r\nabc\r\n', '$3\r\nxyz\r\n'));
  assert.ok(!check(compare.lengthOnly, '$3\r\nabc\r\n', '$2\r\nxy\r\n'));

  assert.ok(check(compare.shape, '*2\r\n$1\r\na\r\n:1\r\n', '*2\r\n$3\r\nabc\r\n:9\r\n'));
  assert.ok(!check(compare.shape, '*2\r\n$1\r\na\r\n:1\r\n', '*2\r\n$1\r\na\r\n$1\r\n1\r\n'));

  assert.ok(check(compare.errorCode, '-ERR one\r\n', '-ERR two\r\n'));
  assert.ok(!check(compare.errorCode, '-ERR one\r\n', '-WRONGTYPE one\r\n'));
  assert.ok(!check(compare.errorCode, '+OK\r\n', '+OK\r\n'));

  assert.ok(check(compare.captured(/a=(\d)/), '+a=1 b=2\r\n', '+a=1 b=3\r\n'));
  assert.ok(!check(compare.captured(/a=(\d)/), '+a=1\r\n', '+a=2\r\n'));
  assert.ok(
    !check(compare.captured(/a=(\d)/), '+x\r\n', '+x\r\n'),
    'a pattern that the real server does not match is a mistake in the table',
  );
});

test('the words of a case table are split and unescaped', () => {
  const split = (line: string) => words(line).map((word) => word.toString('latin1'));
  assert.deepEqual(split('SET  k "a b"'), ['SET', 'k', 'a b']);
  assert.deepEqual(split('"" "\\x00\\xff\\r\\n\\"\\\\"'), ['', '\x00\xff\r\n"\\']);
});
