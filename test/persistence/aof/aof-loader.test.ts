/** Loading an append-only file of several parts: order, transactions, torn ends, damage. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFileSystem } from '../memory-file-system.js';
import { hex, keyRecord, rdbFile } from '../support.js';
import { aofPath, LoggedStore, record } from './store.js';

const MANIFEST = aofPath('appendonly.aof.manifest');
const BASE = aofPath('appendonly.aof.1.base.rdb');
const INCR1 = aofPath('appendonly.aof.1.incr.aof');
const INCR2 = aofPath('appendonly.aof.2.incr.aof');

/** A log of the given files: base (if any), then incr files. */
function logOf(files: { base?: Uint8Array | string; incr: string[] }): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  let manifest = '';
  if (files.base !== undefined) {
    fileSystem.put(BASE, files.base);
    manifest += 'file appendonly.aof.1.base.rdb seq 1 type b\n';
  }
  for (const [i, text] of files.incr.entries()) {
    fileSystem.put(aofPath(`appendonly.aof.${i + 1}.incr.aof`), text);
    manifest += `file appendonly.aof.${i + 1}.incr.aof seq ${i + 1} type i\n`;
  }
  fileSystem.put(MANIFEST, manifest);
  return fileSystem;
}

async function load(fileSystem: MemoryFileSystem, settings = {}) {
  const server = new LoggedStore(fileSystem, settings);
  const outcome = await server.load();
  return { outcome, data: server.store.toString(), log: server.logLines, server };
}

const base = rdbFile(keyRecord(0, 'n', hex('c0 05')), keyRecord(0, 'b', hex("01 'x'")));

test('base and incr files are loaded in order, each from database 0', async () => {
  const fileSystem = logOf({
    base,
    incr: [
      record('SELECT', '3') + record('SET', 'k', 'one') + record('INCR', 'n'),
      record('INCR', 'n') + record('DEL', 'b'),
    ],
  });
  const { outcome, data, log } = await load(fileSystem);
  assert.equal(outcome, 'loaded');
  assert.equal(data, '0/n=6 3/k=one 3/n=1');
  assert.deepEqual(
    log.map((line) => line.replace(/\d\.\d{3}/, 'S')),
    [
      'Reading RDB base file on AOF loading...',
      'RDB file was saved with checksum disabled: no check performed.',
      'Done loading RDB, keys loaded: 2, keys expired: 0.',
      'DB loaded from base file appendonly.aof.1.base.rdb: S seconds',
      'DB loaded from incr file appendonly.aof.1.incr.aof: S seconds',
      'DB loaded from incr file appendonly.aof.2.incr.aof: S seconds',
      'DB loaded from append only file: S seconds',
    ],
  );
});

test('no log, and a log of empty files, are empty data sets', async () => {
  assert.equal((await load(new MemoryFileSystem({ '/data/x': '' }))).outcome, 'empty');
  assert.equal((await load(logOf({ base: '', incr: [''] }))).outcome, 'empty');
});

test('a missing base or incr file is fatal, a missing history file is not', async () => {
  const fileSystem = logOf({ base, incr: [record('INCR', 'n')] });
  fileSystem.unlinkSync(INCR1);
  const { outcome, log } = await load(fileSystem);
  assert.equal(outcome, 'failed');
  assert.deepEqual(log, [
    'Unable to obtain the AOF file appendonly.aof.1.incr.aof length. stat: No such file or directory',
  ]);
  fileSystem.put(
    MANIFEST,
    'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type h\n',
  );
  assert.equal((await load(fileSystem)).outcome, 'loaded');
});

test('a damaged manifest is fatal', async () => {
  const { outcome, log } = await load(new MemoryFileSystem({ [MANIFEST]: 'file a seq 1 type x\n' }));
  assert.equal(outcome, 'failed');
  assert.equal(log.at(-1), 'Unknown AOF file type\n');
});

