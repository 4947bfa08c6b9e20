/** Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB; and database numbers as arguments. Source: spec server.md sections 12 and 19. */
import type { Database } from '../keyspace/database.js';
import type { Invocation } from '../server/invocation.js';
import { replyNoSuchDatabase, replyNotAnInteger, replySyntaxError } from './replies.js';

const INT32_MIN = -2147483648;
const INT32_MAX = 2147483647;
/**
 * What a flush that is to be synchronous spends on freeing before it replies. The data are gone at once in any case; a small database's memory then
 * is, too, and a large one's follows in slices, where freeing it all would hold up everybody.
 */
const SYNC_FREE_MS = 5;

export function dbSize(call: Invocation): void {
  call.reply.integer(call.db.keyCount);
}

export function flushDb(call: Invocation): void {
  if (!isFlushMode(call)) return replySyntaxError(call);
  flushed(call, call.server.flushDatabase(call.db.index));
}

export function flushAll(call: Invocation): void {
  if (!isFlushMode(call)) return replySyntaxError(call);
  flushed(call, call.server.flushAll());
  call.server.onFlushAll();
}

export function swapDb(call: Invocation): void {
  if (call.server.cluster !== null) return call.error('ERR SWAPDB is not allowed in cluster mode');
  const first = int32Argument(call, 1);
  if (Number.isNaN(first)) return call.error('ERR invalid first DB index');
  const second = int32Argument(call, 2);
  if (Number.isNaN(second)) return call.error('ERR invalid second DB index');
  const { databases } = call.keyspace;
  if (databases[first] === undefined || databases[second] === undefined) return replyNoSuchDatabase(call);
  call.server.watches.swapping(first, second);
  call.keyspace.swap(first, second);
  call.keyspace.dirty++;
  // The record belongs to the database that was selected when the command came.
  call.isPropagated = true;
  call.server.propagation.request(call.connection.databaseIndex, call.request);
  call.reply.ok();
}

/** @returns the database whose number is in argument `index`, or null after an error reply */
export function databaseArgument(call: Invocation, index: number): Database | null {
  const value = call.roundedInteger(index);
  if (Number.isNaN(value)) {
    replyNotAnInteger(call);
    return null;
  }
  if (value < INT32_MIN || value > INT32_MAX) {
    call.error(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
    return null;
  }
  const db = call.keyspace.databases[value];
  if (db !== undefined) return db;
  replyNoSuchDatabase(call);
  return null;
}

function isFlushMode(call: Invocation): boolean {
  return call.argc === 1 || (call.argc === 2 && (call.is(1, 'ASYNC') || call.is(1, 'SYNC')));
}

/** What follows a flush. It is propagated even if there was nothing: replicas may hold keys that expired here. */
function flushed(call: Invocation, keyCount: number): void {
  const { keyspace, server } = call;
  server.tracking.flushed();
  keyspace.dirty += Math.max(1, keyCount);
  const isAsync = call.argc === 2 ? call.is(1, 'ASYNC') : server.config.values.lazyfreeLazyUserFlush;
  if (!isAsync) {
    const deadline = performance.now() + SYNC_FREE_MS;
    while (performance.now() < deadline && keyspace.reaper.step(SYNC_FREE_MS));
  }
  call.propagateVerbatim();
  call.reply.ok();
}

function int32Argument(call: Invocation, index: number): number {
  const value = call.integer(index);
  return value === (value | 0) ? value : Number.NaN;
}
