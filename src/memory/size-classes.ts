/**
 * Size classes of the arena: which block size a request is rounded up to, and how many pages one slab of that class spans.
 *
 * Steps: every 8 bytes up to 128, then 8 steps per doubling, so at most 12.5 % of a block is lost to rounding.
 * A slab is one page for blocks up to 1/8 of a page and grows with the block, so that the tail of a slab wastes no more than 1/8 either.
 */

export const UNIT_SHIFT = 3;
export const PAGE_SHIFT = 14;
export const PAGE_BYTES = 1 << PAGE_SHIFT;
/** Largest request served from a slab; above it a block is a run of whole pages. */
export const SLAB_BLOCK_BYTES_MAX = 64 * 1024;

const LINEAR_BYTES_MAX = 128;
const STEPS_PER_DOUBLING = 8;

function classSizes(): number[] {
  const sizes: number[] = [];
  for (let bytes = 8; bytes <= LINEAR_BYTES_MAX; bytes += 8) sizes.push(bytes);
  for (let base = LINEAR_BYTES_MAX; base < SLAB_BLOCK_BYTES_MAX; base *= 2) {
    for (let step = 1; step <= STEPS_PER_DOUBLING; step++) sizes.push(base + (base / STEPS_PER_DOUBLING) * step);
  }
  return sizes;
}

/** Block size in bytes of each class, ascending. */
export const CLASS_BYTES: Int32Array = Int32Array.from(classSizes());
export const CLASS_COUNT = CLASS_BYTES.length;

/** Pages of one slab of each class: 1, 2, 4, 8 or 16. */
export const SLAB_PAGES: Uint8Array = Uint8Array.from(CLASS_BYTES, (bytes) => {
  let pages = 1;
  while (pages < 16 && pages * PAGE_BYTES < bytes * 8) pages *= 2;
  return pages;
});

/** Class of a request of up to 1 KiB, by size in units of 8 bytes: the common case is one load. */
const SMALL_UNITS_MAX = 128;
const CLASS_BY_UNITS = new Uint8Array(SMALL_UNITS_MAX + 1);
for (let units = 0, sizeClass = 0; units <= SMALL_UNITS_MAX; units++) {
  while (CLASS_BYTES[sizeClass] < units << UNIT_SHIFT) sizeClass++;
  CLASS_BY_UNITS[units] = sizeClass;
}

/** @returns the class whose blocks hold `bytes` (1 to SLAB_BLOCK_BYTES_MAX). */
export function sizeClassOf(bytes: number): number {
  const units = (bytes + 7) >> UNIT_SHIFT;
  if (units <= SMALL_UNITS_MAX) return CLASS_BY_UNITS[units];
  // 2^top ≤ bytes − 1 < 2^(top+1); the three bits below the top one tell the step.
  const top = 31 - Math.clz32(bytes - 1);
  return 16 + (top - 7) * STEPS_PER_DOUBLING + (((bytes - 1) >> (top - 3)) & 7);
}
