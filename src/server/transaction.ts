/**
 * MULTI … EXEC of one connection: the queued requests with arguments of their own, and whether EXEC must refuse.
 *
 * States: queuing → (an error while queuing) failed → EXEC or DISCARD ends it. Once failed nothing more is stored. Source: spec server.md section 8.
 */
import type { Command } from '../commands/command.js';
import { Request } from '../resp/request.js';

export class Transaction {
  readonly commands: Command[] = [];
  readonly requests: Request[] = [];
  /** A command was refused while queuing: EXEC answers EXECABORT. */
  hasFailed = false;
  /** Union of the flags of the queued commands, and of the inverses for those that matter by absence. */
  anyFlags = 0;
  allFlags = -1;
  /** Bytes of the queued arguments. */
  argumentBytes = 0;

  /** Stores a copy of the request. */
  queue(command: Command, request: Request): void {
    this.commands.push(command);
    const copy = copyRequest(request);
    this.requests.push(copy);
    this.argumentBytes += copy.bytes.length;
    this.anyFlags |= command.flags;
    this.allFlags &= command.flags;
  }
}

/** A request whose arguments lie in bytes of their own, without the gaps of the wire format. */
export function copyRequest(request: Request): Request {
  const words: Uint8Array[] = [];
  for (let i = 0; i < request.argc; i++) words.push(request.view(i));
  return requestOf(words);
}

/** A request of these words, which are copied. */
export function requestOf(words: readonly Uint8Array[]): Request {
  const copy = new Request(0);
  copy.argc = words.length;
  copy.starts = new Int32Array(words.length);
  copy.lengths = Int32Array.from(words, (word) => word.length);
  copy.bytes = new Uint8Array(words.reduce((sum, word) => sum + word.length, 0));
  let at = 0;
  for (const [i, word] of words.entries()) {
    copy.bytes.set(word, at);
    copy.starts[i] = at;
    at += word.length;
  }
  return copy;
}
