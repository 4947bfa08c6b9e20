/**
 * Damaged packed blobs: what the deep check takes, the walks that check nothing go through to its end and no byte further, and find the elements that the
 * check has counted.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  INTSET_EMPTY_BYTES,
  intsetBytes,
  intsetCount,
  intsetMember,
  readIntset,
  searchIntset,
} from '../../../src/memory/intset.js';
import * as listpack from '../../../src/memory/listpack.js';
import { ElementSet } from '../../../src/persistence/rdb/element-set.js';
import { visitZiplist, visitZipmap } from '../../../src/persistence/rdb/old-packed.js';
import { RdbType } from '../../../src/persistence/rdb/opcodes.js';
import { checkIntset, checkListpack, checkZiplist, checkZipmap } from '../../../src/persistence/rdb/packed-check.js';
import { RdbCursor, RdbString } from '../../../src/persistence/rdb/rdb-cursor.js';
import { InProcess } from '../../commands/in-process.js';
import { payloadBodies } from '../../commands/restore-payloads.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../../support/fuzz.js';
import { mutate } from '../mutate.js';

/** Bytes around the blob, which no walk may take for its own. */
const MARGIN = 40;
const MARGIN_BYTE = 0x05;

const elements = new ElementSet();

/** Walks over `bytes[start, end)`, which the check has found to have `count` elements (pairs, in a zipmap). */
type Walk = (bytes: Uint8Array, start: number, end: number, count: number) => void;

/** @returns the number of elements, or a negative one */
type Check = (bytes: Uint8Array, start: number, end: number) => number;

interface Form {
  /** Type ids of values that are one such blob. */
  readonly types: readonly number[];
  readonly check: Check;
  readonly walk: Walk;
}

const FORMS: Readonly<Record<string, Form>> = {
  listpack: {
    types: [RdbType.HASH_LISTPACK, RdbType.ZSET_LISTPACK, RdbType.SET_LISTPACK],
    check: (bytes, start, end) => checkListpack(bytes, start, end, 'none', elements),
    walk: walkListpack,
  },
  intset: {
    types: [RdbType.SET_INTSET],
    check: (bytes, start, end) => (checkIntset(bytes, start, end) ? intsetCount(bytes, start) : -1),
    walk: walkIntset,
  },
  ziplist: {
    types: [RdbType.LIST_ZIPLIST, RdbType.ZSET_ZIPLIST, RdbType.HASH_ZIPLIST],
    check: (bytes, start, end) => checkZiplist(bytes, start, end, 'none', elements),
    walk: (bytes, start, end, count) => assert.equal(visited(visitZiplist, bytes, start, end), count),
  },
  zipmap: {
    types: [RdbType.HASH_ZIPMAP],
    check: (bytes, start, end) => checkZipmap(bytes, start, end, elements),
    walk: (bytes, start, end, count) => assert.equal(visited(visitZipmap, bytes, start, end), 2 * count),
  },
};

const element = new listpack.ListpackElement();
const backwards = new listpack.ListpackElement();

function walkListpack(bytes: Uint8Array, start: number, end: number, count: number): void {
  assert.equal(listpack.listpackBytes(bytes, start), end - start);
  assert.equal(listpack.listpackCount(bytes, start), count);
  assert.equal(listpack.listpackEnd(bytes, start), end - 1);
  let found = 0;
  let at = listpack.firstElement(start);
  for (; !listpack.isListpackEnd(bytes, at); at = element.next, found++) {
    element.read(bytes, at);
    assert.ok(element.next < end && element.next === listpack.nextElement(bytes, at));
    assert.ok(element.bytes !== bytes || (element.start > at && element.start + element.length < element.next));
    assert.equal(listpack.previousElement(bytes, element.next), at);
    assert.equal(listpack.elementAt(bytes, start, found), at);
    const { bytes: text, start: from, length } = element;
    backwards.read(bytes, listpack.findElement(bytes, listpack.firstElement(start), 1, text, from, length));
    assert.equal(backwards.length, length);
  }
  assert.equal(at, end - 1);
  assert.equal(found, count);
}

function walkIntset(bytes: Uint8Array, start: number, end: number, count: number): void {
  assert.equal(intsetBytes(bytes, start), end - start);
  assert.ok(count <= end - start - INTSET_EMPTY_BYTES);
  let previous = -(2n ** 64n);
  for (let i = 0; i < count; i++) {
    readIntset(bytes, start, i);
    const { high, low } = intsetMember;
    const member = (BigInt(high) << 32n) | BigInt(low >>> 0);
    assert.ok(member > previous);
    previous = member;
    assert.equal(searchIntset(bytes, start, high, low), i);
  }
}

function visited(visit: typeof visitZiplist, bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  visit(bytes, start, (text, from, length) => {
    assert.ok(from + length <= (text === bytes ? end - 1 : text.length) && (text !== bytes || from > start));
    count++;
  });
  return count;
}

/** @returns the blobs of the values of these types */
function blobs(types: readonly number[]): Uint8Array[] {
  const bodies = payloadBodies(new InProcess());
  const cursor = new RdbCursor();
  const blob = new RdbString();
  return types.flatMap((type) =>
    bodies.get(type)!.map((body) => {
      cursor.reset(body, 1, body.length);
      assert.ok(cursor.string(blob));
      return blob.bytes.slice(blob.start, blob.end);
    }),
  );
}

for (const [name, { types, check, walk }] of Object.entries(FORMS)) {
  test(`a damaged ${name} is refused or walked from end to end`, (context) => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const originals = blobs(types);
      const iterations = fuzzIterations(5000);
      let taken = 0;
      for (let i = 0; i < iterations; i++) {
        const blob = damaged(random.pick(originals), random);
        const bytes = new Uint8Array(MARGIN + blob.length + MARGIN).fill(MARGIN_BYTE);
        bytes.set(blob, MARGIN);
        const count = check(bytes, MARGIN, MARGIN + blob.length);
        if (count < 0) continue;
        taken++;
        try {
          walk(bytes, MARGIN, MARGIN + blob.length, count);
        } catch (error) {
          (error as Error).message += `\nblob ${i}: ${Buffer.from(blob).toString('hex')}`;
          throw error;
        }
      }
      context.diagnostic(`${taken} of ${iterations} were taken`);
      assert.ok(taken > iterations / 50);
    });
  });
}

function damaged(blob: Uint8Array, random: Random): Uint8Array {
  if (random.oneIn(3)) return mutate(blob, random);
  const bytes = Uint8Array.from(blob);
  for (let changes = random.below(3); changes >= 0; changes--) {
    const at = random.below(bytes.length);
    if (random.oneIn(2)) bytes[at] = random.below(256);
    else bytes[at]! ^= 1 << random.below(8);
  }
  return bytes;
}