test('transactions take effect at EXEC; DISCARD drops them; stray EXEC and nested MULTI are logged', async () => {
  const text = [
    ['MULTI'],
    ['SET', 'a', '1'],
    ['SELECT', '2'],
    ['SET', 'a', '2'],
    ['EXEC'],
    ['multi'],
    ['SET', 'a', '9'],
    ['discard'],
    ['EXEC'],
    ['MULTI'],
    ['MULTI'],
    ['INCR', 'a'],
    ['exec'],
  ];
  const { data, log } = await load(logOf({ incr: [text.map((args) => record(...args)).join('')] }));
  assert.equal(data, '0/a=1 2/a=3');
  assert.deepEqual(log.slice(0, 2), [
    "== CRITICAL == This server is sending an error to its AOF-loading-client: 'ERR EXEC without MULTI' after processing the command 'exec'",
    "== CRITICAL == This server is sending an error to its AOF-loading-client: 'ERR MULTI calls can not be nested' after processing the command 'multi'",
  ]);
});

test('an unknown command is fatal, inside a transaction too', async () => {
  for (const text of [record('FROB', 'x'), record('MULTI') + record('FROB', 'x') + record('EXEC')]) {
    const { outcome, log } = await load(logOf({ incr: [record('INCR', 'n') + text] }));
    assert.equal(outcome, 'failed');
    assert.equal(log.at(-1), "Unknown command 'FROB' reading the append only file appendonly.aof.1.incr.aof");
  }
});

test('what is not the format is fatal and never repaired', async () => {
  for (const text of ['PING\r\n', '\0\0\0', '*1\r\n:4\r\n']) {
    const fileSystem = logOf({ incr: [record('INCR', 'n') + text] });
    const { outcome, log } = await load(fileSystem);
    assert.equal(outcome, 'failed');
    assert.equal(
      log.at(-1),
      'Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>',
    );
    assert.equal(fileSystem.text(INCR1).length, record('INCR', 'n').length + text.length);
  }
});

test('a torn tail is cut to the end of the last complete unit, at every byte, and what is appended then is found again', async () => {
  const units = [
    [record('SELECT', '1')],
    [record('SET', 'k', 'v\r\n')],
    ['#TS:1700000000\r\n'],
    [record('MULTI'), record('INCR', 'n'), record('SET', 'm', 'x'), record('EXEC')],
    [record('INCR', 'n')],
  ].map((parts) => parts.join(''));
  const whole = units.join('');
  const ends = units.map((_, i) => units.slice(0, i + 1).join('').length);
  for (let length = 1; length < whole.length; length++) {
    const fileSystem = logOf({ base, incr: [whole.slice(0, length)] });
    const server = new LoggedStore(fileSystem);
    assert.equal(await server.start(), true);
    const keptBytes = ends.findLast((end) => end <= length) ?? 0;
    assert.equal(fileSystem.text(INCR1), whole.slice(0, keptBytes), `cut to ${length}`);
    if (keptBytes < length) {
      assert.ok(
        server.logLines.includes(`!!! Truncating the AOF appendonly.aof.1.incr.aof at offset ${keptBytes} !!!`),
      );
      assert.ok(
        server.logLines.includes('!!! Warning: short read while loading the AOF file appendonly.aof.1.incr.aof!!!'),
      );
      assert.ok(
        server.logLines.includes('AOF appendonly.aof.1.incr.aof loaded anyway because aof-load-truncated is enabled'),
      );
    }
    server.write(0, 'SET', 'later', 'write');
    server.aof.appender.flush();
    const expected = server.store.toString();
    const again = await load(fileSystem.afterKill());
    assert.equal(again.outcome, 'loaded');
    assert.equal(again.data, expected, `cut to ${length}`);
  }
});

test('with aof-load-truncated no a torn tail is fatal and the file is left alone', async () => {
  for (const text of [record('INCR', 'n').slice(0, -3), record('MULTI') + record('INCR', 'n'), '#TS:17']) {
    const fileSystem = logOf({ incr: [record('INCR', 'n') + text] });
    const before = fileSystem.text(INCR1);
    const { outcome, log } = await load(fileSystem, { aofLoadTruncated: false });
    assert.equal(outcome, 'failed');
    assert.match(
      log.at(-1)!,
      /^Unexpected end of file reading the append only file appendonly\.aof\.1\.incr\.aof\. You can: 1\) /,
    );
    assert.equal(fileSystem.text(INCR1), before);
  }
});

