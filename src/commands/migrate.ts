/**
 * MIGRATE: keys go to another node, and are deleted here once that node has them. Source: spec/cluster.md 12.3. Record: migrate-records.ts.
 *
 * The client is blocked meanwhile; all others are served (`server/migrations.ts` tells how the keys are protected).
 */
import type { MigrationBatch } from '../cluster/migration-batch.js';
import type { Request } from '../resp/request.js';
import type { Connection } from '../server/connection.js';
import type { Invocation } from '../server/invocation.js';
import type { Travel } from '../server/migrations.js';
import { NOTIFY_GENERIC } from '../server/notify-classes.js';
import type { Server } from '../server/server.js';
import type { FoundKey } from './command.js';
import { dumpEntry } from './dump.js';
import { replyNotAnInteger, replySyntaxError, replyTooLarge } from './replies.js';

const DEFAULT_TIMEOUT_MS = 1000;
/** How often a finished migration looks whether writes are still paused. */
const PAUSE_CHECK_MS = 20;

const KEYS_AND_KEY = 'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string';
const CHANGED = 'ERR A key changed while it was being migrated: it stays here, and the target has an older copy';
const ROLE_CHANGED = 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';

const KEY_FLAGS: readonly string[] = ['RW', 'access', 'delete'];
const encoder = new TextEncoder();
const RESTORE = encoder.encode('RESTORE');
const RESTORE_ASKING = encoder.encode('RESTORE-ASKING');
const DEL = encoder.encode('DEL');

interface Options {
  database: number;
  timeoutMs: number;
  isCopy: boolean;
  replaces: boolean;
  credentials: Uint8Array[] | null;
  /** The keys are the arguments from the first to before the last. */
  firstKey: number;
  endKey: number;
}

export function migrate(call: Invocation): void {
  const options = parseOptions(call);
  if (options === null) return;
  const { connection, server, db } = call;
  if (connection.isExecuting) return call.error("ERR MIGRATE isn't allowed for a DENY BLOCKING client");
  const travel = server.migrations.prepare(db.index);
  const { batch } = travel;
  if (!encodeKeys(call, options, batch)) return server.migrations.release(travel);
  if (batch.keyCount === 0) {
    server.migrations.release(travel);
    return call.reply.status('NOKEY');
  }
  server.cluster?.node.makeDurable();
  if (!options.isCopy) server.migrations.depart(travel);
  call.propagateNothing();
  server.block(connection);
  const { database, timeoutMs } = options;
  const done = (error: string | null): void => settle(server, connection, travel, error);
  server.migrations.sender.send({ host: call.text(1), port: call.integer(2), database, timeoutMs, batch, done });
}

