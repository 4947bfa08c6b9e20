/**
 * A field of a hash and its value, wherever their texts lie: what the parts of the hash type hand to each other. One object is filled anew for each pair.
 * Only what every HSET goes through takes the texts as arguments of their own.
 */
export interface HashPair {
  /** The field: `bytes[start, start + length)`; and the value likewise. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueLength: number;
}

const NO_BYTES = new Uint8Array(0);

export class PairBuffer implements HashPair {
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  length = 0;
  valueBytes: Uint8Array = NO_BYTES;
  valueStart = 0;
  valueLength = 0;

  setField(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }

  setValue(bytes: Uint8Array, start: number, length: number): void {
    this.valueBytes = bytes;
    this.valueStart = start;
    this.valueLength = length;
  }
}
