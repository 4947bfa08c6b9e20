/** Records of the append-only file, whatever the chunks in which they are read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  argumentIs,
  argumentText,
  PARSE_BAD,
  PARSE_COMMENT,
  PARSE_MORE,
  PARSE_RECORD,
  RecordParser,
} from '../../../src/persistence/aof/record-parser.js';
import { RecordBuffer } from '../../../src/resp/record-buffer.js';
import { cpuMs } from '../../support/cpu-time.js';
import { fuzzIterations, fuzzSeed, Random } from '../../support/fuzz.js';
import { ascii } from '../support.js';
import { record } from './store.js';

/** Everything in `text`, one line per record, and how it ends. */
function parseAll(text: string, chunkBytes = text.length || 1): string[] {
  const parser = new RecordParser();
  const bytes = ascii(text);
  const out: string[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.slice(at, at + chunkBytes);
    parser.feed(chunk, 0, chunk.length);
    chunk.fill(0xee);
    for (let outcome = parser.next(); outcome !== PARSE_MORE; outcome = parser.next()) {
      if (outcome === PARSE_BAD) return [...out, `bad at ${parser.offset}`];
      if (outcome === PARSE_COMMENT) out.push('comment');
      if (outcome === PARSE_RECORD) {
        out.push(Array.from({ length: parser.argumentCount }, (_, i) => argumentText(parser, i)).join(' '));
      }
    }
  }
  return [...out, `${parser.isInsideRecord ? 'torn' : 'end'} at ${parser.offset}`];
}

const sound = `${record('SELECT', '0')}#TS:1700000000\r\n${record('SET', 'k', 'v\r\n*1\r\n')}${record('SET', '', 'x'.repeat(300))}# c\n${record('PING')}`;

test('records and comments are found, whatever the chunks', () => {
  const expected = [
    'SELECT 0',
    'comment',
    'SET k v\r\n*1\r\n',
    `SET  ${'x'.repeat(300)}`,
    'comment',
    'PING',
    `end at ${sound.length}`,
  ];
  for (let chunkBytes = 1; chunkBytes <= sound.length; chunkBytes += chunkBytes < 80 ? 1 : 37) {
    assert.deepEqual(parseAll(sound, chunkBytes), expected, `chunks of ${chunkBytes}`);
  }
});

test('at every cut the offset is the end of the last complete record', () => {
  const ends = [0];
  for (let i = 1; i <= sound.length; i++) {
    const last = parseAll(sound.slice(0, i)).at(-1)!;
    const offset = Number(/\d+$/.exec(last)![0]);
    if (last.startsWith('end')) ends.push(i);
    assert.equal(offset, ends.at(-1), `cut to ${i}: ${last}`);
  }
  assert.equal(ends.length, 7);
});

test('what is not the format is refused', () => {
  const bad = [
    'PING\r\n',
    '*0\r\n',
    '*-1\r\n',
    '*x\r\n',
    '*\r\n',
    '*1\n$4\nPING\n',
    '*1\r\n:4\r\n',
    '*1\r\n$-1\r\n',
    '*1\r\n$4\r\nPINGxx',
    '*1\r\n$x\r\n',
    '*1\r\r',
    '\r\n',
    '\0\0\0\0',
    `*${'1'.repeat(1100)}`,
    `*1\r\n$${'0'.repeat(1100)}`,
    '*1\r\n$99999999999\r\n',
    `#${'x'.repeat(1100)}`,
  ];
  for (const text of bad) {
    assert.equal(parseAll(`${record('PING')}${text}`).at(-1), 'bad at 14', JSON.stringify(text.slice(0, 20)));
  }
  assert.equal(parseAll(`#${'x'.repeat(1021)}\n`).at(-1), 'end at 1023');
});

test('a record of many arguments in small chunks is continued, not parsed anew', () => {
  const args = Array.from({ length: 50_000 }, (_, i) => `member:${i}`);
  const startMs = cpuMs();
  assert.deepEqual(parseAll(record('SADD', ...args), 700)[0]!.split(' ').length, 50_001);
  assert.ok(cpuMs() - startMs < 3000);
});

test('command names are compared in any case', () => {
  const parser = new RecordParser();
  const bytes = ascii(record('mUlTi'));
  parser.feed(bytes, 0, bytes.length);
  assert.equal(parser.next(), PARSE_RECORD);
  assert.equal(argumentIs(parser, 0, 'multi'), true);
  assert.equal(argumentIs(parser, 0, 'multj'), false);
  assert.equal(argumentIs(parser, 0, 'mult'), false);
});

test('what the record buffer builds is what the parser reads', () => {
  const random = new Random(3);
  const buffer = new RecordBuffer();
  let expected = '';
  for (let i = 0; i < 300; i++) {
    const args = Array.from({ length: 1 + random.below(i === 7 ? 2000 : 5) }, () =>
      'y'.repeat(random.below(i % 50 === 0 ? 3000 : 60)),
    );
    buffer.begin(args.length);
    for (const each of args) {
      if (random.below(2) === 0) buffer.text(each);
      else buffer.word(ascii(`--${each}`), 2, each.length);
    }
    expected += record(...args);
  }
  assert.equal(Buffer.from(buffer.bytes.subarray(0, buffer.length)).toString('latin1'), expected);
});

test('mutated files end with a verdict, the same for every cut into chunks', () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const source = ascii(sound);
  for (let i = 0; i < fuzzIterations(20_000); i++) {
    const bytes = source.slice();
    for (let count = 1 + random.below(4); count > 0; count--) {
      const at = random.below(bytes.length);
      bytes[at] = random.below(3) === 0 ? random.below(256) : 0x30 + random.below(10);
    }
    const text = Buffer.from(
      bytes.subarray(0, random.below(8) === 0 ? random.below(bytes.length) : bytes.length),
    ).toString('latin1');
    const whole = parseAll(text);
    if (i % 8 === 0) assert.deepEqual(parseAll(text, 1 + random.below(30)), whole);
  }
});
