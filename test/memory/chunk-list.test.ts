import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../src/memory/arena.js';
import { blockStart, ChunkList } from '../../src/memory/chunk-list.js';
import { ElementWriter, elementAt, LISTPACK_HEADER_BYTES, ListpackElement } from '../../src/memory/listpack.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

const seed = fuzzSeed();

test(`chunks come, go and split anywhere, and elements are found by index (seed ${seed})`, () => {
  const random = new Random(seed);
  const arena = new Arena();
  const before = arena.blockCount;
  const chunks = new ChunkList(arena);
  const writer = new ElementWriter();
  const element = new ListpackElement();
  const list = chunks.create();
  /** Element texts by chunk. */
  const model: string[][] = [];

  const write = (index: number, offset: number, text: string): void => {
    const bytes = Buffer.from(text);
    writer.encode(bytes, 0, bytes.length);
    const chunk = chunks.splice(list, index, offset, 0, writer.byteCount, 1, 256);
    writer.write(chunks.view(chunk), blockStart(chunk) + offset);
  };
  const offsetOf = (index: number, inChunk: number): number => {
    const chunk = chunks.chunk(list, index);
    return elementAt(chunks.view(chunk), blockStart(chunk), inChunk) - blockStart(chunk);
  };

  for (let step = 0; step < 4000; step++) {
    const text = random.below(2) === 0 ? String(random.below(1e6)) : 'x'.repeat(random.below(80));
    const index = model.length === 0 ? 0 : random.below(model.length);
    switch (model.length === 0 ? 0 : random.below(5)) {
      case 0: {
        const at = [0, index, model.length][random.below(3)]!;
        chunks.insertEmptyChunk(list, at, 10);
        model.splice(at, 0, [text]);
        write(at, LISTPACK_HEADER_BYTES, text);
        break;
      }
      case 1:
        chunks.removeChunk(list, index);
        model.splice(index, 1);
        break;
      case 2: {
        const cell = random.below(model[index]!.length);
        const from = offsetOf(index, cell);
        const to = offsetOf(index, cell + 1);
        const removed = chunks.splice(list, index, from, to - from, 0, -1, 0);
        model[index]!.splice(cell, 1);
        assert.equal(removed === 0, model[index]!.length === 0);
        if (removed === 0) model.splice(index, 1);
        break;
      }
      case 3: {
        const cell = random.below(model[index]!.length + 1);
        write(index, offsetOf(index, cell), text);
        model[index]!.splice(cell, 0, text);
        break;
      }
      default: {
        const count = model[index]!.length;
        if (count < 2) break;
        const cell = 1 + random.below(count - 1);
        chunks.split(list, index, offsetOf(index, cell), cell);
        model.splice(index, 1, model[index]!.slice(0, cell), model[index]!.slice(cell));
      }
    }
    const flat = model.flat();
    assert.equal(chunks.count(list), flat.length);
    assert.equal(chunks.chunkCount(list), model.length);
    if (flat.length === 0) continue;
    const wanted = random.below(flat.length);
    chunks.seek(list, wanted);
    const chunk = chunks.chunk(list, chunks.foundChunk);
    const view = chunks.view(chunk);
    element.read(view, elementAt(view, blockStart(chunk), chunks.foundIndex));
    const found = Buffer.from(element.bytes.subarray(element.start, element.start + element.length)).toString();
    assert.equal(found, flat[wanted]);
  }
  const copy = chunks.duplicate(list);
  assert.equal(chunks.count(copy), chunks.count(list));
  chunks.destroy(copy);
  chunks.destroy(list);
  assert.equal(arena.blockCount, before, 'every block was given back');
});
