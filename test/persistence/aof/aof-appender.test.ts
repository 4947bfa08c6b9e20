/** The appender on a file system in memory: when it writes and syncs under each policy, and what it does when the disk fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AofAppender, type FsyncPolicy } from '../../../src/persistence/aof/aof-appender.js';
import { type Fault, ioError, MemoryFileSystem, noSpace, type Operation } from '../memory-file-system.js';
import { appendRecord, record } from './store.js';

const FILE = '/data/a.aof';
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An appender on an empty file, with a clock and a record of what it did. */
class Bench {
  readonly fileSystem = new MemoryFileSystem({ [FILE]: '' });
  readonly log: string[] = [];
  readonly operations: string[] = [];
  readonly settings: { appendfsync: FsyncPolicy; noAppendfsyncOnRewrite: boolean; aofTimestampEnabled: boolean };
  readonly appender: AofAppender;
  nowMs = 1_700_000_000_000;
  fatals = 0;
  rewritesNeeded = 0;
  isSnapshotRunning = false;
  fault: (operation: Operation) => Fault = () => undefined;
  /** Background fsyncs wait here while `holdsSyncs`. */
  readonly heldSyncs: (() => void)[] = [];
  holdsSyncs = false;

  constructor(policy: FsyncPolicy) {
    this.settings = { appendfsync: policy, noAppendfsyncOnRewrite: false, aofTimestampEnabled: false };
    this.fileSystem.onOperation = (operation) => {
      if (operation.name !== 'open') this.operations.push(operation.name);
      return this.fault(operation);
    };
    const { fdatasync } = this.fileSystem;
    this.fileSystem.fdatasync = async (fd) => {
      if (this.holdsSyncs) await new Promise<void>((resolve) => this.heldSyncs.push(resolve));
      return fdatasync(fd);
    };
    this.appender = new AofAppender(this.fileSystem, this.settings, {
      log: (_, line) => this.log.push(line),
      unixMs: () => this.nowMs,
      isSnapshotRunning: () => this.isSnapshotRunning,
      onFatal: () => this.fatals++,
      onRewriteNeeded: () => this.rewritesNeeded++,
      onDurable: () => {},
    });
    this.appender.open(this.fileSystem.openSync(FILE, 'a'), 0);
  }

  add(...args: string[]): void {
    appendRecord(this.appender, 0, this.nowMs, args);
  }

  take(): string[] {
    return this.operations.splice(0);
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await turn();
  }

  get written(): string {
    return this.fileSystem.text(FILE);
  }
}

const select0 = record('SELECT', '0');

test('always: one write and one fdatasync for everything of a turn, before the flush returns', () => {
  const bench = new Bench('always');
  bench.add('INCR', 'a');
  bench.add('INCR', 'b');
  assert.deepEqual(bench.take(), []);
  assert.equal(bench.appender.flush(), true);
  assert.deepEqual(bench.take(), ['write', 'fdatasync']);
  assert.equal(bench.written, select0 + record('INCR', 'a') + record('INCR', 'b'));
  assert.equal(bench.appender.durableMark, 2);
  assert.equal(bench.appender.fileBytes, bench.written.length);
});

test('everysec: at most one background fdatasync per second; it comes without new writes too', async () => {
  const bench = new Bench('everysec');
  for (let i = 0; i < 3; i++) {
    bench.add('INCR', 'a');
    assert.equal(bench.appender.flush(), true);
    await bench.settle();
  }
  assert.deepEqual(bench.take(), ['write', 'fdatasync', 'write', 'write']);
  assert.equal(bench.appender.durableMark, 1);
  bench.nowMs += 1000;
  bench.appender.flush();
  await bench.settle();
  assert.deepEqual(bench.take(), ['fdatasync']);
  assert.equal(bench.appender.durableMark, 3);
  bench.nowMs += 5000;
  bench.appender.flush();
  await bench.settle();
  assert.deepEqual(bench.take(), []);
});

test('no: never an fdatasync', async () => {
  const bench = new Bench('no');
  for (let i = 0; i < 3; i++) {
    bench.nowMs += 5000;
    bench.add('INCR', 'a');
    bench.appender.flush();
    await bench.settle();
  }
  assert.deepEqual(bench.take(), ['write', 'write', 'write']);
});

