/**
 * Which blocks of slabs are free, a bit each: beside the blocks, so that neither who frees one touches it nor who hands one out. Linked through the blocks
 * themselves, one would have to be read before the next can be handed out, and to wait for memory is then most of what an allocation takes.
 *
 * The search begins where a block was freed last, which is in the cache most likely, and goes on upwards: what is allocated together lies together.
 *
 * Invariants: (1) a slab has a map from the first block on that is freed in it until `close`; (2) maps that are spare, and words behind the last map, are 0.
 */
import { MAP_WORDS } from './size-classes.js';

export class FreeBlocks {
  /** The maps, one behind the other. */
  private words: Int32Array = new Int32Array(1024);
  /** Behind the last map; word 0 is nobody's. */
  private end = 1;
  /** Where the map of a slab begins, by its first page; 0 = none. And the word at which its search begins. */
  private starts: Int32Array;
  private places: Int32Array;
  /** Where spare maps begin, by their number of words. */
  private readonly spare: number[][] = [];

  constructor(pageCount: number) {
    this.starts = new Int32Array(pageCount);
    this.places = new Int32Array(pageCount);
  }

  /** Makes room for slabs that begin with pages up to `pageCount`. */
  extend(pageCount: number): void {
    this.starts = copied(this.starts, pageCount);
    this.places = copied(this.places, pageCount);
  }

  put(slab: number, block: number, sizeClass: number): void {
    let start = this.starts[slab];
    if (start === 0) start = this.open(slab, MAP_WORDS[sizeClass]);
    const at = start + (block >> 5);
    this.words[at] |= 1 << (block & 31);
    this.places[slab] = at;
  }

  /** @returns a free block of the slab, which has one, and which is not free any more */
  take(slab: number, sizeClass: number): number {
    const { words } = this;
    const start = this.starts[slab];
    let at = this.places[slab];
    if (words[at] === 0) {
      const end = start + MAP_WORDS[sizeClass];
      do if (++at === end) at = start;
      while (words[at] === 0);
      this.places[slab] = at;
    }
    const lowest = words[at] & -words[at];
    words[at] ^= lowest;
    return ((at - start) << 5) + 31 - Math.clz32(lowest);
  }

  /** Forgets a slab. */
  close(slab: number, sizeClass: number): void {
    const start = this.starts[slab];
    if (start === 0) return;
    const wordCount = MAP_WORDS[sizeClass];
    this.starts[slab] = 0;
    this.words.fill(0, start, start + wordCount);
    this.spareOf(wordCount).push(start);
  }

  private open(slab: number, wordCount: number): number {
    const start = this.spareOf(wordCount).pop() ?? this.addMap(wordCount);
    this.starts[slab] = start;
    return start;
  }

  private addMap(wordCount: number): number {
    const start = this.end;
    this.end += wordCount;
    if (this.end > this.words.length) this.words = copied(this.words, this.words.length * 2);
    return start;
  }

  private spareOf(wordCount: number): number[] {
    this.spare[wordCount] ??= [];
    return this.spare[wordCount];
  }
}

function copied(words: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(length);
  longer.set(words);
  return longer;
}
