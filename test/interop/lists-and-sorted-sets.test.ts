/** Lists and sorted sets between the real redis-server and ours, and the forms that old versions wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import { VALUE_EXAMPLES } from '../persistence/rdb/examples.js';
import type { Random } from '../support/fuzz.js';
import { withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { exchangesData } from './exchange.js';

const COMMANDS = 6000;

/** Some of everything: packed and not, integers and texts. Scores are quarters, which 7.0 and 7.2 print alike. */
function workload(random: Random): Arg[][] {
  const below = (bound: number): number => random.below(bound);
  const list = (): string => `list:${below(10)}`;
  const zset = (): string => `zset:${below(10)}`;
  const text = (): string => {
    if (below(3) === 0) return String(below(2000000) - 1000000);
    return below(20) === 0 ? 'x'.repeat(below(3000)) : `text:${below(900)}`;
  };
  const texts = (count: number): string[] => Array.from({ length: 1 + below(count) }, text);
  const score = (): number => (below(4000) - 2000) / 4;
  const end = (): string => (below(2) === 0 ? 'LEFT' : 'RIGHT');
  const makers: (() => Arg[])[] = [
    () => ['RPUSH', list(), ...texts(30)],
    () => ['LPUSH', list(), ...texts(30)],
    () => [['LPOP', 'RPOP'][below(2)]!, list(), below(20)],
    () => ['LSET', list(), below(20), text()],
    () => ['LINSERT', list(), below(2) === 0 ? 'BEFORE' : 'AFTER', text(), text()],
    () => ['LREM', list(), below(5) - 2, text()],
    () => ['LTRIM', list(), below(3), -1 - below(3)],
    () => ['LMOVE', list(), list(), end(), end()],
    () => ['LMPOP', 2, list(), list(), end(), 'COUNT', 1 + below(4)],
    () => ['ZADD', zset(), ...texts(20).flatMap((member) => [score(), member])],
    () => ['ZADD', zset(), 'GT', 'CH', score(), text()],
    () => ['ZINCRBY', zset(), score(), text()],
    () => ['ZREM', zset(), ...texts(8)],
    () => [['ZPOPMIN', 'ZPOPMAX'][below(2)]!, zset(), below(8)],
    () => ['ZMPOP', 2, zset(), zset(), 'MIN', 'COUNT', 1 + below(3)],
    () => ['ZREMRANGEBYSCORE', zset(), score(), score()],
    () => ['ZREMRANGEBYRANK', zset(), below(10), below(10)],
    () => [['ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE'][below(3)]!, `zset:out${below(3)}`, 2, zset(), zset()],
    () => ['ZRANGESTORE', zset(), zset(), below(5), below(400)],
    () => ['COPY', zset(), zset(), 'REPLACE'],
    () => ['COPY', list(), list(), 'REPLACE'],
    () => ['PEXPIREAT', below(2) === 0 ? list() : zset(), 33177117420000 + below(1000)],
    () => [['DEL', 'UNLINK', 'PERSIST'][below(3)]!, below(2) === 0 ? list() : zset()],
  ];
  return Array.from({ length: COMMANDS }, () => makers[below(makers.length)]!());
}

exchangesData(workload);

/** RDB types of lists and sorted sets, of all versions. */
const TYPES: ReadonlySet<number> = new Set([1, 3, 5, 10, 12, 14, 17, 18]);

test('RESTORE reads every form that versions before wrote', { skip: needsServers('redis', 'slotmesh') }, async () => {
  const forms = VALUE_EXAMPLES.filter(({ type }) => TYPES.has(type));
  assert.deepEqual(new Set(forms.map(({ type }) => type)), TYPES);
  await withServers([{ kind: 'redis' }, { kind: 'slotmesh' }], async (servers) => {
    for (const { what, type, bytes } of forms) {
      const writer = createDumpWriter(false);
      writer.byte(type);
      writer.bytesRange(bytes, 0, bytes.length);
      sealDumpPayload(writer);
      const payload = Buffer.from(writer.bytes.subarray(0, writer.length));
      const digests: string[] = [];
      for (const server of servers) {
        assert.equal(await server.call('RESTORE', what, 0, payload), 'OK', `${what} in ${server.kind}`);
        digests.push(String(await server.call('DEBUG', 'DIGEST-VALUE', what)));
      }
      assert.equal(digests[1], digests[0], what);
    }
  });
});
