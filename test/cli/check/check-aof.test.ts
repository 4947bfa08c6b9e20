/**
 * The checker of append-only logs beside redis-check-aof: the same report, line by line, the same exit code and the same file afterwards, over sound, cut,
 * damaged and multi-part logs. What differs on purpose has tests of its own below.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { type AofCheckOptions, checkAof } from '../../../src/persistence/aof/aof-check.js';
import { nodeFileSystem } from '../../../src/persistence/file-system.js';
import { MemoryFileSystem } from '../../persistence/memory-file-system.js';
import { mutate } from '../../persistence/mutate.js';
import { ascii, keyRecord, rdbFile } from '../../persistence/support.js';
import { fuzzIterations, fuzzSeed, Random } from '../../support/fuzz.js';
import { temporaryFolder } from '../../support/server-process.js';
import { needs, repositoryRoot } from '../../support/tools.js';

const skip = needs('redis-check-aof');
const ourTool = join(repositoryRoot, 'bin', 'slotmesh-check-aof.js');

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
const PING = command('PING');
const RDB = Buffer.from(rdbFile(keyRecord(0, 'k', ascii('\x01v')))).toString('latin1');
const MULTI = command('MULTI');
const EXEC = command('exec');

type Files = Record<string, string>;

/** A report without what no two runs have in common: the log's prefix, bytes that C prints from beyond a line, and its sign in front of a high byte. */
function comparable(report: string): string {
  return report
    .replace(/^\d+:C .*? # /gm, '')
    .replace(/got: '(?:\\x..|[^ -~])'/g, "got: '?'")
    .replace(/ffffff(?=[89a-f][0-9a-f])/g, '')
    .replace(/got: 00[0-9a-f]{2}$/gm, 'got: 00..');
}

function put(folder: string, files: Files): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, 'latin1');
}

