/** The log: the form of its lines, levels, and files that vanish or cannot be written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Logger, type LogRole } from '../../src/server/log.js';
import { temporaryFolder } from '../support/server-process.js';
import { repositoryRoot } from '../support/tools.js';

const folder = temporaryFolder('log');
/** 20 November 2026, 03:05:09.007 local time. */
const MOMENT_MS = new Date(2026, 10, 20, 3, 5, 9, 7).getTime();

test('a line has pid, role, local time, level and message', () => {
  const file = join(folder, 'lines');
  let role: LogRole = 'C';
  const log = new Logger({ file, level: 'debug', role: () => role, now: () => MOMENT_MS });
  log.debug('a');
  role = 'M';
  log.verbose('b');
  role = 'S';
  log.notice('c é');
  role = 'X';
  log.warning('d');
  log.raw('banner\n');
  const head = (mark: string) => `${process.pid}:${mark} 20 Nov 2026 03:05:09.007`;
  assert.equal(
    readFileSync(file, 'utf8'),
    `${head('C')} . a\n${head('M')} - b\n${head('S')} * c é\n${head('X')} # d\nbanner\n`,
  );
  log.close();
});

test('lines below the level are not written, and nothing is at level nothing', () => {
  const file = join(folder, 'levels');
  const log = new Logger({ file, now: () => MOMENT_MS });
  const writeAll = () => {
    log.debug('debug');
    log.verbose('verbose');
    log.notice('notice');
    log.warning('warning');
  };
  writeAll();
  log.level = 'warning';
  writeAll();
  log.level = 'nothing';
  writeAll();
  log.raw('raw\n');
  const words = readFileSync(file, 'utf8').match(/\w+$/gm);
  assert.deepEqual(words, ['notice', 'warning', 'warning']);
  log.close();
});

test('a file that was renamed away is made again, at the latest after a second', () => {
  const file = join(folder, 'rotated');
  let nowMs = MOMENT_MS;
  const log = new Logger({ file, now: () => nowMs });
  log.notice('first');
  renameSync(file, `${file}.1`);
  nowMs += 999;
  log.notice('second');
  nowMs += 1;
  log.notice('third');
  assert.match(readFileSync(`${file}.1`, 'utf8'), /first\n.*second\n$/);
  assert.match(readFileSync(file, 'utf8'), /^[^\n]*third\n$/);
  log.close();
});

test('a clock that was set back does not delay that', () => {
  const file = join(folder, 'clock');
  let nowMs = MOMENT_MS;
  const log = new Logger({ file, now: () => nowMs });
  log.notice('first');
  renameSync(file, `${file}.1`);
  nowMs -= 3_600_000;
  log.notice('second');
  assert.ok(existsSync(file));
  log.close();
});

test('a file that cannot be written loses lines, and gets the later ones when it can', () => {
  const parent = join(folder, 'later');
  const log = new Logger({ file: join(parent, 'log'), now: () => MOMENT_MS });
  log.notice('lost');
  mkdirSync(parent);
  log.notice('kept');
  assert.match(readFileSync(join(parent, 'log'), 'utf8'), /^[^\n]*kept\n$/);
  log.close();
});

test('without a file the lines go to standard output, and are there even if the process aborts right after', () => {
  const module = pathToFileURL(join(repositoryRoot, 'dist/src/server/log.js')).href;
  const script = `import { Logger } from '${module}'; new Logger({ role: () => 'M' }).warning('last words'); process.abort();`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.match(run.stdout, /^\d+:M \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d\.\d{3} # last words\n$/);
});
