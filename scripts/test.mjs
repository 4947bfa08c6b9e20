// `npm test [-- path-filter …]`: sets the clone up, then runs every dist/test/**/*.test.js with Node's test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import './setup.mjs';

/** In memory where there is such a folder. */
const MEMORY_FOLDER = '/dev/shm';
/** The files of a few servers at a time, some of them large. */
const MEMORY_FOLDER_BYTES = 4 * 1024 ** 3;
/** For two cores: many tests wait for something to happen, and the whole run takes an eighth less than with two at a time. */
const FILES_AT_ONCE = 3;
/** The longest file takes a minute or two. */
const FILE_TIMEOUT_MS = 10 * 60 * 1000;

const root = fileURLToPath(new URL('..', import.meta.url));
const testRoot = join(root, 'dist', 'test');
const filters = process.argv.slice(2);
const files = readdirSync(testRoot, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.test.js') && (filters.length === 0 || filters.some((part) => name.includes(part))))
  .sort()
  .map((name) => relative(root, join(testRoot, name)));
if (files.length === 0) {
  console.error(`No test file matches ${filters.join(', ')}.`);
  process.exit(1);
}
// A file that hangs is told by its name and fails; the long forms have no such limit.
const isLong = 'SLOTMESH_TEST_LONG' in process.env || 'SLOTMESH_FUZZ_ITERATIONS' in process.env;
const limits = isLong ? [] : [`--test-timeout=${FILE_TIMEOUT_MS}`];
/**
 * Where the tests' servers have their files. They make thousands of durable saves, for which a slow disk takes as long as all the rest; what is tested is that
 * a process loses nothing when it is killed, for which memory is as good.
 */
function temporaryRoot() {
  if (process.env.TMPDIR !== undefined) return process.env.TMPDIR;
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    return bavail * bsize >= MEMORY_FOLDER_BYTES ? MEMORY_FOLDER : tmpdir();
  } catch {
    return tmpdir();
  }
}

const runner = spawnSync(process.execPath, ['--test', `--test-concurrency=${FILES_AT_ONCE}`, ...limits, ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, TMPDIR: temporaryRoot() },
});
process.exit(runner.status ?? 1);
