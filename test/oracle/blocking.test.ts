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
};

tellStories('lets clients wait', stories);
