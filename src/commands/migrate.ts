/**
 * MIGRATE: keys go to another node, and are deleted here once that node has them. Source: spec/cluster.md 12.3. Record: migrate-records.ts.
 *
 * The client is blocked meanwhile; all others are served (`server/migrations.ts` tells how the keys are protected).
 */
import type { MigratingKey, MigrationOutcome } from '../cluster/migration.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import type { Invocation } from '../server/invocation.js';
import type { TravellingKey } from '../server/migrations.js';
import { NOTIFY_GENERIC } from '../server/notify-classes.js';
import type { Server } from '../server/server.js';
import type { FoundKey } from './command.js';
import { dumpEntry } from './dump.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const DEFAULT_TIMEOUT_MS = 1000;
/** How often a finished migration looks whether writes are still paused. */
const PAUSE_CHECK_MS = 20;

const KEYS_AND_KEY = 'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string';
const CHANGED = 'ERR A key changed while it was being migrated: it stays here, and the target has an older copy';
const ROLE_CHANGED = 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';

interface Options {
  database: number;
  timeoutMs: number;
  isCopy: boolean;
  replaces: boolean;
  credentials: Uint8Array[] | null;
  keyPositions: number[];
}

export function migrate(call: Invocation): void {
  const options = parseOptions(call);
  if (options === null) return;
  const { connection, server, db, request } = call;
  if (connection.isExecuting) return call.error("ERR MIGRATE isn't allowed for a DENY BLOCKING client");
  const keys: MigratingKey[] = [];
  for (const position of options.keyPositions) {
    const ref = call.lookupRead(position);
    if (ref === 0) continue;
    const expireAtMs = call.entries.expireAtMs(ref);
    const ttlMs = expireAtMs === 0 ? 0 : Math.max(1, expireAtMs - call.keyspace.nowMs);
    const payload = dumpEntry(call, ref);
    if (payload === null) return;
    keys.push({ key: request.copy(position), payload: payload.slice(), ttlMs });
  }
  if (keys.length === 0) return call.reply.status('NOKEY');
  server.cluster?.node.makeDurable();
  const travelling = options.isCopy ? [] : keys.map(({ key }) => server.migrations.depart(db.index, key));
  const job = {
    ...options,
    host: call.text(1),
    port: call.integer(2),
    keys,
    restoreCommand: server.cluster === null ? 'RESTORE' : 'RESTORE-ASKING',
  };
  call.propagateNothing();
  const outcome = server.migrations.sender.run(job).then((sent) => settle(server, travelling, sent));
  server.replyLater(connection, outcome);
}

/** The keys that the target has are deleted here, all of them in one step. @returns what replies */
async function settle(
  server: Server,
  travelling: readonly TravellingKey[],
  { isMoved, error }: MigrationOutcome,
): Promise<(reply: ReplyWriter) => void> {
  // A deletion is a write: while a manual failover waits for the replica to have everything, nothing may be added to the stream.
  while (travelling.length > 0 && server.pause.concerns(true)) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_CHECK_MS));
  }
  // After a change of role the keys belong to the new primary; what has become of them, it will tell.
  const hasLostRole = travelling.length > 0 && server.isReplica;
  const hasChanged = travelling.map(({ isWatchDirty }) => isWatchDirty);
  server.migrations.arrived(travelling);
  const isChanged = hasLostRole ? false : deleteMoved(server, travelling, isMoved, hasChanged);
  if (hasLostRole) return (reply) => reply.error(ROLE_CHANGED);
  return (reply) => {
    if (error !== null) reply.error(error);
    else if (isChanged) reply.error(CHANGED);
    else reply.ok();
  };
}

/** @returns whether a key had to stay because it has changed since it was sent */
function deleteMoved(
  server: Server,
  travelling: readonly TravellingKey[],
  isMoved: readonly boolean[],
  hasChanged: readonly boolean[],
): boolean {
  const { keyspace, propagation } = server;
  const deleted: Uint8Array[] = [];
  let isChanged = false;
  for (const [i, { databaseIndex, key }] of travelling.entries()) {
    const db = keyspace.databases[databaseIndex];
    const ref = isMoved[i] ? db.find(key, 0, key.length) : 0;
    if (ref === 0) continue;
    if (hasChanged[i]) {
      isChanged = true;
      continue;
    }
    server.keyspaceEvents.entry(NOTIFY_GENERIC, 'del', db, ref);
    db.remove(ref);
    deleted.push(key);
  }
  if (deleted.length > 0) {
    keyspace.dirty += deleted.length;
    propagation.command(travelling[0].databaseIndex, ['DEL', ...deleted]);
    server.scheduleTurnEnd();
  }
  return isChanged;
}

/** @returns null after an error reply */
function parseOptions(call: Invocation): Options | null {
  const options: Options = {
    database: 0,
    timeoutMs: 0,
    isCopy: false,
    replaces: false,
    credentials: null,
    keyPositions: [3],
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
      options.keyPositions = Array.from({ length: following }, (_, n) => i + 1 + n);
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
  options.timeoutMs = timeoutMs <= 0 ? DEFAULT_TIMEOUT_MS : Math.min(timeoutMs, 0x7fffffff);
  return options;
}

/** The keys: the third argument, or all that follows KEYS. */
export function migrateKeys(request: Request): FoundKey[] {
  if (request.argc < 6) return [];
  let i = 6;
  while (i < request.argc && !request.is(i, 'KEYS')) i += request.is(i, 'AUTH') ? 2 : request.is(i, 'AUTH2') ? 3 : 1;
  if (i >= request.argc) return [moved(3)];
  if (request.lengths[3] !== 0) return [];
  return Array.from({ length: request.argc - i - 1 }, (_, n) => moved(i + 1 + n));
}

function moved(position: number): FoundKey {
  return { position, flags: ['RW', 'access', 'delete'] };
}
