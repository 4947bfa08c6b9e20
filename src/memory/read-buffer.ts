/**
 * Buffers into which the kernel copies much at once.
 *
 * It copies with one instruction (`rep movsb`), which takes ten times as long on some processors (AMD's Zen 3: 2.5 instead of 22 GB/s) where the target lies
 * 1 to 31 bytes further in its memory page than the source. What has arrived lies at a page's beginning, mostly, and the system's allocator puts a large
 * buffer 16 bytes behind one.
 *
 * Invariant: the bytes of a buffer begin in the middle of a page, if the allocator does as it mostly does.
 */

/** From where the allocator puts a large buffer to the middle of a page of 4 KiB. */
export const SHIFT_BYTES = 2048 - 16;

/** @returns zeros; its `buffer` is longer, and the rest of that is nobody's */
export function makeReadBuffer(byteCount: number): Uint8Array {
  return readBufferIn(new ArrayBuffer(SHIFT_BYTES + byteCount));
}

/** @returns what of a buffer, all of which is the caller's, the kernel should fill */
export function readBufferIn(buffer: ArrayBufferLike): Uint8Array {
  return new Uint8Array(buffer, SHIFT_BYTES);
}
