/** MULTI, EXEC, DISCARD, WATCH, UNWATCH. Source: spec server.md section 8. */
import { forgetHashAhead } from '../keyspace/key-hash.js';
import { fixedReply } from '../resp/reply-writer.js';
import { IN_MULTI } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import type { Transaction } from '../server/transaction.js';

const EXECABORT = fixedReply('-EXECABORT Transaction discarded because of previous errors.');

export function multi(call: Invocation): void {
  const { connection } = call;
  if (connection.transaction !== null) return call.error('ERR MULTI calls can not be nested');
  connection.transaction = call.server.transactions.take();
  connection.flags |= IN_MULTI;
  call.reply.ok();
}

export function exec(call: Invocation): void {
  const { connection, server, reply } = call;
  const { transaction } = connection;
  if (transaction === null) return call.error('ERR EXEC without MULTI');
  const isWatchDirty = server.watches.isDirty(connection);
  server.discard(connection);
  if (transaction.hasFailed) reply.fixedError(EXECABORT, 'EXECABORT');
  else if (isWatchDirty) reply.nullArray();
  else execute(call, transaction);
  server.transactions.giveBack(transaction);
}

function execute(call: Invocation, transaction: Transaction): void {
  const { connection, server, reply } = call;
  const { dispatcher, keyspace } = server;
  const start = reply.length;
  connection.isExecuting = true;
  reply.array(transaction.count);
  for (let i = 0; i < transaction.count; i++) {
    transaction.warmKeys(i, keyspace.databases[connection.databaseIndex]);
    dispatcher.runShown(connection, transaction.request(i), transaction.command(i));
  }
  forgetHashAhead();
  connection.isExecuting = false;
  server.completeLater(connection, start);
  // What the commands changed has been propagated one by one, within this unit.
  call.propagateNothing();
}

export function discard(call: Invocation): void {
  const { transaction } = call.connection;
  if (transaction === null) return call.error('ERR DISCARD without MULTI');
  call.server.discard(call.connection);
  call.server.transactions.giveBack(transaction);
  call.reply.ok();
}

export function watch(call: Invocation): void {
  const { connection, request } = call;
  if (connection.transaction !== null) return call.error('ERR WATCH inside MULTI is not allowed');
  // A client whose transaction must fail anyway watches nothing more.
  if (!connection.isWatchDirty)
    for (let i = 1; i < call.argc; i++) call.server.watches.watch(connection, request.copy(i));
  call.reply.ok();
}

export function unwatch(call: Invocation): void {
  call.server.watches.unwatch(call.connection);
  call.reply.ok();
}
