/** Parts of strings: GETRANGE, SETRANGE, APPEND, STRLEN, LCS. Source: spec server.md sections 19 and 21. */
import { TYPE_STRING } from '../keyspace/entry.js';
import { copyBytes } from '../memory/copy.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_STRING } from '../server/notify-classes.js';
import { type LcsMatch, lcsLength, lcsTableBytes, longestCommonSubsequence } from '../types/lcs.js';
import { replyNotAnInteger, replyStringTooLong, replySyntaxError } from './replies.js';
import { clearNew, isStringKey, isTooLong, putString, resizeString } from './string-value.js';

const EMPTY = new Uint8Array(0);

export function strlen(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!isStringKey(call, ref)) return;
  call.reply.integer(ref === 0 ? 0 : call.entries.valueLength(ref));
}

export function getRange(call: Invocation): void {
  let start = call.roundedInteger(2);
  let end = call.roundedInteger(3);
  if (Number.isNaN(start) || Number.isNaN(end)) return replyNotAnInteger(call);
  const ref = call.lookupRead(1);
  if (!isStringKey(call, ref)) return;
  const { entries, reply } = call;
  const length = ref === 0 ? 0 : entries.valueLength(ref);
  if (start < 0 && end < 0 && start > end) return reply.bulk(EMPTY, 0, 0);
  if (start < 0) start = Math.max(0, start + length);
  if (end < 0) end = Math.max(0, end + length);
  if (end >= length) end = length - 1;
  if (start > end || length === 0) return reply.bulk(EMPTY, 0, 0);
  reply.bulk(entries.view(ref), entries.valueStart(ref) + start, end - start + 1);
}

export function setRange(call: Invocation): void {
  const offset = call.roundedInteger(2);
  if (Number.isNaN(offset)) return replyNotAnInteger(call);
  if (offset < 0) return call.error('ERR offset is out of range');
  const { bytes, starts, lengths } = call.request;
  const ref = call.lookupWrite(1);
  if (!isStringKey(call, ref)) return;
  const oldLength = ref === 0 ? 0 : call.entries.valueLength(ref);
  const end = offset + lengths[3];
  if (lengths[3] === 0) return call.reply.integer(oldLength);
  if (isTooLong(call, end)) return replyStringTooLong(call);
  const length = Math.max(oldLength, end);
  const target = resizeString(call, 1, ref, length);
  if (offset > oldLength) clearNew(call, ref, target, oldLength, offset);
  copyBytes(bytes, starts[3], call.entries.view(target), call.entries.valueStart(target) + offset, lengths[3]);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STRING, 'setrange', 1);
  call.reply.integer(length);
}

export function append(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  const ref = call.lookupWrite(1);
  if (ref === 0) {
    putString(call, 0, 1, 2, 0);
    call.keyspace.dirty++;
    call.notify(NOTIFY_STRING, 'append', 1);
    return call.reply.integer(lengths[2]);
  }
  if (!isStringKey(call, ref)) return;
  const oldLength = call.entries.valueLength(ref);
  const length = oldLength + lengths[2];
  if (isTooLong(call, length)) return replyStringTooLong(call);
  const target = resizeString(call, 1, ref, length);
  copyBytes(bytes, starts[2], call.entries.view(target), call.entries.valueStart(target) + oldLength, lengths[2]);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STRING, 'append', 1);
  call.reply.integer(length);
}

export function lcs(call: Invocation): void {
  const a = stringOrEmpty(call, 1);
  const b = stringOrEmpty(call, 2);
  if (a === null || b === null) return call.error('ERR The specified keys must contain string values');
  let isLength = false;
  let isIndexes = false;
  let hasMatchLengths = false;
  let lengthMin = 0;
  for (let i = 3; i < call.argc; i++) {
    if (call.is(i, 'LEN')) {
      isLength = true;
    } else if (call.is(i, 'IDX')) {
      isIndexes = true;
    } else if (call.is(i, 'WITHMATCHLEN')) {
      hasMatchLengths = true;
    } else if (call.is(i, 'MINMATCHLEN') && i + 1 < call.argc) {
      lengthMin = call.roundedInteger(++i);
      if (Number.isNaN(lengthMin)) return replyNotAnInteger(call);
    } else {
      return replySyntaxError(call);
    }
  }
  if (isLength && isIndexes) return call.error('ERR If you want both the length and indexes, please just use IDX.');
  if (lcsTableBytes(a.length, b.length) > call.server.config.values.protoMaxBulkLen)
    return call.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  if (isLength) return call.reply.integer(lcsLength(a, b));
  const result = longestCommonSubsequence(a, b);
  if (!isIndexes) return call.reply.bulkBytes(result.text);
  const matches = result.matches.filter((match) => match.aEnd - match.aStart + 1 >= lengthMin);
  call.reply.map(2);
  call.reply.bulkText('matches');
  call.reply.array(matches.length);
  for (const match of matches) replyMatch(call, match, hasMatchLengths);
  call.reply.bulkText('len');
  call.reply.integer(result.length);
}

function replyMatch(call: Invocation, match: LcsMatch, hasLength: boolean): void {
  const { reply } = call;
  reply.array(hasLength ? 3 : 2);
  reply.array(2);
  reply.integer(match.aStart);
  reply.integer(match.aEnd);
  reply.array(2);
  reply.integer(match.bStart);
  reply.integer(match.bEnd);
  if (hasLength) reply.integer(match.aEnd - match.aStart + 1);
}

/** @returns the value of the key in argument `index`, where it lies; null if it is no string */
function stringOrEmpty(call: Invocation, index: number): Uint8Array | null {
  const { entries } = call;
  const ref = call.lookupRead(index);
  if (ref === 0) return EMPTY;
  if (entries.type(ref) !== TYPE_STRING) return null;
  const start = entries.valueStart(ref);
  return entries.view(ref).subarray(start, start + entries.valueLength(ref));
}
