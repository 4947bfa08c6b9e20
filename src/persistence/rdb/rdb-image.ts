/**
 * Puts the entries of a snapshot into one RDB stream.
 *
 * A value that comes in parts takes up the stream from its first part to its last. What comes meanwhile is written aside, and follows when it is
 * complete: other entries into one *lane*, each further large value into a lane of its own, the first of which then goes on in the stream itself.
 *
 *   stream:  … | key a, head and items of L | what was put aside: b, c, … | head and items of M so far, further items … |
 *
 * What is kept aside is what clients write, and what they overwrite, while one value is being written. It follows chunk by chunk, so that a lot of it
 * stalls nobody.
 *
 * Invariant: in each lane SELECTDB precedes the first key, and every key of another database than the one before.
 */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { LargeValueSink, SnapshotSink } from '../../keyspace/snapshot.js';
import type { Ref } from '../../memory/arena.js';
import { type AccessAttribute, beginLargeEntry, writeEntry } from './keyspace-rdb.js';
import { type ChunkSink, RdbWriter } from './rdb-writer.js';

/** One sequence of keys: the stream, or what is kept aside, in chunks. */
class Lane {
  readonly writer: RdbWriter;
  /** Database of the last SELECTDB; −1 = none yet. */
  selected = -1;
  private readonly chunks: { readonly bytes: Uint8Array; readonly length: number }[] = [];

  /** @param stream of the image, or for a lane aside the one that it is to follow in */
  constructor(stream: RdbWriter, isAside: boolean) {
    const keep: ChunkSink = (bytes, length) => this.chunks.push({ bytes, length });
    const { version, compression } = stream;
    this.writer = isAside ? new RdbWriter(keep, { version, compression, checksum: false }) : stream;
  }

  /** Appends a chunk of a lane aside to the stream. @returns false if there was none left */
  moveSome(stream: Lane): boolean {
    if (this.chunks.length === 0) this.writer.flush();
    const chunk = this.chunks.shift();
    if (chunk === undefined) return false;
    stream.writer.bytesRange(chunk.bytes, 0, chunk.length);
    stream.selected = this.selected;
    this.writer.recycle(chunk.bytes);
    return true;
  }
}

export class RdbImage implements SnapshotSink {
  private readonly space: Keyspace;
  private readonly attribute: AccessAttribute;
  /** Keys and expiries of each database at the beginning. */
  private readonly sizes: readonly (readonly [keys: number, expiries: number])[];
  private readonly announced = new Set<number>();
  private readonly stream: Lane;
  private aside: Lane;
  /** Large values that are not complete; the first one has the stream. */
  private readonly open: LargeValue[] = [];

  constructor(writer: RdbWriter, space: Keyspace, attribute: AccessAttribute) {
    this.space = space;
    this.attribute = attribute;
    this.sizes = space.databases.map((db) => [db.keyCount, db.expiryCount]);
    this.stream = new Lane(writer, false);
    this.aside = this.newLane();
  }

  entry(index: number, ref: Ref): void {
    const lane = this.open.length === 0 ? this.stream : this.aside;
    this.select(lane, index);
    writeEntry(lane.writer, this.space, ref, this.attribute);
  }

  largeEntry(index: number, ref: Ref, itemCount: number): LargeValueSink {
    const lane = this.open.length === 0 ? this.stream : this.newLane();
    this.select(lane, index);
    const { space } = this;
    const rest = new RdbWriter(null, this.stream.writer);
    const state = { rest, earliestMs: 0 };
    const form = beginLargeEntry(lane.writer, space, ref, this.attribute, itemCount, state);
    const last = form.writeRest?.(rest, space, ref);
    let isWritten = false;
    const value: LargeValue = {
      lane,
      isFollowed: false,
      items: (items, count) => form.writeItems!(value.lane.writer, space, items, count, state),
      end: () => {
        const { writer } = value.lane;
        if (!isWritten) {
          writer.bytesRange(rest.bytes, 0, rest.length);
          rest.reset();
          if (last?.writeSome(writer)) return false;
          last?.release();
          isWritten = true;
        }
        return this.follow(value);
      },
      abandon() {
        if (!isWritten) last?.release();
      },
    };
    this.open.push(value);
    return value;
  }

  /**
   * Appends a chunk of what was put aside during the first value, which is written, and of the next value so far. Until all of that is in the stream,
   * entries go on coming aside.
   * @returns whether the next value, or who comes next, has the stream now
   */
  private follow(first: LargeValue): boolean {
    if (!first.isFollowed) {
      if (this.aside.moveSome(this.stream)) return false;
      this.aside = this.newLane();
      first.isFollowed = true;
    }
    const next = this.open[1];
    if (next?.lane.moveSome(this.stream)) return false;
    if (next !== undefined) next.lane = this.stream;
    this.open.shift();
    return true;
  }

  private select(lane: Lane, index: number): void {
    if (lane.selected === index) return;
    lane.selected = index;
    lane.writer.selectDb(index);
    if (this.announced.has(index)) return;
    this.announced.add(index);
    lane.writer.resizeDb(...this.sizes[index]);
  }

  private newLane(): Lane {
    return new Lane(this.stream.writer, true);
  }
}

interface LargeValue extends LargeValueSink {
  lane: Lane;
  /** Whether all that was put aside meanwhile is in the stream. */
  isFollowed: boolean;
}
