/**
 * SORT and SORT_RO. Source: spec server.md section 19. Records: sort-records.ts.
 *
 * The elements are copied out of the key once, one behind the other; weights are read once per element; what is sorted are their numbers.
 */
import { TYPE_LIST, TYPE_SET, TYPE_ZSET } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { ListpackElement } from '../memory/listpack.js';
import { fixedReply, SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../server/notify-classes.js';
import { ByteStrings } from '../types/byte-strings.js';
import { type Lists, listsOf } from '../types/list.js';
import { ListCursor } from '../types/list-reading.js';
import { mergeSort } from '../types/merge-sort.js';
import { isFew, selectFirst } from '../types/select-first.js';
import { setsOf } from '../types/set.js';
import { SortPattern } from '../types/sort-pattern.js';
import { sortWeight } from '../types/sort-weight.js';
import { sortByWeight } from '../types/weight-sort.js';
import { zsetsOf } from '../types/zset.js';
import type { FoundKey } from './command.js';
import { replyRange as replyListRange } from './list.js';
import { replyNotAnInteger, replySyntaxError, replyWrongType } from './replies.js';
import { replyRange as replyZsetRange } from './zset-range.js';

const NOT_NUMERIC = fixedReply("-ERR One or more scores can't be converted into double");
const BY_IN_CLUSTER = fixedReply('-ERR BY option of SORT denied in Cluster mode.');
const GET_IN_CLUSTER = fixedReply('-ERR GET option of SORT denied in Cluster mode.');

/** Arrays that grew beyond this for one large result are dropped afterwards. */
const KEPT_ELEMENTS = 64 * 1024;

interface Options {
  isDescending: boolean;
  isAlpha: boolean;
  /** Elements to be skipped, and to be told; −1 for all. */
  offset: number;
  count: number;
  by: SortPattern | null;
  /** A BY without `*` was given, also if it is not the last one. */
  isUnsorted: boolean;
  readonly gets: SortPattern[];
  /** The argument that is the destination's key, 0 for none. */
  storeAt: number;
}

/** The elements, and for each: its weight (or whether it has a text to be compared), and that text. Used within one call. */
const elements = new ByteStrings();
const texts = new ByteStrings();
let weights: Float64Array = new Float64Array(64);
let order: Int32Array = new Int32Array(64);

const listCursor = new ListCursor();
const listElement = new ListpackElement();

export function sort(call: Invocation): void {
  run(call, true);
}

export function sortRo(call: Invocation): void {
  run(call, false);
}

/** The keys of a SORT: STORE may stand anywhere, and the last one counts. */
export function sortKeys(request: Request): FoundKey[] {
  const keys: FoundKey[] = [{ position: 1, flags: ['RO', 'access'] }];
  for (let i = 2; i < request.argc; i++) {
    if (request.is(i, 'LIMIT')) i += 2;
    else if (request.is(i, 'GET') || request.is(i, 'BY')) i++;
    else if (request.is(i, 'STORE') && i + 1 < request.argc) keys[1] = { position: i + 1, flags: ['OW', 'update'] };
  }
  return keys;
}

function run(call: Invocation, canStore: boolean): void {
  const options = parse(call, canStore);
  if (options === null) return;
  const ref = call.lookupRead(1);
  const type = ref === 0 ? TYPE_LIST : call.entries.type(ref);
  if (type !== TYPE_LIST && type !== TYPE_SET && type !== TYPE_ZSET) return replyWrongType(call);
  let isSorted = !options.isUnsorted;
  if (!isSorted && type === TYPE_SET && options.storeAt > 0) {
    // A set has no order that a replica would have, too.
    isSorted = true;
    options.isAlpha = true;
    options.by = null;
  }
  const length = ref === 0 ? 0 : lengthOf(call, ref, type);
  const first = Math.min(options.offset, length);
  const end = options.count < 0 ? length : Math.min(length, first + options.count);
  // The range in `order` that is told.
  let from = first;
  let to = end;
  const { gets, isDescending, storeAt } = options;
  if (!isSorted && type === TYPE_LIST && storeAt > 0 && gets.length === 0 && !isDescending) {
    copyRange(call, ref, first, end - first);
    return store(call, storeAt, end - first);
  }
  if (!isSorted && gets.length === 0 && storeAt === 0) {
    if (type === TYPE_ZSET) {
      const rank = isDescending ? length - end : first;
      return replyZsetRange(call, ref, rank, end - first, isDescending, false);
    }
    if (type === TYPE_LIST && !isDescending) return replyListRange(call, ref, first, end - first);
  }
  if (isSorted || type === TYPE_SET) {
    gather(call, ref, type, 0, length);
    if (isSorted && !sortElements(call, options, end)) return release();
  } else {
    gather(call, ref, type, isDescending ? length - end : first, end - first);
    if (isDescending) order.subarray(0, end - first).reverse();
    from = 0;
    to = end - first;
  }
  if (storeAt > 0) store(call, storeAt, collectStored(call, options, from, to));
  else reply(call, options, from, to);
  release();
}

/** @returns null after an error reply */
function parse(call: Invocation, canStore: boolean): Options | null {
  const options: Options = {
    isDescending: false,
    isAlpha: false,
    offset: 0,
    count: -1,
    by: null,
    isUnsorted: false,
    gets: [],
    storeAt: 0,
  };
  const { request } = call;
  const isCluster = call.server.cluster !== null;
  for (let i = 2; i < call.argc; i++) {
    const following = call.argc - i - 1;
    if (call.is(i, 'ASC')) {
      options.isDescending = false;
    } else if (call.is(i, 'DESC')) {
      options.isDescending = true;
    } else if (call.is(i, 'ALPHA')) {
      options.isAlpha = true;
    } else if (call.is(i, 'LIMIT') && following >= 2) {
      options.offset = Math.max(0, call.roundedInteger(i + 1));
      options.count = call.roundedInteger(i + 2);
      if (Number.isNaN(options.offset) || Number.isNaN(options.count)) {
        replyNotAnInteger(call);
        return null;
      }
      i += 2;
    } else if (canStore && call.is(i, 'STORE') && following >= 1) {
      options.storeAt = ++i;
    } else if (call.is(i, 'BY') && following >= 1) {
      options.by = new SortPattern(request.view(++i));
      if (!options.by.hasAsterisk) options.isUnsorted = true;
      if (isCluster && options.by.hasAsterisk) {
        call.reply.fixedError(BY_IN_CLUSTER, 'ERR');
        return null;
      }
    } else if (call.is(i, 'GET') && following >= 1) {
      if (isCluster) {
        call.reply.fixedError(GET_IN_CLUSTER, 'ERR');
        return null;
      }
      options.gets.push(new SortPattern(request.view(++i)));
    } else {
      replySyntaxError(call);
      return null;
    }
  }
  return options;
}

function lengthOf(call: Invocation, ref: Ref, type: number): number {
  if (type === TYPE_LIST) return listsOf(call.keyspace).length(ref);
  return type === TYPE_SET ? setsOf(call.keyspace).count(ref) : zsetsOf(call.keyspace).count(ref);
}

/** Copies `count` elements from number `from` on, in their own order. What their form tells of their weights is noted: of other ones it is NaN. */
function gather(call: Invocation, ref: Ref, type: number, from: number, count: number): void {
  if (count > order.length) {
    order = new Int32Array(count);
    weights = new Float64Array(count);
  }
  elements.reserve(count);
  for (let i = 0; i < count; i++) order[i] = i;
  weights.fill(Number.NaN, 0, count);
  if (count === 0) return;
  if (type === TYPE_LIST) {
    const lists = listsOf(call.keyspace);
    lists.seek(ref, from, listCursor);
    for (let i = 0; i < count; i++) {
      readNext(lists, ref);
      elements.add(listElement.bytes, listElement.start, listElement.length);
      if (listElement.isInteger) weights[i] = listElement.number;
    }
  } else if (type === TYPE_SET) {
    const { cursor } = setsOf(call.keyspace);
    cursor.begin(ref);
    while (cursor.next()) elements.add(cursor.bytes, cursor.start, cursor.length);
  } else {
    const zsets = zsetsOf(call.keyspace);
    const { cursor } = zsets;
    zsets.seek(ref, from, cursor);
    for (let i = 0; i < count; i++) {
      elements.add(cursor.bytes, cursor.start, cursor.length);
      cursor.next();
    }
  }
}

/** Puts `order` in order, at least its first `wanted` elements. @returns false after an error reply */
function sortElements(call: Invocation, { by, isAlpha, isDescending }: Options, wanted: number): boolean {
  const { bytes, starts, lengths, count } = elements;
  if (by !== null || !isAlpha) {
    // All weights are looked up, also behind one that is no number: keys that are missing have their events.
    let isNumeric = true;
    for (let i = 0; i < count; i++) {
      if (by === null) {
        if (Number.isNaN(weights[i])) weights[i] = sortWeight(bytes, starts[i], lengths[i]);
      } else {
        const isFound = by.find(call.keyspace, call.db, bytes, starts[i], lengths[i]);
        if (isAlpha) {
          weights[i] = isFound ? 1 : 0;
          texts.add(by.bytes, by.start, isFound ? by.length : 0);
        } else {
          weights[i] = isFound ? sortWeight(by.bytes, by.start, by.length) : 0;
        }
      }
      if (Number.isNaN(weights[i])) isNumeric = false;
    }
    if (!isNumeric) {
      call.reply.fixedError(NOT_NUMERIC, 'ERR');
      return false;
    }
  }
  const compare = isAlpha ? (by === null ? compareElements : compareTexts) : compareWeights;
  const isSelected = isFew(wanted, count) && compare !== compareTexts;
  if (isSelected || compare === compareTexts) {
    const compareAll = isDescending ? (a: number, b: number) => compare(b, a) : compare;
    if (isSelected) selectFirst(order, count, wanted, compareAll);
    else mergeSort(order, count, compareAll);
  } else {
    if (isAlpha) elements.weigh(weights);
    // Equal weights are ordered by the elements; backwards, they are, too.
    sortByWeight(order, weights, count, compareElements);
    if (isDescending) order.subarray(0, count).reverse();
  }
  return true;
}

/** Equal weights are ordered by the elements. */
function compareWeights(a: number, b: number): number {
  return weights[a] - weights[b] || compareElements(a, b);
}

function compareElements(a: number, b: number): number {
  return elements.compare(a, b);
}

/** Elements without a text come first. */
function compareTexts(a: number, b: number): number {
  return weights[a] === 1 && weights[b] === 1 ? texts.compare(a, b) : weights[a] - weights[b];
}

function reply(call: Invocation, { gets }: Options, from: number, to: number): void {
  const { bytes, starts, lengths } = elements;
  const mark = call.reply.length;
  call.reply.array((to - from) * Math.max(1, gets.length));
  for (let i = from; i < to; i++) {
    if (i - from === SAMPLED_ELEMENTS) call.reply.reserveRest(mark, i - from, to - from);
    const element = order[i];
    if (gets.length === 0) call.reply.bulk(bytes, starts[element], lengths[element]);
    for (const get of gets) {
      if (get.find(call.keyspace, call.db, bytes, starts[element], lengths[element]))
        call.reply.bulk(get.bytes, get.start, get.length);
      else call.reply.null();
    }
  }
}

/** Stores what the list builder has got: `count` elements, copied, as the destination may be among what they came from. */
function store(call: Invocation, storeAt: number, count: number): void {
  const { db, keyspace, request } = call;
  const old = call.lookupWrite(storeAt);
  if (count > 0) {
    if (old !== 0) db.displace(old);
    const { builder } = listsOf(keyspace);
    builder.finish(db, request.bytes, request.starts[storeAt], request.lengths[storeAt]);
    keyspace.dirty += count;
    call.notify(NOTIFY_LIST, 'sortstore', storeAt);
  } else if (old !== 0) {
    db.remove(old);
    keyspace.dirty++;
    call.notify(NOTIFY_GENERIC, 'del', storeAt);
  }
  call.reply.integer(count);
}

/** Adds what is to be stored to the list under construction. @returns number of elements */
function collectStored(call: Invocation, { gets }: Options, from: number, to: number): number {
  const { bytes, starts, lengths } = elements;
  const { builder } = listsOf(call.keyspace);
  builder.begin();
  for (let i = from; i < to; i++) {
    const element = order[i];
    if (gets.length === 0) builder.add(bytes, starts[element], lengths[element]);
    for (const get of gets) {
      const isFound = get.find(call.keyspace, call.db, bytes, starts[element], lengths[element]);
      builder.add(get.bytes, get.start, isFound ? get.length : 0);
    }
  }
  return (to - from) * Math.max(1, gets.length);
}

/** Adds `count` elements of a list, from number `from` on, to the list under construction. */
function copyRange(call: Invocation, ref: Ref, from: number, count: number): void {
  const lists = listsOf(call.keyspace);
  lists.builder.begin();
  if (count === 0) return;
  lists.seek(ref, from, listCursor);
  for (let i = 0; i < count; i++) {
    readNext(lists, ref);
    lists.builder.add(listElement.bytes, listElement.start, listElement.length);
  }
}

/** Reads the element at `listCursor`, which goes to the next one. */
function readNext(lists: Lists, ref: Ref): void {
  listCursor.read(listElement);
  listCursor.offset = listElement.next - listCursor.base;
  lists.enter(ref, listCursor);
}

function release(): void {
  elements.release();
  texts.release();
  if (order.length <= KEPT_ELEMENTS) return;
  order = new Int32Array(KEPT_ELEMENTS);
  weights = new Float64Array(KEPT_ELEMENTS);
}
