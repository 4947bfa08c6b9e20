/** Chunk lists against an array of texts, under random changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, type Ref } from '../../src/memory/arena.js';
import { blockStart, CHUNK_CELL_WORDS, ChunkList } from '../../src/memory/chunk-list.js';
import {
  ElementWriter,
  elementAt,
  firstElement,
  isListpackEnd,
  LISTPACK_HEADER_BYTES,
  ListpackElement,
} from '../../src/memory/listpack.js';
import type { BlockReader } from '../../src/memory/shared-blocks.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

const seed = fuzzSeed();
const BYTES_MAX = 1000;
const ELEMENTS_MAX = 40;

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
    chunks.splice(list, index, offset, 0, writer.byteCount, 1, 256);
    writer.write(chunks.view(chunks.chunk(list, index)), chunks.start(list, index) + offset);
  };
  const offsetOf = (index: number, inChunk: number): number => {
    const start = chunks.start(list, index);
    return elementAt(chunks.view(chunks.chunk(list, index)), start, inChunk) - start;
  };

  const push = (atHead: boolean, text: string): void => {
    const bytes = Buffer.from(text);
    writer.encode(bytes, 0, bytes.length);
    const index = atHead ? 0 : model.length - 1;
    const end = model[index]!;
    const count = chunks.pushWithin(list, atHead, writer, BYTES_MAX, ELEMENTS_MAX);
    if (count === 0) write(index, offsetOf(index, atHead ? 0 : end.length), text);
    else assert.equal(count, chunks.count(list));
    if (atHead) end.unshift(text);
    else end.push(text);
  };
  const pushMany = (atHead: boolean, texts: readonly string[]): void => {
    const end = model[atHead ? 0 : model.length - 1]!;
    const starts = Int32Array.from(texts, (_, i) => texts.slice(0, i).join('').length);
    const ranges = { bytes: Buffer.from(texts.join('')), starts, lengths: Int32Array.from(texts, (t) => t.length) };
    const from = texts.length >> 2;
    const next = chunks.pushManyWithin(list, atHead, writer, ranges, from, texts.length, BYTES_MAX, ELEMENTS_MAX);
    for (const text of texts.slice(from, next)) {
      if (atHead) end.unshift(text);
      else end.push(text);
    }
    // The next one meets a limit, or finds no room: it is not for this chunk as it is.
    if (next < texts.length) push(atHead, texts[next]!);
  };
  const pop = (atHead: boolean): void => {
    const end = model[atHead ? 0 : model.length - 1]!;
    let taken = '';
    const isGone = chunks.popWithin(list, atHead, {
      bulk: (bytes, start, length) => (taken = Buffer.from(bytes.subarray(start, start + length)).toString()),
    });
    if (isGone) assert.equal(taken, atHead ? end.shift() : end.pop());
  };
  /** What readers see of the list as it was when they came. */
  const readers: { reader: BlockReader; cells: Int32Array; texts: string[] }[] = [];
  const leave = ({ reader, cells, texts }: (typeof readers)[number]): void => {
    const seen: string[] = [];
    for (let cell = 0; cell < cells.length; cell += CHUNK_CELL_WORDS) {
      const chunk = cells[cell]!;
      const view = chunks.view(chunk);
      const start = blockStart(chunk);
      for (let at = firstElement(start); !isListpackEnd(view, at); at = element.next) {
        element.read(view, at);
        seen.push(textOf(element));
      }
    }
    reader.leave();
    while (reader.freeSome());
    assert.deepEqual(seen, texts);
  };

  for (let step = 0; step < 4000; step++) {
    if (random.oneIn(20)) {
      const copy = chunks.duplicate(list);
      assert.equal(chunks.count(copy), chunks.count(list));
      assert.deepEqual(textsOf(chunks, copy), model.flat());
      chunks.destroy(copy);
    }
    if (random.oneIn(50)) {
      for (const reader of readers.splice(0)) leave(reader);
      readers.push({
        reader: chunks.share(list),
        cells: chunks.cells(list),
        texts: model.flat(),
      });
    }
    const text = random.below(2) === 0 ? String(random.below(1e6)) : 'x'.repeat(random.below(80));
    const index = model.length === 0 ? 0 : random.below(model.length);
    switch (model.length === 0 ? 0 : random.below(8)) {
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
        const isLeft = chunks.splice(list, index, from, to - from, 0, -1, 0);
        model[index]!.splice(cell, 1);
        assert.equal(isLeft, model[index]!.length > 0);
        if (!isLeft) model.splice(index, 1);
        break;
      }
      case 3: {
        const cell = random.below(model[index]!.length + 1);
        write(index, offsetOf(index, cell), text);
        model[index]!.splice(cell, 0, text);
        break;
      }
      case 4:
      case 5: {
        // More than one, so that both ends get room in which to grow and shrink.
        const atHead = random.oneIn(2);
        for (let i = random.below(20); i > 0; i--) push(atHead, `${text}${i}`);
        pushMany(
          atHead,
          Array.from({ length: random.below(30) }, (_, i) => (random.oneIn(2) ? `${i}` : `${text}${i}`)),
        );
        break;
      }
      case 6: {
        const atHead = random.oneIn(2);
        for (let i = random.below(20); i > 0; i--) pop(atHead);
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
    const view = chunks.view(chunks.chunk(list, chunks.foundChunk));
    element.read(view, elementAt(view, chunks.start(list, chunks.foundChunk), chunks.foundIndex));
    assert.equal(textOf(element), flat[wanted]);
  }
  for (const reader of readers) leave(reader);
  chunks.destroy(list);
  assert.equal(arena.blockCount, before, 'every block was given back');
});

test('the copy of a long list, whose chunks lie partly in a row, holds the same, and changes alone', () => {
  const arena = new Arena();
  const chunks = new ChunkList(arena);
  const writer = new ElementWriter();
  const text = Buffer.alloc(8000, 'x');
  writer.encode(text, 0, text.length);
  const list = chunks.create();
  for (let i = 0; i < 300; i++) {
    // Something comes between here and there.
    if (i % 70 === 69) arena.allocate(8100);
    chunks.insertEmptyChunk(list, i, 8050);
    chunks.splice(list, i, LISTPACK_HEADER_BYTES, 0, writer.byteCount, 1, 0);
    text.write(String(i).padStart(4, '0'));
    writer.encode(text, 0, text.length);
    writer.write(chunks.view(chunks.chunk(list, i)), chunks.start(list, i) + LISTPACK_HEADER_BYTES);
  }
  const texts = textsOf(chunks, list);
  assert.equal(new Set(texts).size, 300);
  const copy = chunks.duplicate(list);
  assert.deepEqual(textsOf(chunks, copy), texts);
  chunks.removeChunks(copy, 100, 100);
  for (let i = 0; i < 50; i++) chunks.popWithin(copy, true, { bulk() {} });
  assert.deepEqual(textsOf(chunks, list), texts);
});

function textsOf(chunks: ChunkList, list: Ref): string[] {
  const element = new ListpackElement();
  const texts: string[] = [];
  for (let i = 0; i < chunks.chunkCount(list); i++) {
    const view = chunks.view(chunks.chunk(list, i));
    for (let at = firstElement(chunks.start(list, i)); !isListpackEnd(view, at); at = element.next) {
      element.read(view, at);
      texts.push(textOf(element));
    }
  }
  return texts;
}

function textOf(element: ListpackElement): string {
  return Buffer.from(element.bytes.subarray(element.start, element.start + element.length)).toString();
}
