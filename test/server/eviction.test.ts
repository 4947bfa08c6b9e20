/** maxmemory and maxmemory-clients, as seen from outside: the limit holds, what goes is told to replicas and file, and who is disconnected. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { type ServerConfig, type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, type ServerKind, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const MIB = 1024 * 1024;
const BATCH = 500;
/** What one command may add before the next one makes room, and what a timed run may leave for the next. */
const SLACK_BYTES = MIB / 4;

async function memory(server: ServerProcess): Promise<{ counted: number; limit: number }> {
  const fields = await server.info('memory');
  return {
    counted: Number(fields['used_memory']) - Number(fields['mem_not_counted_for_evict']),
    limit: Number(fields['maxmemory']),
  };
}

async function evictedCount(server: ServerProcess): Promise<number> {
  return Number((await server.info('stats'))['evicted_keys']);
}

/** Whether a policy finds a key that it may evict. */
async function hasCandidates(server: ServerProcess, policy: string): Promise<boolean> {
  const { db0 = '' } = await server.info('keyspace');
  return db0 !== '' && !(policy.startsWith('volatile') && db0.includes('expires=0,'));
}

/** Leaves room for `bytes` more than there is now. */
async function limit(server: ServerProcess, bytes: number, ...settings: string[]): Promise<void> {
  const { counted } = await memory(server);
  await server.call('CONFIG', 'SET', 'maxmemory', counted + bytes, ...settings);
}

