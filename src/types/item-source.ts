/**
 * Bytes in which items lie already as they lie in the arena. Those of an RDB are: before a string stands the low byte of its length, in each form that a length
 * has there; and before a counted string of up to 253 bytes stands its length (counted-keys.ts). Behind it comes the value, or the score, in both.
 *
 * So an item is made by copying words, which takes a third of what strings take that are written byte by byte.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { copyWords } from '../memory/copy.js';
import { NOT_COUNTED } from './counted-keys.js';

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

export class ItemSource {
  private bytes: Uint8Array = NO_BYTES;
  /** Of the same bytes, made when it is needed. */
  private view: DataView = NO_VIEW;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** @param bytes stay as they are until `forget` */
  begin(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = NO_VIEW;
  }

  /** Lets go of the bytes, which may be many. */
  forget(): void {
    this.begin(NO_BYTES);
  }

  /** @returns whether a string of `bytes` has its length before it as counted strings have */
  hasCounted(bytes: Uint8Array, length: number): boolean {
    return bytes === this.bytes && length < NOT_COUNTED;
  }

  /** @returns a new block that begins with `bytes[start, start + count)` */
  item(start: number, count: number): Ref {
    const item = this.arena.allocate(count);
    if (this.view === NO_VIEW) this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    copyWords(this.view, start, this.arena.views[item >>> CHUNK_INDEX_SHIFT], (item & UNIT_MASK) << 3, count);
    return item;
  }
}
