/** MIGRATE between real processes: options and errors, and slots moved to and fro under writes of which none may be lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterClient } from '../../src/client/cluster-client.js';
import { keySlot } from '../../src/keyspace/key-slot.js';
import type { ReplyError } from '../../src/resp/reply-reader.js';
import { clusterInfo, clusterNode, meet } from '../support/cluster.js';
import { fakeServer } from '../support/fake-server.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, type ServerKind } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const SLOT = keySlot('{x}');
/** Its slot is in the same half. */
const ANOTHER_TAG = 'a';
const ROUNDS = 6;
const KEYS = Array.from({ length: 20 }, (_, i) => `{x}${i}`);

const node = (kind: ServerKind) => clusterNode(kind, { nodeTimeoutMs: 2000, config: { appendonly: 'no' } });

/** Two primaries that share the slots; the first has that of `{x}`. */
async function join(first: ServerProcess, second: ServerProcess): Promise<void> {
  await first.call('CLUSTER', 'SET-CONFIG-EPOCH', 1);
  await second.call('CLUSTER', 'SET-CONFIG-EPOCH', 2);
  await first.call('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383);
  await second.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191);
  await meet([first, second]);
  for (const each of [first, second]) {
    await waitFor(async () => (await clusterInfo(each))['cluster_state'] === 'ok', { what: 'the cluster to be up' });
  }
}

/** The steps of spec/cluster.md 12.4. */
async function moveSlot(from: ServerProcess, to: ServerProcess): Promise<void> {
  const [source, target] = [await from.text('CLUSTER', 'MYID'), await to.text('CLUSTER', 'MYID')];
  await to.call('CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', source);
  await from.call('CLUSTER', 'SETSLOT', SLOT, 'MIGRATING', target);
  for (;;) {
    const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', SLOT, 5)) as string[];
    if (keys.length === 0) break;
    assert.match(await from.text('MIGRATE', '127.0.0.1', to.port, '', 0, 60_000, 'KEYS', ...keys), /OK|NOKEY/);
  }
  await to.call('CLUSTER', 'SETSLOT', SLOT, 'NODE', target);
  await from.call('CLUSTER', 'SETSLOT', SLOT, 'NODE', target);
}

/** What MIGRATE sends to: takes a key at once, but says so only when told to `answer`. */
async function slowTarget() {
  let answer = (): void => {};
  const server = await fakeServer(([name], socket) => {
    if (!name!.startsWith('RESTORE')) return '+OK\r\n';
    answer = () => socket.write('+OK\r\n');
    return null;
  });
  const isAsked = () => server.requests.some((request) => request.startsWith('RESTORE'));
  return {
    port: server.port,
    untilAsked: () => waitFor(isAsked, { what: 'the key to be sent' }),
    answer: () => answer(),
    close: () => server.close(),
  };
}

for (const [kind, otherKind] of [
  ['slotmesh', 'slotmesh'],
  ['slotmesh', 'redis'],
] as const) {
  test(`a slot moves between ${kind} and ${otherKind} and back while its keys are written; no acknowledged write is lost`, {
    skip: needsServers(kind, otherKind),
  }, async () => {
    await withServers([node(kind), node(otherKind)], async ([first, second]) => {
      await join(first!, second!);
      const client = await ClusterClient.connect({
        seeds: [{ host: '127.0.0.1', port: first!.port }],
        commandTimeoutMs: 60_000,
        retryForMs: 60_000,
      });
      const acknowledged = new Map<string, number>();
      let isRunning = true;
      const increment = async (key: string): Promise<void> => {
        while (isRunning) {
          assert.equal(typeof (await client.call('INCR', key)), 'number');
          acknowledged.set(key, (acknowledged.get(key) ?? 0) + 1);
        }
      };
      const writers = KEYS.map(increment);
      try {
        await waitFor(() => acknowledged.size === KEYS.length, { what: 'all keys to be there' });
        for (let round = 0; round < ROUNDS; round++) {
          if (round % 2 === 0) await moveSlot(first!, second!);
          else await moveSlot(second!, first!);
        }
      } finally {
        isRunning = false;
        await Promise.all(writers);
      }
      for (const key of KEYS) assert.equal(Number(await client.call('GET', key)), acknowledged.get(key), key);
      client.close();
    });
  });
}

