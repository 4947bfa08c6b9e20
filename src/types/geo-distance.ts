/** Distances on a sphere of the earth's mean radius, in metres; places are in degrees. Source: spec server.md section 23. */

export const EARTH_RADIUS_M = 6372797.560856;

export function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}

export function degrees(angle: number): number {
  return angle / (Math.PI / 180);
}

/** A place from which many distances are measured: its angles, and the cosine that each of them needs. */
export interface Origin {
  readonly longitude: number;
  readonly latitude: number;
  readonly cosine: number;
}

export function originAt(longitude: number, latitude: number): Origin {
  return { longitude: radians(longitude), latitude: radians(latitude), cosine: Math.cos(radians(latitude)) };
}

/** Along a great circle, by the haversine formula. */
export function distance(longitudeA: number, latitudeA: number, longitudeB: number, latitudeB: number): number {
  return distanceFrom(originAt(longitudeA, latitudeA), longitudeB, latitudeB);
}

/** The same from an origin to a place in degrees. */
export function distanceFrom(origin: Origin, longitude: number, latitude: number): number {
  const v = Math.sin((radians(longitude) - origin.longitude) / 2);
  const angle = radians(latitude);
  // On one meridian the plain difference is exact.
  if (v === 0) return EARTH_RADIUS_M * Math.abs(angle - origin.latitude);
  const u = Math.sin((angle - origin.latitude) / 2);
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(u * u + origin.cosine * Math.cos(angle) * v * v));
}

/** Between two circles of latitude. */
export function latitudeDistance(latitudeA: number, latitudeB: number): number {
  return EARTH_RADIUS_M * Math.abs(radians(latitudeB) - radians(latitudeA));
}
