/** Times of hash fields on a running server: keyspace events, what INFO counts, WATCH, MIGRATE, eviction, the checker of RDB files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, repositoryRoot } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const skip = needsServers('slotmesh');
const LONG = 'L'.repeat(70);

describe('times of hash fields', { skip }, () => {
  const server = useServer({ kind: 'slotmesh' });
  const call = (...words: (string | number)[]) => server.process.call(...(words as [string]));

  for (const [form, pairs] of [
    ['packed', ['yes', 1, 'no', 0, 'f1', 1, 'f2', 2, 'f3', 2]],
    ['table', ['yes', 1, 'no', 0, 'f1', 1, 'f2', 2, 'f3', LONG]],
  ] as const) {
    test(`events, in order: ${form}`, async () => {
      await call('DEL', 'h');
      await call('CONFIG', 'SET', 'notify-keyspace-events', 'Khgx');
      await call('DEBUG', 'SET-ACTIVE-EXPIRE', 1);
      const heard: string[] = [];
      const listener = await server.process.connect({
        protocol: 3,
        onPush: (push) => {
          const [kind, , channel, event] = push as string[];
          if (kind === 'pmessage' && channel === '__keyspace@0__:h') heard.push(event!);
        },
      });
      listener.call('PSUBSCRIBE', '__key*').catch(() => {});
      await waitFor(async () => (await call('PUBSUB', 'NUMPAT')) === 1, { what: 'the subscription' });
      const hears = async (...events: string[]): Promise<void> => {
        await waitFor(() => heard.length >= events.length, { what: events.join(), detail: () => heard.join() });
        assert.deepEqual(heard.splice(0), events);
      };
      await call('HSET', 'h', ...pairs);
      await call('HINCRBY', 'h', 'yes', 10);
      await call('HEXPIRE', 'h', 999999, 'FIELDS', 1, 'yes');
      await call('HEXPIREAT', 'h', 33177117420, 'NX', 'FIELDS', 1, 'no');
      await call('HPERSIST', 'h', 'FIELDS', 2, 'yes', 'f1');
      await call('HPERSIST', 'h', 'FIELDS', 1, 'yes');
      await call('HPEXPIRE', 'h', 0, 'FIELDS', 1, 'yes');
      await hears('hset', 'hincrby', 'hexpire', 'hexpire', 'hpersist', 'hdel');
      await call('HSETEX', 'h', 'EX', 1000, 'FIELDS', 1, 'f4', 4);
      await call('HGETEX', 'h', 'PERSIST', 'FIELDS', 1, 'f4');
      await call('HGETDEL', 'h', 'FIELDS', 1, 'f4');
      await hears('hset', 'hexpire', 'hpersist', 'hdel');
      await call('HPEXPIRE', 'h', 10, 'FIELDS', 1, 'no');
      await hears('hexpire', 'hexpired');
      await call('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
      await call('HPEXPIRE', 'h', 10, 'FIELDS', 3, 'f1', 'f2', 'f3');
      await waitFor(async () => (await call('HKEYS', 'h'))?.toString() === '', { what: 'the fields to end' });
      assert.deepEqual(await call('HMGET', 'h', 'f1', 'f2', 'f3'), [null, null, null]);
      // One event for all fields that a command comes by.
      await hears('hexpire', 'hexpired', 'del');
      listener.close();
    });
  }

  test('INFO counts what ended, and hashes with times, which are not volatile keys', async () => {
    await call('FLUSHALL');
    await call('CONFIG', 'RESETSTAT');
    await call('HSET', 'h', 'a', 1, 'b', 2);
    await call('HSET', 'g', 'a', 1);
    assert.equal('expired_subkeys' in (await server.process.info('stats')), false);
    assert.match((await server.process.info('keyspace'))['db0']!, /^keys=2,expires=0,avg_ttl=0$/);
    await call('DEBUG', 'SET-ACTIVE-EXPIRE', 1);
    await call('HPEXPIRE', 'h', 10_000_000, 'FIELDS', 1, 'a');
    await call('HPEXPIRE', 'g', 1, 'FIELDS', 1, 'a');
    await waitFor(async () => (await call('EXISTS', 'g')) === 0, { what: 'the hash to go' });
    assert.match((await server.process.info('keyspace'))['db0']!, /^keys=1,expires=0,avg_ttl=0,subexpiry=1$/);
    const stats = await server.process.info('stats');
    assert.deepEqual([stats['expired_subkeys'], stats['expired_keys']], ['1', '0']);
    assert.ok(Number(await call('MEMORY', 'USAGE', 'h')) > 40);
    assert.deepEqual(await call('COMMAND', 'GETKEYS', 'HSETEX', 'k', 'FIELDS', 1, 'f', 'v'), ['k']);
  });

  test('a field that ends fails a transaction that watches its key', async () => {
    await call('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
    await call('HSET', 'w', 'a', 1, 'b', 2);
    await call('HPEXPIRE', 'w', 1, 'FIELDS', 1, 'a');
    await waitFor(async () => (await call('HKEYS', 'w'))?.toString() === 'b', { what: 'the field to end' });
    const client = await server.process.connect({});
    await client.call('WATCH', 'w');
    assert.equal(await call('HGET', 'w', 'a'), null);
    await client.call('MULTI');
    await client.call('HGET', 'w', 'b');
    assert.equal(await client.call('EXEC'), null);
    client.close();
  });

  test('a file with times is sane for the checker, and loaded with them', async () => {
    await call('FLUSHALL');
    await call('HSETEX', 'packed', 'EXAT', 33177117420, 'FIELDS', 2, 'a', 1, 'b', 2);
    await call('HSET', 'packed', 'c', 3);
    await call('HSETEX', 'table', 'EXAT', 33177117420, 'FIELDS', 2, 'a', 1, 'b', LONG);
    await call('SAVE');
    const file = join(server.process.folder, 'dump.rdb');
    const checker = join(repositoryRoot, 'bin', 'slotmesh-check-rdb.js');
    const check = spawnSync(process.execPath, [checker, file], { encoding: 'utf8' });
    assert.equal(check.status, 0, check.stdout);
    assert.match(check.stdout, /RDB looks OK/);
    await call('DEBUG', 'RELOAD');
    const timeMs = 33177117420000;
    assert.deepEqual(await call('HPEXPIRETIME', 'packed', 'FIELDS', 3, 'a', 'b', 'c'), [timeMs, timeMs, -1]);
    assert.deepEqual(await call('HPEXPIRETIME', 'table', 'FIELDS', 2, 'a', 'b'), [timeMs, timeMs]);
    await call('HPERSIST', 'packed', 'FIELDS', 2, 'a', 'b');
    await call('DEL', 'table');
    await call('SAVE');
    if (needsServers('redis') !== false) return;
    const real = spawnSync('redis-check-rdb', [file], { encoding: 'utf8' });
    assert.equal(real.status, 0, 'without times the file is one of Redis 7.0 again');
  });
});

test('MIGRATE takes times along', { skip }, async () => {
  await withServers([{ kind: 'slotmesh' }, { kind: 'slotmesh' }], async ([source, target]: ServerProcess[]) => {
    await source!.call('HSETEX', 'packed', 'EXAT', 33177117420, 'FIELDS', 1, 'a', 1);
    await source!.call('HSETEX', 'table', 'EXAT', 33177117420, 'FIELDS', 2, 'a', 1, 'b', LONG);
    await source!.call('HSET', 'table', 'a', 2);
    assert.equal(
      await source!.text('MIGRATE', '127.0.0.1', target!.port, '', 0, 5000, 'KEYS', 'packed', 'table'),
      'OK',
    );
    assert.equal(await source!.call('DBSIZE'), 0);
    const timeMs = 33177117420000;
    assert.deepEqual(await target!.call('HPEXPIRETIME', 'packed', 'FIELDS', 1, 'a'), [timeMs]);
    assert.deepEqual(await target!.call('HPEXPIRETIME', 'table', 'FIELDS', 2, 'a', 'b'), [-1, timeMs]);
  });
});
