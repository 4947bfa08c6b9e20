/** Replies as text where the transcripts beside redis-cli do not come: kinds that servers seldom send, and nesting. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputMode } from '../../src/cli/command-line.js';
import { formatReply } from '../../src/cli/reply/format.js';
import { decodeReply } from '../../src/cli/reply/reply-node.js';

/** The text of a reply given by its bytes on the wire. */
function format(wire: string, mode: OutputMode): string {
  const reply = decodeReply(Buffer.from(wire, 'latin1'));
  return formatReply(reply, { mode, elementDelimiter: '|', replyDelimiter: '\n' });
}

/** What redis-cli 7.0 cannot show: the rest is compared with it in transcripts.test.ts. */
const OWN_FORMS: readonly (readonly [wire: string, standard: string, raw: string, csv: string, json: string])[] = [
  [
    '(123456789012345678901234567890\r\n',
    '(big number) 123456789012345678901234567890\n',
    '123456789012345678901234567890\n',
    '123456789012345678901234567890\n',
    '123456789012345678901234567890\n',
  ],
  [
    '!8\r\nERR a\r\nb\r\n',
    '(error) ERR a\r\nb\n',
    'ERR a\r\nb\n\n',
    'ERROR,"ERR a\\r\\nb"\n',
    'error:"ERR a\\r\\nb"\n',
  ],
  ['|1\r\n+ttl\r\n:3\r\n$1\r\na\r\n', '"a"\n', 'a\n', '"a"\n', '"a"\n'],
  ['*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:1\r\n:2\r\n', '1) (integer) 1\n2) (integer) 2\n', '1|2\n', '1,2\n', '[1,2]\n'],
];

test('big numbers, blob errors and attributes have a form', () => {
  for (const [wire, standard, raw, csv, json] of OWN_FORMS) {
    assert.equal(format(wire, 'standard'), standard);
    assert.equal(format(wire, 'raw'), raw);
    assert.equal(format(wire, 'csv'), csv);
    assert.equal(format(wire, 'json'), json);
  }
});

test('aggregates are laid out by the width of their indexes, and the first element stands behind its parent', () => {
  const list = `*10\r\n${':1\r\n'.repeat(9)}*2\r\n+x\r\n*1\r\n+y\r\n`;
  assert.match(format(list, 'standard'), /^ 1\) \(integer\) 1\n.*10\) 1\) x\n {4}2\) 1\) y\n$/s);
});

test('the value of a map begins a line of its own if it needs several', () => {
  const map = '%3\r\n+a\r\n*2\r\n:1\r\n:2\r\n+b\r\n*1\r\n:1\r\n+c\r\n%0\r\n';
  assert.equal(
    format(map, 'standard'),
    '1# a => \n   1) (integer) 1\n   2) (integer) 2\n2# b => 1) (integer) 1\n3# c => (empty hash)\n',
  );
  assert.equal(format(map, 'raw'), 'a 1|2|b 1|c \n');
  assert.equal(format(map, 'csv'), '"a",1,2,"b",1,"c",\n');
  assert.equal(format(map, 'json'), '{"a":[1,2],"b":[1],"c":{}}\n');
});

test('a key of a JSON object that is no string is put in quotes', () => {
  assert.equal(
    format('%3\r\n:1\r\n:2\r\n#t\r\n_\r\n*2\r\n:1\r\n+x\r\n:3\r\n', 'json'),
    '{"1":2,"true":null,"[1,"x"]":3}\n',
  );
});

test('a set with equal elements and a map with equal keys show what was on the wire', () => {
  assert.equal(format('~2\r\n+a\r\n+a\r\n', 'standard'), '1~ a\n2~ a\n');
  assert.equal(format('%2\r\n+k\r\n:1\r\n+k\r\n:2\r\n', 'csv'), '"k",1,"k",2\n');
});