test('everysec: while a background fsync runs the write is withheld for two seconds, then done', async () => {
  const bench = new Bench('everysec');
  bench.holdsSyncs = true;
  bench.add('INCR', 'a');
  bench.appender.flush();
  bench.add('INCR', 'b');
  for (const elapsed of [0, 999, 1000]) {
    bench.nowMs = 1_700_000_000_000 + elapsed;
    assert.equal(bench.appender.flush(), false, `after ${elapsed} ms`);
  }
  assert.deepEqual(bench.take(), ['write']);
  bench.nowMs += 1000;
  assert.equal(bench.appender.flush(), true);
  assert.deepEqual(bench.take(), ['write']);
  assert.equal(bench.appender.delayedFsyncCount, 1);
  assert.match(bench.log[0]!, /^Asynchronous AOF fsync is taking too long \(disk is busy\?\)\. /);
  bench.add('INCR', 'c');
  assert.equal(bench.appender.flush(true), true, 'a forced flush does not wait');
  for (const release of bench.heldSyncs) release();
  await bench.settle();
  bench.add('INCR', 'd');
  assert.equal(bench.appender.flush(), true);
});

test('no-appendfsync-on-rewrite suppresses fdatasync while a snapshot runs, for always too', () => {
  for (const policy of ['always', 'everysec'] as const) {
    const bench = new Bench(policy);
    bench.settings.noAppendfsyncOnRewrite = true;
    bench.isSnapshotRunning = true;
    bench.add('INCR', 'a');
    bench.appender.flush();
    assert.deepEqual(bench.take(), ['write']);
    assert.equal(bench.appender.durableMark, 0);
  }
});

test('a record of another database is preceded by SELECT, the first of a file always', async () => {
  const bench = new Bench('no');
  const put = (db: number) => appendRecord(bench.appender, db, 0, ['PING']);
  put(0);
  put(0);
  put(12);
  bench.appender.flush();
  assert.equal(bench.written, select0 + record('PING') + record('PING') + record('SELECT', '12') + record('PING'));
  bench.fileSystem.put('/data/b.aof', '');
  const done = bench.appender.replaceFile(bench.fileSystem.openSync('/data/b.aof', 'a'), 0);
  put(12);
  bench.appender.flush(true);
  assert.equal(bench.fileSystem.text('/data/b.aof'), record('SELECT', '12') + record('PING'));
  await done;
});

test('time annotations come before a record, and its SELECT, when the second has changed', () => {
  const bench = new Bench('no');
  bench.settings.aofTimestampEnabled = true;
  bench.add('INCR', 'a');
  bench.add('INCR', 'b');
  bench.nowMs += 1000;
  bench.add('INCR', 'c');
  bench.appender.flush();
  const [a, b, c] = ['a', 'b', 'c'].map((key) => record('INCR', key));
  assert.equal(bench.written, `#TS:1700000000\r\n${select0}${a}${b}#TS:1700000001\r\n${c}`);
});

test('always: a failed write or fdatasync ends the process, with the words of Redis', () => {
  const write = new Bench('always');
  write.fault = ({ name }) => {
    if (name === 'write') throw noSpace();
    return undefined;
  };
  write.add('INCR', 'a');
  assert.equal(write.appender.flush(), false);
  assert.equal(write.fatals, 1);
  assert.deepEqual(write.log, [
    'Error writing to the AOF file: No space left on device',
    "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
  ]);
  const sync = new Bench('always');
  sync.fault = ({ name }) => {
    if (name === 'fdatasync') throw ioError();
    return undefined;
  };
  sync.add('INCR', 'a');
  sync.appender.flush();
  assert.equal(sync.fatals, 1);
  assert.equal(sync.appender.durableMark, 0);
  assert.deepEqual(sync.log, [
    "Can't persist AOF for fsync error when the AOF fsync policy is 'always': Input/output error. Exiting...",
  ]);
});

