/** What the commands of lists and sorted sets send to replicas and the append-only file. */
import { test } from 'node:test';
import { propagates } from './in-process.js';

const LIST = ['RPUSH l a b c'];
const ZSET = ['ZADD z 1 a 2 b 3 c'];

test('a write of a list or sorted set is propagated as it was received', () => {
  for (const command of ['RPUSH n a b', 'lpush n a', 'ZADD n 1 a 2 b', 'ZADD n INCR 1.5 a', 'ZINCRBY n 1 a'])
    propagates([], command, [command]);
  for (const command of [
    'LPUSHX l x',
    'LPOP l',
    'RPOP l 2',
    'LSET l 0 x',
    'LINSERT l BEFORE b x',
    'LREM l 0 a',
    'LTRIM l 1 1',
    'LMOVE l d left RIGHT',
    'RPOPLPUSH l l',
  ])
    propagates(LIST, command, [command]);
  for (const command of [
    'ZADD z XX CH 9 a',
    'ZREM z none a',
    'ZREMRANGEBYRANK z 0 0',
    'ZREMRANGEBYSCORE z 1 2',
    'ZREMRANGEBYLEX z - +',
    'ZRANGESTORE d z 0 -1',
    'ZUNIONSTORE d 1 z',
    'ZINTERSTORE d 1 z',
    'ZDIFFSTORE d 1 z',
    'ZPOPMIN z',
    'ZPOPMAX z 2',
  ])
    propagates(ZSET, command, [command]);
  propagates([...ZSET, 'SET d v'], 'ZINTERSTORE d 2 z none', ['ZINTERSTORE d 2 z none']);
});

test('a pop from several keys is propagated as a pop from the one that had something', () => {
  propagates(LIST, 'LMPOP 2 none l LEFT COUNT 9', ['LPOP l 3']);
  propagates(LIST, 'LMPOP 2 none l RIGHT', ['RPOP l 1']);
  propagates(ZSET, 'ZMPOP 2 none z MIN COUNT 2', ['ZPOPMIN z 2']);
  propagates(ZSET, 'ZMPOP 2 none z MAX', ['ZPOPMAX z 1']);
});

test('what changed nothing propagates nothing', () => {
  for (const command of [
    'LPUSHX l a',
    'LPOP l',
    'LPOP l 2',
    'LREM l 0 a',
    'LTRIM l 0 1',
    'LMOVE l d LEFT LEFT',
    'LMPOP 1 l LEFT',
    'LRANGE l 0 -1',
    'ZADD z XX 1 a',
    'ZREM z a',
    'ZPOPMIN z',
    'ZMPOP 1 z MIN',
    'ZUNIONSTORE d 1 z',
    'ZRANGESTORE d z 0 -1',
    'ZUNION 1 z',
  ])
    propagates([], command, []);
  propagates(LIST, 'LINSERT l BEFORE none x', []);
  propagates(LIST, 'LTRIM l 0 -1', []);
  propagates(LIST, 'LPOP l 0', []);
  propagates(ZSET, 'ZADD z 1 a', []);
  propagates(ZSET, 'ZADD z NX 7 a', []);
  propagates(ZSET, 'ZADD z LT 7 a', []);
  propagates(ZSET, 'ZREMRANGEBYSCORE z 7 9', []);
});