/** Fills the batch with the keys that are there. @returns false after an error reply */
function encodeKeys(call: Invocation, options: Options, batch: MigrationBatch): boolean {
  const { bytes, starts, lengths } = call.request;
  const command = call.server.cluster === null ? RESTORE : RESTORE_ASKING;
  try {
    if (options.credentials !== null) batch.authenticate(options.credentials);
    for (let i = options.firstKey; i < options.endKey; i++) {
      const ref = call.lookupRead(i);
      if (ref === 0) continue;
      const expireAtMs = call.entries.expireAtMs(ref);
      const ttlMs = expireAtMs === 0 ? 0 : Math.max(1, expireAtMs - call.keyspace.nowMs);
      const payload = dumpEntry(call, ref);
      if (payload === null) return false;
      batch.add(command, bytes, starts[i], lengths[i], ttlMs, payload, options.replaces);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    replyTooLarge(call);
    return false;
  }
  return true;
}

/** The conversation with the target is over: the keys that it has are deleted here, all of them in one step, and the client gets its reply. */
function settle(server: Server, connection: Connection, travel: Travel, error: string | null): void {
  const { isHeld } = travel;
  // A deletion is a write: while a manual failover waits for the replica to have everything, nothing may be added to the stream.
  if (isHeld && server.pause.concerns(true)) {
    setTimeout(() => settle(server, connection, travel, error), PAUSE_CHECK_MS);
    return;
  }
  if (isHeld) server.migrations.arrived(travel);
  // After a change of role the keys belong to the new primary; what has become of them, it will tell.
  const hasLostRole = isHeld && server.isReplica;
  const isChanged = isHeld && !hasLostRole && deleteMoved(server, travel);
  // After a failure, bytes of the batch may still be on their way.
  if (error === null) server.migrations.release(travel);
  server.answerBlocked(connection, (reply) => {
    if (hasLostRole) reply.error(ROLE_CHANGED);
    else if (error !== null) reply.error(error);
    else if (isChanged) reply.error(CHANGED);
    else reply.ok();
  });
}

/** @returns whether a key had to stay because it has changed since it was sent */
function deleteMoved(server: Server, { batch, databaseIndex, isChanged }: Travel): boolean {
  const { keyspace, propagation } = server;
  const { bytes, keyStarts, keyLengths, keyCount, isMoved } = batch;
  const db = keyspace.databases[databaseIndex];
  let deleted = 0;
  let stays = false;
  for (let i = 0; i < keyCount; i++) {
    const ref = isMoved[i] ? db.find(bytes, keyStarts[i], keyLengths[i]) : 0;
    // From here on `isMoved` is about what is deleted here.
    isMoved[i] = ref !== 0 && !isChanged[i];
    if (ref === 0) continue;
    if (isChanged[i]) {
      stays = true;
      continue;
    }
    server.keyspaceEvents.entry(NOTIFY_GENERIC, 'del', db, ref);
    db.remove(ref);
    deleted++;
  }
  if (deleted === 0) return stays;
  keyspace.dirty += deleted;
  if (propagation.isActive) {
    propagation.begin(1 + deleted);
    propagation.word(DEL, 0, DEL.length);
    for (let i = 0; i < keyCount; i++) if (isMoved[i]) propagation.word(bytes, keyStarts[i], keyLengths[i]);
    propagation.end(databaseIndex);
  }
  server.scheduleTurnEnd();
  return stays;
}

/** @returns null after an error reply */
function parseOptions(call: Invocation): Options | null {
  const options: Options = {
    database: 0,
    timeoutMs: 0,
    isCopy: false,
    replaces: false,
    credentials: null,
    firstKey: 3,
    endKey: 4,
  };
  for (let i = 6; i < call.argc; i++) {
    const following = call.argc - i - 1;
    if (call.is(i, 'COPY')) {
      options.isCopy = true;
    } else if (call.is(i, 'REPLACE')) {
      options.replaces = true;
    } else if (call.is(i, 'AUTH') && following >= 1) {
      options.credentials = [call.request.copy(i + 1)];
      i += 1;
    } else if (call.is(i, 'AUTH2') && following >= 2) {
      options.credentials = [call.request.copy(i + 1), call.request.copy(i + 2)];
      i += 2;
    } else if (call.is(i, 'KEYS')) {
      if (call.request.lengths[3] !== 0) {
        call.error(KEYS_AND_KEY);
        return null;
      }
      options.firstKey = i + 1;
      options.endKey = call.argc;
      break;
    } else {
      replySyntaxError(call);
      return null;
    }
  }
  const database = call.integer(4);
  const timeoutMs = call.integer(5);
  if (Number.isNaN(database) || Number.isNaN(timeoutMs)) {
    replyNotAnInteger(call);
    return null;
  }
  options.database = database;
  options.timeoutMs = timeoutMs <= 0 ? DEFAULT_TIMEOUT_MS : timeoutMs;
  return options;
}

/** The keys: the third argument, or all that follows KEYS. */
export function migrateKeys(request: Request): FoundKey[] {
  if (request.argc < 6) return [];
  let i = 6;
  while (i < request.argc && !request.is(i, 'KEYS')) i += request.is(i, 'AUTH') ? 2 : request.is(i, 'AUTH2') ? 3 : 1;
  if (i >= request.argc) return [{ position: 3, flags: KEY_FLAGS }];
  if (request.lengths[3] !== 0) return [];
  const found: FoundKey[] = [];
  for (let position = i + 1; position < request.argc; position++) found.push({ position, flags: KEY_FLAGS });
  return found;
}
