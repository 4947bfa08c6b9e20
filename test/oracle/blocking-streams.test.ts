/** Clients that wait for entries of streams: XREAD, which all get what comes, and XREADGROUP, which share it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { type Stories, tellStories } from './scene.js';
import { words } from './steps.js';

const NEW_GROUP = 'XGROUP CREATE s g $ MKSTREAM';
/** 7.2 makes a consumer when it begins to wait, 7.0 when it gets something: so they are there before. */
const NEW_CONSUMERS = ['b', 'c'].map((name) => `XGROUP CREATECONSUMER s g ${name}`);
const waitInGroup = (consumer: string) => `XREADGROUP GROUP g ${consumer} BLOCK 0 STREAMS s >`;

const stories: Stories = {
  'an entry goes to all who read the stream, if it is new to them': async (scene) => {
    // 7.2 looks for missing keys once more when a request is executed again.
    for (const key of ['t', 'other']) await scene.run(`XGROUP CREATE ${key} g $ MKSTREAM`);
    await scene.wait('b', 'XREAD BLOCK 0 STREAMS s $');
    await scene.wait('c', 'XREAD BLOCK 0 COUNT 1 STREAMS other s 5 0');
    await scene.wait('d', 'XREAD BLOCK 0 STREAMS s t 5 $');
    await scene.run('XADD s 1 f v');
    await scene.answered('b', 'c');
    await scene.run('XADD s 6 f v');
    await scene.answered('d');
  },
  'who waited in a group first gets the entry': async (scene) => {
    for (const line of [NEW_GROUP, ...NEW_CONSUMERS]) await scene.run(line);
    await scene.wait('b', waitInGroup('b'));
    await scene.wait('c', waitInGroup('c'));
    await scene.wait('d', 'XREAD BLOCK 0 STREAMS s $');
    await scene.run('XADD s 1 f v');
    await scene.answered('b', 'd');
    await scene.run('XADD s 2 f v');
    await scene.answered('c');
    await scene.run('XPENDING s g');
  },
  'a transaction adds as a whole': async (scene) => {
    for (const line of [NEW_GROUP, ...NEW_CONSUMERS]) await scene.run(line);
    await scene.wait('b', 'XREADGROUP GROUP g b BLOCK 0 COUNT 1 STREAMS s >');
    await scene.wait('c', waitInGroup('c'));
    for (const line of ['MULTI', 'XADD s 1 f v', 'XADD s 2 f v', 'XADD s 3 f v', 'EXEC']) await scene.run(line);
    await scene.answered('b', 'c');
    await scene.run('XPENDING s g');
  },
  'what is gone again serves nobody': async (scene) => {
    await scene.wait('b', 'XREAD BLOCK 0 STREAMS s $');
    for (const line of ['MULTI', 'XADD s 1 f v', 'DEL s', 'EXEC', 'RPUSH s x', 'DEL s']) await scene.run(line);
    await scene.run('XADD s 0-1 f v');
    await scene.answered('b');
  },
  'streams that come by other ways': async (scene) => {
    await scene.run('XADD t 1 f v');
    await scene.wait('b', 'XREAD BLOCK 0 STREAMS s $');
    await scene.run('COPY t s');
    await scene.answered('b');
    await scene.wait('b', 'XREAD BLOCK 0 STREAMS u $');
    await scene.run('RENAME t u');
    await scene.answered('b');
    await scene.wait('b', 'XREAD BLOCK 0 STREAMS swapped $');
    await scene.run('SELECT 1');
    await scene.run('XADD swapped 1 f v');
    await scene.run('SWAPDB 0 1');
    await scene.answered('b');
  },
  'another stream with the group in the place of the one that was waited for': async (scene) => {
    for (const line of [NEW_GROUP, ...NEW_CONSUMERS]) await scene.run(line);
    await scene.run('XADD t 5 f v');
    for (const line of ['XGROUP CREATE t g 0', 'XGROUP CREATECONSUMER t g b']) await scene.run(line);
    await scene.wait('b', waitInGroup('b'));
    await scene.run('RENAME t s');
    await scene.answered('b');
    await scene.wait('b', waitInGroup('b'));
    for (const line of ['MULTI', 'DEL s', NEW_GROUP, ...NEW_CONSUMERS, 'EXEC', 'XADD s 7 f v']) await scene.run(line);
    await scene.answered('b');
  },
  'a group that was set back, and one that acknowledges nothing': async (scene) => {
    await scene.run('XADD s 1 f v');
    for (const line of ['XGROUP CREATE s g $', ...NEW_CONSUMERS]) await scene.run(line);
    await scene.wait('b', waitInGroup('b'));
    await scene.run('XGROUP SETID s g 0');
    await scene.run('XADD s 2 f v');
    await scene.answered('b');
    await scene.wait('b', 'XREADGROUP GROUP g b NOACK BLOCK 0 STREAMS s >');
    await scene.run('XADD s 3 f v');
    await scene.answered('b');
    await scene.run('XPENDING s g');
    await scene.run('XREADGROUP GROUP g b BLOCK 0 STREAMS s 0');
  },
  'time runs out': async (scene) => {
    for (const line of [NEW_GROUP, ...NEW_CONSUMERS]) await scene.run(line);
    for (const line of ['XREAD BLOCK 10 STREAMS s $', 'XREADGROUP GROUP g b BLOCK 10 STREAMS s >'])
      await scene.run(line);
  },
  'nobody waits in a transaction': async (scene) => {
    for (const line of [NEW_GROUP, ...NEW_CONSUMERS]) await scene.run(line);
    await scene.run('MULTI');
    for (const line of ['XREAD BLOCK 0 STREAMS s $', 'XREADGROUP GROUP g b BLOCK 0 STREAMS s >']) await scene.run(line);
    await scene.run('EXEC');
  },
};

