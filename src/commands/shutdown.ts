/** SHUTDOWN. Source: spec server.md section 28.5. */
import type { Invocation } from '../server/invocation.js';
import { replySyntaxError } from './replies.js';

export function shutdown(call: Invocation): void {
  const options = { save: false, nosave: false, now: false, force: false };
  let isAbort = false;
  for (let i = 1; i < call.argc; i++) {
    if (call.is(i, 'SAVE')) options.save = true;
    else if (call.is(i, 'NOSAVE')) options.nosave = true;
    else if (call.is(i, 'NOW')) options.now = true;
    else if (call.is(i, 'FORCE')) options.force = true;
    else if (call.is(i, 'ABORT')) isAbort = true;
    else return replySyntaxError(call);
  }
  if ((options.save && options.nosave) || (isAbort && call.argc > 2)) return replySyntaxError(call);
  const { shutdown: process } = call.server;
  if (isAbort) {
    if (process.abort()) call.reply.ok();
    else call.error('ERR No shutdown in progress.');
    return;
  }
  if (call.connection.isExecuting && !options.now) {
    return call.error("ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client");
  }
  process.byCommand(call.connection, options);
}
