/** A snapshot's way to its file on a file system that fails and crashes: the old file or the complete new one, never less. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RdbSaver } from '../../src/persistence/rdb-saver.js';
import {
  SnapshotError,
  SnapshotFile,
  type SnapshotSource,
  writeSnapshotFileSync,
} from '../../src/persistence/snapshot-file.js';
import { Store } from './aof/store.js';
import { type Fault, ioError, MemoryFileSystem, noSpace, type Operation } from './memory-file-system.js';
import { readAll } from './support.js';

const FINAL = '/data/dump.rdb';
const turn = () => new Promise((resolve) => setImmediate(resolve));

function storeOf(keys: number): Store {
  const store = new Store();
  for (let i = 0; i < keys; i++) store.data.set(`0/key:${i}`, `value:${i}`);
  return store;
}

function optionsOf(fileSystem: MemoryFileSystem, source: SnapshotSource) {
  return {
    fileSystem,
    source,
    form: 'rdb' as const,
    tempPath: '/data/temp.rdb',
    finalPath: FINAL,
    directory: '/data',
    mode: 0o666,
    incrementalFsync: true,
  };
}

const keysIn = (fileSystem: MemoryFileSystem) =>
  readAll(Buffer.from(fileSystem.text(FINAL), 'latin1')).events.filter((event) => event.startsWith('key')).length;

test('the final name is replaced only when the temporary file is complete and synced', async () => {
  const fileSystem = new MemoryFileSystem({ [FINAL]: 'old' });
  const operations: string[] = [];
  fileSystem.onOperation = ({ name, path }) => {
    operations.push(`${name} ${path.slice('/data'.length)}`);
    if (operations.filter((each) => each.startsWith('rename')).length <= (name === 'rename' ? 1 : 0)) {
      assert.equal(fileSystem.text(FINAL), 'old');
    }
    return undefined;
  };
  await new SnapshotFile(optionsOf(fileSystem, storeOf(200))).finished;
  assert.equal(keysIn(fileSystem), 200);
  assert.deepEqual(
    operations.filter((each) => !each.startsWith('write')),
    ['open /temp.rdb', 'fsync /temp.rdb', 'close /temp.rdb', 'rename /dump.rdb', 'open ', 'fsync ', 'close '],
  );
});

test('the snapshot is of the moment it began', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/x': '' });
  const store = storeOf(50);
  const snapshot = new SnapshotFile(optionsOf(fileSystem, store));
  store.data.set('0/late', 'x');
  await snapshot.finished;
  assert.equal(keysIn(fileSystem), 50);
});

test('short writes are continued', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/x': '' });
  fileSystem.onOperation = ({ name }) => (name === 'write' ? { shortWrite: 7 } : undefined);
  await new SnapshotFile(optionsOf(fileSystem, storeOf(50))).finished;
  assert.equal(keysIn(fileSystem), 50);
  fileSystem.unlinkSync(FINAL);
  writeSnapshotFileSync(optionsOf(fileSystem, storeOf(60)));
  assert.equal(keysIn(fileSystem), 60);
});

test('a failure at any operation leaves the old file, or the new one, and never a temporary one', async () => {
  for (const isSync of [true, false]) {
    for (let index = 0, isReached = true; isReached; index++) {
      isReached = false;
      const fileSystem = new MemoryFileSystem({ [FINAL]: 'old' });
      let stage = '';
      fileSystem.onOperation = ({ name }, i) => {
        if (i !== index) return undefined;
        isReached = true;
        stage = name;
        throw index % 2 === 0 ? noSpace() : ioError();
      };
      let error: unknown = null;
      try {
        if (isSync) writeSnapshotFileSync(optionsOf(fileSystem, storeOf(30)));
        else await new SnapshotFile(optionsOf(fileSystem, storeOf(30))).finished;
      } catch (caught) {
        error = caught;
      }
      assert.equal(error instanceof SnapshotError, isReached, `${stage} ${error}`);
      assert.deepEqual(fileSystem.paths(), [FINAL]);
      assert.ok(fileSystem.text(FINAL) === 'old' || keysIn(fileSystem) === 30);
    }
  }
});

test('a crash before any operation leaves the old file or the complete new one', async () => {
  for (let index = 0, isReached = true; isReached; index++) {
    const fileSystem = new MemoryFileSystem({ [FINAL]: 'old' });
    fileSystem.onOperation = (_, i) => (i === index ? 'crash' : undefined);
    let isOver = false;
    void new SnapshotFile(optionsOf(fileSystem, storeOf(30))).finished.then(() => {
      isOver = true;
    });
    while (!isOver && !fileSystem.isCrashed) await turn();
    isReached = fileSystem.isCrashed;
    const after = fileSystem.afterKill();
    assert.ok(after.text(FINAL) === 'old' || keysIn(after) === 30);
  }
});

test('a cancelled snapshot removes its file and tells so', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const fileSystem = new MemoryFileSystem({ [FINAL]: 'old' });
    const snapshot = new SnapshotFile(optionsOf(fileSystem, storeOf(1000)));
    const outcome = snapshot.finished.then(
      () => 'finished',
      (error: SnapshotError) => error.stage,
    );
    for (let i = 0; i < turns; i++) await turn();
    snapshot.cancel();
    assert.equal(await outcome, 'cancelled');
    assert.deepEqual(fileSystem.paths(), [FINAL]);
  }
});

test('cancelling frees the data set for the next snapshot in the same turn', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/x': '' });
  const store = storeOf(100);
  let running = 0;
  const exclusive: SnapshotSource = {
    begin(form, sink) {
      assert.equal(running++, 0, 'one snapshot at a time');
      const producer = store.begin(form, sink);
      return {
        step: (budgetMs) => {
          const isComplete = producer.step(budgetMs);
          if (isComplete) running--;
          return isComplete;
        },
        cancel: () => {
          running--;
          producer.cancel();
        },
        recycle: producer.recycle,
      };
    },
  };
  const snapshot = new SnapshotFile({ ...optionsOf(fileSystem, exclusive), tempPath: '/data/temp-bg.rdb' });
  await turn();
  await turn();
  snapshot.cancel();
  writeSnapshotFileSync(optionsOf(fileSystem, exclusive));
  await assert.rejects(snapshot.finished);
  assert.equal(running, 0);
  assert.equal(keysIn(fileSystem), 100);
  assert.deepEqual(fileSystem.paths(), [FINAL, '/data/x']);
});

test('a slow disk holds the serialising back', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/x': '' });
  let releases: (() => void)[] = [];
  const { write } = fileSystem;
  fileSystem.write = async (...args) => {
    await new Promise<void>((resolve) => releases.push(resolve));
    return write(...args);
  };
  const chunk = new Uint8Array(1 << 20);
  let handedOver = 0;
  const source: SnapshotSource = {
    begin: (_, sink) => ({
      step: () => {
        sink(chunk, chunk.length);
        return ++handedOver === 40;
      },
      cancel: () => {},
      recycle: () => {},
    }),
  };
  const snapshot = new SnapshotFile(optionsOf(fileSystem, source));
  for (let i = 0; i < 100; i++) await turn();
  assert.ok(handedOver < 12, `${handedOver} MiB wait at most`);
  const pump = setInterval(() => {
    for (const release of releases.splice(0)) release();
  }, 0);
  await snapshot.finished;
  clearInterval(pump);
  releases = [];
  assert.equal(fileSystem.sizeSync(FINAL), 40 << 20);
});

class SaverBench {
  readonly fileSystem = new MemoryFileSystem({ '/data/x': '' });
  readonly log: string[] = [];
  readonly store = storeOf(20);
  seconds = 1000;
  fault: (operation: Operation) => Fault = () => undefined;
  readonly saver = new RdbSaver(
    this.fileSystem,
    this.store,
    { dir: '/data', dbfilename: 'dump.rdb', rdbSaveIncrementalFsync: true },
    (_, line) => this.log.push(line),
    () => this.seconds,
  );

  constructor() {
    this.fileSystem.onOperation = (operation) => this.fault(operation);
  }
}

test('a background save takes away the changes it has counted at its beginning', async () => {
  const { saver, store, fileSystem, log } = new SaverBench();
  saver.changes = 10;
  const done = saver.backgroundSave();
  assert.equal(saver.isSaving, true);
  store.data.set('0/late', 'x');
  saver.changes += 3;
  assert.equal(await done, true);
  assert.deepEqual([saver.changes, saver.isSaving, saver.lastBackgroundSaveOk, saver.saveCount], [3, false, true, 1]);
  assert.equal(keysIn(fileSystem), 20);
  assert.deepEqual(log.slice(1), ['DB saved on disk', 'Background saving terminated with success']);
  saver.changes = 7;
  assert.equal(saver.save(), true);
  assert.equal(saver.changes, 0);
  assert.equal(keysIn(fileSystem), 21);
});

test('failures are logged with the words of Redis; only a background one sets the status', async () => {
  const bench = new SaverBench();
  const { saver, log } = bench;
  const failAt = (what: string) => {
    bench.fault = ({ name }) => {
      if (name === what) throw noSpace();
      return undefined;
    };
  };
  failAt('open');
  assert.equal(saver.save(), false);
  assert.equal(
    log.at(-1),
    `Failed opening the temp RDB file temp-${process.pid}.rdb (in server root dir /data) for saving: No space left on device`,
  );
  failAt('rename');
  assert.equal(saver.save(), false);
  assert.equal(
    log.at(-1),
    `Error moving temp DB file temp-${process.pid}.rdb on the final destination dump.rdb (in server root dir /data): No space left on device`,
  );
  assert.equal(saver.lastBackgroundSaveOk, true);
  failAt('write');
  assert.equal(await saver.backgroundSave(), false);
  assert.deepEqual(log.slice(-2), [
    'Write error while saving DB to the disk(fwrite): No space left on device',
    'Background saving error',
  ]);
  assert.equal(saver.lastBackgroundSaveOk, false);
  bench.fault = () => undefined;
  assert.equal(saver.save(), true);
  assert.equal(saver.lastBackgroundSaveOk, true);
});

test('save points: enough changes and more than the seconds since the last save; after a failure not for 5 seconds', async () => {
  const bench = new SaverBench();
  const { saver } = bench;
  const points = [
    { seconds: 3600, changes: 1 },
    { seconds: 60, changes: 100 },
  ];
  assert.equal(saver.dueSavePoint(points), null);
  saver.changes = 100;
  bench.seconds += 60;
  assert.equal(saver.dueSavePoint(points), null);
  bench.seconds += 1;
  assert.deepEqual(saver.dueSavePoint(points), points[1]);
  bench.fault = ({ name }) => {
    if (name === 'open') throw noSpace();
    return undefined;
  };
  await saver.backgroundSave();
  assert.equal(saver.dueSavePoint(points), null);
  bench.seconds += 6;
  assert.deepEqual(saver.dueSavePoint(points), points[1]);
});

test('a cancelled background save changes no status', async () => {
  const { saver, fileSystem } = new SaverBench();
  const done = saver.backgroundSave();
  saver.cancel();
  assert.equal(await done, false);
  assert.deepEqual([saver.isSaving, saver.lastBackgroundSaveOk], [false, true]);
  assert.deepEqual(fileSystem.paths(), ['/data/x']);
});
