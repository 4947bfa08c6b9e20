/**
 * Replies that must not leave before the append-only file has what they acknowledge (DESIGN section 4: group commit per event-loop turn).
 *
 * The replies of a turn stay where they were written, in the shared reply buffer, each event's as one range. At the turn's end the log is
 * committed and the ranges leave. With `appendfsync always` the commit takes longer: the buffer is then taken over by the batch.
 *
 * What others sent to the connection meanwhile keeps its place: what lay in its outbox when a range was added goes with it, in front of it; what comes
 * later stays in the outbox until all its ranges are out.
 *
 * Invariants: (1) a connection's replies leave in the order in which they were written, whichever batch they are in, as batches are released in order;
 * (2) `Connection.heldCount` is the number of its ranges in all batches that were not released yet.
 */
import type { Connection } from './connection.js';

export class ReplyHold {
  /** Longer than `count` after a batch was released: the arrays are used again. */
  private connections: (Connection | null)[] = [];
  /** What leaves in front of each range. */
  private befores: (Uint8Array | null)[] = [];
  private starts: number[] = [];
  private ends: number[] = [];
  private count = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  has(connection: Connection): boolean {
    return this.connections.includes(connection);
  }

  add(connection: Connection, start: number, end: number): void {
    this.connections[this.count] = connection;
    this.befores[this.count] = connection.takeOutbox();
    connection.heldCount++;
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  /** Lets the batch go at once. */
  release(bytes: Uint8Array): void {
    const { connections, befores, starts, ends, count } = this;
    this.count = 0;
    letGo(connections, befores, starts, ends, count, bytes);
  }

  /** Makes the batch independent of later events. @returns the function that lets it go; `bytes` must stay as they are until then */
  seal(bytes: Uint8Array): () => void {
    const { connections, befores, starts, ends, count } = this;
    this.connections = [];
    this.befores = [];
    this.starts = [];
    this.ends = [];
    this.count = 0;
    return () => letGo(connections, befores, starts, ends, count, bytes);
  }
}

function letGo(
  connections: (Connection | null)[],
  befores: (Uint8Array | null)[],
  starts: readonly number[],
  ends: readonly number[],
  count: number,
  bytes: Uint8Array,
): void {
  for (let i = 0; i < count; i++) {
    const connection = connections[i]!;
    connections[i] = null;
    const before = befores[i];
    befores[i] = null;
    if (before !== null) connection.writeOwn(before);
    if (ends[i] > starts[i]) connection.writeReplies(bytes, starts[i], ends[i]);
    connection.heldCount--;
    connection.flushOutbox();
    connection.repliesReleased();
  }
}
