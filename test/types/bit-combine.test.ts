/** Combining strings bit by bit against a byte-by-byte model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entries } from '../../src/keyspace/entry.js';
import { BIT_AND, BIT_NOT, BIT_OR, BIT_XOR, combineBits } from '../../src/types/bit-combine.js';
import { Random } from '../support/fuzz.js';

const random = new Random(22);
const COMBINATIONS = 400;
const GUARD = 0xab;

interface Source {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** A string that begins anywhere, with other bytes around it; every sixth is empty. */
function randomSource(lengthMax: number): Source {
  const length = random.below(6) === 0 ? 0 : 1 + random.below(lengthMax);
  const start = random.below(80);
  return { bytes: Uint8Array.from({ length: start + length + 40 }, () => random.below(256)), start, length };
}

function byteOf(source: Source, at: number): number {
  return at < source.length ? source.bytes[source.start + at]! : 0;
}

function combined(operation: number, sources: readonly Source[], at: number): number {
  let byte = byteOf(sources[0]!, at);
  for (const source of sources.slice(1)) {
    if (operation === BIT_AND) byte &= byteOf(source, at);
    else if (operation === BIT_OR) byte |= byteOf(source, at);
    else byte ^= byteOf(source, at);
  }
  return operation === BIT_NOT ? byte ^ 0xff : byte;
}

for (const [name, operation] of Object.entries({ and: BIT_AND, or: BIT_OR, xor: BIT_XOR, not: BIT_NOT })) {
  test(`${name} of strings of all lengths is right in each byte and writes nothing else`, () => {
    for (let i = 0; i < COMBINATIONS; i++) {
      // Some are longer than two blocks.
      const lengthMax = i % 20 === 0 ? 40_000 : 300;
      const sources = Array.from({ length: operation === BIT_NOT ? 1 : 1 + random.below(4) }, () =>
        randomSource(lengthMax),
      );
      const length = Math.max(...sources.map((source) => source.length));
      const entries = {
        valueLength: (ref: number) => sources[ref - 1]!.length,
        view: (ref: number) => sources[ref - 1]!.bytes,
        valueStart: (ref: number) => sources[ref - 1]!.start,
      } as Entries;
      const refs = sources.map((source, index) => (source.length === 0 ? 0 : index + 1));
      const start = random.below(70);
      const target = new Uint8Array(start + length + 64).fill(GUARD);
      const expected = target.slice();
      for (let at = 0; at < length; at++) expected[start + at] = combined(operation, sources, at);
      combineBits(operation, entries, refs, target, start, length);
      assert.ok(Buffer.compare(target, expected) === 0, `${name} of ${sources.map((source) => source.length)}`);
    }
  });
}
