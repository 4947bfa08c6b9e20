/**
 * Places on earth as scores of a sorted set. Source: spec server.md section 23.
 *
 *   score = 52 bits: latitude and longitude as 26 bits each, in turns; bit 2i is bit i of the latitude
 *   latitude −85.05112878 … 85.05112878 (where the square of the Mercator map ends), longitude −180 … 180, each in 2^26 equal steps
 *
 * A cell of step s is what s bits of each tell: scores of one cell are neighbours, which is what a search lives on. The upper limits themselves fall
 * into a 2^26-th step, so such scores have up to 54 bits.
 */

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;
export const STEP_MAX = 26;

const SIDE = 2 ** STEP_MAX;
const LOW_BITS = 13;
const LOW_MASK = (1 << LOW_BITS) - 1;
/** GEOHASH strings count latitudes from pole to pole. */
const POLE_LATITUDE = 90;
const BASE32 = '0123456789bcdefghjkmnpqrstuvwxyz';
/** Characters that 52 bits fill; an eleventh is always 0. */
const FULL_CHARACTERS = 10;

/** The result of `decodeScore`: degrees. */
export const place = { longitude: 0, latitude: 0 };

/** Whether a place can be a score. */
export function isOnMap(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX;
}

/** @returns the score of a place on the map */
export function encodeScore(longitude: number, latitude: number): number {
  return interleave(stepOf(longitude, LONGITUDE_MAX, SIDE), stepOf(latitude, LATITUDE_MAX, SIDE));
}

/** @returns the same as an integer, exact beyond 2^53, too */
export function encodeScoreExactly(longitude: number, latitude: number): bigint {
  return interleaveExactly(stepOf(longitude, LONGITUDE_MAX, SIDE), stepOf(latitude, LATITUDE_MAX, SIDE));
}

/** Finds the middle of the place that a score stands for; it is then in `place`. Any score will do: a sorted set may hold others, too. */
export function decodeScore(score: number): void {
  let x: number;
  let y: number;
  if (score >= 0 && score < SIDE * SIDE) {
    const high = Math.floor(score / SIDE);
    const low = Math.floor(score) % SIDE;
    x = (compact(high >>> 1) << LOW_BITS) | compact(low >>> 1);
    y = (compact(high) << LOW_BITS) | compact(low);
  } else {
    const bits = uint64Of(score);
    x = compactWide(bits >> 1n);
    y = compactWide(bits);
  }
  place.longitude = middle(x, LONGITUDE_MAX);
  place.latitude = middle(y, LATITUDE_MAX);
}

/** Converts a score as x86-64 does: what does not fit is no bits if it is too high, and the highest one if it is too low. */
function uint64Of(score: number): bigint {
  if (score >= 2 ** 64) return 0n;
  return score < -(2 ** 63) ? 1n << 63n : BigInt.asUintN(64, BigInt(Math.trunc(score)));
}

/** @returns the geohash of a place, in 11 characters */
export function geoHashText(longitude: number, latitude: number): string {
  const bits = interleaveExactly(stepOf(longitude, LONGITUDE_MAX, SIDE), stepOf(latitude, POLE_LATITUDE, SIDE));
  let text = '';
  for (let i = 1; i <= FULL_CHARACTERS; i++) text += BASE32[Number((bits >> BigInt(52 - i * 5)) & 31n)];
  return `${text}0`;
}

/** @returns in which of `steps` equal parts of −limit … limit a coordinate lies */
export function stepOf(coordinate: number, limit: number, steps: number): number {
  return Math.floor(((coordinate + limit) / (limit + limit)) * steps);
}

/**
 * Lets the bits of two numbers take turns, those of `y` first.
 * @param x up to 27 bits
 * @param y up to 27 bits
 */
export function interleave(x: number, y: number): number {
  const high = spread(y >>> LOW_BITS) | (spread(x >>> LOW_BITS) << 1);
  const low = spread(y & LOW_MASK) | (spread(x & LOW_MASK) << 1);
  return high * SIDE + low;
}

function interleaveExactly(x: number, y: number): bigint {
  const low = interleave(x & LOW_MASK, y & LOW_MASK);
  return (BigInt(interleave(x >>> LOW_BITS, y >>> LOW_BITS)) << BigInt(2 * LOW_BITS)) | BigInt(low);
}

/** Puts a zero above each of 14 bits. */
function spread(value: number): number {
  let bits = value;
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** Takes every second bit, from the lowest on. */
function compact(value: number): number {
  let bits = value & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0x0000ffff;
}

function compactWide(value: bigint): number {
  const low = Number(value & 0xffffffffn);
  const high = Number((value >> 32n) & 0xffffffffn);
  return compact(high) * 65536 + compact(low);
}

/** The middle of a step in degrees, held to the limits. */
function middle(step: number, limit: number): number {
  const low = -limit + (step / SIDE) * (limit + limit);
  const high = -limit + ((step + 1) / SIDE) * (limit + limit);
  return Math.max(-limit, Math.min((low + high) / 2, limit));
}
