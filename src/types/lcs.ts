/**
 * Longest common subsequence of two byte strings, by the classic table. Source: spec server.md section 19 (LCS).
 *
 * table[i][j] = length for the first i bytes of a and the first j of b; (lengthA + 1) × (lengthB + 1) cells of 4 bytes: `lcsTableBytes`, which the
 * caller bounds before; ours take half of that as long as a length fits into 2 bytes. The subsequence is read off backwards from the end; where both
 * neighbours are equal, the step goes back in b.
 */

/** A run of equal bytes at `a` and `b` (inclusive offsets). */
export interface LcsMatch {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
}

export interface LcsResult {
  readonly length: number;
  readonly text: Uint8Array;
  /** From the end of the strings to their beginning. */
  readonly matches: readonly LcsMatch[];
}

export function lcsTableBytes(lengthA: number, lengthB: number): number {
  return (lengthA + 1) * (lengthB + 1) * 4;
}

/** The length alone: that takes one row of the table. */
export function lcsLength(a: Uint8Array, b: Uint8Array): number {
  const row = new Uint32Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    const byte = a[i];
    let diagonal = 0;
    for (let j = 1; j < row.length; j++) {
      const above = row[j];
      row[j] = byte === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row[b.length];
}

export function longestCommonSubsequence(a: Uint8Array, b: Uint8Array): LcsResult {
  const width = b.length + 1;
  const table = fillTable(a, b, width);
  const length = table[table.length - 1];
  const text = new Uint8Array(length);
  const matches: LcsMatch[] = [];
  let i = a.length;
  let j = b.length;
  let rest = length;
  while (rest > 0) {
    if (a[i - 1] === b[j - 1]) {
      const aEnd = i - 1;
      const bEnd = j - 1;
      while (i > 0 && j > 0 && a[i - 1] === b[j - 1]) {
        text[--rest] = a[i - 1];
        i--;
        j--;
      }
      matches.push({ aStart: i, aEnd, bStart: j, bEnd });
    } else if (table[(i - 1) * width + j] > table[i * width + j - 1]) {
      i--;
    } else {
      j--;
    }
  }
  return { length, text, matches };
}

function fillTable(a: Uint8Array, b: Uint8Array, width: number): Uint16Array | Uint32Array {
  const cellCount = (a.length + 1) * width;
  const table = Math.min(a.length, b.length) <= 0xffff ? new Uint16Array(cellCount) : new Uint32Array(cellCount);
  for (let i = 1; i <= a.length; i++) {
    const row = i * width;
    const above = row - width;
    const byte = a[i - 1];
    for (let j = 1; j < width; j++) {
      if (byte === b[j - 1]) {
        table[row + j] = table[above + j - 1] + 1;
      } else {
        table[row + j] = Math.max(table[above + j], table[row + j - 1]);
      }
    }
  }
  return table;
}
