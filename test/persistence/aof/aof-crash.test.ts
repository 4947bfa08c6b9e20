/**
 * Durability of the log, by exhaustion: a workload with rewrites, switching off and on, and restarts runs on a file system that crashes before the n-th
 * operation, for every n; then the machine is looked at as after a kill, and as after a loss of power (several possible states of the disk), and started
 * again. What must hold each time:
 *
 *   - the start succeeds (the torn tail of a power loss included);
 *   - the data set is the one after exactly the first k commands, for some k;
 *   - k covers every command that the policy has promised: after a kill all that were flushed, after a power loss all up to the durable mark.
 *
 * Commands are INCR, so that a command applied twice or left out in the middle cannot hide.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FsyncPolicy } from '../../../src/persistence/aof/aof-appender.js';
import { fuzzSeed, Random } from '../../support/fuzz.js';
import { Crash, ioError, MemoryFileSystem, noSpace } from '../memory-file-system.js';
import { LoggedStore } from './store.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What the world outside saw: the data set after each command, and how far promises went. */
class History {
  readonly states: string[] = [''];
  flushed = 0;
  durable = 0;
}

/** A server life: start, commands in turns, rewrites between them. Ends early at a crash. */
async function live(server: LoggedStore, history: History, random: Random, turns: number): Promise<void> {
  const { aof } = server;
  if (!(await server.start())) throw new Error(`the start failed:\n${server.logLines.join('\n')}`);
  history.states.splice(0, history.states.length, server.store.toString());
  history.flushed = 0;
  history.durable = 0;
  for (let i = 0; i < turns; i++) {
    for (let count = random.below(4); count > 0; count--) {
      server.write(random.below(2), 'INCR', `k${random.below(4)}`);
      history.states.push(server.store.toString());
    }
    server.nowMs += random.below(900);
    // Not in every turn: a rewrite may take its snapshot while records of the turn still wait.
    if (random.below(3) > 0 && aof.appender.flush()) history.flushed = aof.appender.mark;
    history.durable = aof.appender.durableMark;
    if (i % 7 === 3 && !aof.isRewriting) void aof.rewrite();
    await turn();
    history.durable = aof.appender.durableMark;
  }
  await server.rewriteEnd();
  if (aof.appender.flush()) history.flushed = aof.appender.mark;
  history.durable = aof.appender.durableMark;
}

/** Starts on what is left and checks the promises. */
async function checkAfter(
  fileSystem: MemoryFileSystem,
  history: History,
  promised: number,
  what: string,
): Promise<void> {
  const server = new LoggedStore(fileSystem);
  assert.equal(
    await server.start(),
    true,
    `${what}: the start succeeds\n${server.logLines.join('\n')}\n${fileSystem.paths().join('\n')}`,
  );
  const state = server.store.toString();
  const k = history.states.lastIndexOf(state);
  assert.notEqual(k, -1, `${what}: a state that never was: ${state}`);
  assert.ok(k >= promised, `${what}: ${k} commands found, ${promised} promised`);
}

async function runWithCrashAt(index: number, policy: FsyncPolicy, seed: number, settings = {}) {
  const random = new Random(seed);
  const fileSystem = new MemoryFileSystem({ '/data/other': '' });
  const history = new History();
  fileSystem.onOperation = (_, i) => (i === index ? 'crash' : undefined);
  const server = new LoggedStore(fileSystem, { appendfsync: policy, ...settings });
  let isOver = false;
  let failure: unknown;
  const life = live(server, history, random, 110).then(
    () => {
      isOver = true;
    },
    (error: unknown) => {
      if (!(error instanceof Crash)) failure = error;
      isOver = true;
    },
  );
  while (!isOver && !fileSystem.isCrashed) await turn();
  if (fileSystem.isCrashed) await Promise.race([life, turn()]);
  else await life;
  if (failure !== undefined && !fileSystem.isCrashed) throw failure;
  return { fileSystem, history };
}

for (const policy of ['always', 'everysec', 'no'] as const) {
  for (const aofUseRdbPreamble of policy === 'always' ? [true, false] : [true]) {
    test(`a crash before any operation loses nothing that was promised: appendfsync ${policy}, RDB base ${aofUseRdbPreamble}`, async () => {
      const seed = fuzzSeed();
      console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
      const settings = { aofUseRdbPreamble };
      const whole = await runWithCrashAt(-1, policy, seed, settings);
      const operations = whole.fileSystem.operationCount;
      assert.ok(operations > 100);
      const random = new Random(seed ^ 0x5a5a5a);
      for (let index = 0; index < operations; index++) {
        const { fileSystem, history } = await runWithCrashAt(index, policy, seed, settings);
        assert.equal(fileSystem.isCrashed, true);
        const what = `seed ${seed}, crash at operation ${index}`;
        await checkAfter(fileSystem.afterKill(), history, history.flushed, `${what}, kill`);
        for (let state = 0; state < 3; state++) {
          await checkAfter(fileSystem.afterPowerLoss(random), history, history.durable, `${what}, power loss ${state}`);
        }
      }
    });
  }
}

