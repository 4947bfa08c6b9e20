/**
 * Variables with which glibc's allocator serves the arena best. It reads them when a process starts, so they are for processes that we start; a server that
 * is started otherwise does without, or has them from who starts it. They mean nothing to other systems.
 */

/**
 * From what size on glibc gets memory as a piece of its own, which goes back to the system when it is freed, bytes. It is the default, but set it stays: else
 * it grows to the size of each such piece that is freed, and what comes next in the place of data that were deleted never goes back.
 */
const MAPPED_BYTES_MIN = 128 * 1024;

/** Has glibc tell the system that pieces of 2 MiB and more may be huge pages, for systems where they may not be otherwise (`madvise`). */
const HUGE_PAGES = 'glibc.malloc.hugetlb=1';

/** @param environment what the process gets besides; what it says of the allocator holds */
export function withAllocatorSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { GLIBC_TUNABLES: tunables } = environment;
  const settings = tunables === undefined ? HUGE_PAGES : `${HUGE_PAGES}:${tunables}`;
  return { MALLOC_MMAP_THRESHOLD_: String(MAPPED_BYTES_MIN), ...environment, GLIBC_TUNABLES: settings };
}