test('COPY leaves the key, REPLACE overwrites, an expiry goes along, and missing keys are no error', {
  skip: needsServers('slotmesh'),
}, async () => {
  await withServers([{ kind: 'slotmesh' }, { kind: 'slotmesh', password: 'secret' }], async ([from, to]) => {
    const migrate = (...words: string[]) => from!.text('MIGRATE', '127.0.0.1', to!.port, ...words).catch(String);
    await from!.call('SET', 'k', 'v', 'PX', 100000);
    assert.match(await migrate('k', '0', '30000'), /Target instance replied with error: NOAUTH/);
    assert.equal(await migrate('k', '0', '30000', 'COPY', 'AUTH', 'secret'), 'OK');
    assert.equal(await from!.call('GET', 'k'), 'v');
    assert.equal(await to!.call('GET', 'k'), 'v');
    const ttlMs = Number(await to!.call('PTTL', 'k'));
    assert.ok(ttlMs > 90000 && ttlMs <= 100000, `${ttlMs}`);
    await from!.call('SET', 'k', 'w');
    assert.match(await migrate('k', '0', '30000', 'AUTH2', 'default', 'secret'), /BUSYKEY/);
    assert.equal(await migrate('k', '0', '30000', 'REPLACE', 'AUTH', 'secret'), 'OK');
    assert.deepEqual([await from!.call('EXISTS', 'k'), await to!.call('GET', 'k')], [0, 'w']);
    assert.equal(await migrate('k', '0', '30000'), 'NOKEY');
    await from!.call('MSET', 'a', '1', 'b', '2');
    assert.equal(await migrate('', '5', '30000', 'AUTH', 'secret', 'KEYS', 'a', 'nothing', 'b'), 'OK');
    assert.equal(await from!.call('DBSIZE'), 0);
    const client = await to!.connect({ database: 5 });
    assert.deepEqual(await client.call('MGET', 'a', 'b'), ['1', '2']);
    client.close();
  });
});

test('while keys travel others are served; writes to them wait, and then find the keys gone', {
  skip: needsServers('slotmesh'),
}, async () => {
  const target = await slowTarget();
  try {
    await withServers([{ kind: 'slotmesh' }], async ([server]) => {
      await server!.call('MSET', 'moving', '1', 'staying', '1');
      const clients = await Promise.all([server!.connect(), server!.connect(), server!.connect(), server!.connect()]);
      const [mover, writer, multi, flusher] = clients;
      const moved = mover.call('MIGRATE', '127.0.0.1', target.port, 'moving', 0, 60000);
      await target.untilAsked();

      const blockedCount = async () => Number((await server!.info('clients'))['blocked_clients']);
      assert.equal(await blockedCount(), 1, 'the client of MIGRATE');
      assert.equal(await server!.call('GET', 'moving'), '1');
      assert.equal(await server!.call('INCR', 'staying'), 2);
      let isAnswered = false;
      const increment = writer.call('INCR', 'moving').then((value) => {
        isAnswered = true;
        return value;
      });
      const replies = multi.pipeline([['MULTI'], ['SET', 'moving', 'x', 'NX'], ['EXEC']]);
      const flush = flusher.call('FLUSHALL');
      // Two round trips of others: had the write been let through, it would be answered by now; and those who wait do so in this order.
      await server!.call('PING');
      await server!.call('PING');
      assert.equal(isAnswered, false);
      target.answer();
      assert.equal(await moved, 'OK');
      assert.equal(await increment, 1);
      assert.deepEqual((await replies)[1], 'QUEUED');
      await flush;
      assert.equal(await server!.call('EXISTS', 'moving'), 0);
      assert.equal(await blockedCount(), 0);
      for (const client of clients) client.close();
    });
  } finally {
    await target.close();
  }
});

test('in a cluster, too, only what may change the travelling keys waits', {
  skip: needsServers('slotmesh'),
}, async () => {
  const target = await slowTarget();
  try {
    await withServers([node('slotmesh')], async ([server]) => {
      await server!.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
      await waitFor(async () => (await clusterInfo(server!))['cluster_state'] === 'ok', {
        what: 'the cluster to be up',
      });
      await server!.call('MSET', '{x}moving', '1', '{x}staying', '1');
      const mover = await server!.connect();
      const moved = mover.call('MIGRATE', '127.0.0.1', target.port, '{x}moving', 0, 60000);
      await target.untilAsked();

      assert.equal(await server!.call('GET', '{x}moving'), '1');
      assert.equal(await server!.call('INCR', '{x}staying'), 2);
      assert.equal(await server!.call('MSET', '{y}a', 1, '{y}b', 2), 'OK');
      assert.equal(await server!.call('PUBLISH', 'channel', 'text'), 0);
      const waiting: [string, ...(string | number)[]][] = [
        ['INCR', '{x}moving'],
        ['MSET', '{x}staying', 5, '{x}moving', 5],
        ['RENAME', '{x}staying', '{x}moving'],
        ['FLUSHALL'],
      ];
      let answered = 0;
      const clients = await Promise.all(waiting.map(() => server!.connect()));
      const replies = clients.map((client, i) =>
        client
          .call(...waiting[i]!)
          .catch(String)
          .finally(() => answered++),
      );
      const multi = await server!.connect();
      const transaction = multi.pipeline([['MULTI'], ['SET', '{x}moving', 'x'], ['EXEC']]).finally(() => answered++);
      await server!.call('PING');
      await server!.call('SET', '{y}c', 'served');
      assert.equal(answered, 0);
      target.answer();
      assert.equal(await moved, 'OK');
      await Promise.all([...replies, transaction]);
      for (const client of [mover, multi, ...clients]) client.close();
    });
  } finally {
    await target.close();
  }
});

