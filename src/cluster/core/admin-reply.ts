/** The answers to admin requests, and the reading of their arguments. Texts are those of Redis 7.2; spec/cluster.md 11. */
import type { AdminReply } from './protocol.js';
import { SLOT_COUNT } from './types.js';

export const OK: AdminReply = { ok: true, text: 'OK' };

/** An error with the general code ERR. */
export function failure(text: string): AdminReply {
  return { ok: false, error: `ERR ${text}` };
}

export function wrongForm(subcommand: string): AdminReply {
  return failure(`unknown subcommand or wrong number of arguments for '${subcommand}'. Try CLUSTER HELP.`);
}

export const INVALID_SLOT = failure('Invalid or out of range slot');
export const NOT_AN_INTEGER = failure('value is not an integer or out of range');

/** A decimal 64-bit integer in its only spelling (no sign `+`, no leading zeros, no blanks); null for anything else. */
export function parseInteger(text: string): bigint | null {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : null;
}

/** A slot number, or −1. */
export function parseSlot(text: string): number {
  const value = parseInteger(text);
  return value !== null && value >= 0n && value < BigInt(SLOT_COUNT) ? Number(value) : -1;
}
