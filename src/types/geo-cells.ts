/**
 * Which cells a search must look at: the one with the centre and those of its eight neighbours that the area may reach into. Their size is chosen so
 * that the nine cover the area. Source: spec server.md section 23; the order of the cells is the order of unsorted results.
 */
import { degrees, EARTH_RADIUS_M, radians } from './geo-distance.js';
import { interleave, LATITUDE_MAX, LONGITUDE_MAX, STEP_MAX, stepOf } from './geo-hash.js';

/** Half of the equator on the Mercator map, metres. */
const MERCATOR_MAX_M = 20037726.37;

/** Neighbours as steps to the east and to the north: the centre, N, S, E, W, NE, NW, SE, SW. */
const EAST = [0, 0, 0, 1, -1, 1, -1, 1, -1];
const NORTH = [0, 1, -1, 0, 0, 1, 1, -1, -1];

/** The cells that `findCells` found, as ranges of scores [from, to). */
export const cells = { count: 0, from: new Float64Array(9), to: new Float64Array(9) };

/**
 * @param halfWidth, halfHeight of a box around the area, metres
 * @param radius    of a circle around the area, metres
 */
export function findCells(
  longitude: number,
  latitude: number,
  halfWidth: number,
  halfHeight: number,
  radius: number,
): void {
  const latitudeDelta = degrees(halfHeight / EARTH_RADIUS_M);
  // The side of the box that is nearer to the pole spans more degrees.
  const outer = latitude < 0 ? latitude - latitudeDelta : latitude + latitudeDelta;
  const longitudeDelta = degrees(halfWidth / EARTH_RADIUS_M / Math.cos(radians(outer)));
  const west = longitude - longitudeDelta;
  const east = longitude + longitudeDelta;
  const south = latitude - latitudeDelta;
  const north = latitude + latitudeDelta;
  let step = stepFor(radius, latitude);
  if (step > 1 && !covers(longitude, latitude, step, west, south, east, north)) step--;
  const side = 2 ** step;
  const x = stepOf(longitude, LONGITUDE_MAX, side);
  const y = stepOf(latitude, LATITUDE_MAX, side);
  // Large cells are all looked at.
  const isSmall = step >= 2;
  const skipsSouth = isSmall && edge(y, side, LATITUDE_MAX) < south;
  const skipsNorth = isSmall && edge(y + 1, side, LATITUDE_MAX) > north;
  const skipsWest = isSmall && edge(x, side, LONGITUDE_MAX) < west;
  const skipsEast = isSmall && edge(x + 1, side, LONGITUDE_MAX) > east;
  cells.count = 0;
  let last = -1;
  for (let i = 0; i < EAST.length; i++) {
    if ((NORTH[i] < 0 && skipsSouth) || (NORTH[i] > 0 && skipsNorth)) continue;
    if ((EAST[i] < 0 && skipsWest) || (EAST[i] > 0 && skipsEast)) continue;
    const cell = interleave(neighbour(x, EAST[i], side), neighbour(y, NORTH[i], side));
    // On a map of few cells neighbours may be one and the same; the centre is not compared, as in Redis.
    if (cell === last) continue;
    const scores = 4 ** (STEP_MAX - step);
    cells.from[cells.count] = cell * scores;
    cells.to[cells.count++] = (cell + 1) * scores;
    if (i > 0) last = cell;
  }
}

/** The step whose cells are about as large as the radius: larger ones near the poles, where degrees of longitude are short. */
function stepFor(radius: number, latitude: number): number {
  if (radius === 0) return STEP_MAX;
  let step = 1;
  for (let range = radius; range < MERCATOR_MAX_M; range *= 2) step++;
  step -= 2;
  if (Math.abs(latitude) > 66) step -= Math.abs(latitude) > 80 ? 2 : 1;
  return Math.max(1, Math.min(step, STEP_MAX));
}

/** Whether the neighbours reach to the edges of the box. */
function covers(
  longitude: number,
  latitude: number,
  step: number,
  west: number,
  south: number,
  east: number,
  north: number,
): boolean {
  const side = 2 ** step;
  const x = stepOf(longitude, LONGITUDE_MAX, side);
  const y = stepOf(latitude, LATITUDE_MAX, side);
  return (
    edge(neighbour(y, 1, side) + 1, side, LATITUDE_MAX) >= north &&
    edge(neighbour(y, -1, side), side, LATITUDE_MAX) <= south &&
    edge(neighbour(x, 1, side) + 1, side, LONGITUDE_MAX) >= east &&
    edge(neighbour(x, -1, side), side, LONGITUDE_MAX) <= west
  );
}

/** One step further; behind the last one comes the first. */
function neighbour(step: number, direction: number, side: number): number {
  return direction === 0 ? step : (step + direction + side) % side;
}

/** Where a step begins, in degrees. */
function edge(step: number, side: number, limit: number): number {
  return -limit + (step / side) * (limit + limit);
}