test('with appendfsync always the durable mark is what was flushed', async () => {
  const { history } = await runWithCrashAt(-1, 'always', 99);
  assert.equal(history.durable, history.flushed);
  assert.equal(history.flushed, history.states.length - 1);
});

test('an error at any operation of a rewrite leaves a log that holds everything, now and after a kill', async () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  for (let index = 0, isReached = true; isReached; index++) {
    isReached = false;
    const fileSystem = new MemoryFileSystem({ '/data/other': '' });
    const server = new LoggedStore(fileSystem);
    assert.equal(await server.start(), true);
    for (let i = 0; i < 20; i++) server.write(0, 'INCR', `k${i % 5}`);
    server.aof.appender.flush();
    let count = 0;
    fileSystem.onOperation = ({ path, name }) => {
      // The appender's own file is another matter: with `always` its errors are the end.
      if (path.endsWith('.incr.aof') && name !== 'open' && name !== 'unlink') return undefined;
      if (count++ !== index) return undefined;
      isReached = true;
      throw index % 2 === 0 ? noSpace() : ioError();
    };
    await server.aof.rewrite();
    for (let i = 0; i < 5; i++) {
      server.write(1, 'INCR', `k${i}`);
      assert.equal(server.aof.appender.flush(), true);
      await turn();
    }
    await server.rewriteEnd();
    const expected = server.store.toString();
    const again = new LoggedStore(fileSystem.afterKill());
    assert.equal(await again.start(), true, `error at operation ${index}\n${again.logLines.join('\n')}`);
    assert.equal(again.store.toString(), expected, `error at operation ${index}`);
    fileSystem.onOperation = () => undefined;
    server.write(0, 'INCR', 'after');
    server.aof.appender.flush();
    await server.aof.rewrite();
    await server.rewriteEnd();
    assert.equal(server.aof.lastRewriteOk, true, `the next rewrite succeeds after an error at operation ${index}`);
    const final = new LoggedStore(fileSystem.afterKill());
    assert.equal(await final.start(), true);
    assert.equal(final.store.toString(), server.store.toString());
  }
});

test('switching on: a crash before any operation keeps the old log or gives the new one', async () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const run = async (index: number) => {
    const fileSystem = new MemoryFileSystem({ '/data/other': '' });
    const server = new LoggedStore(fileSystem);
    const states: string[] = [];
    let isCommitted = false;
    fileSystem.onOperation = (_, i) => (i === index ? 'crash' : undefined);
    const life = (async () => {
      for (let i = 0; i < 6; i++) server.write(0, 'INCR', `k${i % 3}`);
      await server.aof.enable(false);
      for (let i = 0; i < 12; i++) {
        server.write(1, 'INCR', `k${i % 3}`);
        if (server.isEnabledForGood) {
          isCommitted = true;
          states.length = 0;
        }
        server.aof.appender.flush();
        states.push(server.store.toString());
        await turn();
      }
      await server.rewriteEnd();
    })().catch((error: unknown) => assert.ok(error instanceof Crash, String(error)));
    let isOver = false;
    void life.then(() => {
      isOver = true;
    });
    while (!isOver && !fileSystem.isCrashed) await turn();
    return { fileSystem, states, isCommitted, server };
  };
  const whole = await run(-1);
  assert.equal(whole.server.aof.state, 'on');
  assert.equal(whole.server.isEnabledForGood, true);
  for (let index = 0; index < whole.fileSystem.operationCount; index++) {
    const { fileSystem, states, isCommitted } = await run(index);
    for (const after of [fileSystem.afterKill(), fileSystem.afterPowerLoss(random)]) {
      const server = new LoggedStore(after);
      assert.equal(await server.start(), true, `crash at operation ${index}\n${server.logLines.join('\n')}`);
      const state = server.store.toString();
      if (isCommitted && states.length > 1)
        assert.ok(state >= '' && states.slice(0, -1).every((each) => each.length <= state.length));
      else assert.ok(state === '' || state.includes('0/k0=2'), `crash at operation ${index}: ${state}`);
    }
  }
});
