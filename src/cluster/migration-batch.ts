/**
 * The keys of one MIGRATE, as the requests that are sent for them: encoded once, where they lie until the target has answered for all.
 *
 *   | AUTH …, if the client gave credentials | RESTORE key ttl payload [REPLACE] | RESTORE … |
 *
 * Batches are used again, one MIGRATE after the other: a move of slots asks for thousands. Nothing is allocated for a key that finds room.
 */
import { RecordBuffer } from '../resp/record-buffer.js';

/** What a batch keeps for the next one. */
const KEEP_KEYS_MAX = 4096;
const LINE_END_BYTES = 2;

const encoder = new TextEncoder();
const AUTH = encoder.encode('AUTH');
const REPLACE = encoder.encode('REPLACE');

export class MigrationBatch {
  private readonly records = new RecordBuffer();
  /** Where the first RESTORE begins; 0 if there is no AUTH. */
  authEnd = 0;
  keyCount = 0;
  /** Where the keys are in `bytes`. */
  readonly keyStarts: number[] = [];
  readonly keyLengths: number[] = [];
  /** By key: whether the target has it, by its own word. */
  readonly isMoved: boolean[] = [];

  /** The requests are `bytes[0 … length)`. */
  get bytes(): Uint8Array {
    return this.records.bytes;
  }

  get length(): number {
    return this.records.length;
  }

  /** Empties the batch. */
  reset(): void {
    this.records.clear();
    this.authEnd = 0;
    this.keyCount = 0;
    if (this.keyStarts.length <= KEEP_KEYS_MAX) return;
    this.keyStarts.length = 0;
    this.keyLengths.length = 0;
    this.isMoved.length = 0;
  }

  /** AUTH, which comes first. @param words password, or name and password */
  authenticate(words: readonly Uint8Array[]): void {
    const { records } = this;
    records.begin(1 + words.length);
    records.word(AUTH, 0, AUTH.length);
    for (const word of words) records.word(word, 0, word.length);
    this.authEnd = records.length;
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
    const { records } = this;
    records.begin(replaces ? 5 : 4);
    records.word(command, 0, command.length);
    records.word(bytes, start, length);
    this.keyStarts[this.keyCount] = records.length - LINE_END_BYTES - length;
    this.keyLengths[this.keyCount] = length;
    this.isMoved[this.keyCount] = false;
    records.integer(ttlMs);
    records.word(payload, 0, payload.length);
    if (replaces) records.word(REPLACE, 0, REPLACE.length);
    this.keyCount++;
  }
}
