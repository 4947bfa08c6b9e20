/**
 * Stream IDs that a command names, many at once: sorted, they are found leaf by leaf in a tree of millions, where each alone would take cache misses and
 * a descent.
 *
 *   record = | ID : 4 words | tag |      what the tag means is the user's affair
 *
 * Sorted by counting, 11 bits at a time, and only by bits in which the records differ: IDs of the same hour and small `seq` take three passes, each some
 * 4 ns a record.
 */
import { compareIdAt, ID_WORDS, readIdAt, type StreamId, writeIdAt } from './stream-id.js';

export const BATCH_WORDS = ID_WORDS + 1;
/** The word of a record that has its tag. */
export const TAG = ID_WORDS;

const DIGIT_BITS = 11;
const DIGIT_MASK = (1 << DIGIT_BITS) - 1;
/** A batch of up to so many uses the same memory as the last one. */
const KEPT_MAX = 1024;
const NO_CELLS = new Int32Array(0);

export class IdBatch {
  cells = new Int32Array(KEPT_MAX * BATCH_WORDS);
  count = 0;
  /** Whether each ID is at or behind the one before. */
  isSorted = true;
  private readonly kept = this.cells;
  private spare = NO_CELLS;
  private readonly ends = new Int32Array(DIGIT_MASK + 1);

  /** Begins a batch of up to `room` IDs. */
  begin(room: number): void {
    if (room > KEPT_MAX || this.cells.length > this.kept.length) {
      this.cells = room > KEPT_MAX ? new Int32Array(room * BATCH_WORDS) : this.kept;
      this.spare = NO_CELLS;
    }
    this.count = 0;
    this.isSorted = true;
  }

  push(id: StreamId): void {
    const { cells } = this;
    const at = this.count++ * BATCH_WORDS;
    if (at > 0 && compareIdAt(cells, at - BATCH_WORDS, id) > 0) this.isSorted = false;
    writeIdAt(cells, at, id);
    cells[at + TAG] = 0;
  }

  read(index: number, into: StreamId): void {
    readIdAt(this.cells, index * BATCH_WORDS, into);
  }

  tag(index: number): number {
    return this.cells[index * BATCH_WORDS + TAG];
  }

  sort(): void {
    if (this.isSorted) return;
    for (let word = ID_WORDS - 1; word >= 0; word--) this.sortBy(word);
    this.isSorted = true;
  }

  /** Sorts by tag; those with the same tag stay in their order. */
  sortByTag(): void {
    this.sortBy(TAG);
  }

  /** Drops the memory that is not used again. */
  end(): void {
    this.begin(0);
  }

  private sortBy(word: number): void {
    const { count } = this;
    const differences = differencesIn(this.cells, count, word);
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      if (((differences >>> shift) & DIGIT_MASK) === 0) continue;
      const { cells } = this;
      if (this.spare.length < count * BATCH_WORDS) this.spare = new Int32Array(cells.length);
      distribute(cells, this.spare, count, word, shift, this.ends);
      this.cells = this.spare;
      this.spare = cells;
    }
  }
}

/** @returns the bits in which a word is not the same in all records */
function differencesIn(cells: Int32Array, count: number, word: number): number {
  let bits = 0;
  const first = cells[word];
  const end = count * BATCH_WORDS;
  for (let at = word; at < end; at += BATCH_WORDS) bits |= cells[at] ^ first;
  return bits;
}

/** Moves the records to `target`, in the order of one digit of a word; those with the same digit stay in their order. */
function distribute(
  source: Int32Array,
  target: Int32Array,
  count: number,
  word: number,
  shift: number,
  ends: Int32Array,
): void {
  ends.fill(0);
  const end = count * BATCH_WORDS;
  for (let at = word; at < end; at += BATCH_WORDS) ends[(source[at] >>> shift) & DIGIT_MASK]++;
  let sum = 0;
  for (let digit = 0; digit <= DIGIT_MASK; digit++) {
    sum += ends[digit];
    ends[digit] = sum;
  }
  for (let i = count - 1; i >= 0; i--) {
    const from = i * BATCH_WORDS;
    const to = --ends[(source[from + word] >>> shift) & DIGIT_MASK] * BATCH_WORDS;
    target[to] = source[from];
    target[to + 1] = source[from + 1];
    target[to + 2] = source[from + 2];
    target[to + 3] = source[from + 3];
    target[to + TAG] = source[from + TAG];
  }
}
