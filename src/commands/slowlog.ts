/** SLOWLOG. Source: spec server.md section 15. */
import type { Invocation } from '../server/invocation.js';
import { helpReply } from './help.js';
import { replySubcommandSyntax } from './replies.js';

export function slowlogGet(call: Invocation): void {
  if (call.argc > 3) return replySubcommandSyntax(call);
  let count = 10;
  if (call.argc === 3) {
    count = call.integer(2);
    if (Number.isNaN(count) || count < -1) return call.error('ERR count should be greater than or equal to -1');
  }
  const { entries } = call.server.slowlog;
  const shown = count === -1 ? entries : entries.slice(0, count);
  const { reply } = call;
  reply.array(shown.length);
  for (const entry of shown) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.unixSeconds);
    reply.integer(entry.microseconds);
    reply.array(entry.args.length);
    for (const arg of entry.args) reply.bulkBytes(arg);
    reply.bulkText(entry.address);
    reply.bulkText(entry.clientName);
  }
}

export function slowlogLen(call: Invocation): void {
  call.reply.integer(call.server.slowlog.entries.length);
}

export function slowlogReset(call: Invocation): void {
  call.server.slowlog.clear();
  call.reply.ok();
}

export const slowlogHelp = helpReply('SLOWLOG', [
  'GET [<count>]',
  '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
  '    Entries are made of:',
  '    id, timestamp, time in microseconds, arguments array, client IP and port,',
  '    client name',
  'LEN',
  '    Return the length of the slowlog.',
  'RESET',
  '    Reset the slowlog.',
]);
