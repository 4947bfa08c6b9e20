/** GEOADD, GEODIST, GEOHASH, GEOPOS: sorted sets whose scores are places. Source: spec server.md section 23. Records: geo-records.ts. */
import type { Ref } from '../memory/arena.js';
import { writeInteger } from '../memory/int64-text.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_ZSET } from '../server/notify-classes.js';
import { distance } from '../types/geo-distance.js';
import { decodeScore, encodeScore, encodeScoreExactly, geoHashText, isOnMap, place } from '../types/geo-hash.js';
import { formatDoubleAsLong, formatFixed, longDoubleOf } from '../types/long-double.js';
import { parseDouble } from '../types/parse-double.js';
import { zsetsOf } from '../types/zset.js';
import { replyNotAFloat, replySyntaxError } from './replies.js';
import { isZset } from './zset.js';

const BAD_UNIT = fixedReply('-ERR unsupported unit provided. please use M, KM, FT, MI');
const FOOT_M = 0.3048;
const MILE_M = 1609.34;

/** Distances in replies have four digits behind the point. */
const FRACTION_DIGITS = 4;
const POINT = 0x2e;
const ZERO = 0x30;
const digits = new Uint8Array(32);

/** Of the members that GEOADD is given; used within one call. */
let scores = new Float64Array(64);

export function geoAdd(call: Invocation): void {
  const { argc, db, request } = call;
  const { bytes, starts, lengths } = request;
  let isNx = false;
  let isXx = false;
  let isCh = false;
  let from = 2;
  for (; from < argc; from++) {
    if (call.is(from, 'NX')) isNx = true;
    else if (call.is(from, 'XX')) isXx = true;
    else if (call.is(from, 'CH')) isCh = true;
    else break;
  }
  if (argc === from || (argc - from) % 3 !== 0 || (isNx && isXx)) return replySyntaxError(call);
  const count = (argc - from) / 3;
  if (count > scores.length) scores = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    if (!readPlace(call, from + i * 3)) return;
    scores[i] = encodeScore(place.longitude, place.latitude);
  }
  let ref = call.lookupWrite(1);
  if (!isZset(call, ref)) return;
  if (ref === 0 && isXx) return call.reply.integer(0);
  const zsets = zsetsOf(call.keyspace);
  if (count > 1) zsets.expect(ref, count);
  if (ref === 0) ref = zsets.create(db, bytes, starts[1], lengths[1], lengths[from + 2]);
  let added = 0;
  let updated = 0;
  for (let i = 0; i < count; i++) {
    const memberAt = from + i * 3 + 2;
    const start = starts[memberAt];
    const length = lengths[memberAt];
    const score = scores[i];
    if (!zsets.find(ref, bytes, start, length)) {
      if (isXx) continue;
      added++;
    } else {
      if (isNx || zsets.score === score) continue;
      updated++;
    }
    ref = zsets.set(db, ref, bytes, start, length, score);
  }
  if (count > 1) zsets.settle(ref);
  if (added + updated > 0) {
    call.keyspace.dirty += added + updated;
    call.notify(NOTIFY_ZSET, 'zadd', 1);
    propagateAsZadd(call, from);
  }
  call.reply.integer(isCh ? added + updated : added);
}

export function geoDist(call: Invocation): void {
  const { argc, reply } = call;
  let unit = 1;
  if (argc === 5) {
    unit = unitOf(call, 4);
    if (unit === 0) return replyBadUnit(call);
  } else if (argc > 5) {
    return replySyntaxError(call);
  }
  const ref = call.lookupRead(1);
  if (ref === 0) return reply.null();
  if (!isZset(call, ref)) return;
  if (!findPlace(call, ref, 2)) return reply.null();
  const { longitude, latitude } = place;
  if (!findPlace(call, ref, 3)) return reply.null();
  replyDistance(call, distance(longitude, latitude, place.longitude, place.latitude) / unit);
}

