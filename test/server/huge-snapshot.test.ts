/**
 * A snapshot while huge values are written over, deleted and moved: their buffers become those of other values, requests and replies at once, but what the
 * snapshot has still to read must stay as it was.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';

const KEYS = Array.from({ length: 24 }, (_, i) => `k${i}`);
/** Some keys have values whose buffer was the request's, and all sizes fit more than one spare buffer. */
const SIZES = [600_000, 1 << 20, 2_500_000, 2_800_000, 3_000_000, 34 << 20];
const VALUES = SIZES.map((size, i) => Buffer.alloc(size + 200_000, `value number ${i}; `));
const ROUNDS = 2;
/** Of which each has more than so many changes; on a busy machine a snapshot may end before. */
const CHANGES_MIN = 3;
const TRIES_MAX = 20;

/** COPY of a key to itself, and RENAME of one that is not there, are refused. */
const isSame = (error: Error): void => assert.match(error.message, /are the same/);
const isNone = (error: Error): void => assert.match(error.message, /no such key/);

for (const kind of serversUnderTest()) {
  describe(`${kind}: a snapshot of huge values`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind, config: { 'enable-debug-command': 'yes', rdbcompression: 'no' } });

    test('is the state at its beginning, whatever becomes of their buffers meanwhile', async () => {
      const { process } = server;
      const random = new Random(fuzzSeed());
      const anyValue = (): Buffer => {
        // The largest are rare, and no two are alike.
        const i = random.oneIn(12) ? SIZES.length - 1 : random.below(SIZES.length - 1);
        const start = random.below(200_000);
        return VALUES[i]!.subarray(start, start + SIZES[i]!);
      };
      const key = (): string => random.pick(KEYS);
      const change = (): Promise<unknown> => {
        switch (random.below(10)) {
          case 0:
            return process.call('DEL', key());
          case 1:
            return process.call('COPY', key(), random.oneIn(2) ? 'k0' : 'other', 'REPLACE').catch(isSame);
          case 2:
            return process.call('RENAME', key(), key()).catch(isNone);
          case 3:
            return process.call('BITOP', random.pick(['OR', 'XOR']), key(), key(), key());
          case 4:
            return process.call('APPEND', key(), 'x'.repeat(random.below(600_000)));
          case 5:
            return process.call('SETRANGE', key(), random.below(4_000_000), 'text');
          case 6:
            return process.call('GETDEL', key());
          case 7:
            return process.call('GETRANGE', key(), 0, 1_500_000);
          default:
            return process.call('SET', key(), anyValue());
        }
      };
      let rounds = 0;
      for (let tries = 0; rounds < ROUNDS; tries++) {
        assert.ok(tries < TRIES_MAX, 'snapshots end before anything changes');
        await process.call('DEL', 'list');
        for (const each of KEYS) await process.call('SET', each, anyValue());
        await process.call('RPUSH', 'list', ...VALUES.slice(0, 4).map((value) => value.subarray(0, 700_000)));
        const expected = await process.call('DEBUG', 'DIGEST');
        assert.equal(await process.call('BGSAVE'), 'Background saving started');
        let changeCount = 0;
        do {
          await change();
          await process.call('LSET', 'list', '1', anyValue().subarray(0, 600_000 + random.below(300_000)));
          changeCount++;
        } while ((await process.info('persistence'))['rdb_bgsave_in_progress'] === '1');
        if (changeCount > CHANGES_MIN) rounds++;
        assert.equal((await process.info('persistence'))['rdb_last_bgsave_status'], 'ok');
        assert.notEqual(await process.call('DEBUG', 'DIGEST'), expected);
        assert.equal(await process.call('DEBUG', 'RELOAD', 'NOSAVE'), 'OK');
        assert.equal(await process.call('DEBUG', 'DIGEST'), expected);
      }
    });
  });
}
