/** SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, and the DEBUG subcommands of persistence. Source: spec persistence.md sections 9.2 and 9.6. */
import type { Invocation } from '../server/invocation.js';
import { addDebugSubcommand } from './debug.js';
import { replySyntaxError } from './replies.js';

export function save(call: Invocation): void {
  const { persistence } = call.server;
  if (persistence.rdb.isSaving) return call.error('ERR Background save already in progress');
  if (persistence.save()) call.reply.ok();
  else call.error('ERR');
}

export function bgsave(call: Invocation): void {
  const { persistence } = call.server;
  const isScheduled = call.argc > 1;
  if (call.argc > 2 || (isScheduled && !call.is(1, 'SCHEDULE'))) return replySyntaxError(call);
  if (persistence.rdb.isSaving) return call.error('ERR Background save already in progress');
  if (persistence.isSnapshotRunning || call.connection.isExecuting) {
    if (!isScheduled && !call.connection.isExecuting) {
      return call.error(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
      );
    }
    persistence.isSaveScheduled = true;
    return call.reply.status('Background saving scheduled');
  }
  persistence.backgroundSave();
  call.reply.status('Background saving started');
}

export function bgrewriteaof(call: Invocation): void {
  const { server } = call;
  const { persistence } = server;
  if (persistence.aof.isRewriting) return call.error('ERR Background append only file rewriting already in progress');
  if (persistence.isSnapshotRunning || call.connection.isExecuting) {
    persistence.aof.isRewriteScheduled = true;
    return call.reply.status('Background append only file rewriting scheduled');
  }
  // Making the new incr file takes a moment; the client waits for it, the others do not.
  const begun = persistence.rewriteAof();
  server.replyLater(
    call.connection,
    begun.then((isBegun) => (reply) => {
      if (isBegun) reply.status('Background append only file rewriting started');
      else {
        reply.error(
          "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
        );
      }
    }),
  );
}

export function lastsave(call: Invocation): void {
  call.reply.integer(call.server.persistence.rdb.lastSaveSeconds);
}

addDebugSubcommand('reload', -2, (call) => {
  const options = { nosave: false, noflush: false, merge: false };
  for (let i = 2; i < call.argc; i++) {
    if (call.is(i, 'NOSAVE')) options.nosave = true;
    else if (call.is(i, 'NOFLUSH')) options.noflush = true;
    else if (call.is(i, 'MERGE')) options.merge = true;
    else return call.error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
  }
  const error = call.server.persistence.reload(options);
  if (error === null) call.reply.ok();
  else call.error(error);
});

addDebugSubcommand('loadaof', 2, (call) => {
  const loaded = call.server.persistence.reloadAof();
  call.server.replyLater(
    call.connection,
    loaded.then(() => (reply) => reply.ok()),
  );
});
