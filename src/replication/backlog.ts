/**
 * The replication backlog: the last bytes of the stream, in blocks that the replicas' sending shares (spec/replication.md section 10).
 *
 *   head ─▶ block ─▶ block ─▶ tail (being filled)        a replica's cursor = (block, position); what it points to stays while it does
 *
 * A block is filled once and its bytes never change afterwards, so a part of it can be handed to a socket without a copy. A block that the backlog
 * has let go lives on as long as a cursor or a write that is under way refers to it.
 *
 * Invariants: (1) the blocks from `head` on are contiguous in stream offsets and end at `endOffset`; (2) a block is let go only from the front, and
 * only if no cursor is in it; (3) memory beyond `bytesMax` exists only because of a slow replica, or for less than one block.
 */
import { copyBytes } from '../memory/copy.js';

const BLOCK_BYTES_MIN = 16 * 1024;
/** A block is at most this part of the backlog, so that trimming keeps close to the size asked for. */
const BLOCKS_PER_BACKLOG = 16;
/** Blocks let go per append: the rest follows with the next ones. */
const TRIM_BLOCKS_MAX = 64;

class Block {
  readonly bytes: Uint8Array;
  length = 0;
  /** Stream offset of the first byte. */
  readonly start: number;
  next: Block | null = null;
  cursorCount = 0;

  constructor(start: number, size: number) {
    this.start = start;
    this.bytes = new Uint8Array(size);
  }
}

export class Backlog {
  private head: Block;
  private tail: Block;
  private bytesMax: number;

  /** @param offset bytes of the stream so far: the first byte appended has the next number */
  constructor(offset: number, bytesMax: number) {
    this.bytesMax = bytesMax;
    this.head = new Block(offset + 1, this.blockBytes(0));
    this.tail = this.head;
  }

  /** Offset of the oldest byte kept; of the next byte if there is none. */
  get firstOffset(): number {
    return this.head.start;
  }

  /** Offset of the next byte. */
  get endOffset(): number {
    return this.tail.start + this.tail.length;
  }

  /** Bytes kept. */
  get length(): number {
    return this.endOffset - this.firstOffset;
  }

  resize(bytesMax: number): void {
    this.bytesMax = bytesMax;
    this.trim();
  }

  /** Whether all bytes from this offset on can be had. */
  reaches(offset: number): boolean {
    return offset >= this.firstOffset && offset <= this.endOffset;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      let block = this.tail;
      if (block.length === block.bytes.length) block = this.extend(end - at);
      const count = Math.min(end - at, block.bytes.length - block.length);
      copyBytes(bytes, at, block.bytes, block.length, count);
      block.length += count;
      at += count;
    }
    if (this.length > this.bytesMax) this.trim();
  }

  /** @returns a cursor at this offset, which `reaches` has said yes to. It must be closed. */
  cursor(offset: number): BacklogCursor {
    let block = this.head;
    while (block.next !== null && offset >= block.start + block.length) block = block.next;
    return new BacklogCursor(block, offset - block.start);
  }

  private extend(wanted: number): Block {
    const block = new Block(this.endOffset, this.blockBytes(wanted));
    this.tail.next = block;
    this.tail = block;
    return block;
  }

  private blockBytes(wanted: number): number {
    const most = Math.max(Math.floor(this.bytesMax / BLOCKS_PER_BACKLOG), BLOCK_BYTES_MIN);
    return Math.min(Math.max(wanted, BLOCK_BYTES_MIN), most);
  }

  private trim(): void {
    for (let i = 0; i < TRIM_BLOCKS_MAX; i++) {
      const { head } = this;
      if (head.next === null || head.cursorCount > 0 || this.length - head.length <= this.bytesMax) return;
      this.head = head.next;
    }
  }
}

/** A place in the stream, from which one replica is sent what it misses. */
export class BacklogCursor {
  private block: Block;
  private position: number;

  constructor(block: Block, position: number) {
    this.block = block;
    this.position = position;
    block.cursorCount++;
  }

  /** Stream offset of the next byte. */
  get offset(): number {
    return this.block.start + this.position;
  }

  /** Another cursor at the same place. */
  copy(): BacklogCursor {
    return new BacklogCursor(this.block, this.position);
  }

  /** @returns the next bytes, as many as lie in one piece, and goes behind them; null at the end of the stream. They may be kept as they are. */
  take(): Uint8Array | null {
    while (this.position === this.block.length) {
      const { next } = this.block;
      if (next === null) return null;
      this.block.cursorCount--;
      this.block = next;
      this.position = 0;
      next.cursorCount++;
    }
    const from = this.position;
    this.position = this.block.length;
    return this.block.bytes.subarray(from, this.position);
  }

  close(): void {
    this.block.cursorCount--;
  }
}
