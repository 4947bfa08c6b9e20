/** Commands on keys whatever their type: existence, names, copies. Records: generic-records.ts. Source: spec server.md sections 12 and 19. */
import { TYPE_NAMES } from '../keyspace/entry.js';
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import { equalBytes } from '../memory/copy.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC } from '../server/notify-classes.js';
import { databaseArgument } from './generic-databases.js';
import { replyNoSuchKey, replySameObject, replySyntaxError } from './replies.js';

const TYPE_REPLIES = TYPE_NAMES.map((name) => fixedReply(`+${name}`));
const NO_TYPE = fixedReply('+none');
/** On a replica expired keys are hidden, not deleted: then RANDOMKEY gives up looking for a live one. */
const RANDOM_TRIES_MAX = 100;

export function del(call: Invocation): void {
  const { argc, db } = call;
  const { bytes, starts, lengths } = call.request;
  let count = 0;
  for (let i = 1; i < argc; i++) {
    call.warmKeys(i - 1, i, 1);
    const ref = db.lookupToRemove(bytes, starts[i], lengths[i]);
    if (ref === 0) continue;
    db.remove(ref);
    call.notify(NOTIFY_GENERIC, 'del', i);
    count++;
  }
  call.keyspace.dirty += count;
  call.reply.integer(count);
}

export function exists(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  let count = 0;
  for (let i = 1; i < call.argc; i++) {
    call.warmKeys(i - 1, i, 1);
    if (call.db.lookupNoTouch(bytes, starts[i], lengths[i]) !== 0) count++;
  }
  call.reply.integer(count);
}

export function touch(call: Invocation): void {
  let count = 0;
  for (let i = 1; i < call.argc; i++) {
    call.warmKeys(i - 1, i, 1);
    if (call.lookupRead(i) !== 0) count++;
  }
  call.reply.integer(count);
}

export function type(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.lookupNoTouch(bytes, starts[1], lengths[1]);
  call.reply.raw(ref === 0 ? NO_TYPE : TYPE_REPLIES[call.entries.type(ref)]);
}

export function randomKey(call: Invocation): void {
  const { db, entries, keyspace, reply } = call;
  for (let tries = 1; ; tries++) {
    const ref = db.randomEntry();
    if (ref === 0) return reply.null();
    const isGone = entries.hasExpiry(ref) && keyspace.isGone(db, ref);
    const mayGiveUp =
      keyspace.expiryMode !== EXPIRY_DELETE && tries >= RANDOM_TRIES_MAX && db.expiryCount === db.keyCount;
    if (!isGone || mayGiveUp) return reply.bulk(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
  }
}

export function rename(call: Invocation): void {
  renameKey(call, false);
}

export function renameNx(call: Invocation): void {
  renameKey(call, true);
}

export function copy(call: Invocation): void {
  const { db, keyspace, reply } = call;
  let target = db;
  let isReplacing = false;
  for (let i = 3; i < call.argc; i++) {
    if (call.is(i, 'REPLACE')) {
      isReplacing = true;
    } else if (call.is(i, 'DB') && i + 1 < call.argc) {
      if (call.server.cluster !== null && call.integer(i + 1) !== 0)
        return call.error('ERR Copying to another database is not allowed in cluster mode');
      const chosen = databaseArgument(call, ++i);
      if (chosen === null) return;
      target = chosen;
    } else {
      return replySyntaxError(call);
    }
  }
  if (target === db && isSameKey(call)) return replySameObject(call);
  const source = call.lookupRead(1);
  if (source === 0) return reply.integer(0);
  const { bytes, starts, lengths } = call.request;
  const old = target.lookupWrite(bytes, starts[2], lengths[2]);
  if (old !== 0) {
    if (!isReplacing) return reply.integer(0);
    target.remove(old);
  }
  const copied = target.addCopy(source, bytes, starts[2], lengths[2]);
  keyspace.duplicateValue(copied);
  keyspace.dirty++;
  call.notifyKey(NOTIFY_GENERIC, 'copy_to', target, bytes, starts[2], lengths[2]);
  reply.integer(1);
}

export function move(call: Invocation): void {
  if (call.server.cluster !== null) return call.error('ERR MOVE is not allowed in cluster mode');
  const { db, keyspace, reply } = call;
  const target = databaseArgument(call, 2);
  if (target === null) return;
  if (target === db) return replySameObject(call);
  const { bytes, starts, lengths } = call.request;
  const ref = call.lookupWrite(1);
  if (ref === 0 || target.lookupWrite(bytes, starts[1], lengths[1]) !== 0) return reply.integer(0);
  db.transfer(ref, target, bytes, starts[1], lengths[1]);
  keyspace.dirty++;
  call.notify(NOTIFY_GENERIC, 'move_from', 1);
  call.notifyKey(NOTIFY_GENERIC, 'move_to', target, bytes, starts[1], lengths[1]);
  reply.integer(1);
}

function renameKey(call: Invocation, isOnlyNew: boolean): void {
  const { db, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  const ref = call.lookupWrite(1);
  if (ref === 0) return replyNoSuchKey(call);
  if (isSameKey(call)) {
    if (isOnlyNew) reply.integer(0);
    else reply.ok();
    return;
  }
  const old = call.lookupWrite(2);
  if (old !== 0) {
    if (isOnlyNew) return reply.integer(0);
    db.remove(old);
  }
  db.transfer(ref, db, bytes, starts[2], lengths[2]);
  keyspace.dirty++;
  call.notify(NOTIFY_GENERIC, 'rename_from', 1);
  call.notify(NOTIFY_GENERIC, 'rename_to', 2);
  if (isOnlyNew) reply.integer(1);
  else reply.ok();
}

/** Whether arguments 1 and 2 are the same bytes. */
function isSameKey(call: Invocation): boolean {
  const { bytes, starts, lengths } = call.request;
  return lengths[1] === lengths[2] && equalBytes(bytes, starts[1], bytes, starts[2], lengths[1]);
}
