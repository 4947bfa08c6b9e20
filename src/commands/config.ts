/** CONFIG GET, SET, REWRITE, RESETSTAT. The rules are in server/config; this is the door. Source: spec server.md section 6. */
import type { Config } from '../server/config/config.js';
import { isLocal } from '../server/connection.js';
import type { Invocation } from '../server/invocation.js';
import { helpReply } from './help.js';

function latin1(call: Invocation, from: number): string[] {
  const words: string[] = [];
  for (let i = from; i < call.argc; i++) words.push(call.request.latin1(i));
  return words;
}

/** What CONFIG GET * replies behind the header, which is the protocol's: it is asked for again and again, and changes hardly ever. */
interface Everything {
  readonly changeCount: number;
  readonly pairCount: number;
  readonly pairs: Uint8Array;
}

const everything = new WeakMap<Config, Everything>();

function everythingOf(config: Config): Everything {
  const known = everything.get(config);
  if (known?.changeCount === config.changeCount) return known;
  const texts = config.everything();
  const headers: string[] = [];
  const parts: string[] = [];
  for (const text of texts) parts.push((headers[text.length] ??= `$${text.length}\r\n`), text, '\r\n');
  const bytes = Buffer.from(parts.join(''), 'latin1');
  const pairs = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const made = { changeCount: config.changeCount, pairCount: texts.length / 2, pairs };
  everything.set(config, made);
  return made;
}

export function configGet(call: Invocation): void {
  if (call.argc === 3 && call.is(2, '*')) {
    const { pairCount, pairs } = everythingOf(call.server.config);
    call.reply.map(pairCount);
    return call.reply.raw(pairs);
  }
  const found = call.server.config.get(latin1(call, 2));
  call.reply.map(found.length);
  for (const [name, text] of found) {
    call.reply.bulkText(name);
    call.reply.bulkLatin1(text);
  }
}

export function configSet(call: Invocation): void {
  const { connection, server } = call;
  const outcome = server.config.set(latin1(call, 2), { isLocal: isLocal(connection) });
  if (!(outcome instanceof Promise)) {
    if (outcome === null) call.reply.ok();
    else call.reply.byteError(outcome);
    return;
  }
  // A change that takes time (a listener, the append-only file): the client waits for it.
  server.replyLater(
    connection,
    outcome.then((error) => (reply) => (error === null ? reply.ok() : reply.byteError(error))),
  );
}

export function configRewrite(call: Invocation): void {
  const error = call.server.config.rewrite();
  if (error !== null) {
    call.server.log.warning(`CONFIG REWRITE failed: ${error}`);
    return call.error(error);
  }
  call.server.log.notice('CONFIG REWRITE executed with success.');
  call.reply.ok();
}

export function configResetstat(call: Invocation): void {
  call.server.resetStatistics();
  call.reply.ok();
}

export const configHelp = helpReply('CONFIG', [
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
]);
