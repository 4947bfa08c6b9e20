/**
 * A search for the members of a sorted set that lie in a circle or box. What it finds is kept in a few flat arrays, so that it can be sorted however much
 * there is; of a member only where it is, as most of those that COUNT leaves out are in no cache, and the tree has the scores.
 *
 * Invariant: what was found can be read until the set changes.
 */
import type { Ref } from '../memory/arena.js';
import type { RankTree } from '../memory/rank-tree.js';
import { cells, findCells } from './geo-cells.js';
import { distance, distanceFrom, latitudeDistance, originAt } from './geo-distance.js';
import { decodeScore, place } from './geo-hash.js';
import { isFew, selectFirst } from './select-first.js';
import { sortByWeight } from './weight-sort.js';
import type { Zsets } from './zset.js';
import type { ZsetCursor } from './zset-cursor.js';

/** Arrays that grew beyond this for one large result are dropped afterwards. */
const KEPT_MEMBERS = 64 * 1024;
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
  private origin = originAt(0, 0);
  /** How many were found; number `order[i]` is the i-th. */
  count = 0;
  order: Int32Array = new Int32Array(64);
  /** Metres. */
  distances: Float64Array = new Float64Array(64);
  /** Their items, or places in the listpack. */
  private places: Int32Array = new Int32Array(64);
  private cursor: ZsetCursor | null = null;

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
    this.cursor = zsets.cursor;
    zsets.begin(ref, zsets.cursor);
    this.origin = originAt(this.longitude, this.latitude);
    findCells(this.longitude, this.latitude, this.halfWidth, this.halfHeight, this.radius);
    for (let i = 0; i < cells.count && !this.isEnough(limit); i++)
      if (zsets.isPacked(ref)) this.searchPacked(zsets, ref, cells.from[i], cells.to[i], limit);
      else this.searchTree(zsets.trees, zsets.treeOf(ref), cells.from[i], cells.to[i], limit);
    for (let i = 0; i < this.count; i++) this.order[i] = i;
  }

  /** Orders what was found by distance, at least the first `wanted`; what is equally far away stays in the order in which it was found. */
  sort(isDescending: boolean, wanted: number): void {
    const { count, distances, order } = this;
    if (isFew(wanted, count)) {
      const sign = isDescending ? -1 : 1;
      selectFirst(order, count, wanted, (a, b) => sign * (distances[a] - distances[b]) || a - b);
    } else {
      const inOrder = isDescending ? (a: number, b: number) => b - a : (a: number, b: number) => a - b;
      sortByWeight(order, distances, count, inOrder);
      if (isDescending) order.subarray(0, count).reverse();
    }
  }

  /** @returns a cursor at number `number` of what was found, until the next call */
  member(number: number): ZsetCursor {
    const cursor = this.cursor!;
    cursor.revisit(this.places[number]);
    return cursor;
  }

  /** Gives back what a large result took. */
  release(): void {
    if (this.order.length > KEPT_MEMBERS) this.setCapacity(KEPT_MEMBERS);
  }

  private searchPacked(zsets: Zsets, ref: Ref, from: number, to: number, limit: number): void {
    const { cursor } = zsets;
    const rank = zsets.countByScore(ref, from, false);
    if (rank === zsets.count(ref)) return;
    zsets.seek(ref, rank, cursor);
    do {
      const { score } = cursor;
      if (score >= to) return;
      const metres = this.distanceIfInside(score);
      if (metres >= 0) this.add(cursor.place, metres);
    } while (!this.isEnough(limit) && cursor.next());
  }

  private searchTree(trees: RankTree, tree: Ref, from: number, to: number, limit: number): void {
    const rank = trees.countByScore(tree, from, false);
    if (rank === trees.count(tree)) return;
    trees.seekRank(tree, rank);
    let { index } = trees;
    for (let { leaf } = trees; leaf !== 0; leaf = trees.nextLeaf(leaf), index = 0) {
      for (const count = trees.cellCount(leaf); index < count; index++) {
        const score = trees.scoreAt(leaf, index);
        if (score >= to || this.isEnough(limit)) return;
        const metres = this.distanceIfInside(score);
        if (metres >= 0) this.add(trees.itemAt(leaf, index), metres);
      }
    }
  }

  private isEnough(limit: number): boolean {
    return limit > 0 && this.count >= limit;
  }

  /** @returns metres from the centre, or −1 if the place of the score is outside */
  private distanceIfInside(score: number): number {
    decodeScore(score);
    const { longitude, latitude } = place;
    const { origin } = this;
    const northward = latitudeDistance(latitude, this.latitude);
    if (!this.isBox) {
      if (northward > this.radius * SURELY_OUTSIDE) return -1;
      const metres = distanceFrom(origin, longitude, latitude);
      return metres <= this.radius ? metres : -1;
    }
    if (northward > this.halfHeight) return -1;
    if (distance(longitude, latitude, this.longitude, latitude) > this.halfWidth) return -1;
    return distanceFrom(origin, longitude, latitude);
  }

  private add(place: number, metres: number): void {
    const number = this.count++;
    if (number === this.order.length) this.setCapacity(number * 2);
    this.places[number] = place;
    this.distances[number] = metres;
  }

  /** Makes the arrays longer, or shorter and forgets what is in them. */
  private setCapacity(capacity: number): void {
    const { places, distances } = this;
    this.order = new Int32Array(capacity);
    this.places = new Int32Array(capacity);
    this.distances = new Float64Array(capacity);
    if (capacity < places.length) return;
    this.places.set(places);
    this.distances.set(distances);
  }
}