export function geoHash(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  call.reply.array(call.argc - 2);
  for (let i = 2; i < call.argc; i++) {
    if (findPlace(call, ref, i)) call.reply.bulkText(geoHashText(place.longitude, place.latitude));
    else call.reply.null();
  }
}

export function geoPos(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  call.reply.array(call.argc - 2);
  for (let i = 2; i < call.argc; i++) {
    if (findPlace(call, ref, i)) replyPlace(call, place.longitude, place.latitude);
    else call.reply.nullArray();
  }
}

/** Reads longitude and latitude from arguments `at` and `at + 1` into `place`. @returns false after an error reply */
export function readPlace(call: Invocation, at: number): boolean {
  const longitude = coordinate(call, at);
  const latitude = coordinate(call, at + 1);
  if (Number.isNaN(longitude) || Number.isNaN(latitude)) {
    replyNotAFloat(call);
    return false;
  }
  if (!isOnMap(longitude, latitude)) {
    call.error(`ERR invalid longitude,latitude pair ${fixed6(longitude)},${fixed6(latitude)}`);
    return false;
  }
  place.longitude = longitude;
  place.latitude = latitude;
  return true;
}

/** Reads the place of the member in argument `memberAt` into `place`. @returns whether the set (0 for none) has it */
export function findPlace(call: Invocation, ref: Ref, memberAt: number): boolean {
  const { bytes, starts, lengths } = call.request;
  const zsets = zsetsOf(call.keyspace);
  if (ref === 0 || !zsets.find(ref, bytes, starts[memberAt], lengths[memberAt])) return false;
  decodeScore(zsets.score);
  return true;
}

/** @returns metres of the unit in argument `at`, or 0 if it is none */
export function unitOf(call: Invocation, at: number): number {
  if (call.is(at, 'M')) return 1;
  if (call.is(at, 'KM')) return 1000;
  if (call.is(at, 'FT')) return FOOT_M;
  return call.is(at, 'MI') ? MILE_M : 0;
}

export function replyBadUnit(call: Invocation): void {
  call.reply.fixedError(BAD_UNIT, 'ERR');
}

/** Replies with a distance, as text in both protocols. */
export function replyDistance(call: Invocation, value: number): void {
  // The integer has at least one digit before where the point comes.
  const end = writeInteger(digits, FRACTION_DIGITS, roundHalfEven(value * 10 ** FRACTION_DIGITS));
  let start = FRACTION_DIGITS;
  while (end - start <= FRACTION_DIGITS) digits[--start] = ZERO;
  const point = end - FRACTION_DIGITS;
  digits.copyWithin(point + 1, point, end);
  digits[point] = POINT;
  call.reply.bulk(digits, start, end + 1 - start);
}

export function replyPlace(call: Invocation, longitude: number, latitude: number): void {
  call.reply.array(2);
  call.reply.doubleText(formatDoubleAsLong(longitude));
  call.reply.doubleText(formatDoubleAsLong(latitude));
}

function coordinate(call: Invocation, at: number): number {
  const { bytes, starts, lengths } = call.request;
  return parseDouble(bytes, starts[at], lengths[at]);
}

/** The decimal text of a double with six digits behind the point, as C prints it. */
function fixed6(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const text = formatFixed(longDoubleOf(value), 6);
  return Object.is(value, -0) ? `-${text}` : text;
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Propagates what GEOADD did as the ZADD of the scores: another machine's floating point shall not have to agree. */
function propagateAsZadd(call: Invocation, from: number): void {
  call.isPropagated = true;
  if (!call.server.propagation.isActive) return;
  const { argc, request } = call;
  const words: (string | Uint8Array)[] = ['zadd'];
  for (let i = 1; i < from; i++) words.push(request.view(i));
  for (let i = from; i < argc; i += 3) {
    words.push(encodeScoreExactly(coordinate(call, i), coordinate(call, i + 1)).toString(), request.view(i + 2));
  }
  call.propagate(words);
}