/** Writes values of all types, every other key with an expiry; calls `between` after each batch. */
async function fill(client: RespClient, count: number, between: () => Promise<void> = async () => {}): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const replies: Promise<unknown>[] = [];
    for (let i = from; i < from + BATCH; i++) {
      const text = `${i}:`.repeat(20);
      if (i % 5 === 0) replies.push(client.call('HSET', `k${i}`, 'field', text, 'other', i));
      else if (i % 5 === 1) replies.push(client.call('RPUSH', `k${i}`, text, i));
      else if (i % 5 === 2) replies.push(client.call('ZADD', `k${i}`, i, text));
      else replies.push(client.call('SET', `k${i}`, text));
      if (i % 2 === 0) replies.push(client.call('EXPIRE', `k${i}`, 10000));
    }
    await Promise.all(replies.map((reply) => reply.catch(() => {})));
    await between();
  }
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: eviction`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind, config: { hz: 100 } });

    for (const policy of ['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl', 'volatile-lru']) {
      test(`memory at the limit stays there, under ${policy}`, async () => {
        await server.process.call('FLUSHALL');
        await limit(server.process, 2 * MIB, 'maxmemory-policy', policy);
        const client = await server.process.connect();
        const before = await evictedCount(server.process);
        let isFull = false;
        // Several times the room, which grows by some MiB if the engine's heap shrinks meanwhile.
        await fill(client, 30_000, async () => {
          // A run takes what time it has, whether or not the machine lets it do anything in it: so there may be a rest for the next ones. What the engine's
          // heap grows by cannot be made up for when all that is left has no expiry.
          const { counted, limit } = await waitFor(
            async () => {
              const now = await memory(server.process);
              const isWithin = now.counted <= now.limit + SLACK_BYTES;
              return isWithin || !(await hasCandidates(server.process, policy)) ? now : null;
            },
            { what: 'memory to be within the limit' },
          );
          isFull ||= counted > limit - SLACK_BYTES;
        });
        client.close();
        assert.ok(isFull, 'the room was never used up');
        assert.ok((await evictedCount(server.process)) - before > 1000);
        if (policy.startsWith('volatile')) {
          const keys = await server.process.call('DBSIZE');
          assert.ok(Number(keys) > 3000, 'keys without an expiry stay');
        }
        await server.process.call('CONFIG', 'SET', 'maxmemory', 0, 'maxmemory-policy', 'noeviction');
      });
    }

    test('a lower limit takes effect without a command', async () => {
      await server.process.call('FLUSHALL');
      const before = await evictedCount(server.process);
      await server.process.call('DEBUG', 'POPULATE', 150_000, 'key', 100);
      // Much more than what the engine's own memory may shrink by meanwhile.
      await limit(server.process, -16 * MIB, 'maxmemory-policy', 'allkeys-random');
      await waitFor(async () => Number(await server.process.call('DBSIZE')) < 120_000, { what: 'keys to be evicted' });
      assert.ok((await evictedCount(server.process)) - before > 30_000);
      await server.process.call('CONFIG', 'SET', 'maxmemory', 0, 'maxmemory-policy', 'noeviction');
    });

    test('a value too large to go at once is gone in full before another key is evicted', async () => {
      await server.process.call('FLUSHALL');
      await server.process.call('DEBUG', 'POPULATE', 1000, 'small', 100);
      // Much more than what the engine's own memory may grow by meanwhile.
      for (let from = 0; from < 300_000; from += 50_000) {
        const members = Array.from({ length: 50_000 }, (_, i) => `member:${from + i}`);
        await server.process.call('SADD', 'large{t}', ...members);
      }
      await server.process.call('EXPIRE', 'large{t}', 10_000);
      await server.process.call('SET', 'first{t}', 'v', 'EX', 20_000);
      await server.process.call('SET', 'second{t}', 'v', 'EX', 30_000);
      const before = await evictedCount(server.process);
      // In one slot, and with so many samples that all three are among them.
      await limit(server.process, -MIB, 'maxmemory-policy', 'volatile-ttl', 'maxmemory-samples', '64');
      await waitFor(async () => (await memory(server.process)).counted < (await memory(server.process)).limit, {
        what: 'room to be made',
      });
      assert.equal((await evictedCount(server.process)) - before, 1);
      assert.equal(await server.process.call('EXISTS', 'large{t}', 'first{t}', 'second{t}'), 2);
      await server.process.call('CONFIG', 'SET', 'maxmemory', 0, 'maxmemory-policy', 'noeviction');
      await server.process.call('CONFIG', 'SET', 'maxmemory-samples', 5);
    });

    test('who listens hears of every key that is evicted', async () => {
      await server.process.call('FLUSHALL');
      await server.process.call('CONFIG', 'SET', 'notify-keyspace-events', 'Ee');
      const listener = await server.connect();
      listener.send('SUBSCRIBE __keyevent@0__:evicted\r\n');
      await listener.until(/:1\r\n/);
      for (let i = 0; i < 3; i++) await server.process.call('SET', `key${i}`, 'v');
      const before = await evictedCount(server.process);
      await server.process.call('CONFIG', 'SET', 'maxmemory', 1, 'maxmemory-policy', 'allkeys-lru');
      for (let i = 0; i < 3; i++) await listener.until(new RegExp(`__keyevent@0__:evicted\r\n\\$4\r\nkey${i}\r\n`));
      assert.equal((await evictedCount(server.process)) - before, 3);
      await server.process.call('CONFIG', 'SET', 'maxmemory', 0, 'maxmemory-policy', 'noeviction');
      await server.process.call('CONFIG', 'SET', 'notify-keyspace-events', '');
    });

    test('no key is evicted while writes are paused', async () => {
      await server.process.call('FLUSHALL');
      await server.process.call('DEBUG', 'POPULATE', 1000, 'key', 100);
      await server.process.call('CLIENT', 'PAUSE', 100_000, 'WRITE');
      await server.process.call('CONFIG', 'SET', 'maxmemory', 1, 'maxmemory-policy', 'allkeys-random');
      assert.equal(await server.process.call('GET', 'key:1'), `value:1`.padEnd(100, '\0'));
      assert.equal(await server.process.call('DBSIZE'), 1000);
      await server.process.call('CONFIG', 'SET', 'maxmemory', 0, 'maxmemory-policy', 'noeviction');
      await server.process.call('CLIENT', 'UNPAUSE');
    });
  });

  describe(`${kind}: what is evicted is deleted everywhere`, () => {
    const config: ServerConfig = { appendonly: 'yes', 'aof-use-rdb-preamble': 'no', hz: 100 };
    const replicaKinds: ServerKind[] = kind === 'redis' ? ['redis'] : ['redis', kind];
    for (const replicaKind of replicaKinds) {
      test(`on a ${replicaKind} replica, which has no limit of its own, and in the file`, {
        skip: needsServers(kind, replicaKind),
      }, async () => {
        const options = [
          { kind, config },
          { kind: replicaKind, config: { maxmemory: 1, 'maxmemory-policy': 'allkeys-random' } },
        ];
        await withServers(options, async ([primary, replica]) => {
          await replica!.call('REPLICAOF', '127.0.0.1', primary!.port);
          await waitFor(async () => (await replica!.info('replication'))['master_link_status'] === 'up', {
            what: 'the link',
          });
          await limit(primary!, 2 * MIB, 'maxmemory-policy', 'allkeys-lru', 'lazyfree-lazy-eviction', 'yes');
          const client = await primary!.connect();
          await fill(client, 15_000);
          client.close();
          assert.ok((await evictedCount(primary!)) > 1000);
          await primary!.call('CONFIG', 'SET', 'maxmemory', 0);
          assert.equal(await primary!.call('WAIT', 1, 30_000), 1);
          const digest = await primary!.call('DEBUG', 'DIGEST');
          assert.equal(await replica!.call('DEBUG', 'DIGEST'), digest);
          assert.equal(await evictedCount(replica!), 0);
          await primary!.stop();
          await primary!.restart();
          assert.equal(await primary!.call('DEBUG', 'DIGEST'), digest);
        });
      });
    }
  });

  describe(`${kind}: maxmemory-clients`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind, config: { hz: 100 } });
    const set = (...settings: (string | number)[]) => server.process.call('CONFIG', 'SET', ...settings);

    /** A client whose request has not arrived in full. */
    async function clientWith(bytes: number) {
      const connection = await server.connect();
      await connection.ask('CLIENT NO-EVICT OFF\r\n', '+OK\r\n');
      connection.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${bytes + 10}\r\n${'x'.repeat(bytes)}`);
      await waitFor(
        async () =>
          String(await server.process.call('CLIENT', 'LIST'))
            .split('\n')
            .some((line) => Number(/ qbuf=(\d+)/.exec(line)?.[1] ?? 0) >= bytes),
        { what: 'the request to arrive' },
      );
      return connection;
    }

    test('the largest go first, as many as it takes', async () => {
      const [large, small] = [await clientWith(3 * MIB), await clientWith(MIB / 2)];
      await set('maxmemory-clients', '3mb');
      await waitFor(() => large.isClosed, { what: 'the large client to be disconnected' });
      assert.equal(small.isClosed, false);
      assert.equal((await server.process.info('stats'))['evicted_clients'], '1');
      assert.match(server.process.output, /Evicting client: id=\d+ /);
      await set('maxmemory-clients', '0');
    });

    test('a client with NO-EVICT stays, whatever it takes', async () => {
      await set('maxmemory-clients', '0');
      const spared = await server.connect();
      await spared.ask('CLIENT NO-EVICT ON\r\n', '+OK\r\n');
      spared.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${4 * MIB}\r\n${'x'.repeat(3 * MIB)}`);
      const other = await clientWith(MIB);
      await server.process.call('CLIENT', 'NO-EVICT', 'ON');
      await set('maxmemory-clients', '2mb');
      await waitFor(() => other.isClosed, { what: 'the other client to be disconnected' });
      assert.equal(spared.isClosed, false);
      await set('maxmemory-clients', '0');
    });

    test('a client that does not read its replies counts with them', async () => {
      await server.process.call('CLIENT', 'NO-EVICT', 'ON');
      await server.process.call('SET', 'big', 'x'.repeat(4 * MIB));
      await set('maxmemory-clients', '5mb');
      const deaf = await server.connect();
      deaf.socket.pause();
      deaf.send('GET big\r\n'.repeat(8));
      await waitFor(async () => Number((await server.process.info('stats'))['evicted_clients']) > 0, {
        what: 'the deaf client to be disconnected',
      });
      assert.equal(await server.process.call('PING'), 'PONG');
      await set('maxmemory-clients', '0');
    });

    test('a share of maxmemory is a limit only while there is one', async () => {
      await set('maxmemory', '0', 'maxmemory-clients', '1%');
      const client = await clientWith(2 * MIB);
      assert.equal(client.isClosed, false);
      await set('maxmemory', '100mb');
      await waitFor(() => client.isClosed, { what: 'the client to be disconnected' });
      await set('maxmemory', '0', 'maxmemory-clients', '0');
    });
  });
}
