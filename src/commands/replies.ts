/** The error texts that several commands share, made once. Source: spec server.md section 2.2. */
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';

const WRONG_TYPE = fixedReply('-WRONGTYPE Operation against a key holding the wrong kind of value');
const SYNTAX = fixedReply('-ERR syntax error');
const NO_SUCH_KEY = fixedReply('-ERR no such key');
const NOT_AN_INTEGER = fixedReply('-ERR value is not an integer or out of range');
const NOT_A_FLOAT = fixedReply('-ERR value is not a valid float');
const SAME_OBJECT = fixedReply('-ERR source and destination objects are the same');
const NO_SUCH_DATABASE = fixedReply('-ERR DB index is out of range');
const STRING_TOO_LONG = fixedReply('-ERR string exceeds maximum allowed size (proto-max-bulk-len)');

/** So much is shown of a subcommand's name. */
const SHOWN_BYTES_MAX = 128;

export function replyWrongType(call: Invocation): void {
  call.reply.fixedError(WRONG_TYPE, 'WRONGTYPE');
}

export function replySyntaxError(call: Invocation): void {
  call.reply.fixedError(SYNTAX, 'ERR');
}

/** A DUMP payload, or several that must be together, exceed what a buffer can hold. */
export function replyTooLarge(call: Invocation): void {
  call.error('ERR The value is too large to be serialized');
}

export function replyNoSuchKey(call: Invocation): void {
  call.reply.fixedError(NO_SUCH_KEY, 'ERR');
}

export function replyNotAnInteger(call: Invocation): void {
  call.reply.fixedError(NOT_AN_INTEGER, 'ERR');
}

export function replyNotAFloat(call: Invocation): void {
  call.reply.fixedError(NOT_A_FLOAT, 'ERR');
}

export function replySameObject(call: Invocation): void {
  call.reply.fixedError(SAME_OBJECT, 'ERR');
}

export function replyNoSuchDatabase(call: Invocation): void {
  call.reply.fixedError(NO_SUCH_DATABASE, 'ERR');
}

export function replyStringTooLong(call: Invocation): void {
  call.reply.fixedError(STRING_TOO_LONG, 'ERR');
}

export function replyInvalidExpireTime(call: Invocation): void {
  call.error(`ERR invalid expire time in '${call.command.fullName}' command`);
}

/** What a subcommand answers to arguments that fit none of its forms. */
export function replySubcommandSyntax(call: Invocation): void {
  const [container] = call.command.fullName.split('|');
  const given = call.request.cText(1).slice(0, SHOWN_BYTES_MAX);
  call.reply.byteError(
    `ERR unknown subcommand or wrong number of arguments for '${given}'. Try ${container.toUpperCase()} HELP.`,
  );
}

export function replyWrongArity(call: Invocation): void {
  call.error(`ERR wrong number of arguments for '${call.command.fullName}' command`);
}
