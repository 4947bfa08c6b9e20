/**
 * A search for the members of a sorted set that lie in a circle or box. What it finds is kept in a few flat arrays, a member's bytes one behind the other,
 * so that it can be sorted and told however many there are.
 */
import type { Ref } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';
import { cells, findCells } from './geo-cells.js';
import { distance, latitudeDistance } from './geo-distance.js';
import { decodeScore, place } from './geo-hash.js';
import type { Zsets } from './zset.js';
import type { ZsetCursor } from './zset-cursor.js';

/** Arrays that grew beyond this for one large result are dropped afterwards. */
const KEPT_MEMBERS = 64 * 1024;
const KEPT_BYTES = 1024 * 1024;
/** A distance of latitudes so much beyond the radius is outside, whatever the rounding of the exact test. */
const SURELY_OUTSIDE = 1 + 1e-9;

export class GeoSearch {
  /** The area: its centre in degrees, and metres. A circle has a radius, a box half its width and height, and the radius of the circle around it. */
  longitude = 0;
  latitude = 0;
  isBox = false;
  radius = 0;
  halfWidth = 0;
  halfHeight = 0;
  /** What was found: number `order[i]` is the i-th. */
  count = 0;
  order: Int32Array = new Int32Array(64);
  scores: Float64Array = new Float64Array(64);
  /** Metres. */
  distances: Float64Array = new Float64Array(64);
  bytes: Uint8Array = new Uint8Array(1024);
  starts: Int32Array = new Int32Array(64);
  lengths: Int32Array = new Int32Array(64);
  private byteCount = 0;

  setCentre(longitude: number, latitude: number): void {
    this.longitude = longitude;
    this.latitude = latitude;
  }

  setCircle(radius: number): void {
    this.isBox = false;
    this.radius = radius;
    this.halfWidth = radius;
    this.halfHeight = radius;
  }

  setBox(width: number, height: number): void {
    this.isBox = true;
    this.halfWidth = width / 2;
    this.halfHeight = height / 2;
    this.radius = Math.sqrt(this.halfWidth * this.halfWidth + this.halfHeight * this.halfHeight);
  }

  /**
   * Finds the members, cell after cell and by score in each.
   * @param limit ends the search when so many are found; 0 for all
   */
  run(zsets: Zsets, ref: Ref, limit: number): void {
    this.count = 0;
    this.byteCount = 0;
    findCells(this.longitude, this.latitude, this.halfWidth, this.halfHeight, this.radius);
    for (let i = 0; i < cells.count && !this.isEnough(limit); i++)
      this.searchCell(zsets, ref, cells.from[i], cells.to[i], limit);
    for (let i = 0; i < this.count; i++) this.order[i] = i;
  }

  /** Orders what was found by distance. */
  sort(isDescending: boolean): void {
    const { distances } = this;
    const order = this.order.subarray(0, this.count);
    if (isDescending) order.sort((a, b) => distances[b] - distances[a]);
    else order.sort((a, b) => distances[a] - distances[b]);
  }

  /** Gives back what a large result took. */
  release(): void {
    if (this.order.length > KEPT_MEMBERS) this.setCapacity(KEPT_MEMBERS, 0);
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(KEPT_BYTES);
  }

  private searchCell(zsets: Zsets, ref: Ref, from: number, to: number, limit: number): void {
    const { cursor } = zsets;
    const rank = zsets.countByScore(ref, from, false);
    if (rank === zsets.count(ref)) return;
    zsets.seek(ref, rank, cursor);
    do {
      if (cursor.score >= to) return;
      const metres = this.distanceIfInside(cursor.score);
      if (metres >= 0) this.add(cursor, metres);
    } while (!this.isEnough(limit) && cursor.next());
  }

  private isEnough(limit: number): boolean {
    return limit > 0 && this.count >= limit;
  }

  /** @returns metres from the centre, or −1 if the place of the score is outside */
  private distanceIfInside(score: number): number {
    decodeScore(score);
    const { longitude, latitude } = place;
    const northward = latitudeDistance(latitude, this.latitude);
    if (!this.isBox) {
      if (northward > this.radius * SURELY_OUTSIDE) return -1;
      const metres = distance(this.longitude, this.latitude, longitude, latitude);
      return metres <= this.radius ? metres : -1;
    }
    if (northward > this.halfHeight) return -1;
    if (distance(longitude, latitude, this.longitude, latitude) > this.halfWidth) return -1;
    return distance(this.longitude, this.latitude, longitude, latitude);
  }

  private add(cursor: ZsetCursor, metres: number): void {
    const { count } = this;
    const { length } = cursor;
    if (count === this.order.length) this.setCapacity(count * 2, count);
    if (this.byteCount + length > this.bytes.length) this.growBytes(length);
    copyBytes(cursor.bytes, cursor.start, this.bytes, this.byteCount, length);
    this.scores[count] = cursor.score;
    this.distances[count] = metres;
    this.starts[count] = this.byteCount;
    this.lengths[count] = length;
    this.byteCount += length;
    this.count++;
  }

  private setCapacity(capacity: number, kept: number): void {
    const integers = (old: Int32Array): Int32Array => {
      const grown = new Int32Array(capacity);
      grown.set(old.subarray(0, kept));
      return grown;
    };
    const numbers = (old: Float64Array): Float64Array => {
      const grown = new Float64Array(capacity);
      grown.set(old.subarray(0, kept));
      return grown;
    };
    this.order = integers(this.order);
    this.starts = integers(this.starts);
    this.lengths = integers(this.lengths);
    this.scores = numbers(this.scores);
    this.distances = numbers(this.distances);
  }

  private growBytes(length: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.byteCount + length));
    grown.set(this.bytes.subarray(0, this.byteCount));
    this.bytes = grown;
  }
}
