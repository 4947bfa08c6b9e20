/**
 * Size classes of the arena: which block size a request is rounded up to, and how many pages one slab of that class spans.
 *
 * Steps: every 8 bytes up to 128, then 8 steps per doubling, so at most 12.5 % of a block is lost to rounding. What is lost is room to grow; what has
 * done growing, like all nodes of a stream but the last, is better kept tight: from 1 to 8 KiB there are four times as many classes, of which a plain
 * request uses every fourth. (Of larger blocks a slab holds too few for that: what is won by rounding is lost at its end.)
 * A slab has as many pages as it takes to waste no more than 1/64 at its end, if there is such a number.
 */

export const UNIT_SHIFT = 3;
export const PAGE_SHIFT = 14;
export const PAGE_BYTES = 1 << PAGE_SHIFT;
/** Largest request served from a slab; above it a block is a run of whole pages. */
export const SLAB_BLOCK_BYTES_MAX = 64 * 1024;

const LINEAR_BYTES_MAX = 128;
const SMALL_BYTES_MAX = 1024;
const SMALL_BYTES_SHIFT = 10;
const TIGHT_BYTES_MAX = 8192;
const TIGHT_DOUBLINGS = 3;
const STEPS_PER_DOUBLING = 8;
const TIGHT_STEPS_PER_STEP = 4;
const TIGHT_STEPS_PER_DOUBLING = STEPS_PER_DOUBLING * TIGHT_STEPS_PER_STEP;

function classSizes(): number[] {
  const sizes: number[] = [];
  for (let bytes = 8; bytes <= LINEAR_BYTES_MAX; bytes += 8) sizes.push(bytes);
  for (let base = LINEAR_BYTES_MAX; base < SLAB_BLOCK_BYTES_MAX; base *= 2) {
    const isTight = base >= SMALL_BYTES_MAX && base < TIGHT_BYTES_MAX;
    const steps = isTight ? TIGHT_STEPS_PER_DOUBLING : STEPS_PER_DOUBLING;
    for (let step = 1; step <= steps; step++) sizes.push(base + (base / steps) * step);
  }
  return sizes;
}

/** Block size in bytes of each class, ascending. */
export const CLASS_BYTES: Int32Array = Int32Array.from(classSizes());
export const CLASS_COUNT = CLASS_BYTES.length;

const SLAB_PAGES_MAX = 16;
const WASTE_MAX = 1 / 64;

/** Pages of one slab of each class: 1, 2, 4, 8 or 16. */
export const SLAB_PAGES: Uint8Array = Uint8Array.from(CLASS_BYTES, (bytes) => {
  let best = SLAB_PAGES_MAX;
  for (let pages = SLAB_PAGES_MAX; pages > 0; pages >>= 1) {
    const waste = wasteOf(pages, bytes);
    if (waste <= WASTE_MAX || waste < wasteOf(best, bytes)) best = pages;
  }
  return best;
});

/** Words of a bit for each block of a slab. */
export const MAP_WORDS: Uint8Array = Uint8Array.from(CLASS_BYTES, (bytes, sizeClass) =>
  Math.ceil(Math.floor((SLAB_PAGES[sizeClass] * PAGE_BYTES) / bytes) / 32),
);

/**
 * What a block's place in its slab, in units of 8 bytes, is multiplied by and then shifted, to get its number: a slab has fewer units than 2^16, so that
 * the error of the rounded factor never reaches the next number.
 */
export const BLOCKS_PER_UNIT_SHIFT = 16;
export const BLOCKS_PER_UNIT: Int32Array = Int32Array.from(CLASS_BYTES, (bytes) =>
  Math.ceil((1 << BLOCKS_PER_UNIT_SHIFT) / (bytes >> UNIT_SHIFT)),
);

/** @returns the share of a slab that lies behind its last block */
function wasteOf(pages: number, blockBytes: number): number {
  const slabBytes = pages * PAGE_BYTES;
  return (slabBytes % blockBytes) / slabBytes;
}

/** Class of a request of up to 1 KiB, by size in units of 8 bytes: the common case is one load. */
const SMALL_UNITS_MAX = SMALL_BYTES_MAX >> UNIT_SHIFT;
const SMALL_CLASS_COUNT = CLASS_BYTES.indexOf(SMALL_BYTES_MAX) + 1;
const LARGE_CLASS_START = CLASS_BYTES.indexOf(TIGHT_BYTES_MAX) + 1;
const CLASS_BY_UNITS = new Uint8Array(SMALL_UNITS_MAX + 1);
for (let units = 0, sizeClass = 0; units <= SMALL_UNITS_MAX; units++) {
  while (CLASS_BYTES[sizeClass] < units << UNIT_SHIFT) sizeClass++;
  CLASS_BY_UNITS[units] = sizeClass;
}

/** @returns the class whose blocks hold `bytes` (1 to SLAB_BLOCK_BYTES_MAX). */
export function sizeClassOf(bytes: number): number {
  const units = (bytes + 7) >> UNIT_SHIFT;
  if (units <= SMALL_UNITS_MAX) return CLASS_BY_UNITS[units];
  // 2^top ≤ bytes − 1 < 2^(top+1); the three bits below the top one tell the step, and of its tight steps the last is meant.
  const top = 31 - Math.clz32(bytes - 1);
  const step = ((bytes - 1) >> (top - 3)) & 7;
  if (bytes > TIGHT_BYTES_MAX)
    return LARGE_CLASS_START + (top - SMALL_BYTES_SHIFT - TIGHT_DOUBLINGS) * STEPS_PER_DOUBLING + step;
  return tightDoublingStart(top) + (step + 1) * TIGHT_STEPS_PER_STEP - 1;
}

/** @returns as `sizeClassOf`, of all classes, so that little is lost. */
export function tightClassOf(bytes: number): number {
  if (bytes <= SMALL_BYTES_MAX || bytes > TIGHT_BYTES_MAX) return sizeClassOf(bytes);
  const top = 31 - Math.clz32(bytes - 1);
  return tightDoublingStart(top) + (((bytes - 1) >> (top - 5)) & 31);
}

/** @returns the first class above 2^top bytes, up to TIGHT_BYTES_MAX */
function tightDoublingStart(top: number): number {
  return SMALL_CLASS_COUNT + (top - SMALL_BYTES_SHIFT) * TIGHT_STEPS_PER_DOUBLING;
}
