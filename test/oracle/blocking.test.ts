/** Clients that wait for lists and sorted sets: the same stories told to the real server and to ours, whose transcripts must be the same. */
import { type Stories, tellStories } from './scene.js';

const stories: Stories = {
  'what is there is taken at once': async (scene) => {
    await scene.run('RPUSH l 1 2 3 4 5');
    await scene.run('ZADD z 1 a 2 b 3 c 4 d');
    for (const line of ['BLPOP none l 1', 'BRPOP l 1', 'BLMOVE l m LEFT RIGHT 1', 'BRPOPLPUSH l m 1'])
      await scene.run(line);
    for (const line of ['BLMPOP 1 2 none l LEFT', 'BZPOPMIN z 1', 'BZPOPMAX none z 1', 'BZMPOP 1 1 z MAX COUNT 5'])
      await scene.run(line);
    await scene.run('LRANGE m 0 -1');
  },
  errors: async (scene) => {
    await scene.run('SET s v');
    for (const line of [
      'BLPOP k x',
      'BLPOP k -1',
      'BRPOP k ""',
      'BLMOVE a b UP LEFT 0',
      'BLMOVE a b LEFT LEFT x',
      'BLMPOP x 1 k LEFT',
      'BLMPOP 0 0 k LEFT',
      'BLMPOP 0 1 k UP',
      'BZMPOP 0 1 k LEFT',
      'BZPOPMIN k -0.1',
      'BLPOP s 0',
      'BZPOPMIN s 0',
      'BLMOVE s k LEFT LEFT 0',
      'BLPOP',
      'BLPOP k',
    ])
      await scene.run(line);
  },
  'time runs out': async (scene) => {
    for (const line of ['BLPOP k j 0.01', 'BLMOVE a b LEFT LEFT 0.01', 'BRPOPLPUSH a b 0.01', 'BLMPOP 0.01 1 k LEFT'])
      await scene.run(line);
    for (const line of ['BZPOPMAX k 0.01', 'BZMPOP 0.01 1 k MIN']) await scene.run(line);
  },
  'timeouts as they may be written': async (scene) => {
    await scene.run(`RPUSH l ${'x '.repeat(40)}`);
    const texts = [
      '0',
      '000',
      '0.',
      '1.5',
      '0.001',
      '00.010',
      '1.',
      '.5',
      '0.0001',
      '1e-3',
      '+0.5',
      '0x1p-4',
      '999999999.999',
    ];
    for (const text of [...texts, '1.2.3', '.', '..', '1 ', '1,5', '-0', '-0.0', '123456789012', '1234567890123'])
      await scene.run(`BLPOP l "${text}"`);
    for (const text of ['0.01', '0.5']) await scene.run(`BZPOPMIN none l ${text}`);
  },
  'nobody waits in a transaction': async (scene) => {
    await scene.run('MULTI');
    for (const line of ['BLPOP k 0', 'BLMOVE k j LEFT LEFT 0', 'BRPOPLPUSH k j 0', 'BZPOPMIN k 0', 'BLMPOP 0 1 k LEFT'])
      await scene.run(line);
    await scene.run('EXEC');
  },
  'who came first is served first': async (scene) => {
    await scene.wait('b', 'BLPOP q 0');
    await scene.wait('c', 'BRPOP q 0');
    await scene.wait('d', 'BLPOP other q 0');
    await scene.run('RPUSH q 1 2 3 4');
    await scene.answered('b', 'c', 'd');
    await scene.run('LRANGE q 0 -1');
  },
  'a transaction is served as a whole': async (scene) => {
    await scene.wait('b', 'BLPOP q 0');
    for (const line of ['MULTI', 'RPUSH q gone', 'DEL q', 'EXEC', 'MULTI', 'LPUSH q 1 2', 'RPUSH q 9', 'EXEC'])
      await scene.run(line);
    await scene.answered('b');
    await scene.run('LRANGE q 0 -1');
  },
  'what one waiter moves serves the next': async (scene) => {
    await scene.wait('b', 'BLMOVE q1 q2 LEFT RIGHT 0');
    await scene.wait('c', 'BLPOP q2 0');
    await scene.run('RPUSH q1 z');
    await scene.answered('b', 'c');
    await scene.run('EXISTS q1 q2');
  },
  'keys that come by other ways': async (scene) => {
    await scene.wait('b', 'BLPOP r 0');
    await scene.run('RPUSH tmp v');
    await scene.run('RENAME tmp r');
    await scene.answered('b');
    await scene.wait('b', 'BZPOPMIN copied 0');
    await scene.run('ZADD tmp 1 m');
    await scene.run('COPY tmp copied');
    await scene.answered('b');
    await scene.wait('b', 'BLPOP swapped 0');
    await scene.run('SELECT 1');
    await scene.run('RPUSH swapped 1');
    await scene.run('SWAPDB 0 1');
    await scene.answered('b');
  },
  'a key of another type serves nobody': async (scene) => {
    await scene.wait('b', 'BZPOPMIN k 0');
    await scene.wait('c', 'BZMPOP 0 2 j k MAX COUNT 5');
    await scene.run('RPUSH k x');
    await scene.run('DEL k');
    await scene.run('ZADD k 5 m 4 n 3 o');
    await scene.answered('b', 'c');
  },
  'a destination of another type is an error when the time comes': async (scene) => {
    await scene.run('SET s v');
    await scene.wait('b', 'BLMOVE w s LEFT LEFT 0');
    await scene.run('RPUSH w 1');
    await scene.answered('b');
    await scene.run('LLEN w');
  },
  'of several elements each takes what it asked for, in the order in which they came': async (scene) => {
    await scene.wait('b', 'BLMPOP 0 1 q LEFT COUNT 2');
    await scene.wait('c', 'BLPOP q 0');
    await scene.wait('d', 'BRPOPLPUSH q r 0');
    await scene.wait('e', 'BLPOP q 0');
    await scene.run('RPUSH q 1 2 3 4');
    await scene.answered('b', 'c', 'd');
    await scene.run('RPUSH q 5');
    await scene.answered('e');
    await scene.run('EXISTS q r');
    await scene.run('LRANGE r 0 -1');
  },
  'a transaction that makes several keys serves all their waiters when it ends': async (scene) => {
    await scene.wait('b', 'BLPOP one 0');
    await scene.wait('c', 'BLPOP two 0');
    await scene.wait('d', 'BZPOPMIN three 0');
    for (const line of ['MULTI', 'RPUSH two a', 'LLEN two', 'ZADD three 1 m', 'RPUSH one b c', 'LLEN one', 'EXEC'])
      await scene.run(line);
    await scene.answered('b', 'c', 'd');
    await scene.run('LRANGE one 0 -1');
  },
  'within a transaction only what is there at its end counts': async (scene) => {
    await scene.wait('b', 'BLPOP k 0');
    await scene.wait('c', 'BZPOPMAX k 0');
    for (const line of ['MULTI', 'RPUSH k x', 'DEL k', 'ZADD k 1 m 2 n', 'EXEC']) await scene.run(line);
    await scene.answered('c');
    for (const line of ['DEL k', 'MULTI', 'SET k v', 'DEL k', 'RPUSH k a', 'RPOP k', 'EXEC', 'MULTI', 'RPUSH tmp a'])
      await scene.run(line);
    for (const line of ['RENAME tmp k', 'EXEC']) await scene.run(line);
    await scene.answered('b');
  },
  'a transaction of a waiter may serve others': async (scene) => {
    await scene.run('RPUSH source a b');
    await scene.wait('b', 'BLPOP target 0');
    await scene.wait('c', 'BLPOP target 0');
    for (const line of ['MULTI', 'BLMOVE source target LEFT LEFT 0', 'BLPOP nothing 0', 'BRPOPLPUSH source target 0'])
      await scene.run(line);
    await scene.run('EXEC');
    await scene.answered('b', 'c');
    await scene.run('EXISTS source target');
  },
  'keys that stores, RESTORE and MOVE make': async (scene) => {
    await scene.run('ZADD a 1 m 2 n');
    await scene.wait('b', 'BZPOPMIN d 0');
    await scene.run('ZUNIONSTORE d 1 a');
    await scene.answered('b');
    await scene.run('DEL d');
    await scene.wait('b', 'BZMPOP 0 1 d MAX');
    await scene.run('ZRANGESTORE d a 0 -1');
    await scene.answered('b');
    await scene.run('SET over v');
    await scene.wait('b', 'BZPOPMAX over2 over3 0');
    await scene.run('ZINTERSTORE over 2 a a');
    await scene.run('COPY over over3');
    await scene.answered('b');
    await scene.wait('b', 'BLPOP l 0');
    await scene.run('SELECT 7');
    await scene.run('RPUSH l x');
    await scene.run('MOVE l 0');
    await scene.answered('b');
  },
  'a list takes the place of a value of another type': async (scene) => {
    await scene.run('RPUSH l x y');
    await scene.wait('b', 'BLPOP j m 0');
    await scene.run('SET m v');
    await scene.run('RENAME l m');
    await scene.answered('b');
    await scene.run('LRANGE m 0 -1');
  },
  'what comes behind a blocked command waits for it': async (scene) => {
    await scene.wait('b', 'BLPOP q 0');
    await scene.run('RPUSH q 1');
    await scene.answered('b');
    await scene.run('SET x 1', 'b');
    await scene.wait('b', 'BRPOP q p 0');
    await scene.run('LPUSH p 2');
    await scene.answered('b');
    await scene.run('EXISTS p', 'b');
  },
  'a waiter that hangs up or is let go leaves the rest its turn': async (scene) => {
    await scene.wait('b', 'BLPOP q 0');
    await scene.wait('c', 'BLPOP q 0');
    await scene.wait('d', 'BLPOP q 0');
    await scene.unblock('b', 'ERROR');
    await scene.answered('b');
    await scene.unblock('c', 'TIMEOUT');
    await scene.answered('c');
    await scene.wait('e', 'BLPOP q 0');
    await scene.hangUp('d');
    await scene.run('RPUSH q 1 2');
    await scene.answered('e');
    await scene.run('LRANGE q 0 -1');
  },
};

tellStories('lets clients wait', stories);
