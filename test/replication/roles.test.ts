/**
 * Primaries and replicas through restarts, changes of role and configuration, with redis-server on the other side where that tells something.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServerOptions, type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, type ServerKind } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const replicationOf = (server: ServerProcess): Promise<Record<string, string>> => server.info('replication');

async function follow(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  await replica.call('REPLICAOF', '127.0.0.1', primary.port);
  await linked(replica);
}

async function linked(replica: ServerProcess): Promise<void> {
  await waitFor(async () => (await replicationOf(replica))['master_link_status'] === 'up', {
    what: 'the link to be up',
    detail: () => replica.output,
  });
}

async function caughtUp(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  await waitFor(
    async () =>
      (await replicationOf(replica))['master_link_status'] === 'up' &&
      (await replicationOf(primary))['master_repl_offset'] === (await replicationOf(replica))['slave_repl_offset'],
    { what: 'the replica to catch up', detail: () => replica.output },
  );
  assert.equal(await primary.text('DEBUG', 'DIGEST'), await replica.text('DEBUG', 'DIGEST'));
}

const ours = (config: ServerOptions['config'] = {}): ServerOptions => ({
  kind: 'slotmesh',
  config: { 'repl-ping-replica-period': 1, ...config },
});

test('a replica that restarts from its RDB file goes on with a partial resynchronisation', async () => {
  await withServers([ours(), ours()], async ([primary, replica]) => {
    await follow(replica!, primary!);
    await primary!.call('SET', 'a', '1');
    await (await primary!.connect({ database: 3 })).call('SET', 'b', '2');
    await caughtUp(primary!, replica!);
    await replica!.call('CONFIG', 'REWRITE');
    await replica!.call('SAVE');
    await replica!.kill();
    await primary!.call('SET', 'c', '3');
    await replica!.restart();
    await caughtUp(primary!, replica!);
    const stats = await primary!.info('stats');
    assert.deepEqual([stats['sync_full'], stats['sync_partial_ok']], ['1', '1']);
  });
});

for (const kind of ['slotmesh', 'redis'] as const) {
  test(`a primary that restarts from its RDB file lets its ${kind} replica go on`, {
    skip: needsServers(kind),
  }, async () => {
    // Without pings, one of which could come between SAVE and the end.
    const quiet = ours({ 'repl-ping-replica-period': 3600 });
    await withServers([quiet, { ...quiet, kind }], async ([primary, replica]) => {
      await follow(replica!, primary!);
      await primary!.call('SET', 'a', '1');
      // Long enough to outlive the primary on a busy machine: its deletion must not be in the stream.
      await primary!.call('SET', 'short', 'x', 'PX', 8000);
      await caughtUp(primary!, replica!);
      await primary!.call('SAVE');
      const { master_replid: id } = await replicationOf(primary!);
      await primary!.kill();
      await waitFor(async () => (await replica!.call('GET', 'short')) === null, { what: 'the key to expire' });
      await primary!.restart();
      await primary!.call('SET', 'b', '2');
      await caughtUp(primary!, replica!);
      assert.equal(await replica!.call('DBSIZE'), 2, 'what expired while the primary was away is gone here, too');
      const stats = await primary!.info('stats');
      assert.deepEqual([stats['sync_full'], stats['sync_partial_ok']], ['0', '1']);
      assert.equal((await replicationOf(primary!))['master_replid2'], id);
    });
  });
}

test('writes are refused while too few replicas are good', async () => {
  await withServers([ours(), ours()], async ([primary, replica]) => {
    await primary!.call('CONFIG', 'SET', 'min-slaves-to-write', 1);
    await assert.rejects(primary!.call('SET', 'a', '1'), /NOREPLICAS Not enough good replicas to write\./);
    await primary!.call('MULTI');
    await assert.rejects(primary!.call('SET', 'a', '1'), /NOREPLICAS/);
    await assert.rejects(primary!.call('EXEC'), /EXECABORT/);
    await follow(replica!, primary!);
    await waitFor(async () => (await replicationOf(primary!))['min_slaves_good_slaves'] === '1', {
      what: 'a good replica',
    });
    assert.equal(await primary!.call('SET', 'a', '1'), 'OK');
    await primary!.call('CONFIG', 'SET', 'min-replicas-max-lag', 1);
    replica!.signal('SIGSTOP');
    await waitFor(
      () =>
        primary!.call('SET', 'a', '2').then(
          () => false,
          (error: Error) => /NOREPLICAS/.test(error.message),
        ),
      {
        what: 'the replica to lag',
      },
    );
    replica!.signal('SIGCONT');
    await waitFor(() => primary!.call('SET', 'a', '3'), { what: 'writes to be taken again' });
    await primary!.call('CONFIG', 'SET', 'min-replicas-to-write', 0);
  });
});

for (const [primaryKind, replicaKind] of [
  ['redis', 'slotmesh'],
  ['slotmesh', 'redis'],
  ['slotmesh', 'slotmesh'],
] as [ServerKind, ServerKind][]) {
  test(`a ${replicaKind} replica gives its password to a ${primaryKind} primary, and announces its address`, {
    skip: needsServers('redis'),
  }, async () => {
    const primaryOptions: ServerOptions = { ...ours(), kind: primaryKind, password: 'secret' };
    const replicaOptions: ServerOptions = {
      ...ours({ 'replica-announce-ip': '10.1.2.3', 'replica-announce-port': 4567 }),
      kind: replicaKind,
    };
    await withServers([primaryOptions, replicaOptions], async ([primary, replica]) => {
      await replica!.call('CONFIG', 'SET', 'masterauth', 'wrong');
      await replica!.call('REPLICAOF', '127.0.0.1', primary!.port);
      await waitFor(() => /Unable to AUTH to MASTER/.test(replica!.output), {
        what: 'the refusal',
        detail: () => replica!.output,
      });
      await replica!.call('CONFIG', 'SET', 'masterauth', 'secret');
      await linked(replica!);
      assert.match((await replicationOf(primary!))['slave0']!, /^ip=10\.1\.2\.3,port=4567,state=online/);
      assert.deepEqual(
        ((await primary!.call('ROLE')) as unknown[][])[2]!.map((each) => (each as string[]).slice(0, 2)),
        [['10.1.2.3', '4567']],
      );
    });
  });
}

test('a replica without its primary refuses reads if it may not serve stale data', async () => {
  await withServers([ours(), ours()], async ([primary, replica]) => {
    await primary!.call('SET', 'a', '1');
    await follow(replica!, primary!);
    await replica!.call('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    assert.equal(await replica!.call('GET', 'a'), '1');
    await assert.rejects(replica!.call('SET', 'a', '1'), /READONLY You can't write against a read only replica\./);
    await primary!.kill();
    await waitFor(
      () =>
        replica!.call('GET', 'a').then(
          () => false,
          (error: Error) => /MASTERDOWN/.test(error.message),
        ),
      { what: 'the refusal' },
    );
    assert.equal(((await replica!.call('ROLE')) as unknown[])[0], 'slave');
    await replica!.call('CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
    assert.equal(await replica!.call('GET', 'a'), '1');
    await replica!.call('REPLICAOF', 'NO', 'ONE');
    assert.equal(await replica!.call('SET', 'a', '2'), 'OK');
  });
});

test('clients that wait are sent away when their server becomes a replica', async () => {
  await withServers([ours(), ours()], async ([primary, other]) => {
    const waiting = await primary!.connect();
    const answer = waiting.call('WAIT', 1, 0);
    await waitFor(async () => (await primary!.info('clients'))['blocked_clients'] === '1', {
      what: 'the client to wait',
    });
    await Promise.all([
      assert.rejects(answer, /UNBLOCKED force unblock from blocking operation/),
      follow(primary!, other!),
    ]);
    await waitFor(() => waiting.isClosed, { what: 'the connection to be closed' });
    await assert.rejects(primary!.call('WAIT', 1, 1), /WAIT cannot be used with replica instances/);
  });
});

test('CLIENT UNBLOCK ends a wait as by its timeout, or with an error', async () => {
  await withServers([ours()], async ([primary]) => {
    const waiting = await primary!.connect();
    const id = (await waiting.call('CLIENT', 'ID')) as number;
    for (const [how, outcome] of [
      ['TIMEOUT', 0],
      ['ERROR', /UNBLOCKED client unblocked via CLIENT UNBLOCK/],
    ] as const) {
      const answer = waiting.call('WAIT', 2, 0);
      await waitFor(async () => (await primary!.info('clients'))['blocked_clients'] === '1', {
        what: 'the client to wait',
      });
      const [, unblocked] = await Promise.all([
        typeof outcome === 'number'
          ? answer.then((count) => assert.equal(count, outcome))
          : assert.rejects(answer, outcome),
        primary!.call('CLIENT', 'UNBLOCK', id, how),
      ]);
      assert.equal(unblocked, 1);
    }
    assert.deepEqual(
      await waiting.pipeline([['WAIT', 1, 20], ['PING']]),
      [0, 'PONG'],
      'requests behind a wait are answered after it',
    );
    waiting.close();
  });
});

test('WAITAOF waits for the own file and for those of replicas', async () => {
  const aof = { appendonly: 'yes', appendfsync: 'always' };
  await withServers([ours(aof), ours(aof)], async ([primary, replica]) => {
    await follow(replica!, primary!);
    await primary!.call('SET', 'a', '1');
    assert.deepEqual(await primary!.call('WAITAOF', 1, 0, 30_000), [1, 0]);
    await waitFor(async () => (await replica!.info('persistence'))['aof_rewrite_in_progress'] === '0', {
      what: 'the new log of the replica',
    });
    await primary!.call('SET', 'a', '2');
    assert.deepEqual(await primary!.call('WAITAOF', 1, 1, 30_000), [1, 1]);
    await primary!.call('CONFIG', 'SET', 'appendonly', 'no');
    await assert.rejects(
      primary!.call('WAITAOF', 1, 1, 100),
      /WAITAOF cannot be used when numlocal is set but appendonly is disabled\./,
    );
    await primary!.call('SET', 'a', '3');
    assert.deepEqual(await primary!.call('WAITAOF', 0, 1, 30_000), [0, 1]);
    await assert.rejects(replica!.call('WAITAOF', 0, 1, 1), /WAITAOF cannot be used with replica instances/);
    await assert.rejects(primary!.call('WAITAOF', 2, 1, 1), /value is out of range/);
  });
});

test('a replica with an append-only file records what it replicates, and restarts from it', async () => {
  await withServers([ours(), ours({ appendonly: 'yes' })], async ([primary, replica]) => {
    await primary!.call('DEBUG', 'POPULATE', 500);
    await follow(replica!, primary!);
    await waitFor(async () => (await replica!.info('persistence'))['aof_rewrite_in_progress'] === '0', {
      what: 'the new log',
    });
    const client = await primary!.connect();
    await client.pipeline([
      ['SET', 'a', 1],
      ['SELECT', 4],
      ['MULTI'],
      ['SET', 'b', 2],
      ['INCR', 'c'],
      ['EXEC'],
      ['SET', 'd', 1, 'EX', 1000],
    ]);
    client.close();
    await caughtUp(primary!, replica!);
    const digest = await replica!.text('DEBUG', 'DIGEST');
    await replica!.stop();
    await replica!.restart();
    assert.equal(await replica!.text('DEBUG', 'DIGEST'), digest);
  });
});

test('a shutdown waits until the replicas have everything', async () => {
  await withServers([ours({ 'shutdown-timeout': 60 }), ours()], async ([primary, replica]) => {
    await follow(replica!, primary!);
    replica!.signal('SIGSTOP');
    await primary!.call('SET', 'late', 'x'.repeat(100000));
    const ended = primary!.stop();
    await waitFor(() => /scheduling shutdown/.test(primary!.output), { what: 'the shutdown to begin' });
    replica!.signal('SIGCONT');
    await ended;
    assert.equal(await replica!.call('STRLEN', 'late'), 100000);
  });
});

test('SAVE, BGSAVE, FLUSHALL and writes while an image is being sent leave it as it was when it was taken', async () => {
  await withServers([ours({ save: '"3600 100000"' }), ours(), ours()], async ([primary, first, second]) => {
    await primary!.call('DEBUG', 'POPULATE', 60000, 'key', 200);
    await first!.call('REPLICAOF', '127.0.0.1', primary!.port);
    await second!.call('REPLICAOF', '127.0.0.1', primary!.port);
    await waitFor(async () => (await replicationOf(primary!))['connected_slaves'] === '2', {
      what: 'the replicas to come',
    });
    const client = await primary!.connect();
    for (let i = 0; i < 50; i++) {
      await client.pipeline([
        ['SET', `key:${i * 7}`, i],
        ['DEL', `key:${i * 11 + 1}`],
        ['APPEND', `key:${i * 5}`, 'more'],
        ['SET', `new:${i}`, 1],
      ]);
      if (i === 10) await client.call('SAVE');
    }
    client.close();
    await caughtUp(primary!, first!);
    await caughtUp(primary!, second!);
    await first!.call('REPLICAOF', 'NO', 'ONE');
    await first!.call('FLUSHALL');
    await first!.call('REPLICAOF', '127.0.0.1', primary!.port);
    await waitFor(async () => (await replicationOf(primary!))['connected_slaves'] === '2', {
      what: 'the replica to come again',
    });
    await primary!.call('FLUSHALL');
    await primary!.call('SET', 'only', 'one');
    await caughtUp(primary!, first!);
    assert.equal(await first!.call('DBSIZE'), 1);
    assert.equal(await primary!.call('BGSAVE'), 'Background saving started');
  });
});

test('a replica of a replica keeps its link when the one in the middle changes its primary', async () => {
  await withServers([ours(), ours(), ours(), ours()], async ([a, b, middle, tail]) => {
    await follow(b!, a!);
    await follow(middle!, a!);
    await follow(tail!, middle!);
    await a!.call('SET', 'x', '1');
    await caughtUp(a!, tail!);
    await follow(middle!, b!);
    await a!.call('SET', 'y', '2');
    await caughtUp(a!, tail!);
    for (const server of [b!, middle!])
      assert.equal((await server.info('stats'))['sync_full'], server === middle ? '1' : '0');
    await waitFor(async () => (await a!.call('WAIT', 1, 100)) === 1, { what: 'the acknowledgement' });
  });
});