test('a key that changes on its way by a command that waited for another key stays, and MIGRATE says so', {
  skip: needsServers('slotmesh'),
}, async () => {
  const target = await slowTarget();
  try {
    await withServers([{ kind: 'slotmesh' }], async ([server]) => {
      await server!.call('RPUSH', 'to', '1');
      const [mover, waiter] = await Promise.all([server!.connect(), server!.connect()]);
      const popped = waiter.call('BLMOVE', 'from', 'to', 'LEFT', 'RIGHT', 0);
      await waitFor(async () => (await server!.info('clients'))['blocked_clients'] === '1', { what: 'BLMOVE to wait' });
      const moved = mover.call('MIGRATE', '127.0.0.1', target.port, 'to', 0, 60000).catch(String);
      await target.untilAsked();
      await server!.call('RPUSH', 'from', '2');
      assert.equal(await popped, '2');
      target.answer();
      assert.match(String(await moved), /A key changed while it was being migrated/);
      assert.deepEqual(await server!.call('LRANGE', 'to', 0, -1), ['1', '2']);
      for (const client of [mover, waiter]) client.close();
    });
  } finally {
    await target.close();
  }
});

test('of several keys only the one that changed on its way stays, also if a key is named twice', {
  skip: needsServers('slotmesh'),
}, async () => {
  const target = await slowTarget();
  try {
    await withServers([{ kind: 'slotmesh' }], async ([server]) => {
      const names = Array.from({ length: 40 }, (_, i) => `key${i}`);
      await server!.call('MSET', ...names.flatMap((name) => [name, name]));
      await server!.call('RPUSH', 'to', '1');
      const [mover, waiter] = await Promise.all([server!.connect(), server!.connect()]);
      const popped = waiter.call('BLMOVE', 'from', 'to', 'LEFT', 'RIGHT', 0);
      await waitFor(async () => (await server!.info('clients'))['blocked_clients'] === '1', { what: 'BLMOVE to wait' });
      const keys = [...names, 'missing', 'to', 'key3'];
      const moved = mover.call('MIGRATE', '127.0.0.1', target.port, '', 0, 60000, 'KEYS', ...keys).catch(String);
      await target.untilAsked();
      await server!.call('RPUSH', 'from', '2');
      assert.equal(await popped, '2');
      for (let i = 0; i < keys.length - 1; i++) target.answer();
      assert.match(String(await moved), /A key changed while it was being migrated/);
      assert.deepEqual(await server!.call('KEYS', '*'), ['to']);
      for (const client of [mover, waiter]) client.close();
    });
  } finally {
    await target.close();
  }
});

test('a client blocked on a key is sent after its slot, or told that the cluster is down', {
  skip: needsServers('slotmesh'),
}, async () => {
  await withServers([node('slotmesh'), node('slotmesh')], async ([first, second]) => {
    await join(first!, second!);
    const [following, reading, staying] = await Promise.all([first!.connect(), first!.connect(), first!.connect()]);
    const read = reading.call('XREAD', 'BLOCK', 0, 'STREAMS', '{x}stream', '$').catch(String);
    const followed = following.call('BLPOP', '{x}list', 0).catch(String);
    const stayed = staying.call('BLPOP', `{${ANOTHER_TAG}}list`, 0).catch(String);
    await waitFor(async () => (await first!.info('clients'))['blocked_clients'] === '3', { what: 'all to wait' });
    await moveSlot(first!, second!);
    for (const reply of [followed, read])
      assert.match(String(await reply), new RegExp(`MOVED ${SLOT} 127\\.0\\.0\\.1:${second!.port}`));
    await second!.kill();
    assert.match(String(await stayed), /CLUSTERDOWN The cluster is down/);
    for (const client of [following, reading, staying]) client.close();
  });
});

test('MIGRATE cannot wait inside a transaction', { skip: needsServers('slotmesh') }, async () => {
  await withServers([{ kind: 'slotmesh' }], async ([server]) => {
    await server!.call('SET', 'k', 'v');
    const client = await server!.connect();
    const replies = await client.pipeline([['MULTI'], ['MIGRATE', '127.0.0.1', 1, 'k', 0, 100], ['EXEC']]);
    const [error] = replies[2] as [ReplyError];
    assert.match(error.message, /DENY BLOCKING/);
    assert.equal(await server!.call('GET', 'k'), 'v');
    client.close();
  });
});
