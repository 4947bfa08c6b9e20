/** The front of the RDB checker beside redis-check-rdb; the reports themselves are compared in test/persistence/rdb. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkRdbFile } from '../../../src/persistence/rdb/rdb-check.js';
import { MemoryFileSystem } from '../../persistence/memory-file-system.js';
import { mutate } from '../../persistence/mutate.js';
import { VALUE_EXAMPLES } from '../../persistence/rdb/examples.js';
import { ascii, hex, keyRecord, rdbFile } from '../../persistence/support.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../../support/fuzz.js';
import { temporaryFolder } from '../../support/server-process.js';
import { needs, repositoryRoot } from '../../support/tools.js';

const ourTool = join(repositoryRoot, 'bin', 'slotmesh-check-rdb.js');

test('sound, damaged, old, empty and missing files have the same output and exit code, and stay as they were', {
  skip: needs('redis-check-rdb'),
}, () => {
  const cwd = temporaryFolder('check-rdb');
  const sound = rdbFile(keyRecord(0, 'k', ascii('\x01v')), keyRecord(0, 'l', ascii('\x02vw')));
  const files: Record<string, Uint8Array> = {
    'sound.rdb': sound,
    'cut.rdb': sound.subarray(0, 16),
    'old.rdb': ascii('REDIS0003\x00\x01k\x01v\xff'),
    'new.rdb': ascii('REDIS0099'),
    'none.rdb': ascii('SIDER0009'),
    'empty.rdb': new Uint8Array(0),
    'checksum.rdb': Buffer.concat([sound.subarray(0, sound.length - 8), ascii('12345678')]),
    'type.rdb': ascii('REDIS0010\x63\x01k'),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(cwd, name), bytes);
  const run = (program: string, args: string[]): unknown => {
    const { stdout, stderr, status } = spawnSync(program, args, { cwd, encoding: 'utf8' });
    const report = stdout
      .replace(/^\d+:C .*Terminating server.*\n/gm, '')
      .replace(/function at \S+/g, 'function at F:L');
    return { stdout: report, stderr: stderr.replaceAll('slotmesh-check-rdb', 'redis-check-rdb'), status };
  };
  for (const args of [...Object.keys(files).map((name) => [name]), ['missing.rdb'], ['.'], [], ['a', 'b']])
    assert.deepEqual(run(process.execPath, [ourTool, ...args]), run('redis-check-rdb', args), args.join(' '));
  for (const [name, bytes] of Object.entries(files))
    assert.deepEqual(new Uint8Array(readFileSync(join(cwd, name))), new Uint8Array(bytes));
});

test('the version names the Redis whose behaviour is kept', () => {
  for (const option of ['-v', '--version']) {
    const { stdout, status } = spawnSync(process.execPath, [ourTool, option], { encoding: 'utf8' });
    assert.match(stdout, /^redis-check-rdb 7\.\d+\.\d+ \(slotmesh /);
    assert.equal(status, 0);
  }
});

test('damaged files end in a verdict that tells where, and in the three counts', () => {
  const seed = fuzzSeed();
  const random = new Random(seed);
  const values = VALUE_EXAMPLES.map(({ type, bytes }) => keyRecord(type, 'key', bytes));
  const head = hex("fa 09 'redis-ver' 06 '7.0.15' fe 00 fb 10 01 fc 00 20 4a a9 d1 01 00 00");
  const files = new MemoryFileSystem({});
  const verdicts = { sane: 0, damaged: 0 };
  replayable(seed, () => {
    for (let i = 0; i < fuzzIterations(5000); i++) {
      const value = random.pick(values);
      const file = mutate(rdbFile(...(random.oneIn(4) ? [head, value] : [value])), random);
      files.put('/a.rdb', file);
      const lines: string[] = [];
      const { isSane, endOffset } = checkRdbFile(files, '/a.rdb', 'a.rdb', 0, (line) => lines.push(line));
      verdicts[isSane ? 'sane' : 'damaged']++;
      assert.ok(endOffset <= file.length, `iteration ${i}`);
      assert.equal(lines[0], '[offset 0] Checking RDB file a.rdb');
      assert.equal(lines.includes('--- RDB ERROR DETECTED ---'), !isSane, `iteration ${i}`);
      assert.match(
        lines.slice(-3).join(),
        /^\[info\] \d+ keys read,\[info\] \d+ expires,\[info\] \d+ already expired$/,
      );
    }
  });
  assert.ok(verdicts.sane > 0 && verdicts.damaged > 0, JSON.stringify(verdicts));
});