test('a full disk: writes are refused, the log repeats the error every 30 s, and nothing is lost when there is space again', () => {
  const bench = new Bench('no');
  let isFull = true;
  bench.fault = ({ name }) => {
    if (name === 'write' && isFull) throw noSpace();
    return undefined;
  };
  bench.add('INCR', 'a');
  for (let second = 0; second <= 30; second++) {
    assert.equal(bench.appender.flush(), false);
    bench.nowMs += 1000;
  }
  assert.equal(bench.appender.refusal, 'No space left on device');
  assert.deepEqual(bench.log, Array(2).fill('Error writing to the AOF file: No space left on device'));
  assert.equal(bench.fatals, 0);
  isFull = false;
  assert.equal(bench.appender.flush(), true);
  assert.equal(bench.appender.refusal, null);
  assert.equal(bench.log.at(-1), 'AOF write error looks solved, Redis can write again.');
  assert.equal(bench.written, select0 + record('INCR', 'a'));
});

test('a short write is undone; if that fails too, the rest follows where it ended', () => {
  for (const canTruncate of [true, false]) {
    const bench = new Bench('no');
    bench.add('INCR', 'a');
    bench.appender.flush();
    const before = bench.written;
    let shortWrites = 1;
    bench.fault = ({ name }) => {
      if (name === 'truncate' && !canTruncate) throw ioError();
      return name === 'write' && shortWrites-- > 0 ? { shortWrite: 10 } : undefined;
    };
    bench.add('INCR', 'b');
    const expected = record('INCR', 'b').length;
    assert.equal(bench.appender.flush(), false);
    assert.ok(bench.log.includes(`Short write while writing to the AOF file: (nwritten=10, expected=${expected})`));
    assert.equal(bench.written.length, before.length + (canTruncate ? 0 : 10));
    assert.equal(bench.appender.refusal, 'No space left on device');
    assert.equal(bench.appender.flush(), true);
    assert.equal(bench.written, before + record('INCR', 'b'));
    assert.equal(bench.appender.fileBytes, bench.written.length);
  }
});

test('a failed background fsync refuses writes until one succeeds, then asks for a rewrite; nothing counts as durable before it', async () => {
  const bench = new Bench('everysec');
  let isBroken = true;
  bench.fault = ({ name }) => {
    if (name === 'fdatasync' && isBroken) throw ioError();
    return undefined;
  };
  bench.add('INCR', 'a');
  bench.appender.flush();
  await bench.settle();
  assert.equal(bench.appender.refusal, 'Input/output error');
  assert.equal(bench.log[0], 'Fail to fsync the AOF file: Input/output error');
  isBroken = false;
  bench.nowMs += 1000;
  bench.appender.flush();
  await bench.settle();
  assert.equal(bench.appender.refusal, null);
  assert.equal(bench.rewritesNeeded, 1);
  assert.equal(bench.appender.durableMark, 0);
  bench.appender.onRewritten();
  assert.equal(bench.appender.durableMark, 1);
});

test('nothing goes to a new file before the replaced one is synced', async () => {
  for (const policy of ['everysec', 'no'] as const) {
    const bench = new Bench(policy);
    bench.add('INCR', 'a');
    bench.appender.flush();
    await bench.settle();
    bench.fileSystem.put('/data/b.aof', '');
    bench.holdsSyncs = true;
    const done = bench.appender.replaceFile(bench.fileSystem.openSync('/data/b.aof', 'a'), 0);
    bench.add('INCR', 'b');
    assert.equal(bench.appender.flush(), false, policy);
    assert.equal(bench.fileSystem.text('/data/b.aof'), '');
    while (bench.heldSyncs.length === 0) await turn();
    bench.holdsSyncs = false;
    for (const release of bench.heldSyncs) release();
    await done;
    assert.equal(bench.appender.flush(), true);
    assert.equal(bench.fileSystem.text('/data/b.aof'), select0 + record('INCR', 'b'));
  }
});

test('closing writes and syncs everything', async () => {
  const bench = new Bench('no');
  bench.add('INCR', 'a');
  assert.equal(bench.appender.closeSync(), true);
  await bench.settle();
  assert.deepEqual(bench.take(), ['write', 'fdatasync', 'close']);
  assert.equal(bench.appender.isOpen, false);
  assert.equal(bench.appender.durableMark, 1);
});
