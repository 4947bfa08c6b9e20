/**
 * Puts the entries of a snapshot into one RDB stream.
 *
 * A value that comes in parts takes up the stream from its first part to its last. What comes meanwhile is written aside, and follows when it is
 * complete: other entries into one *lane*, each further large value into a lane of its own, the first of which then goes on in the stream itself.
 *
 *   stream:  … | key a, head and items of L | what was put aside: b, c, … | head and items of M so far, further items … |
 *
 * What is kept aside is what clients write, and what they overwrite, while one value is being written.
 *
 * Invariant: in each lane SELECTDB precedes the first key, and every key of another database than the one before.
 */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { LargeValueSink, SnapshotSink } from '../../keyspace/snapshot.js';
import type { Ref } from '../../memory/arena.js';
import { type AccessAttribute, beginLargeEntry, writeEntry } from './keyspace-rdb.js';
import { RdbWriter } from './rdb-writer.js';

/** One sequence of keys. */
class Lane {
  readonly writer: RdbWriter;
  /** Database of the last SELECTDB; −1 = none yet. */
  selected = -1;

  constructor(writer: RdbWriter) {
    this.writer = writer;
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
    this.stream = new Lane(writer);
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
    const rest = this.newLane().writer;
    const state = { rest, earliestMs: 0 };
    const form = beginLargeEntry(lane.writer, space, ref, this.attribute, itemCount, state);
    const last = form.writeRest?.(rest, space, ref);
    const value: LargeValue = {
      lane,
      items: (items, count) => form.writeItems!(value.lane.writer, space, items, count, state),
      end: () => {
        const { writer } = value.lane;
        writer.bytesRange(rest.bytes, 0, rest.length);
        rest.reset();
        if (last?.writeSome(writer)) return false;
        this.completed(value);
        return true;
      },
    };
    this.open.push(value);
    return value;
  }

  /** Values are completed in the order in which they began. */
  private completed(value: LargeValue): void {
    this.open.splice(this.open.indexOf(value), 1);
    this.follow(this.aside);
    this.aside = this.newLane();
    if (this.open.length === 0) return;
    const [next] = this.open;
    this.follow(next.lane);
    next.lane = this.stream;
  }

  /** Appends what was put aside to the stream. */
  private follow({ writer, selected }: Lane): void {
    if (selected < 0) return;
    this.stream.writer.bytesRange(writer.bytes, 0, writer.length);
    this.stream.selected = selected;
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
    const { version, compression } = this.stream.writer;
    return new Lane(new RdbWriter(null, { version, compression }));
  }
}

interface LargeValue extends LargeValueSink {
  lane: Lane;
}
