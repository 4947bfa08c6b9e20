/** Listpacks: the bytes of the format, and a list of texts as the model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsedInt64, parseInt64Text, writeInt64Text } from '../../src/memory/int64-text.js';
import * as listpack from '../../src/memory/listpack.js';
import { ElementSet } from '../../src/persistence/rdb/element-set.js';
import { checkListpack } from '../../src/persistence/rdb/packed-check.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const BASE = 3;
const writer = new listpack.ElementWriter();
const element = new listpack.ListpackElement();
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** A listpack in a buffer that is large enough, not at its beginning. */
class Packed {
  readonly bytes = new Uint8Array(1 << 20).fill(0xaa);

  constructor() {
    listpack.initListpack(this.bytes, BASE);
  }

  replace(index: number, removed: number, added: readonly string[]): void {
    const at = listpack.elementAt(this.bytes, BASE, index);
    const removedBytes = listpack.skipElements(this.bytes, at, removed) - at;
    let addedBytes = 0;
    for (const text of added) addedBytes += writer.encode(bytesOf(text), 0, text.length);
    listpack.splice(this.bytes, BASE, at, removedBytes, addedBytes, added.length - removed);
    let out = at;
    for (const text of added) {
      writer.encode(bytesOf(text), 0, text.length);
      out = writer.write(this.bytes, out);
    }
  }

  hex(from = 0): string {
    const end = BASE + listpack.listpackBytes(this.bytes, BASE);
    return Buffer.from(this.bytes.subarray(BASE + from, end)).toString('hex');
  }

  texts(): string[] {
    const found: string[] = [];
    for (let at = listpack.firstElement(BASE); !listpack.isListpackEnd(this.bytes, at); at = element.next) {
      element.read(this.bytes, at);
      found.push(Buffer.from(element.bytes.subarray(element.start, element.start + element.length)).toString('latin1'));
      assert.equal(listpack.nextElement(this.bytes, at), element.next);
    }
    return found;
  }
}

test('an empty listpack is seven bytes', () => {
  assert.equal(new Packed().hex(), '070000000000ff');
});

test('every element has the bytes that the format gives it', () => {
  const vectors: [string, string][] = [
    ['0', '0001'],
    ['127', '7f01'],
    ['-1', 'dfff02'],
    ['4095', 'cfff02'],
    ['-4096', 'd00002'],
    ['128', 'c08002'],
    ['-5', 'dffb02'],
    ['4096', 'f1001003'],
    ['-4097', 'f1ffef03'],
    ['32767', 'f1ff7f03'],
    ['-32768', 'f1008003'],
    ['32768', 'f200800004'],
    ['-32769', 'f2ff7fff04'],
    ['8388607', 'f2ffff7f04'],
    ['-8388608', 'f200008004'],
    ['8388608', 'f30000800005'],
    ['2147483647', 'f3ffffff7f05'],
    ['-2147483648', 'f30000008005'],
    ['2147483648', 'f4000000800000000009'],
    ['9223372036854775807', 'f4ffffffffffffff7f09'],
    ['-9223372036854775808', 'f4000000000000008009'],
    ['', '8001'],
    ['01', '82303103'],
    ['1.0', '83312e3004'],
  ];
  for (const [text, hex] of vectors) {
    const packed = new Packed();
    packed.replace(0, 0, [text]);
    assert.equal(packed.hex(6), `${hex}ff`, text);
    assert.deepEqual(packed.texts(), [text]);
  }
  const lengths: [number, string, string][] = [
    [63, 'bf', '40'],
    [64, 'e040', '42'],
    [125, 'e07d', '7f'],
    [126, 'e07e', '0180'],
    [127, 'e07f', '0181'],
    [4095, 'efff', '2081'],
    [4096, 'f000100000', '2085'],
    [16377, 'f0f93f0000', '7ffe'],
    [16378, 'f0fa3f0000', '00ffff'],
    [16379, 'f0fb3f0000', '018080'],
  ];
  for (const [length, head, tail] of lengths) {
    const packed = new Packed();
    packed.replace(0, 0, ['x'.repeat(length), 'end']);
    assert.ok(packed.hex(6).startsWith(`${head}78`), String(length));
    assert.ok(packed.hex().endsWith(`78${tail}83656e6404ff`), String(length));
    assert.deepEqual(packed.texts(), ['x'.repeat(length), 'end']);
    const end = listpack.listpackEnd(packed.bytes, BASE);
    assert.equal(listpack.previousElement(packed.bytes, listpack.previousElement(packed.bytes, end)), BASE + 6);
  }
});

