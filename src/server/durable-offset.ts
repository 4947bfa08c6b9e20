/**
 * Up to which replication offset the append-only file is durable: for WAITAOF, and for what a replica tells its primary.
 *
 * The log counts in marks of its owner's, which only grow; offsets may jump back with a full synchronisation. So each turn's end gets a mark, and the
 * offset that belongs to it waits here until the log is durable up to that mark.
 */
import type { Aof } from '../persistence/aof/aof.js';

interface Point {
  mark: number;
  offset: number;
}

/** More points are not told apart: with `appendfsync no` none ever becomes durable. */
const POINTS_MAX = 1024;

export class DurableOffset {
  private readonly aof: Aof;
  private readonly points: Point[] = [];
  private lastOffset = 0;
  private durable = 0;

  constructor(aof: Aof) {
    this.aof = aof;
  }

  /** What is in the log's buffer belongs to the stream up to here. To be called before the buffer is written. */
  note(offset: number): void {
    if (offset === this.lastOffset) return;
    if (offset < this.lastOffset) this.forget();
    this.lastOffset = offset;
    const { appender } = this.aof;
    const mark = ++appender.mark;
    const last = this.points.at(-1);
    if (last !== undefined && this.points.length >= POINTS_MAX) {
      last.mark = mark;
      last.offset = offset;
    } else {
      this.points.push({ mark, offset });
    }
  }

  /** The data set is another one: nothing of it is in the log. */
  forget(): void {
    this.points.length = 0;
    this.durable = 0;
  }

  /** @returns −1 if there is no log */
  get value(): number {
    const { state, appender } = this.aof;
    if (state !== 'on') return -1;
    if (appender.isAllDurable) return this.lastOffset;
    let count = 0;
    while (count < this.points.length && this.points[count].mark <= appender.durableMark) {
      this.durable = this.points[count++].offset;
    }
    if (count > 0) this.points.splice(0, count);
    return this.durable;
  }
}
