/** Distances on a sphere of the earth's mean radius, in metres; places are in degrees. Source: spec server.md section 23. */

export const EARTH_RADIUS_M = 6372797.560856;

export function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}

export function degrees(angle: number): number {
  return angle / (Math.PI / 180);
}

/** Along a great circle, by the haversine formula. */
export function distance(longitudeA: number, latitudeA: number, longitudeB: number, latitudeB: number): number {
  const v = Math.sin((radians(longitudeB) - radians(longitudeA)) / 2);
  // On one meridian the plain difference is exact.
  if (v === 0) return latitudeDistance(latitudeA, latitudeB);
  const a = radians(latitudeA);
  const b = radians(latitudeB);
  const u = Math.sin((b - a) / 2);
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(u * u + Math.cos(a) * Math.cos(b) * v * v));
}

/** Between two circles of latitude. */
export function latitudeDistance(latitudeA: number, latitudeB: number): number {
  return EARTH_RADIUS_M * Math.abs(radians(latitudeB) - radians(latitudeA));
}
