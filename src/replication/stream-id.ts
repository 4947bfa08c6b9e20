/**
 * Which stream of commands a data set stands in, and how far: the replication IDs and offsets (spec/replication.md sections 1 and 17).
 *
 *   id, offset           the history that this node writes (primary) or applies (replica)
 *   id2, secondOffset    the history it came from: valid for requests up to `secondOffset`, so that siblings of a promoted replica can go on
 *
 * Invariant: two nodes with the same id and offset have the same data set.
 */
import { randomBytes } from 'node:crypto';

export const NO_ID = '0'.repeat(40);

export class StreamId {
  id = newId();
  id2 = NO_ID;
  /** The last offset that a replica may ask for by `id2`: the first byte after that history; −1 without `id2`. */
  secondOffset = -1;
  /** Bytes of the stream so far. */
  offset = 0;

  /** Starts a history of its own: nobody can go on from an earlier one. */
  renew(): void {
    this.id = newId();
    this.forgetSecond();
  }

  /** Goes on under a new id, as this node now writes itself; the old one stays good up to here. */
  shift(id = newId()): void {
    this.id2 = this.id;
    this.secondOffset = this.offset + 1;
    this.id = id;
  }

  /** Takes over the history of a primary whose image was loaded. */
  adopt(id: string, offset: number): void {
    this.id = id;
    this.offset = offset;
    this.forgetSecond();
  }

  forgetSecond(): void {
    this.id2 = NO_ID;
    this.secondOffset = -1;
  }

  /** Whether a replica that has `id` and misses everything from `offset` on is in this history. */
  covers(id: string, offset: number): boolean {
    const wanted = id.toLowerCase();
    return wanted === this.id || (this.secondOffset >= 0 && wanted === this.id2 && offset <= this.secondOffset);
  }
}

/** @returns 40 random hexadecimal digits: replication IDs, end marks of images */
export function newId(): string {
  return randomBytes(20).toString('hex');
}