test('text is an integer only in canonical form, and comes back from its halves', () => {
  const integers = ['0', '-1', '9007199254740993', '999999999999999', '1000000000000000', '4294967296', '-4294967296'];
  for (const text of [...integers, '9223372036854775807', '-9223372036854775808', '-9223372036854775807']) {
    const bytes = bytesOf(text);
    assert.ok(parseInt64Text(bytes, 0, bytes.length), text);
    const value = BigInt.asIntN(64, (BigInt(parsedInt64.high) << 32n) | BigInt(parsedInt64.low >>> 0));
    assert.equal(value, BigInt(text));
    const out = new Uint8Array(20);
    const end = writeInt64Text(out, 0, parsedInt64.high, parsedInt64.low);
    assert.equal(Buffer.from(out.subarray(0, end)).toString(), text);
  }
  for (const text of ['', '-', '-0', '00', '+1', '1.0', ' 1', '1 ', '9223372036854775808', '-9223372036854775809'])
    assert.ok(!parseInt64Text(bytesOf(text), 0, text.length), text);
  for (const text of ['99999999999999999999', '12345678901234567890', '1x', '-99999999999999999999'])
    assert.ok(!parseInt64Text(bytesOf(text), 0, text.length), text);
});

test('a random listpack equals a list of texts, and passes the loader’s check', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const text = (): string => {
      const magnitude = 2 ** random.below(64);
      if (random.oneIn(2)) return String((random.oneIn(2) ? -1n : 1n) * BigInt(Math.floor(random.below(magnitude))));
      return 'abcdefg'.charAt(random.below(7)).repeat(random.oneIn(20) ? random.below(20000) : random.below(80));
    };
    for (let run = 0; run < fuzzIterations(40); run++) {
      const packed = new Packed();
      const model: string[] = [];
      for (let step = 0; step < 60; step++) {
        const index = random.below(model.length + 1);
        const removed = random.oneIn(3) ? Math.min(model.length - index, random.below(3)) : 0;
        const added = Array.from({ length: random.below(3) }, text);
        packed.replace(index, removed, added);
        model.splice(index, removed, ...added);
        assert.equal(listpack.listpackCount(packed.bytes, BASE), model.length);
        const wanted = random.oneIn(2) && model.length > 0 ? random.pick(model) : text();
        const expected = model.findIndex((each, at) => at % 2 === 0 && each === wanted);
        if (model.length % 2 === 0) {
          const at = listpack.findElement(packed.bytes, BASE + 6, 2, bytesOf(wanted), 0, wanted.length);
          assert.equal(at, expected < 0 ? -1 : listpack.elementAt(packed.bytes, BASE, expected));
        }
      }
      assert.deepEqual(packed.texts(), model);
      const end = BASE + listpack.listpackBytes(packed.bytes, BASE);
      assert.equal(checkListpack(packed.bytes, BASE, end, 'none', new ElementSet()), model.length);
      let at = listpack.listpackEnd(packed.bytes, BASE);
      for (let i = model.length - 1; i >= 0; i--) {
        at = listpack.previousElement(packed.bytes, at);
        element.read(packed.bytes, at);
        assert.equal(element.length, model[i].length);
      }
    }
  });
});

test('an element is found whatever form it is stored in', () => {
  const bytes = Uint8Array.from(
    Buffer.from('1900000003008131 02f4050000000000000009f10500 03ff'.replaceAll(' ', ''), 'hex'),
  );
  assert.equal(listpack.findElement(bytes, 6, 1, bytesOf('1'), 0, 1), 6);
  assert.equal(listpack.findElement(bytes, 6, 1, bytesOf('5'), 0, 1), 9);
  assert.equal(listpack.findElement(bytes, 6, 1, bytesOf('05'), 0, 2), -1);
});
