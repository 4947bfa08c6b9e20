/** Lists: from one to another, and from the first of several that has something. Source: spec persistence.md 8.2. Records: list-records.ts. */
import type { Ref } from '../memory/arena.js';
import { ListpackElement } from '../memory/listpack.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../server/notify-classes.js';
import { listsOf } from '../types/list.js';
import { isList, popElements, pushBytes } from './list.js';
import { type MultiPop, parseMultiPop } from './multi-pop.js';
import { replySyntaxError } from './replies.js';

const element = new ListpackElement();

export function lmove(call: Invocation): void {
  const isFromHead = readEnd(call, 3);
  const isToHead = readEnd(call, 4);
  if (isFromHead === null || isToHead === null) return replySyntaxError(call);
  moveElement(call, isFromHead, isToHead);
}

export function rpopLpush(call: Invocation): void {
  moveElement(call, false, true);
}

export function lmpop(call: Invocation): void {
  const options = parseMultiPop(call, 1, readEnd);
  if (options !== null && !popFirst(call, 2, options)) call.reply.nullArray();
}

/**
 * Pops from the first list among the keys from argument `firstAt` on.
 * @returns false if there is none; else it has replied, if only an error
 */
export function popFirst(call: Invocation, firstAt: number, { keyCount, end: isHead, count }: MultiPop): boolean {
  const { reply, request } = call;
  for (let keyAt = firstAt; keyAt < firstAt + keyCount; keyAt++) {
    const ref = call.lookupWrite(keyAt);
    if (ref === 0) continue;
    if (!isList(call, ref)) return true;
    const popped = Math.min(count, listsOf(call.keyspace).length(ref));
    reply.array(2);
    call.replyArgument(keyAt);
    reply.array(popped);
    popElements(call, ref, keyAt, isHead, popped);
    call.propagate([isHead ? 'LPOP' : 'RPOP', request.view(keyAt), String(popped)]);
    return true;
  }
  return false;
}

/** @returns whether the argument names the head, LEFT; null if neither end */
export function readEnd(call: Invocation, index: number): boolean | null {
  if (call.is(index, 'LEFT')) return true;
  return call.is(index, 'RIGHT') ? false : null;
}

/** Moves an element from the list in argument 1 to that in argument 2, which may be the same, and replies with it. */
export function moveElement(call: Invocation, isFromHead: boolean, isToHead: boolean): void {
  const { db, keyspace, reply } = call;
  const source = call.lookupWrite(1);
  if (source === 0) return reply.null();
  if (!isList(call, source)) return;
  const target = call.lookupWrite(2);
  if (target !== 0 && !isList(call, target)) return;
  const lists = listsOf(keyspace);
  const length = lists.length(source);
  lists.readEnd(source, isFromHead, element);
  const textBytes = element.length;
  reply.bulk(element.bytes, element.start, textBytes);
  // The element's bytes may move or be freed with what comes: from here on it is the reply that holds them, before its CR and LF.
  const textStart = reply.length - 2 - textBytes;
  if (source === target && length === 1) {
    leaveAlone(call, source, isToHead);
  } else if (source === target) {
    const left = lists.removeRange(db, source, isFromHead ? 0 : length - 1, 1);
    lists.shrink(db, pushBytes(call, left, 1, isToHead, reply.bytes, textStart, textBytes));
  } else {
    pushBytes(call, target, 2, isToHead, reply.bytes, textStart, textBytes);
    const from = call.lookupWrite(1);
    if (length === 1) db.remove(from);
    else lists.shrink(db, lists.removeRange(db, from, isFromHead ? 0 : length - 1, 1));
  }
  call.notify(NOTIFY_LIST, isFromHead ? 'lpop' : 'rpop', 1);
  if (source !== target && length === 1) call.notify(NOTIFY_GENERIC, 'del', 1);
  keyspace.dirty++;
}

/** Moves the only element of a list from one end to the other: a change to all who watch, and maybe of its form. */
function leaveAlone(call: Invocation, ref: Ref, isToHead: boolean): void {
  call.db.beforeWrite(ref);
  listsOf(call.keyspace).shrink(call.db, ref);
  call.notify(NOTIFY_LIST, isToHead ? 'lpush' : 'rpush', 1);
}
