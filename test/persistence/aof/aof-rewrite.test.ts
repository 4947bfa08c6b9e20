/** Rewrites, and switching the log on and off: what is triggered when, what is logged, and what is on disk in between. The crash tests are elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ioError, MemoryFileSystem, noSpace } from '../memory-file-system.js';
import { aofPath, LoggedStore, record } from './store.js';

const MANIFEST = aofPath('appendonly.aof.manifest');
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function started(settings = {}): Promise<{ fileSystem: MemoryFileSystem; server: LoggedStore }> {
  const fileSystem = new MemoryFileSystem({ '/data/other': '' });
  const server = new LoggedStore(fileSystem, settings);
  assert.equal(await server.start(), true);
  return { fileSystem, server };
}

function write(server: LoggedStore, count: number): void {
  for (let i = 0; i < count; i++) server.write(0, 'INCR', 'n');
  server.aof.appender.flush();
}

async function reloaded(fileSystem: MemoryFileSystem): Promise<string> {
  const server = new LoggedStore(fileSystem.afterKill());
  assert.notEqual(await server.load(), 'failed', server.logLines.join('\n'));
  return server.store.toString();
}

test('a fresh log consists of an empty base and an empty incr file', async () => {
  const { fileSystem, server } = await started();
  assert.deepEqual(server.logLines, [
    'Creating AOF base file appendonly.aof.1.base.rdb on server start',
    'Creating AOF incr file appendonly.aof.1.incr.aof on server start',
  ]);
  assert.equal(
    fileSystem.text(MANIFEST),
    'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
  );
});

test('a rewrite replaces base and incr files; commands during it go to the new incr file only', async () => {
  for (const aofUseRdbPreamble of [true, false]) {
    const { fileSystem, server } = await started({ aofUseRdbPreamble });
    write(server, 5);
    assert.equal(await server.aof.rewrite(), true);
    write(server, 3);
    await server.rewriteEnd();
    const suffix = aofUseRdbPreamble ? 'rdb' : 'aof';
    assert.equal(
      fileSystem.text(MANIFEST),
      `file appendonly.aof.2.base.${suffix} seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n`,
    );
    assert.equal(
      fileSystem.text(aofPath('appendonly.aof.2.incr.aof')),
      record('SELECT', '0') + record('INCR', 'n').repeat(3),
    );
    assert.equal(fileSystem.text(aofPath(`appendonly.aof.2.base.${suffix}`)).startsWith('REDIS'), aofUseRdbPreamble);
    assert.equal(fileSystem.paths().length, 4);
    assert.equal(await reloaded(fileSystem), '0/n=8');
    assert.equal(server.aof.currentBytes, server.aof.baseBytes);
  }
});

test('with aof-disable-auto-gc history files stay and are listed', async () => {
  const { fileSystem, server } = await started({ aofDisableAutoGc: true });
  write(server, 2);
  await server.aof.rewrite();
  await server.rewriteEnd();
  assert.equal(
    fileSystem.text(MANIFEST),
    [
      'file appendonly.aof.2.base.rdb seq 2 type b',
      'file appendonly.aof.1.incr.aof seq 1 type h',
      'file appendonly.aof.1.base.rdb seq 1 type h',
      'file appendonly.aof.2.incr.aof seq 2 type i',
      '',
    ].join('\n'),
  );
  assert.equal(await reloaded(fileSystem), '0/n=2');
});

test('a failed rewrite leaves base and all incr files in use', async () => {
  const { fileSystem, server } = await started();
  write(server, 2);
  fileSystem.onOperation = ({ name, path }) => {
    if (name === 'write' && path.includes('temp-rewriteaof')) throw noSpace();
    return undefined;
  };
  assert.equal(await server.aof.rewrite(), true);
  write(server, 2);
  await server.rewriteEnd();
  assert.equal(server.aof.lastRewriteOk, false);
  assert.equal(server.aof.consecutiveFailures, 1);
  assert.equal(
    server.logLines.at(-1),
    'Background AOF rewrite terminated with error: snapshot failed at fwrite: No space left on device',
  );
  assert.match(fileSystem.text(MANIFEST), /1\.base.*\n.*1\.incr.*\n.*2\.incr/);
  assert.deepEqual(fileSystem.listSync('/data'), ['other']);
  assert.equal(await reloaded(fileSystem), '0/n=4');
});

test('after a manifest that was replaced but not synced, the old one is restored before anything is removed', async () => {
  const { fileSystem, server } = await started();
  write(server, 2);
  await server.aof.rewrite();
  let hasFailed = false;
  fileSystem.onOperation = ({ name, path }) => {
    if (hasFailed || name !== 'fsync' || path !== '/data/appendonlydir') return undefined;
    hasFailed = true;
    throw ioError();
  };
  write(server, 1);
  await server.rewriteEnd();
  assert.equal(hasFailed, true);
  assert.equal(server.aof.lastRewriteOk, false);
  assert.match(fileSystem.text(MANIFEST), /1\.base.*\n.*1\.incr.*\n.*2\.incr/);
  assert.equal(await reloaded(fileSystem), '0/n=3');
});

test('growth triggers a rewrite at the percentage, above the minimum size, and not while another snapshot runs', async () => {
  const { server } = await started({ autoAofRewriteMinSize: 1000, autoAofRewritePercentage: 100 });
  const { aof } = server;
  while (aof.currentBytes <= 1000) write(server, 1);
  aof.tick(true);
  assert.equal(aof.isRewriting, false);
  aof.tick(false);
  assert.equal(aof.isRewriting, true);
  const growth = Math.floor((aof.currentBytes * 100) / (aof.baseBytes || 1)) - 100;
  assert.ok(server.logLines.includes(`Starting automatic rewriting of AOF on ${growth}% growth`));
  await server.rewriteEnd();
  const { baseBytes } = aof;
  aof.tick(false);
  assert.equal(aof.isRewriting, false);
  while (aof.currentBytes < Math.max(1001, baseBytes * 2)) write(server, 1);
  aof.tick(false);
  assert.equal(aof.isRewriting, true);
  await server.rewriteEnd();
  const none = await started({ autoAofRewriteMinSize: 0, autoAofRewritePercentage: 0 });
  write(none.server, 100);
  none.server.aof.tick(false);
  assert.equal(none.server.aof.isRewriting, false);
});

test('after three failures in a row automatic rewrites wait 1, 2, 4 … 60 minutes; one by hand does not', async () => {
  const { fileSystem, server } = await started({ autoAofRewriteMinSize: 0 });
  const { aof } = server;
  fileSystem.onOperation = ({ path }) => {
    if (path.includes('temp-rewriteaof')) throw noSpace();
    return undefined;
  };
  const attempt = async (minutes: number) => {
    server.nowMs += minutes * 60_000;
    aof.tick(false);
    const hasBegun = aof.isRewriting;
    await server.rewriteEnd();
    return hasBegun;
  };
  write(server, 10);
  for (let i = 0; i < 3; i++) assert.equal(await attempt(0), true);
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    assert.equal(await attempt(minutes - 0.1), false, `before ${minutes} minutes`);
    assert.ok(
      server.logLines.includes(
        `Background AOF rewrite has repeatedly failed and triggered the limit, will retry in ${minutes} minutes`,
      ),
    );
    assert.equal(await attempt(0.1), true, `after ${minutes} minutes`);
  }
  assert.equal(await aof.rewrite(), true);
  await server.rewriteEnd();
  fileSystem.onOperation = () => undefined;
  await aof.rewrite();
  await server.rewriteEnd();
  assert.deepEqual([aof.consecutiveFailures, aof.lastRewriteOk], [0, true]);
});

test('switching on: commands go to a temporary file, and the log counts when its first rewrite is committed', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/other': '' });
  const server = new LoggedStore(fileSystem);
  const { aof } = server;
  write(server, 4);
  assert.equal(aof.isRecording, false);
  assert.equal(await aof.enable(false), true);
  assert.deepEqual([aof.state, aof.isRecording], ['enabling', true]);
  write(server, 2);
  assert.equal(
    fileSystem.text(aofPath('temp-appendonly.aof.incr')),
    record('SELECT', '0') + record('INCR', 'n').repeat(2),
  );
  assert.equal(fileSystem.paths().includes(MANIFEST), false);
  await server.rewriteEnd();
  assert.deepEqual([aof.state, server.isEnabledForGood], ['on', true]);
  write(server, 1);
  assert.deepEqual(fileSystem.listSync('/data/appendonlydir'), [
    'appendonly.aof.1.base.rdb',
    'appendonly.aof.1.incr.aof',
    'appendonly.aof.manifest',
  ]);
  assert.equal(await reloaded(fileSystem), '0/n=7');
});

test('an attempt to switch on that fails is repeated, and leaves the old files alone until it succeeds', async () => {
  const { fileSystem, server } = await started();
  write(server, 3);
  assert.equal(server.aof.disable(), true);
  await turn();
  const before = fileSystem.text(MANIFEST);
  write(server, 3);
  fileSystem.onOperation = ({ path }) => {
    if (path.includes('temp-rewriteaof')) throw noSpace();
    return undefined;
  };
  assert.equal(await server.aof.enable(false), true);
  await server.rewriteEnd();
  assert.equal(server.aof.state, 'enabling');
  assert.equal(server.aof.isRecording, false);
  assert.equal(fileSystem.text(MANIFEST), before);
  assert.equal(await reloaded(fileSystem), '0/n=3');
  fileSystem.onOperation = () => undefined;
  server.aof.tick(false);
  assert.equal(server.aof.isRewriting, false, 'not before a second has passed');
  server.nowMs += 1000;
  server.aof.tick(false);
  await server.rewriteEnd();
  assert.equal(server.aof.state, 'on');
  assert.equal(await reloaded(fileSystem), '0/n=6');
});

test('if the attempt cannot even begin, switching on fails and the log is off', async () => {
  const { fileSystem, server } = await started();
  server.aof.disable();
  await turn();
  fileSystem.onOperation = ({ name, path }) => {
    if (name === 'open' && path.endsWith('temp-appendonly.aof.incr')) throw noSpace();
    return undefined;
  };
  assert.equal(await server.aof.enable(false), false);
  assert.equal(server.aof.state, 'off');
});

test('switching off in the middle of a rewrite, and on again, keeps every command', async () => {
  const { fileSystem, server } = await started();
  write(server, 2);
  await server.aof.rewrite();
  write(server, 2);
  assert.equal(server.aof.disable(), true);
  write(server, 2);
  assert.equal(await server.aof.enable(server.aof.isRewriting), true);
  await server.rewriteEnd();
  assert.equal(server.aof.lastRewriteOk, true, 'a cancelled rewrite is no failure');
  server.nowMs += 2000;
  server.aof.tick(false);
  await server.rewriteEnd();
  write(server, 1);
  assert.equal(server.aof.state, 'on');
  assert.equal(await reloaded(fileSystem), '0/n=7');
});

test('with the log off a rewrite writes a base and a manifest with nothing else', async () => {
  const fileSystem = new MemoryFileSystem({ '/data/other': '' });
  const server = new LoggedStore(fileSystem);
  write(server, 3);
  assert.equal(await server.aof.rewrite(), true);
  await server.rewriteEnd();
  assert.equal(fileSystem.text(MANIFEST), 'file appendonly.aof.1.base.rdb seq 1 type b\n');
  assert.equal(await reloaded(fileSystem), '0/n=3');
});

test('closing for an exit removes what a rewrite under way has written', async () => {
  const { fileSystem, server } = await started();
  write(server, 3);
  await server.aof.rewrite();
  await turn();
  assert.equal(server.aof.closeSync(), true);
  assert.equal(
    fileSystem.listSync('/data').some((name) => name.startsWith('temp-')),
    false,
  );
  assert.equal(await reloaded(fileSystem), '0/n=3');
});
