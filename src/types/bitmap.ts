/**
 * Strings as bits: counting and finding, at the speed of memory. Bit 0 is the highest of the first byte. Source: spec server.md section 21.
 *
 * The arena has each chunk as bytes and as 32-bit words. A range begins and ends at any byte: its middle is read as words, its two ends as bytes.
 * Counting adds up eight words at a time in carry-save form: three words then hold how many of the eight have each bit, as ones, twos and fours, and
 * only what is carried out of them is counted at once. 6 operations per word; counting each word takes 12.
 */

/**
 * @param base  where the string begins in `bytes`
 * @param first offset of the first bit in the string that counts
 * @param last  offset of the last one, not before `first`
 * @param words the same buffer as 32-bit words
 * @returns how many bits of the range are set
 */
export function countBitRange(bytes: Uint8Array, words: Int32Array, base: number, first: number, last: number): number {
  const start = base + Math.floor(first / 8);
  const end = base + Math.floor(last / 8);
  const before = bytes[start] & ~(0xff >> (first % 8));
  const behind = bytes[end] & (0x7f >> (last % 8));
  return countBits(bytes, words, start, end + 1) - bitsOf(before) - bitsOf(behind);
}

/** As `countBitRange`. @returns offset in the string of the first bit of the range that is `bit`; −1 if there is none */
export function findInBitRange(
  bytes: Uint8Array,
  words: Int32Array,
  base: number,
  first: number,
  last: number,
  bit: number,
): number {
  const skipped = first % 8;
  let start = base + Math.floor(first / 8);
  const byte = bytes[start] ^ (bit === 1 ? 0 : 0xff);
  let found = -1;
  if (((byte << skipped) & 0xff) !== 0) {
    found = first + leadingBits((byte << skipped) & 0xff);
  } else {
    start++;
    found = findBit(bytes, words, start, base + Math.floor(last / 8) + 1, bit);
    if (found >= 0) found += (start - base) * 8;
  }
  return found > last ? -1 : found;
}

/** @returns how many bits are set in `bytes[start … end)` */
function countBits(bytes: Uint8Array, words: Int32Array, start: number, end: number): number {
  let count = 0;
  let at = start;
  for (; at < end && (at & 3) !== 0; at++) count += bitsOf(bytes[at]);
  const word = at >> 2;
  const wordEnd = Math.max(word, end >> 2);
  const blockEnd = wordEnd - ((wordEnd - word) & 7);
  count += countInBlocks(words, word, blockEnd);
  for (let i = blockEnd; i < wordEnd; i++) count += bitsOf(words[i]);
  for (at = Math.max(at, wordEnd << 2); at < end; at++) count += bitsOf(bytes[at]);
  return count;
}

/**
 * @param bit 0 or 1
 * @returns offset of the first such bit in `bytes[start … end)`, counted from the first bit at `start`; −1 if there is none
 */
function findBit(bytes: Uint8Array, words: Int32Array, start: number, end: number, bit: number): number {
  const skippedByte = bit === 1 ? 0 : 0xff;
  const skippedWord = bit === 1 ? 0 : -1;
  let at = start;
  while (at < end && bytes[at] === skippedByte) {
    if ((at & 3) !== 0 || at + 4 > end) {
      at++;
      continue;
    }
    const word = skipWords(words, at >> 2, end >> 2, skippedWord);
    // The word that stopped the search begins with a byte to be skipped, or it is the end: either way bytes tell where.
    if (word << 2 === at) at++;
    else at = word << 2;
  }
  if (at === end) return -1;
  return ((at - start) << 3) + leadingBits(bytes[at] ^ skippedByte);
}

/** @returns the first of the words from `start` on that is not `value` (0 or −1), or `end`; eight at a time */
function skipWords(words: Int32Array, start: number, end: number, value: number): number {
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const difference =
      (words[at] ^ value) |
      (words[at + 1] ^ value) |
      (words[at + 2] ^ value) |
      (words[at + 3] ^ value) |
      (words[at + 4] ^ value) |
      (words[at + 5] ^ value) |
      (words[at + 6] ^ value) |
      (words[at + 7] ^ value);
    if (difference !== 0) break;
  }
  while (at < end && words[at] === value) at++;
  return at;
}

/** @returns how many bits of the int32 are set */
function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bits, 0x01010101) >>> 24;
}

/** @returns zero bits before the first one of a byte that is not 0 */
function leadingBits(byte: number): number {
  return Math.clz32(byte) - 24;
}

/** @param end `start` plus a multiple of eight */
function countInBlocks(words: Int32Array, start: number, end: number): number {
  let eights = 0;
  let ones = 0;
  let twos = 0;
  let fours = 0;
  for (let i = start; i < end; i += 8) {
    // A full adder: of a, b and c the sum is a ^ b ^ c, the carry (a & b) | ((a ^ b) & c).
    let half = ones ^ words[i];
    const twosA = (ones & words[i]) | (half & words[i + 1]);
    ones = half ^ words[i + 1];
    half = ones ^ words[i + 2];
    const twosB = (ones & words[i + 2]) | (half & words[i + 3]);
    ones = half ^ words[i + 3];
    half = twos ^ twosA;
    const foursA = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    half = ones ^ words[i + 4];
    const twosC = (ones & words[i + 4]) | (half & words[i + 5]);
    ones = half ^ words[i + 5];
    half = ones ^ words[i + 6];
    const twosD = (ones & words[i + 6]) | (half & words[i + 7]);
    ones = half ^ words[i + 7];
    half = twos ^ twosC;
    const foursB = (twos & twosC) | (half & twosD);
    twos = half ^ twosD;
    half = fours ^ foursA;
    eights += bitsOf((fours & foursA) | (half & foursB));
    fours = half ^ foursB;
  }
  return 8 * eights + 4 * bitsOf(fours) + 2 * bitsOf(twos) + bitsOf(ones);
}
