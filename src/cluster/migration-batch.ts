/**
 * The keys of one MIGRATE, as the requests that are sent for them: encoded once, where they lie until the target has answered for all.
 *
 *   | AUTH …, if the client gave credentials | RESTORE key ttl payload [REPLACE] | RESTORE … |
 *
 * Batches are used again, one MIGRATE after the other: a move of slots asks for thousands. Nothing is allocated for a key that finds room.
 */
import { copyBytes } from '../memory/copy.js';
import { writeInteger } from '../resp/reply-writer.js';

/** Room of a batch of ten small keys, which is what redis-cli sends at once. */
const BYTES = 4096;
/** What a batch keeps for the next one. */
const KEEP_BYTES_MAX = 1024 * 1024;
const KEEP_KEYS_MAX = 4096;
/** Beyond this the room grows by what is asked for, and not to twice as much. */
const DOUBLED_BYTES_MAX = 64 * 1024 * 1024;
/** `$` or `*`, the digits of a safe integer, and CRLF twice: around a word. */
const AROUND_WORD_BYTES = 24;

const encoder = new TextEncoder();
const AUTH = encoder.encode('AUTH');
const REPLACE = encoder.encode('REPLACE');

export class MigrationBatch {
  bytes = new Uint8Array(BYTES);
  length = 0;
  /** Where the first RESTORE begins; 0 if there is no AUTH. */
  authEnd = 0;
  keyCount = 0;
  /** Where the keys are in `bytes`. */
  readonly keyStarts: number[] = [];
  readonly keyLengths: number[] = [];
  /** By key: whether the target has it, by its own word. */
  readonly isMoved: boolean[] = [];

  /** Empties the batch. */
  reset(): void {
    this.length = 0;
    this.authEnd = 0;
    this.keyCount = 0;
    if (this.bytes.length > KEEP_BYTES_MAX) this.bytes = new Uint8Array(BYTES);
    if (this.keyStarts.length <= KEEP_KEYS_MAX) return;
    this.keyStarts.length = 0;
    this.keyLengths.length = 0;
    this.isMoved.length = 0;
  }

  /** AUTH, which comes first. @param words password, or name and password */
  authenticate(words: readonly Uint8Array[]): void {
    this.header(0x2a, 1 + words.length);
    this.word(AUTH, 0, AUTH.length);
    for (const word of words) this.word(word, 0, word.length);
    this.authEnd = this.length;
  }

  /**
   * Appends a key: `bytes[start … start + length)`.
   * @param command `RESTORE-ASKING` between nodes of a cluster, else `RESTORE`
   * @param ttlMs   what is left of its life; 0 = no expiry
   * @param payload as DUMP gives it
   * @throws RangeError if all together is more than a buffer can hold
   */
  add(
    command: Uint8Array,
    bytes: Uint8Array,
    start: number,
    length: number,
    ttlMs: number,
    payload: Uint8Array,
    replaces: boolean,
  ): void {
    this.header(0x2a, replaces ? 5 : 4);
    this.word(command, 0, command.length);
    const keyEnd = this.word(bytes, start, length);
    this.keyStarts[this.keyCount] = keyEnd - length;
    this.keyLengths[this.keyCount] = length;
    this.isMoved[this.keyCount] = false;
    this.integerWord(ttlMs);
    this.word(payload, 0, payload.length);
    if (replaces) this.word(REPLACE, 0, REPLACE.length);
    this.keyCount++;
  }

  private header(type: number, value: number): void {
    this.reserve(AROUND_WORD_BYTES);
    const { bytes } = this;
    bytes[this.length] = type;
    this.length = writeInteger(bytes, this.length + 1, value);
    this.endLine();
  }

  /** @returns where the bytes of the word end */
  private word(source: Uint8Array, start: number, length: number): number {
    this.reserve(length + AROUND_WORD_BYTES);
    this.header(0x24, length);
    copyBytes(source, start, this.bytes, this.length, length);
    this.length += length;
    const end = this.length;
    this.endLine();
    return end;
  }

  private integerWord(value: number): void {
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    this.header(0x24, digits);
    this.reserve(AROUND_WORD_BYTES);
    this.length = writeInteger(this.bytes, this.length, value);
    this.endLine();
  }

  private endLine(): void {
    this.bytes[this.length++] = 0x0d;
    this.bytes[this.length++] = 0x0a;
  }

  private reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    const { bytes } = this;
    if (needed <= bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, bytes.length < DOUBLED_BYTES_MAX ? bytes.length * 2 : 0));
    grown.set(bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