// The five places where Redis loses acknowledged writes (spec/persistence.md 7.5).

test('a tail torn inside an open MULTI is cut before the MULTI, so that later writes are not swallowed', async () => {
  const head = record('INCR', 'n');
  const fileSystem = logOf({
    incr: [`${head}${record('MULTI')}${record('INCR', 'n')}${record('SET', 'a', 'b').slice(0, 9)}`],
  });
  const server = new LoggedStore(fileSystem);
  assert.equal(await server.start(), true);
  assert.ok(server.logLines.includes('Revert incomplete MULTI/EXEC transaction in AOF file appendonly.aof.1.incr.aof'));
  assert.equal(fileSystem.text(INCR1), head);
  server.write(0, 'SET', 'acknowledged', 'yes');
  server.aof.appender.flush();
  assert.equal((await load(fileSystem.afterKill())).data, '0/acknowledged=yes 0/n=1');
});

test('an RDB preamble followed by a torn first record keeps the preamble', async () => {
  const fileSystem = new MemoryFileSystem({
    [aofPath('appendonly.aof')]: Buffer.concat([base, Buffer.from(record('INCR', 'n').slice(0, 8))]),
    [MANIFEST]: 'file appendonly.aof seq 1 type b\n',
  });
  const { outcome, data, log } = await load(fileSystem);
  assert.equal(outcome, 'loaded');
  assert.equal(data, '0/b=x 0/n=5');
  assert.equal(fileSystem.text(aofPath('appendonly.aof')).length, base.length);
  assert.ok(log.includes('Reading RDB preamble from AOF file...'));
  assert.ok(log.includes('Reading the remaining AOF tail...'));
});

test('an unterminated comment at the end is cut off, so that the next append does not glue to it', async () => {
  const fileSystem = logOf({ incr: [`${record('INCR', 'n')}#TS:1700`] });
  const server = new LoggedStore(fileSystem);
  assert.equal(await server.start(), true);
  assert.equal(fileSystem.text(INCR1), record('INCR', 'n'));
  server.write(0, 'INCR', 'n');
  server.aof.appender.flush();
  assert.equal((await load(fileSystem.afterKill())).data, '0/n=2');
});

test('a torn file with data behind it is fatal and left alone, also at the second start', async () => {
  const fileSystem = logOf({ incr: [record('INCR', 'n').slice(0, -2), record('INCR', 'n')] });
  for (let start = 0; start < 2; start++) {
    const { outcome, log } = await load(fileSystem);
    assert.equal(outcome, 'failed');
    assert.equal(log.at(-1), 'Fatal error: the truncated file is not the last file');
  }
  assert.equal(fileSystem.text(INCR1), record('INCR', 'n').slice(0, -2));
});

test('files that no manifest lists are neither adopted nor overwritten', async () => {
  const files = { [BASE]: base, [INCR1]: record('SET', 'ghost', 'x'), [aofPath('appendonly.aof.7.incr.aof')]: 'y' };
  const fileSystem = new MemoryFileSystem(files);
  const server = new LoggedStore(fileSystem);
  assert.equal(await server.start(), true);
  assert.equal(server.store.toString(), '');
  assert.equal(
    fileSystem.text(MANIFEST),
    'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.8.incr.aof seq 8 type i\n',
  );
  for (const [path, bytes] of Object.entries(files))
    assert.equal(fileSystem.text(path), Buffer.from(bytes).toString('latin1'));
  assert.ok(
    server.logLines.includes(
      'AOF file appendonly.aof.1.incr.aof is not listed in the manifest. It is left alone and not loaded.',
    ),
  );
  server.write(0, 'SET', 'a', 'b');
  server.aof.appender.flush();
  assert.equal((await load(fileSystem.afterKill())).data, '0/a=b');
});

