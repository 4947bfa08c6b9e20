/**
 * All connections, in the order of their IDs, which is that in which they came.
 *
 * Not a Map: one whose entries come and go is copied again and again, and each of its old copies refers to the next one. Once the collector of young objects
 * has taken one of them for old, it finds all later ones reachable, with the connections in them: with ten thousand short connections a second it copied
 * 4 MB of garbage three times a second, 10 ms each time.
 *
 * Invariants: `ids` ascend; `connections[i]` has the ID `ids[i]`, or is null when it is gone; at most half of them, or SPARE_PLACES, are null after `add`.
 */
import type { Connection } from './connection.js';

const SPARE_PLACES = 64;

export class ConnectionList {
  size = 0;
  private readonly ids: number[] = [];
  private readonly connections: (Connection | null)[] = [];

  /** Its ID is higher than those of all before it. Not to be called while somebody goes through `values`. */
  add(connection: Connection): void {
    if (this.connections.length - this.size >= Math.max(this.size, SPARE_PLACES)) this.closeUp();
    this.ids.push(connection.id);
    this.connections.push(connection);
    this.size++;
  }

  delete(connection: Connection): void {
    const place = this.placeOf(connection.id);
    if (place < 0) return;
    this.connections[place] = null;
    this.size--;
  }

  get(id: number): Connection | undefined {
    const place = this.placeOf(id);
    return place < 0 ? undefined : this.connections[place]!;
  }

  has(id: number): boolean {
    return this.placeOf(id) >= 0;
  }

  /** In ascending order of their IDs; connections may be deleted meanwhile. */
  *values(): Generator<Connection, void> {
    for (const connection of this.connections) if (connection !== null) yield connection;
  }

  /** As `values`, of those whose IDs are higher than this one. */
  *after(id: number): Generator<Connection, void> {
    const { connections } = this;
    for (let place = this.firstPlaceOf(id + 1); place < connections.length; place++) {
      const connection = connections[place]!;
      if (connection !== null) yield connection;
    }
  }

  /** @returns −1 if there is none */
  private placeOf(id: number): number {
    const place = this.firstPlaceOf(id);
    return this.ids[place] === id && this.connections[place] !== null ? place : -1;
  }

  /** @returns where the first ID of `id` or more stands, or would stand */
  private firstPlaceOf(id: number): number {
    const { ids } = this;
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private closeUp(): void {
    const { ids, connections } = this;
    let count = 0;
    for (let i = 0; i < connections.length; i++) {
      const connection = connections[i]!;
      if (connection === null) continue;
      ids[count] = ids[i]!;
      connections[count++] = connection;
    }
    ids.length = count;
    connections.length = count;
  }
}