function contents(folder: string): Files {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

let folder: string;
before(() => {
  folder = join(temporaryFolder('check-aof'), 'files');
});

interface Outcome {
  report: string;
  isSound: boolean;
  files: Files;
}

function theirs(files: Files, args: readonly string[], input: string): Outcome {
  put(folder, files);
  const run = spawnSync('redis-check-aof', args, { cwd: folder, input, encoding: 'latin1', timeout: 10000 });
  return { report: comparable(run.stdout), isSound: run.status === 0, files: contents(folder) };
}

function argumentsOf(options: AofCheckOptions): string[] {
  if (options.fixes) return ['--fix'];
  return options.timestamp === 0 ? [] : ['--truncate-to-timestamp', String(options.timestamp)];
}

async function ours(files: Files, path: string, options: AofCheckOptions, answer: string): Promise<Outcome> {
  put(folder, files);
  let report = '';
  const isSound = await checkAof(
    {
      ...nodeFileSystem,
      openSync: (name, flags) => nodeFileSystem.openSync(join(folder, name), flags),
      sizeSync: (name) => nodeFileSystem.sizeSync(join(folder, name)),
    },
    path,
    options,
    {
      print: (line) => (report += `${line}\n`),
      confirms: async (question) => {
        report += question;
        return answer === 'y';
      },
      nowMs: Date.now,
    },
  );
  return { report: comparable(Buffer.from(report).toString('latin1')), isSound, files: contents(folder) };
}

async function assertSame(
  files: Files,
  path: string,
  options: Partial<AofCheckOptions> = {},
  answer = '',
): Promise<Outcome> {
  const all = { fixes: false, timestamp: 0, ...options };
  const expected = theirs(files, [...argumentsOf(all), path], `${answer}\n`);
  const actual = await ours(files, path, all, answer);
  assert.deepEqual(actual, expected, JSON.stringify({ files, path, all }));
  return actual;
}

suite('beside redis-check-aof', { skip }, () => {
  const DAMAGED: string[] = [
    '*1\r\n$4\r\nPI',
    '*1\r\n$4\r\nPINGxx',
    'x',
    '\n',
    '*2\r\n+x',
    '*0\r\n',
    '*-1\r\n',
    `*abc\r\n${PING}`,
    '*1\n$4\nPING\n',
    '*1',
    '*1\r',
    '*1\r\n',
    '*1\r\n$3',
    '*1\r\n$-1\r\n',
    '*1\r\n$4\r\nPING\r',
    `*99999999999\r\n${PING}`,
    '*1\r\n$9999999999999\r\nabc',
    '*1\r\n$9223372036854775807\r\nabc',
    `*${'1'.repeat(200)}\r\n${PING}`,
    '* +1\r\n$ 4\r\nPING\r\n',
    `${MULTI}${PING}`,
    `${MULTI}${PING}*1\r\n`,
    `${MULTI}${PING}${EXEC}`,
    `${MULTI}${MULTI}`,
    EXEC,
    `# a comment\r\n${PING}`,
    '# without an end',
    '#'.repeat(1500),
    `#TS:5\r\n${PING}`,
  ];

  test('single files of every form and damage', async () => {
    for (const before of [PING, RDB]) {
      for (const tail of ['', ...DAMAGED]) await assertSame({ 'a.aof': before + tail }, 'a.aof');
    }
  });

  test('every cut of a log with transactions, comments and a long value', async () => {
    const log = `${RDB}${PING}#TS:7\r\n${MULTI}${command('SET', 'k', 'x'.repeat(40))}${EXEC}${PING}`;
    for (let length = 0; length <= log.length; length += 2)
      await assertSame({ 'a.aof': log.slice(0, length) }, 'a.aof');
  });

  test('--fix cuts what the real one cuts, when it is told to, and nothing else', async () => {
    for (const [index, tail] of DAMAGED.entries()) {
      for (const answer of index < 3 ? ['y', 'n', ''] : ['y'])
        await assertSame({ 'a.aof': PING + tail }, 'a.aof', { fixes: true }, answer);
    }
  });

  test('logs of several files: sound, empty, missing, damaged in the middle or at the end', async () => {
    const manifest = 'file b seq 1 type b\nfile i1 seq 1 type i\nfile h seq 1 type h\nfile i2 seq 2 type i\n';
    const sound = { m: manifest, b: RDB, i1: PING, i2: PING };
    const cases: Files[] = [
      sound,
      { ...sound, b: PING },
      { ...sound, b: '' },
      { ...sound, b: `${RDB}${PING}` },
      { ...sound, b: `${RDB}${PING}*` },
      { ...sound, b: RDB.slice(0, 12) },
      { ...sound, b: 'REDIS0099' },
      { ...sound, i1: '' },
      { ...sound, i1: `${PING}x` },
      { ...sound, i2: `${PING}*1\r\n` },
      { ...sound, i2: `${MULTI}${PING}` },
      { m: manifest, b: RDB, i1: PING },
      { m: manifest, b: RDB, i2: PING },
      { m: 'file i1 seq 1 type i\n', i1: PING },
      { m: 'file b seq 1 type b\n', b: `${PING}x` },
      { m: 'file b seq 1 type b\nfile x y\n', b: PING },
      { m: 'file b seq 1 type b', b: PING },
      { m: 'file ../b seq 1 type b\n', b: PING },
    ];
    for (const files of cases) {
      await assertSame(files, 'm');
      await assertSame(files, 'm', { fixes: true }, 'y');
    }
  });

  test('--truncate-to-timestamp cuts at the first later time, only in the last file', async () => {
    const timed = `#TS:100\r\n${PING}#TS:200\r\n${PING}#TS:300\r\n${PING}`;
    const manifest = 'file b seq 1 type b\nfile i1 seq 1 type i\nfile i2 seq 2 type i\n';
    for (const timestamp of [-5, 50, 100, 150, 200, 299, 300, 999]) {
      await assertSame({ 'a.aof': timed }, 'a.aof', { timestamp });
      await assertSame({ 'a.aof': `${RDB}${timed}` }, 'a.aof', { timestamp });
      await assertSame({ m: manifest, b: RDB, i1: timed, i2: `#TS:400\r\n${PING}` }, 'm', { timestamp });
      await assertSame({ m: manifest, b: RDB, i1: PING, i2: PING + timed }, 'm', { timestamp });
    }
    for (const wrong of [
      '#TS:1x\r\n',
      '#TS:\r\n',
      '#TS:',
      '#TS:20',
      '#TSx\r\n',
      '#TS: 20\r\n',
      '#TS:+20\r\n',
      '#TS:20\n',
    ])
      await assertSame({ 'a.aof': `${PING}${wrong}${PING}` }, 'a.aof', { timestamp: 10 });
    await assertSame({ 'a.aof': `${PING}#TS:20\r\n${PING}*1` }, 'a.aof', { timestamp: 30 });
  });

  test('damaged logs have the same report', async () => {
    const seed = fuzzSeed();
    console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
    const random = new Random(seed);
    const log = ascii(`${PING}${MULTI}${command('SET', 'key', 'value')}${EXEC}#TS:9\r\n${command('DEL', 'a', 'b')}`);
    for (let i = 0; i < 80; i++) {
      const damaged = Buffer.from(mutate(log, random)).toString('latin1');
      // A NUL ends the line for C, but not for its reading.
      if (!damaged.includes('\0'))
        await assertSame({ 'a.aof': damaged }, 'a.aof', { fixes: random.below(2) === 1 }, 'y');
    }
  });

  test('the command line has the same forms and refusals', () => {
    put(folder, { 'a.aof': `${PING}*1`, 'sound.aof': PING });
    const run = (program: string, args: string[]): unknown => {
      const { stdout, stderr, status } = spawnSync(program, args, { cwd: folder, input: 'n\n', encoding: 'utf8' });
      const text = stdout.replaceAll('slotmesh-check-aof', 'redis-check-aof');
      return { stdout: comparable(text), stderr, status };
    };
    const lines = [
      [],
      ['a', 'b'],
      ['--foo', 'a.aof'],
      ['--fix'],
      ['nosuch'],
      ['.'],
      ['--fix', 'a.aof'],
      ['sound.aof'],
      ['--truncate-to-timestamp', '5'],
      ['--truncate-to-timestamp', 'x5', 'a.aof'],
      ['--truncate-to-timestamp', '', 'sound.aof'],
      ['--truncate-to-timestamp', '0', 'a.aof'],
    ];
    for (const args of lines)
      assert.deepEqual(run(process.execPath, [ourTool, ...args]), run('redis-check-aof', args), args.join(' '));
  });
});

/** Runs on a file system in memory. */
async function check(
  files: MemoryFileSystem,
  path: string,
  options: Partial<AofCheckOptions>,
  confirms: () => boolean = () => true,
): Promise<{ isSound: boolean; lines: string[] }> {
  const lines: string[] = [];
  const isSound = await checkAof(
    files,
    path,
    { fixes: false, timestamp: 0, ...options },
    {
      print: (line) => lines.push(line),
      confirms: async () => confirms(),
      nowMs: () => 0,
    },
  );
  return { isSound, lines };
}

test('a cut by time inside of a transaction falls before its MULTI: nothing is left of it', async () => {
  const files = new MemoryFileSystem({ '/a.aof': `#TS:1\r\n${PING}${MULTI}#TS:9\r\n${PING}${EXEC}` });
  assert.equal((await check(files, '/a.aof', { timestamp: 5 })).isSound, true);
  assert.equal(files.text('/a.aof'), `#TS:1\r\n${PING}`);
});

test('a file that grew since it was read is left alone', async () => {
  const files = new MemoryFileSystem({ '/a.aof': `${PING}*1` });
  const grown = `${PING}${PING}`;
  const { isSound, lines } = await check(files, '/a.aof', { fixes: true }, () => {
    files.put('/a.aof', grown);
    return true;
  });
  assert.equal(isSound, false);
  assert.match(lines.at(-1)!, /it has changed since it was read/);
  assert.equal(files.text('/a.aof'), grown);
});

test('what is cut off is cut off for good before it is said to be', async () => {
  const files = new MemoryFileSystem({ '/a.aof': `${PING}*1` });
  const operations: string[] = [];
  files.onOperation = ({ name }) => {
    operations.push(name);
    return undefined;
  };
  await check(files, '/a.aof', { fixes: true });
  assert.deepEqual(
    operations.filter((name) => /truncate|sync|write|unlink|rename/i.test(name)),
    ['truncate', 'fsync'],
  );
});

test('damaged logs end in a verdict; --fix leaves a sound beginning of the file; without it nothing changes', async () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const log = ascii(
    `${RDB}${PING}${MULTI}${command('SET', 'key', 'value')}${EXEC}#TS:9\r\n${command('DEL', 'a', 'b')}`,
  );
  const files = new MemoryFileSystem({});
  for (let i = 0; i < fuzzIterations(3000); i++) {
    const damaged = mutate(log, random);
    const text = Buffer.from(damaged).toString('latin1');
    files.put('/a.aof', damaged);
    const options = [{}, { fixes: true }, { timestamp: random.below(12) }][random.below(3)]!;
    const { isSound } = await check(files, '/a.aof', options);
    const left = files.text('/a.aof');
    assert.ok(text.startsWith(left), `iteration ${i}`);
    if (!isSound || Object.keys(options).length === 0) assert.equal(left, text);
    if (isSound && 'fixes' in options) assert.equal((await check(files, '/a.aof', {})).isSound, true, `iteration ${i}`);
  }
});
