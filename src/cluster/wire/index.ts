/**
 * The codec of the cluster bus: bytes on a link ⇄ `BusMessage`. It knows no node table, as the core knows no bytes.
 * Reading order: `layout.ts` (where the fields are) → `encode.ts`, `decode.ts` → `frame-reader.ts` (a stream of them).
 */
export { type DecodeResult, decodeMessage } from './decode.js';
export { encodeMessage } from './encode.js';
export { FrameReader } from './frame-reader.js';
