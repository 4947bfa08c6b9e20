/**
 * The virtual clock: what is going to happen, in order of time, and of being put down where times are equal. Nothing else makes time pass.
 *
 * A binary heap over two parallel arrays (time and sequence number are compared, so the order of events is total and a run repeats exactly).
 */
export class Agenda {
  /** Milliseconds since the beginning of the simulation; whole numbers. */
  nowMs = 0;
  #sequence = 0;
  readonly #heap: Entry[] = [];

  /** Does something at a moment, or next if that moment is past. There is no way to take it back: the action looks whether it is still wanted. */
  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { atMs: Math.max(atMs, this.nowMs), sequence: this.#sequence, run };
    this.#sequence += 1;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  /** Lets time pass until `endMs`, with everything that happens up to and at that moment. */
  runUntil(endMs: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= endMs) {
      const { atMs, run } = this.#take();
      this.nowMs = atMs;
      run();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  #take(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (isBefore(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

interface Entry {
  atMs: number;
  sequence: number;
  run: () => void;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