tellStories('lets clients wait for entries of streams', stories);

/** What 7.2 does and 7.0 did otherwise: the request is executed again, and gives the error that it then gives. */
const NO_GROUP = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n";
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const LOSSES: Record<string, readonly [lines: readonly string[], reply: string]> = {
  'is deleted': [['DEL s'], NO_GROUP],
  'is renamed': [['RENAME s t'], NO_GROUP],
  'is flushed': [['FLUSHALL'], NO_GROUP],
  'is swapped away': [['SWAPDB 0 1'], NO_GROUP],
  'expires, and nobody looks': [['PEXPIRE s 1'], NO_GROUP],
  'is overwritten': [['SET s v'], WRONG_TYPE],
  'is replaced by a list': [['DEL s', 'RPUSH s x'], NO_GROUP],
  'is replaced by a list at once': [['MULTI', 'DEL s', 'RPUSH s x', 'EXEC'], WRONG_TYPE],
  'loses the group': [['XGROUP DESTROY s g'], NO_GROUP],
};

describe('readers of a group', { skip: needsServers('slotmesh') }, () => {
  let server: ServerProcess;
  let waiting: RespClient;
  let acting: RespClient;

  before(async () => {
    server = await ServerProcess.start({ kind: 'slotmesh' });
    waiting = await server.connect({ replies: 'raw' });
    acting = await server.connect();
  });
  after(() => server.dispose());

  /** Sends a command that waits, and comes back when it does. */
  async function wait(line: string): Promise<{ readonly reply: Promise<unknown> }> {
    const reply = waiting.request(words(line));
    await waitFor(async () => (await server.info('clients'))['blocked_clients'] === '1', { what: 'a blocked client' });
    return { reply };
  }

  for (const [how, [lines, expected]] of Object.entries(LOSSES)) {
    test(`are told when their key ${how}`, async () => {
      await acting.call('FLUSHALL');
      await acting.call('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
      const { reply } = await wait(waitInGroup('b'));
      for (const line of lines) await acting.request(words(line));
      assert.equal(String(await reply), expected);
    });
  }

  test('and of streams wait on when a stream of theirs goes', async () => {
    await acting.call('FLUSHALL');
    await acting.call('XADD', 's', '1', 'f', 'v');
    const { reply } = await wait('XREAD BLOCK 0 STREAMS s $');
    await acting.call('DEL', 's');
    await acting.call('XADD', 's', '1-1', 'f', 'v');
    assert.match(String(await reply), /1-1/);
  });

  test('are ended by CLIENT UNBLOCK', async () => {
    await acting.call('FLUSHALL');
    await acting.call('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    const id = String(await waiting.request(words('CLIENT ID'))).slice(1, -2);
    for (const [how, expected] of [
      ['TIMEOUT', '*-1\r\n'],
      ['ERROR', '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'],
    ] as const) {
      const { reply } = await wait(waitInGroup('b'));
      assert.equal(await acting.call('CLIENT', 'UNBLOCK', id, how), 1);
      assert.equal(String(await reply), expected);
    }
  });
});
