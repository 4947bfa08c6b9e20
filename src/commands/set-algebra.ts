/**
 * Intersection, union, difference: SINTER, SUNION, SDIFF, their STORE forms, SINTERCARD. Source: spec server.md sections 3 and 13.
 *
 * Cost: SINTER = size of the smallest set × number of sets; SUNION = sum of sizes; SDIFF = size of the first set × number of sets.
 */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_SET } from '../server/notify-classes.js';
import { type Sets, setsOf } from '../types/set.js';
import { replySyntaxError } from './replies.js';
import { isSetKey, replyCursorMember } from './set.js';

/** Entries of the sets that the running command reads; 0 for one that is absent. */
const sources: Ref[] = [];

/** What is done with each member of a result, which the cursor of the sets points at. */
type Visit = (sets: Sets, call: Invocation) => void;

export function sinter(call: Invocation): void {
  if (!lookUp(call, 1, call.argc)) return;
  const { reply } = call;
  const mark = reply.length;
  reply.insertSetHeader(mark, intersect(call, Number.POSITIVE_INFINITY, replyMember));
}

export function sinterStore(call: Invocation): void {
  if (!lookUp(call, 2, call.argc)) return;
  const sets = setsOf(call.keyspace);
  sets.builder.begin(
    0,
    sources.reduce((least, ref) => Math.min(least, countOf(sets, ref)), Number.POSITIVE_INFINITY),
  );
  intersect(call, Number.POSITIVE_INFINITY, build);
  store(call);
}

export function sinterCard(call: Invocation): void {
  const keyCount = call.roundedInteger(1);
  if (!(keyCount >= 1)) return call.error('ERR numkeys should be greater than 0');
  if (keyCount > call.argc - 2) return call.error("ERR Number of keys can't be greater than number of args");
  let limit = 0;
  for (let i = 2 + keyCount; i < call.argc; i += 2) {
    if (!call.is(i, 'LIMIT') || i + 1 === call.argc) return replySyntaxError(call);
    limit = call.roundedInteger(i + 1);
    if (!(limit >= 0)) return call.error("ERR LIMIT can't be negative");
  }
  if (!lookUp(call, 2, 2 + keyCount)) return;
  call.reply.integer(intersect(call, limit === 0 ? Number.POSITIVE_INFINITY : limit, nothing));
}

export function sunion(call: Invocation): void {
  if (!lookUp(call, 1, call.argc)) return;
  const { reply } = call;
  const { builder, cursor } = unite(call);
  reply.set(builder.count);
  if (builder.count === 0) return;
  builder.walk(cursor);
  while (cursor.next()) replyCursorMember(reply, cursor);
  builder.discard();
}

export function sunionStore(call: Invocation): void {
  if (!lookUp(call, 2, call.argc)) return;
  unite(call);
  store(call);
}

export function sdiff(call: Invocation): void {
  if (!lookUp(call, 1, call.argc)) return;
  const { reply } = call;
  const mark = reply.length;
  reply.insertSetHeader(mark, subtract(call, replyMember));
}

export function sdiffStore(call: Invocation): void {
  if (!lookUp(call, 2, call.argc)) return;
  const sets = setsOf(call.keyspace);
  sets.builder.begin(0, countOf(sets, sources[0]));
  subtract(call, build);
  store(call);
}

/** Fills `sources` with the entries of the keys in arguments `first` to before `end`. @returns false after an error reply */
function lookUp(call: Invocation, first: number, end: number): boolean {
  sources.length = 0;
  for (let i = first; i < end; i++) {
    const ref = call.lookupRead(i);
    if (!isSetKey(call, ref)) return false;
    sources.push(ref);
  }
  return true;
}

/** @returns how many members all sources have in common; at most `limit`, after which it stops */
function intersect(call: Invocation, limit: number, visit: Visit): number {
  const sets = setsOf(call.keyspace);
  if (sources.includes(0)) return 0;
  const { cursor } = sets;
  sources.sort((a, b) => sets.count(a) - sets.count(b));
  let count = 0;
  cursor.begin(sources[0]);
  while (count < limit && cursor.next()) {
    let i = 1;
    while (i < sources.length && isIn(sets, sources[i])) i++;
    if (i < sources.length) continue;
    count++;
    visit(sets, call);
  }
  return count;
}

/** Builds the union of all sources. */
function unite(call: Invocation): Sets {
  const sets = setsOf(call.keyspace);
  const { builder, cursor } = sets;
  builder.begin(
    0,
    sources.reduce((most, ref) => Math.max(most, countOf(sets, ref)), 0),
  );
  for (const source of sources) {
    if (source === 0) continue;
    const isFirst = builder.count === 0;
    cursor.begin(source);
    while (cursor.next()) {
      if (isFirst) builder.addUnique(cursor.bytes, cursor.start, cursor.length);
      else builder.add(cursor.bytes, cursor.start, cursor.length);
    }
  }
  return sets;
}

/** @returns how many members of the first source no other has */
function subtract(call: Invocation, visit: Visit): number {
  const [first] = sources;
  if (first === 0) return 0;
  const sets = setsOf(call.keyspace);
  const { cursor } = sets;
  let count = 0;
  cursor.begin(first);
  while (cursor.next()) {
    let i = 1;
    while (i < sources.length && (sources[i] === 0 || !isIn(sets, sources[i]))) i++;
    if (i < sources.length) continue;
    count++;
    visit(sets, call);
  }
  return count;
}

/** @param ref 0 if there is no set */
function countOf(sets: Sets, ref: Ref): number {
  return ref === 0 ? 0 : sets.count(ref);
}

/** Whether the set `ref` has the member that the cursor points at. */
function isIn(sets: Sets, ref: Ref): boolean {
  const { cursor } = sets;
  return sets.has(ref, cursor.bytes, cursor.start, cursor.length);
}

/** Puts what was built under the key in argument 1, in the place of what it holds; replies with the number of members. */
function store(call: Invocation): void {
  const { db, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  const { builder } = setsOf(keyspace);
  const old = call.lookupWrite(1);
  const { count } = builder;
  if (old !== 0) {
    if (count > 0) db.displace(old);
    else db.remove(old);
  }
  if (count > 0) builder.finish(db, bytes, starts[1], lengths[1], 0);
  if (old !== 0 || count > 0) keyspace.dirty++;
  if (count > 0) call.notify(NOTIFY_SET, call.command.fullName, 1);
  else if (old !== 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  reply.integer(count);
}

const replyMember: Visit = ({ cursor }, { reply }) => replyCursorMember(reply, cursor);

const build: Visit = ({ builder, cursor }) => {
  builder.addUnique(cursor.bytes, cursor.start, cursor.length);
};

const nothing: Visit = () => {};
