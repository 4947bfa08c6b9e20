/** The manifest: read, written, and refused in the words of Redis. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AofManifest,
  EMPTY_MANIFEST,
  encodeManifest,
  parseManifest,
  rewritten,
  seqOfName,
  withBase,
  withIncr,
} from '../../../src/persistence/aof/manifest.js';
import { fuzzIterations, fuzzSeed, Random } from '../../support/fuzz.js';
import { ascii } from '../support.js';

const sample = [
  'file appendonly.aof.2.base.rdb seq 2 type b',
  'file appendonly.aof.1.incr.aof seq 1 type h',
  'file appendonly.aof.1.base.rdb seq 1 type h',
  'file appendonly.aof.2.incr.aof seq 2 type i',
  '',
].join('\n');

function parsed(text: string): AofManifest {
  const result = parseManifest(ascii(text));
  assert.ok(result.ok, result.ok ? '' : result.logLines.join('\n'));
  return result.manifest;
}

const text = (manifest: AofManifest) => Buffer.from(encodeManifest(manifest)).toString('latin1');

test('a manifest is read and written back to the byte', () => {
  assert.equal(text(parsed(sample)), sample);
});

test('a rewrite retires the old base and all incr files but the current one', () => {
  let manifest = withIncr(withBase(EMPTY_MANIFEST, 'appendonly.aof.1.base.rdb', 1), 'appendonly.aof.1.incr.aof', 1);
  manifest = withIncr(manifest, 'appendonly.aof.2.incr.aof', 2);
  const current = manifest.incr[1]!;
  assert.equal(text(rewritten(manifest, { name: 'appendonly.aof.2.base.rdb', seq: 2, type: 'b' }, [current])), sample);
});

test('names with unusual bytes are quoted, and come back', () => {
  for (const name of ['x y.aof.1.base.rdb', 'tab\tquote"', 'ünï.1.incr.aof', "'single'", 'bell\x07']) {
    const manifest = withBase(EMPTY_MANIFEST, name, 1);
    assert.match(text(manifest), name.startsWith("'") ? /^file '/ : /^file "/);
    if (!name.startsWith("'")) assert.equal(parsed(text(manifest)).base!.name, name);
  }
  assert.equal(text(withBase(EMPTY_MANIFEST, 'x y', 1)), 'file "x y" seq 1 type b\n');
});

const REJECTED: [what: string, text: string, reason: string, line?: number][] = [
  ['empty file', '', 'Found an empty AOF manifest'],
  ['line too long', `file ${'a'.repeat(1100)} seq 1 type b\n`, 'The AOF manifest file contains too long line'],
  ['last line without newline', 'file a seq 1 type b', 'The AOF manifest file contains too long line'],
  ['blank line', 'file a seq 1 type b\n\n', 'Invalid AOF manifest file format', 2],
  ['comment not in the first column', ' # x\n', 'Invalid AOF manifest file format', 1],
  ['five words', 'file a seq 1 type\n', 'Invalid AOF manifest file format', 1],
  ['odd number of words', 'file a seq 1 type b x\n', 'Invalid AOF manifest file format', 1],
  ['no seq', 'file a foo 1 type b\n', 'Invalid AOF manifest file format', 1],
  ['seq 0', 'file a seq 0 type b\n', 'Invalid AOF manifest file format', 1],
  ['seq not a number', 'file a seq x type b\n', 'Invalid AOF manifest file format', 1],
  ['path', 'file a/b seq 1 type b\n', "File can't be a path, just a filename", 1],
  ['two bases', 'file a seq 1 type b\nfile b seq 2 type b\n', 'Found duplicate base file information', 2],
  ['same seq twice', 'file a seq 2 type i\nfile b seq 2 type i\n', 'Found a non-monotonic sequence number', 2],
  ['unknown type', 'file a seq 1 type x\n', 'Unknown AOF file type', 1],
  ['open quote', 'file "a seq 1 type b\n', 'Invalid AOF manifest file format', 1],
  ['quote closed inside a word', 'file "a"b seq 1 type b\n', 'Invalid AOF manifest file format', 1],
];

for (const [what, manifest, reason, line] of REJECTED) {
  test(`a damaged manifest is refused with the words of Redis: ${what}`, () => {
    const result = parseManifest(ascii(manifest));
    assert.equal(result.ok, false);
    if (result.ok) return;
    const where =
      line === undefined
        ? []
        : [`Reading the manifest file, at line ${line}`, `>>> '${manifest.split('\n')[line - 1]!.trim()}'`];
    const lines = ['\n*** FATAL AOF MANIFEST FILE ERROR ***', ...where, reason];
    assert.deepEqual(
      result.logLines,
      lines.map((line) => `${line}\n`),
    );
  });
}

test('comments, unknown keys, any order of keys, gaps in seq and long type names are accepted', () => {
  const manifest = parsed(
    '# by hand\nTYPE base SEQ 3 FILE a.rdb\r\nfile i seq 1 type i extra word\nfile j seq 9 type incr\n',
  );
  assert.equal(text(manifest), 'file a.rdb seq 3 type b\nfile i seq 1 type i\nfile j seq 9 type i\n');
  assert.deepEqual(parsed('# only a comment\n'), EMPTY_MANIFEST);
});

test('the seq of a file name is found for base and incr files of the prefix only', () => {
  const table: [string, number][] = [
    ['appendonly.aof.12.base.rdb', 12],
    ['appendonly.aof.3.incr.aof', 3],
    ['appendonly.aof.3.incr.rdb', 0],
    ['other.aof.3.incr.aof', 0],
    ['appendonly.aof', 0],
    ['appendonly.aof.x.incr.aof', 0],
    ['appendonly.aof.99999999999999999999.incr.aof', 0],
  ];
  for (const [name, seq] of table) assert.equal(seqOfName('appendonly.aof', name), seq, name);
});

test('mutated manifests are read or refused, never worse', () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const source = ascii(`# c\nfile "x \\x20\\"y" seq 1 type b\n${sample.replace(/type b/, 'type h')}`);
  for (let i = 0; i < fuzzIterations(20_000); i++) {
    const bytes = source.slice();
    for (let count = 1 + random.below(4); count > 0; count--) bytes[random.below(bytes.length)] = random.below(256);
    const result = parseManifest(bytes.subarray(0, random.below(8) === 0 ? random.below(bytes.length) : bytes.length));
    if (result.ok) {
      const again = parseManifest(encodeManifest(result.manifest));
      const isEmpty =
        result.manifest.base === null && result.manifest.history.length + result.manifest.incr.length === 0;
      assert.ok(isEmpty || again.ok, 'what was read can be written and read again');
    }
  }
});
