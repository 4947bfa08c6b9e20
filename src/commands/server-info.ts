/** INFO, MONITOR, TIME: what the server tells of itself. Source: spec server.md sections 15 and 17. */
import type { Invocation } from '../server/invocation.js';

export function info(call: Invocation): void {
  const isNamed = (word: string): boolean => {
    for (let i = 1; i < call.argc; i++) if (call.is(i, word)) return true;
    return false;
  };
  call.reply.verbatim(call.server.info.text(call.argc === 1, isNamed));
}

export function monitor(call: Invocation): void {
  const { connection, server } = call;
  if (connection.isExecuting) return call.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  server.startMonitoring(connection);
  call.reply.ok();
}

export function time(call: Invocation): void {
  const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  call.reply.array(2);
  call.reply.bulkText(String(Math.floor(micros / 1_000_000)));
  call.reply.bulkText(String(micros % 1_000_000));
}
