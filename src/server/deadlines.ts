/**
 * What is to happen at some time unless it is called off before: a heap by time, and one timer for all.
 *
 * A timer of the engine's for each would be made and taken back with each command that waits, with the lists that the engine keeps of them. The timer is
 * left as it is when what it was set for is called off: it then finds nothing due, and is set for the next one.
 *
 *   heap: item i is not later than items 2i + 1 and 2i + 2
 *
 * Invariants: (1) `items[item.place] === item` for what is here, and `place` is −1 for what is not; (2) there is a timer for a time that is not after the
 * first item's.
 */

/** Longer times take several timers. */
const TIMER_MS_MAX = 0x7fffffff;
const ITEMS_MIN = 16;

export interface Due {
  /** Its place in the heap: −1 = it is in none. */
  place: number;
}

export class Deadlines<T extends Due> {
  private readonly due: (item: T) => void;
  private readonly items: T[] = [];
  private times = new Float64Array(ITEMS_MIN);
  private timer: NodeJS.Timeout | null = null;
  private wakesAtMs = Number.POSITIVE_INFINITY;
  private readonly wakeNow = (): void => this.wake();

  /** @param due is called, outside of any event, for each item when its time has come; it is not here any more then */
  constructor(due: (item: T) => void) {
    this.due = due;
  }

  add(item: T, atMs: number): void {
    const { length } = this.items;
    if (length === this.times.length) {
      const grown = new Float64Array(length * 2);
      grown.set(this.times);
      this.times = grown;
    }
    this.items.push(item);
    this.rise(item, atMs, length);
    if (this.times[0]! < this.wakesAtMs) this.setTimer();
  }

  /** Nothing happens if it is not here. */
  remove(item: T): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.items.pop()!;
    if (last === item) return;
    const atMs = this.times[this.items.length]!;
    if (atMs < this.times[place]!) this.rise(last, atMs, place);
    else this.sink(last, atMs, place);
  }

  private wake(): void {
    this.timer = null;
    this.wakesAtMs = Number.POSITIVE_INFINITY;
    const nowMs = Date.now();
    while (this.items.length > 0 && this.times[0]! <= nowMs) {
      const item = this.items[0]!;
      this.remove(item);
      this.due(item);
    }
    if (this.items.length > 0 && this.times[0]! < this.wakesAtMs) this.setTimer();
  }

  private setTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    const nowMs = Date.now();
    const restMs = Math.max(1, Math.min(this.times[0]! - nowMs, TIMER_MS_MAX));
    this.wakesAtMs = nowMs + restMs;
    this.timer = setTimeout(this.wakeNow, restMs);
    // Nobody waits for what is left of it when the server ends.
    this.timer.unref();
  }

  /** Puts an item at a place or above it. */
  private rise(item: T, atMs: number, from: number): void {
    const { items, times } = this;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (times[above]! <= atMs) break;
      this.put(items[above]!, times[above]!, place);
      place = above;
    }
    this.put(item, atMs, place);
  }

  /** Puts an item at a place or below it. */
  private sink(item: T, atMs: number, from: number): void {
    const { items, times } = this;
    const { length } = items;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= length) break;
      if (below + 1 < length && times[below + 1]! < times[below]!) below++;
      if (times[below]! >= atMs) break;
      this.put(items[below]!, times[below]!, place);
      place = below;
    }
    this.put(item, atMs, place);
  }

  private put(item: T, atMs: number, place: number): void {
    this.items[place] = item;
    this.times[place] = atMs;
    item.place = place;
  }
}
