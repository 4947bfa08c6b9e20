/** The walks over listpacks in LZF's memory take and refuse what the walks over other bytes do, which are TypeScript. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ElementSet } from '../../../src/persistence/rdb/element-set.js';
import { isExpanded } from '../../../src/persistence/rdb/listpack-walk.js';
import { LZF_BLOCK_BYTES, LZF_OUTPUT_AT, lzfMemory } from '../../../src/persistence/rdb/lzf.js';
import { checkListpack } from '../../../src/persistence/rdb/packed-check.js';
import { RdbString } from '../../../src/persistence/rdb/rdb-cursor.js';
import { isValidNode } from '../../../src/persistence/rdb/stream-check.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../../support/fuzz.js';
import { mutate } from '../mutate.js';

const HEADER_BYTES = 6;
/** Lengths of texts at which their form, or that of the back-length, changes. */
const LENGTHS = [0, 1, 62, 63, 64, 124, 125, 126, 127, 4094, 4095, 4096, 16377, 16378, 16380, 16381, 16382, 16383];

type Bytes = readonly number[];

/** @returns an entry with its back-length */
function entry(body: Bytes): number[] {
  const size = body.length;
  const groups = size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : 4;
  const back = Array.from({ length: groups }, (_, i) => ((size >> (7 * (groups - 1 - i))) & 127) | (i === 0 ? 0 : 128));
  return [...body, ...back];
}

function integerEntry(value: number): number[] {
  if (value >= 0 && value < 128) return entry([value]);
  if (value >= -4096 && value < 4096) return entry([0xc0 | ((value >> 8) & 0x1f), value & 255]);
  return entry([0xf1, value & 255, (value >> 8) & 255]);
}

function textEntry(length: number, random: Random): number[] {
  const head =
    length < 64 && !random.oneIn(20)
      ? [0x80 | length]
      : length < 4096 && !random.oneIn(20)
        ? [0xe0 | (length >> 8), length & 255]
        : [0xf0, length & 255, length >> 8, 0, 0];
  return entry([...head, ...random.bytes(length)]);
}

function anyEntry(random: Random): number[] {
  switch (random.below(10)) {
    case 0:
      return integerEntry(random.below(9000) - 4500);
    case 1: {
      const form = random.below(4);
      return entry([0xf1 + form, ...random.bytes([2, 3, 4, 8][form])]);
    }
    case 2:
      return textEntry(random.oneIn(10) ? random.pick(LENGTHS) : random.below(200), random);
    default:
      return textEntry(random.below(30), random);
  }
}

function listpack(entries: readonly Bytes[], random: Random): Uint8Array {
  const body = entries.flat();
  const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, ...body, 0xff);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, random.oneIn(5) ? 0xffff : entries.length, true);
  return bytes;
}

const anyListpack = (random: Random): Uint8Array =>
  listpack(
    Array.from({ length: random.below(random.oneIn(5) ? 60 : 8) }, () => anyEntry(random)),
    random,
  );

/** A value of a stream's entry. */
const anyValue = (random: Random): number[] => (random.oneIn(4) ? anyEntry(random) : textEntry(5, random));

const delta = (random: Random): number[] =>
  integerEntry(random.oneIn(4) ? random.below(70000) - 35000 : random.below(100));

function streamNode(random: Random): Uint8Array {
  const fields = Array.from({ length: random.below(random.oneIn(9) ? 150 : 4) }, () => anyValue(random));
  const entries: Bytes[] = [];
  let deleted = 0;
  const count = random.below(8);
  for (let i = 0; i < count; i++) {
    const isDeleted = random.oneIn(4);
    const hasSameFields = !random.oneIn(3);
    const pairs = random.below(4);
    const values = Array.from({ length: hasSameFields ? fields.length : 2 * pairs }, () => anyValue(random));
    if (isDeleted) deleted++;
    const head = [integerEntry((isDeleted ? 1 : 0) | (hasSameFields ? 2 : 0)), delta(random), delta(random)];
    if (!hasSameFields) head.push(integerEntry(pairs));
    entries.push(...head, ...values, integerEntry(head.length + values.length));
  }
  const counts = [count - deleted, deleted, fields.length].map((value) => integerEntry(value));
  return listpack([...counts, ...fields, integerEntry(0), ...entries], random);
}

/** @returns a damaged copy, of which the header tells the length mostly */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(mutate(bytes, random));
  if (random.oneIn(4) || copy.length <= HEADER_BYTES) return copy;
  new DataView(copy.buffer).setUint32(0, copy.length, true);
  copy[copy.length - 1] = 0xff;
  return copy;
}

const elements = new ElementSet();
const blob = new RdbString();

const WALKS = {
  listpack: {
    create: anyListpack,
    check: (bytes: Uint8Array, start: number, end: number) => checkListpack(bytes, start, end, 'none', elements),
  },
  'node of a stream': {
    create: streamNode,
    check: (bytes: Uint8Array, start: number, end: number) => {
      blob.setRange(bytes, start, end);
      return isValidNode(blob) ? 1 : -1;
    },
  },
};

for (const [name, { create, check }] of Object.entries(WALKS)) {
  test(`a ${name}, damaged or not, is judged the same in LZF's memory and elsewhere`, (context) => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const memory = lzfMemory();
      assert.ok(isExpanded(memory));
      const iterations = fuzzIterations(3000);
      let taken = 0;
      for (let i = 0; i < iterations; i++) {
        const original = create(random);
        const isWhole = random.oneIn(4);
        const bytes = isWhole ? original : damaged(original, random);
        if (bytes.length > LZF_BLOCK_BYTES) continue;
        memory.set(bytes, LZF_OUTPUT_AT);
        // What is behind it means nothing.
        memory.set(random.bytes(20), LZF_OUTPUT_AT + bytes.length);
        const elsewhere = check(bytes, 0, bytes.length);
        const there = check(memory, LZF_OUTPUT_AT, LZF_OUTPUT_AT + bytes.length);
        assert.equal(there, elsewhere, `number ${i}: ${Buffer.from(bytes).toString('hex')}`);
        if (isWhole) assert.ok(elsewhere >= 0, `number ${i} is whole`);
        if (!isWhole && elsewhere >= 0) taken++;
      }
      context.diagnostic(`${taken} of ${iterations} were taken though damaged`);
      assert.ok(taken > iterations / 50);
    });
  });
}

test('a listpack as large as a block is walked to its end', () => {
  const random = new Random(1);
  const memory = lzfMemory();
  const texts = Array.from({ length: 3000 }, () => textEntry(random.below(20), random));
  let rest = LZF_BLOCK_BYTES - HEADER_BYTES - 1 - texts.flat().length;
  for (; rest > 16390; rest -= texts.at(-1)!.length) texts.push(textEntry(16380, random));
  for (; rest > 2; rest -= 2) texts.push(integerEntry(7));
  const bytes = listpack(texts, random);
  memory.set(bytes, LZF_OUTPUT_AT);
  assert.equal(WALKS.listpack.check(memory, LZF_OUTPUT_AT, LZF_OUTPUT_AT + bytes.length), texts.length);
  // An entry that says that it goes on beyond the memory.
  for (const size of [1, 60_000, 0x10000, 0x10001, 0x7fffffff, 0xffffffff]) {
    const last = LZF_OUTPUT_AT + bytes.length - 8;
    memory.set([0xf0, size & 255, (size >> 8) & 255, (size >> 16) & 255, size >>> 24], last);
    assert.equal(WALKS.listpack.check(memory, LZF_OUTPUT_AT, LZF_OUTPUT_AT + bytes.length), -1);
  }
});
