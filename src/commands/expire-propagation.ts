/** The deterministic forms of what changes a key's expiry: absolute times, and DEL for what is over already. Source: spec persistence.md section 8.2. */
import type { Invocation } from '../server/invocation.js';

const encoder = new TextEncoder();
const PEXPIREAT_WORD = encoder.encode('PEXPIREAT');

/** `PEXPIREAT key ms` and, as received, the arguments from `optionsAt` on. */
export function propagateExpiry(call: Invocation, keyAt: number, expireAtMs: number, optionsAt: number): void {
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  const { bytes, starts, lengths, argc } = call.request;
  propagation.begin(3 + argc - optionsAt);
  propagation.word(PEXPIREAT_WORD, 0, PEXPIREAT_WORD.length);
  propagation.word(bytes, starts[keyAt], lengths[keyAt]);
  propagation.integerWord(expireAtMs);
  for (let i = optionsAt; i < argc; i++) propagation.word(bytes, starts[i], lengths[i]);
  propagation.end(call.db.index);
}

/** `DEL key` or `UNLINK key`. */
export function propagateDeletion(call: Invocation, keyAt: number, name: 'DEL' | 'UNLINK'): void {
  call.isPropagated = true;
  const { bytes, starts, lengths } = call.request;
  call.server.propagation.deletion(call.db.index, name, bytes, starts[keyAt], lengths[keyAt]);
}
