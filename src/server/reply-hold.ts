/**
 * Replies that must not leave before the append-only file has what they acknowledge (DESIGN section 4: group commit per event-loop turn).
 *
 * The replies of a turn stay where they were written, in the shared reply buffer, each event's as one range. At the turn's end the log is
 * committed and the ranges leave. With `appendfsync always` the commit takes longer: the buffer is then taken over by the batch.
 *
 * Invariant: a connection's replies leave in the order in which they were written, whichever batch they are in, as batches are released in order.
 */
import type { Connection } from './connection.js';

export class ReplyHold {
  private connections: Connection[] = [];
  private starts: number[] = [];
  private ends: number[] = [];

  get isEmpty(): boolean {
    return this.connections.length === 0;
  }

  has(connection: Connection): boolean {
    return this.connections.includes(connection);
  }

  add(connection: Connection, start: number, end: number): void {
    this.connections.push(connection);
    this.starts.push(start);
    this.ends.push(end);
  }

  /** Makes the batch independent of later events. @returns the function that lets it go; `bytes` must stay as they are until then */
  seal(bytes: Uint8Array): () => void {
    const { connections, starts, ends } = this;
    this.connections = [];
    this.starts = [];
    this.ends = [];
    return () => {
      for (let i = 0; i < connections.length; i++) {
        if (ends[i] > starts[i]) connections[i].writeReplies(bytes, starts[i], ends[i]);
        connections[i].repliesReleased();
      }
    };
  }
}