test('a torn file behind which all files are empty is the last one with data, and is cut', async () => {
  const fileSystem = logOf({ incr: [record('INCR', 'n') + record('INCR', 'n').slice(0, -2), ''] });
  const { outcome, data } = await load(fileSystem);
  assert.deepEqual([outcome, data], ['loaded', '0/n=1']);
  assert.equal(fileSystem.text(INCR2), '');
});

test('an RDB base that is short or damaged is fatal, whatever aof-load-truncated says', async () => {
  const cases: [Uint8Array, RegExp][] = [
    [base.subarray(0, 20), /^Short read or OOM loading DB\. Unrecoverable error, aborting now\.$/],
    [rdbFile(keyRecord(2, 'k', hex('02 01 61 01 61'))), /Duplicate set members detected$/],
    [Buffer.concat([Buffer.from('REDIS0099'), base]), /^Can't handle RDB format version 99$/],
    [
      rdbFile(keyRecord(2, 'k', hex('01 01 61'))),
      /^Key 'k' in DB 0 has a value of type 2 \(set-hashtable\), which this version cannot load$/,
    ],
    [rdbFile(keyRecord(0, 'k', hex('00')), keyRecord(0, 'k', hex('00'))), /^RDB has duplicated key 'k' in DB 0$/],
  ];
  for (const [bytes, expected] of cases) {
    const { outcome, log } = await load(logOf({ base: bytes, incr: [''] }));
    assert.equal(outcome, 'failed');
    assert.ok(
      log.some((line) => expected.test(line)),
      log.join('\n'),
    );
    assert.equal(log.at(-1), 'Error reading the RDB base file appendonly.aof.1.base.rdb, AOF loading aborted');
  }
});

test('an old single file is moved into the directory as the base', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/appendonly.aof': record('SET', 'old', 'data') });
  const server = new LoggedStore(fileSystem);
  assert.equal(await server.start(), true);
  assert.equal(server.store.toString(), '0/old=data');
  assert.ok(
    server.logLines.includes(
      'Successfully migrated an old-style AOF file (appendonly.aof) into the AOF directory (appendonlydir).',
    ),
  );
  assert.deepEqual(fileSystem.paths(), [aofPath('appendonly.aof'), INCR1, MANIFEST].sort());
  assert.equal(
    fileSystem.text(MANIFEST),
    'file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
  );
});

test('the move of an old file survives a crash at every operation', async () => {
  const make = () => new MemoryFileSystem({ '/data/appendonly.aof': record('SET', 'old', 'data') });
  const counted = make();
  await new LoggedStore(counted).start();
  for (let index = 0; index < counted.operationCount; index++) {
    const fileSystem = make();
    fileSystem.onOperation = (_, i) => (i === index ? 'crash' : undefined);
    void new LoggedStore(fileSystem).start().catch(() => {});
    while (!fileSystem.isCrashed) await new Promise((resolve) => setImmediate(resolve));
    const server = new LoggedStore(fileSystem.afterKill());
    assert.equal(await server.start(), true, `crash at operation ${index}`);
    assert.equal(server.store.toString(), '0/old=data', `crash at operation ${index}`);
  }
});

test('an old file beside a log that has files is left alone', async () => {
  const fileSystem = logOf({ base, incr: [record('INCR', 'n')] });
  fileSystem.put('/data/appendonly.aof', record('SET', 'old', 'data'));
  assert.equal((await load(fileSystem)).data, '0/b=x 0/n=6');
  assert.ok(fileSystem.paths().includes('/data/appendonly.aof'));
});

test('history files are removed at start', async () => {
  const fileSystem = logOf({ base, incr: [''] });
  const listed = fileSystem.text(MANIFEST);
  fileSystem.put(MANIFEST, `${listed}file appendonly.aof.0.incr.aof seq 1 type h\nfile gone.aof seq 1 type h\n`);
  fileSystem.put(aofPath('appendonly.aof.0.incr.aof'), 'x');
  assert.equal(await new LoggedStore(fileSystem).start(), true);
  assert.equal(fileSystem.text(MANIFEST), listed);
  assert.deepEqual(fileSystem.paths(), [BASE, INCR1, MANIFEST].sort());
});
