/**
 * GEOSEARCH, GEOSEARCHSTORE and the GEORADIUS family: one search, asked for in two ways. Source: spec server.md section 23. Records: geo-records.ts.
 *
 * The order of the checks is Redis's: the key's type, the arguments from left to right, what they may not say together, and only then whether there is a
 * key at all.
 */
import type { Ref } from '../memory/arena.js';
import { fixedReply, SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../server/notify-classes.js';
import { decodeScore, place } from '../types/geo-hash.js';
import { GeoSearch } from '../types/geo-search.js';
import { parseDouble } from '../types/parse-double.js';
import { zsetsOf } from '../types/zset.js';
import { findPlace, readPlace, replyBadUnit, replyDistance, replyPlace, unitOf } from './geo.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';
import { isZset } from './zset.js';

const NO_SUCH_MEMBER = fixedReply('-ERR could not decode requested zset member');
const RADIUS_NOT_NUMERIC = fixedReply('-ERR need numeric radius');
const RADIUS_NEGATIVE = fixedReply('-ERR radius cannot be negative');
const WIDTH_NOT_NUMERIC = fixedReply('-ERR need numeric width');
const HEIGHT_NOT_NUMERIC = fixedReply('-ERR need numeric height');
const BOX_NEGATIVE = fixedReply('-ERR height or width cannot be negative');
const COUNT_NOT_POSITIVE = fixedReply('-ERR COUNT must be > 0');
const ANY_WITHOUT_COUNT = fixedReply('-ERR the ANY argument requires COUNT argument');

/** What a command of the family takes. */
const TAKES_STORE = 1;
const TAKES_AREA = 2;
const STORES = 4;

const UNSORTED = 0;
const ASCENDING = 1;
const DESCENDING = 2;

/** What the arguments ask for, besides the area. */
const query = {
  /** Metres of the unit in which distances are told. */
  unit: 1,
  withDistance: false,
  withScore: false,
  withPlace: false,
  /** 0 for all. */
  count: 0,
  isAny: false,
  order: UNSORTED,
  /** The argument that is the destination's key, 0 for none. */
  storeAt: 0,
  storesDistance: false,
  /** How centre and shape are told; the same way may be used again. */
  isFromMember: false,
  isFromPlace: false,
  isCircle: false,
  isBox: false,
};

const search = new GeoSearch();

export function geoRadius(call: Invocation): void {
  searchCircle(call, TAKES_STORE);
}

export function geoRadiusRo(call: Invocation): void {
  searchCircle(call, 0);
}

export function geoRadiusByMember(call: Invocation): void {
  searchAroundMember(call, TAKES_STORE);
}

export function geoRadiusByMemberRo(call: Invocation): void {
  searchAroundMember(call, 0);
}

export function geoSearch(call: Invocation): void {
  reset();
  const ref = call.lookupRead(1);
  if (isZset(call, ref) && readOptions(call, ref, 2, TAKES_AREA)) perform(call, ref);
}

export function geoSearchStore(call: Invocation): void {
  reset();
  query.storeAt = 1;
  const ref = call.lookupRead(2);
  if (isZset(call, ref) && readOptions(call, ref, 3, TAKES_AREA | STORES)) perform(call, ref);
}

function searchCircle(call: Invocation, takes: number): void {
  reset();
  const ref = call.lookupRead(1);
  if (!isZset(call, ref) || !readPlace(call, 2)) return;
  search.setCentre(place.longitude, place.latitude);
  if (readCircle(call, 4) && readOptions(call, ref, 6, takes)) perform(call, ref);
}

function searchAroundMember(call: Invocation, takes: number): void {
  reset();
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  // Where there is no set, nobody looks at the radius.
  if (ref !== 0 && !(readMember(call, ref, 2) && readCircle(call, 3))) return;
  if (readOptions(call, ref, 5, takes)) perform(call, ref);
}

function reset(): void {
  query.unit = 1;
  query.withDistance = false;
  query.withScore = false;
  query.withPlace = false;
  query.count = 0;
  query.isAny = false;
  query.order = UNSORTED;
  query.storeAt = 0;
  query.storesDistance = false;
  query.isFromMember = false;
  query.isFromPlace = false;
  query.isCircle = false;
  query.isBox = false;
}

/** Reads all arguments from `from` on, and checks them against each other. @returns false after an error reply */
function readOptions(call: Invocation, ref: Ref, from: number, takes: number): boolean {
  let at = from;
  while (at < call.argc) {
    const words = readOption(call, ref, at, takes);
    if (words === 0) return false;
    at += words;
  }
  const isArea = (takes & TAKES_AREA) !== 0;
  if (query.storeAt > 0 && (query.withDistance || query.withScore || query.withPlace)) {
    const option = isArea ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
    call.error(`ERR ${option} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  } else if (isArea && !query.isFromMember && !query.isFromPlace) {
    replyNotOne(call, 'FROMMEMBER or FROMLONLAT');
  } else if (isArea && !query.isCircle && !query.isBox) {
    replyNotOne(call, 'BYRADIUS and BYBOX');
  } else if (query.isAny && query.count === 0) {
    call.reply.fixedError(ANY_WITHOUT_COUNT, 'ERR');
  } else {
    return true;
  }
  return false;
}

/** The command is named as it was typed. */
function replyNotOne(call: Invocation, options: string): void {
  call.reply.byteError(`ERR exactly one of ${options} can be specified for ${call.request.latin1(0)}`);
}

/** Reads one option. @returns how many arguments it takes, 0 after an error reply */
function readOption(call: Invocation, ref: Ref, at: number, takes: number): number {
  const following = call.argc - at - 1;
  if (call.is(at, 'WITHDIST')) query.withDistance = true;
  else if (call.is(at, 'WITHHASH')) query.withScore = true;
  else if (call.is(at, 'WITHCOORD')) query.withPlace = true;
  else if (call.is(at, 'ANY')) query.isAny = true;
  else if (call.is(at, 'ASC')) query.order = ASCENDING;
  else if (call.is(at, 'DESC')) query.order = DESCENDING;
  else if (call.is(at, 'STOREDIST') && (takes & STORES) !== 0) query.storesDistance = true;
  else if (following >= 1 && call.is(at, 'COUNT')) return readCount(call, at + 1) ? 2 : 0;
  else if (following >= 1 && (takes & TAKES_STORE) !== 0 && isStore(call, at)) return readStore(call, at);
  else if ((takes & TAKES_AREA) !== 0) return readArea(call, ref, at, following);
  else return refused(call);
  return 1;
}

/** Reads an option that tells centre or shape. @returns how many arguments it takes, 0 after an error reply */
function readArea(call: Invocation, ref: Ref, at: number, following: number): number {
  if (following >= 1 && call.is(at, 'FROMMEMBER') && !query.isFromPlace) {
    query.isFromMember = true;
    return readMember(call, ref, at + 1) ? 2 : 0;
  }
  if (following >= 2 && call.is(at, 'FROMLONLAT') && !query.isFromMember) {
    query.isFromPlace = true;
    if (!readPlace(call, at + 1)) return 0;
    search.setCentre(place.longitude, place.latitude);
    return 3;
  }
  if (following >= 2 && call.is(at, 'BYRADIUS') && !query.isBox) {
    query.isCircle = true;
    return readCircle(call, at + 1) ? 3 : 0;
  }
  if (following >= 3 && call.is(at, 'BYBOX') && !query.isCircle) {
    query.isBox = true;
    return readBox(call, at + 1) ? 4 : 0;
  }
  return refused(call);
}

function refused(call: Invocation): number {
  replySyntaxError(call);
  return 0;
}

function isStore(call: Invocation, at: number): boolean {
  return call.is(at, 'STORE') || call.is(at, 'STOREDIST');
}

function readStore(call: Invocation, at: number): number {
  query.storeAt = at + 1;
  query.storesDistance = call.is(at, 'STOREDIST');
  return 2;
}

function readCount(call: Invocation, at: number): boolean {
  const count = call.roundedInteger(at);
  if (Number.isNaN(count)) replyNotAnInteger(call);
  else if (count <= 0) call.reply.fixedError(COUNT_NOT_POSITIVE, 'ERR');
  query.count = count;
  return count > 0;
}

/** Takes the place of the member in argument `at` for the centre. Without a set this is settled at the end. @returns false after an error reply */
function readMember(call: Invocation, ref: Ref, at: number): boolean {
  if (ref === 0) return true;
  if (!findPlace(call, ref, at)) {
    call.reply.fixedError(NO_SUCH_MEMBER, 'ERR');
    return false;
  }
  search.setCentre(place.longitude, place.latitude);
  return true;
}

/** Reads `radius unit`. @returns false after an error reply */
function readCircle(call: Invocation, at: number): boolean {
  const { bytes, starts, lengths } = call.request;
  const radius = parseDouble(bytes, starts[at], lengths[at]);
  if (Number.isNaN(radius)) call.reply.fixedError(RADIUS_NOT_NUMERIC, 'ERR');
  else if (radius < 0) call.reply.fixedError(RADIUS_NEGATIVE, 'ERR');
  else if (readUnit(call, at + 1)) {
    search.setCircle(radius * query.unit);
    return true;
  }
  return false;
}

/** Reads `width height unit`. @returns false after an error reply */
function readBox(call: Invocation, at: number): boolean {
  const { bytes, starts, lengths } = call.request;
  const width = parseDouble(bytes, starts[at], lengths[at]);
  const height = parseDouble(bytes, starts[at + 1], lengths[at + 1]);
  if (Number.isNaN(width)) call.reply.fixedError(WIDTH_NOT_NUMERIC, 'ERR');
  else if (Number.isNaN(height)) call.reply.fixedError(HEIGHT_NOT_NUMERIC, 'ERR');
  else if (width < 0 || height < 0) call.reply.fixedError(BOX_NEGATIVE, 'ERR');
  else if (readUnit(call, at + 2)) {
    search.setBox(width * query.unit, height * query.unit);
    return true;
  }
  return false;
}

function readUnit(call: Invocation, at: number): boolean {
  query.unit = unitOf(call, at);
  if (query.unit === 0) replyBadUnit(call);
  return query.unit !== 0;
}

function perform(call: Invocation, ref: Ref): void {
  let count = 0;
  if (ref !== 0) {
    search.run(zsetsOf(call.keyspace), ref, query.isAny ? query.count : 0);
    // The first few of a set that is in no order would be any: COUNT asks for the nearest, unless ANY is said.
    const isSorted = query.order !== UNSORTED || (query.count > 0 && !query.isAny);
    count = query.count > 0 ? Math.min(search.count, query.count) : search.count;
    if (isSorted) search.sort(query.order === DESCENDING, count);
  }
  if (query.storeAt > 0) store(call, count);
  else replyFound(call, count);
  search.release();
}

function replyFound(call: Invocation, count: number): void {
  const { reply } = call;
  const { order, distances } = search;
  const extras = (query.withDistance ? 1 : 0) + (query.withScore ? 1 : 0) + (query.withPlace ? 1 : 0);
  const mark = reply.length;
  reply.array(count);
  for (let i = 0; i < count; i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    const number = order[i];
    const found = search.member(number);
    if (extras > 0) reply.array(1 + extras);
    reply.bulk(found.bytes, found.start, found.length);
    if (query.withDistance) replyDistance(call, distances[number] / query.unit);
    if (query.withScore) replyWholeScore(call, found.score);
    if (query.withPlace) {
      decodeScore(found.score);
      replyPlace(call, place.longitude, place.latitude);
    }
  }
}

/** At the very edge of the map scores are beyond 2^53. */
function replyWholeScore(call: Invocation, score: number): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) call.reply.integer(whole);
  else call.reply.bigInteger(BigInt(whole));
}

function store(call: Invocation, count: number): void {
  const { db, keyspace } = call;
  const { bytes, starts, lengths } = call.request;
  const { builder } = zsetsOf(keyspace);
  const { storeAt, unit } = query;
  // What was found lies in the set that is searched, which may be the one that is displaced.
  builder.begin(false, count);
  for (let i = 0; i < count; i++) {
    const number = search.order[i];
    const found = search.member(number);
    const score = query.storesDistance ? search.distances[number] / unit : found.score;
    // Cells do not overlap, so no member was found twice.
    builder.addNew(found.bytes, found.start, found.length, score);
  }
  builder.settle();
  const old = call.lookupWrite(storeAt);
  if (count > 0) {
    if (old !== 0) db.displace(old);
    builder.finish(db, bytes, starts[storeAt], lengths[storeAt]);
    keyspace.dirty += count;
    call.notify(NOTIFY_ZSET, call.command.fullName === 'geosearchstore' ? 'geosearchstore' : 'georadiusstore', storeAt);
  } else {
    builder.discard();
    if (old !== 0) {
      db.remove(old);
      keyspace.dirty++;
      call.notify(NOTIFY_GENERIC, 'del', storeAt);
    }
  }
  call.reply.integer(count);
}
