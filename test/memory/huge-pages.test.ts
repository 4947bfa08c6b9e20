/** The arena's memory is in huge pages where the system makes them for who asks, and glibc is told to ask. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Fills an arena with 64 MB; prints how many huge pages the process has then, and how many the system had not been able to give anybody meanwhile. */
const FILL = `
import { readFileSync } from 'node:fs';
import { Arena, CHUNK_INDEX_SHIFT, UNIT_MASK } from '${new URL('../../src/memory/arena.js', import.meta.url)}';
const failures = () => Number(/^thp_fault_fallback (\\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))[1]);
const before = failures();
const arena = new Arena();
while (arena.usedBytes < 64e6) {
  const ref = arena.allocate(1000);
  arena.bytes[ref >>> CHUNK_INDEX_SHIFT].fill(1, (ref & UNIT_MASK) << 3, ((ref & UNIT_MASK) << 3) + 1000);
}
const sizes = [...readFileSync('/proc/self/smaps', 'latin1').matchAll(/^AnonHugePages: +(\\d+) kB$/gm)];
console.log(sizes.reduce((sum, [, kib]) => sum + kib / 2048, 0), failures() - before);
`;

/** Linux from 6.7 on places a mapping of 2 MiB where a huge page can be. */
function hugePagesProblem(): string | false {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  if (header.glibcVersionRuntime === undefined) return 'needs glibc';
  try {
    readFileSync('/sys/kernel/mm/transparent_hugepage/enabled');
    const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'latin1').split('.').map(Number);
    return major > 6 || (major === 6 && minor >= 7) ? false : 'needs Linux 6.7';
  } catch {
    return 'needs Linux with huge pages';
  }
}

test('the chunks of the arena are huge pages', { skip: hugePagesProblem() }, (t) => {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', FILL], {
    env: { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' },
    encoding: 'utf8',
  });
  const [pages = 0, failures = 0] = output.split(' ').map(Number);
  if (failures > 0) t.skip('the system ran out of huge pages');
  // One or two of the 31 may lie where there was a gap.
  else assert.ok(pages >= 28, `${pages} huge pages`);
});
