/** Stream IDs as RDB has them in the names of nodes and in lists of pending entries: 16 bytes, big-endian. */
import type { StreamId } from '../../memory/stream-id.js';

export const RAW_ID_BYTES = 16;

export function readRawId(bytes: Uint8Array, at: number, into: StreamId): void {
  into.set(int32Be(bytes, at), int32Be(bytes, at + 4), int32Be(bytes, at + 8), int32Be(bytes, at + 12));
}

function int32Be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
