/**
 * The cells of a B+tree's node, as IdTree and RankTree share them: a block whose first word counts its cells, which are words of one size behind a header.
 * What a cell means, and when nodes split, is each tree's own affair.
 *
 * `arena` stands for the arena's words by chunk; `header` and `cellWords` are counted in words.
 */
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';

/** Makes room for a cell in a node that is not full. @returns the index of its first word in the node's chunk */
export function openCell(
  arena: readonly Int32Array[],
  node: Ref,
  header: number,
  cellWords: number,
  index: number,
): number {
  const words = arena[node >>> CHUNK_INDEX_SHIFT];
  const base = (node & UNIT_MASK) << 1;
  const at = base + header + index * cellWords;
  const end = base + header + words[base] * cellWords;
  if (at < end) words.copyWithin(at + cellWords, at, end);
  words[base]++;
  return at;
}

/** Removes a cell, or `count` of them from there on. */
export function closeCell(
  arena: readonly Int32Array[],
  node: Ref,
  header: number,
  cellWords: number,
  index: number,
  count = 1,
): void {
  const words = arena[node >>> CHUNK_INDEX_SHIFT];
  const base = (node & UNIT_MASK) << 1;
  const at = base + header + index * cellWords;
  const end = base + header + words[base] * cellWords;
  const next = at + count * cellWords;
  if (next < end) words.copyWithin(at, next, end);
  words[base] -= count;
}

/** Moves the cells of `source` from number `from` on behind those of `target`, which has room for them. */
export function moveCells(
  arena: readonly Int32Array[],
  source: Ref,
  from: number,
  target: Ref,
  header: number,
  cellWords: number,
): void {
  const sourceWords = arena[source >>> CHUNK_INDEX_SHIFT];
  const sourceBase = (source & UNIT_MASK) << 1;
  const targetWords = arena[target >>> CHUNK_INDEX_SHIFT];
  const targetBase = (target & UNIT_MASK) << 1;
  const count = sourceWords[sourceBase] - from;
  const first = sourceBase + header + from * cellWords;
  const to = targetBase + header + targetWords[targetBase] * cellWords;
  for (let i = 0; i < count * cellWords; i++) targetWords[to + i] = sourceWords[first + i];
  targetWords[targetBase] += count;
  sourceWords[sourceBase] = from;
}

/** Whether two neighbours become one: one of them is nearly empty, and what they hold leaves a quarter of a node free. */
export function shouldMerge(leftCells: number, rightCells: number, cellsMax: number): boolean {
  return Math.min(leftCells, rightCells) * 4 < cellsMax && (leftCells + rightCells) * 4 <= cellsMax * 3;
}
