/** OBJECT: what a value looks like inside. Source: spec server.md section 14. Records: object-records.ts. */
import { lfuCounter, lruIdleSeconds } from '../keyspace/access-clock.js';
import { ENCODING_INT, TYPE_STRING } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { encodingName } from '../types/encoding-name.js';
import { parseSafeInteger } from '../types/number.js';
import { helpReply } from './help.js';

/** Redis shares the objects of these integers among all keys, and says so by this count. */
const SHARED_INTEGER_COUNT = 10000;
const SHARED_REFCOUNT = 2147483647;

export const objectHelp = helpReply('OBJECT', [
  'ENCODING <key>',
  '    Return the kind of internal representation used in order to store the value',
  '    associated with a <key>.',
  'FREQ <key>',
  '    Return the access frequency index of the <key>. The returned integer is',
  '    proportional to the logarithm of the recent access frequency of the key.',
  'IDLETIME <key>',
  '    Return the idle time of the <key>, that is the approximated number of',
  '    seconds elapsed since the last access to the key.',
  'REFCOUNT <key>',
  '    Return the number of references of the value associated with the specified',
  '    <key>.',
]);

export function objectEncoding(call: Invocation): void {
  const ref = lookup(call);
  if (ref !== 0) call.reply.bulkText(encodingName(call.entries, ref));
}

export function objectRefcount(call: Invocation): void {
  const ref = lookup(call);
  if (ref !== 0) call.reply.integer(isSharedInteger(call, ref) ? SHARED_REFCOUNT : 1);
}

export function objectIdleTime(call: Invocation): void {
  const ref = lookup(call);
  if (ref === 0) return;
  if (call.keyspace.usesLfu) {
    return call.error(
      'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
    );
  }
  call.reply.integer(lruIdleSeconds(call.entries.clockAndMark(ref), call.keyspace.nowMs));
}

export function objectFreq(call: Invocation): void {
  const ref = lookup(call);
  if (ref === 0) return;
  const { keyspace } = call;
  if (!keyspace.usesLfu) {
    return call.error(
      'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
    );
  }
  call.reply.integer(lfuCounter(call.entries.clockAndMark(ref), keyspace.nowMs, keyspace.lfuDecayMinutes));
}

/** @returns the entry of the key in argument 2, without touching it; 0 after a null reply */
function lookup(call: Invocation): Ref {
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.lookupUnheard(bytes, starts[2], lengths[2]);
  if (ref === 0) call.reply.null();
  return ref;
}

function isSharedInteger(call: Invocation, ref: Ref): boolean {
  const { entries } = call;
  if (entries.type(ref) !== TYPE_STRING || entries.encoding(ref) !== ENCODING_INT) return false;
  const { maxmemory, maxmemoryPolicy } = call.server.config.values;
  // Under these policies each object has its own clock, so none is shared.
  if (maxmemory !== 0 && /lru|lfu/.test(maxmemoryPolicy)) return false;
  const value = parseSafeInteger(entries.view(ref), entries.valueStart(ref), entries.valueLength(ref));
  return value >= 0 && value < SHARED_INTEGER_COUNT;
}
