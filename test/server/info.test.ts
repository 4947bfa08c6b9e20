/** INFO: sections and fields in the real server's order, and values that follow what happens. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useServers } from '../oracle/harness.js';
import { RawConnection } from '../support/raw-connection.js';
import { parseFields } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

/** Fields of 7.2 that 7.0.15 does not have. */
const NEW = (
  'listener0 total_blocking_keys total_blocking_keys_on_nokey eventloop_cycles eventloop_duration_sum eventloop_duration_cmd_sum ' +
  'instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec acl_access_denied_auth acl_access_denied_cmd acl_access_denied_key ' +
  'acl_access_denied_channel'
).split(' ');
/** Fields of our own, at the end of their section. */
const OWN = ['slotmesh_version', 'node_version', 'engine_heap_used'];

const SECTIONS = [
  'server',
  'clients',
  'memory',
  'persistence',
  'stats',
  'replication',
  'cpu',
  'modules',
  'errorstats',
  'cluster',
  'keyspace',
];

/** Headers and field names, in order. */
function names(text: string): string[] {
  return text.split('\r\n').map((line) => (line.startsWith('#') ? line : line.replace(/:.*/s, '')));
}

describe('INFO', { skip: needsServers('redis', 'slotmesh') }, () => {
  const servers = useServers('slotmesh', { appendonly: 'yes' });

  async function both(...words: string[]): Promise<[real: string, ours: string]> {
    const { oracle, subject } = servers();
    return [await oracle.text('INFO', ...words), await subject.text('INFO', ...words)];
  }

  test('every section has the real one’s fields in order', async () => {
    for (const server of [servers().oracle, servers().subject]) await server.call('CONFIG', 'RESETSTAT');
    for (const section of [...SECTIONS, 'default', 'Server CPU', 'server nosuch', 'nosuch', 'keyspace server']) {
      const [real, ours] = await both(...section.split(' '));
      const shared = names(ours).filter((name) => !NEW.includes(name) && !OWN.includes(name));
      assert.deepEqual(shared, names(real), section);
    }
  });

  test('all and everything add what is kept per command', async () => {
    for (const words of [['all'], ['everything'], ['commandstats', 'latencystats']]) {
      const [real, ours] = (await both(...words)).map((text) => names(text).filter((name) => name.startsWith('#')));
      assert.deepEqual(ours, real, words.join(' '));
    }
  });

  test('the fields of 7.2 are there', async () => {
    const [, ours] = await both('default');
    for (const name of NEW) assert.ok(names(ours).includes(name), name);
  });

  test('values have the real one’s form', async () => {
    const [real, ours] = (await both('default')).map(parseFields);
    const form = (value: string) =>
      value
        .replace(/^-?\d+\.\d\d$/, 'two decimals')
        .replace(/^\d+\.\d{6}$/, 'six decimals')
        .replace(/^\d+(\.\d\d)?[BKMG]$/, 'human')
        .replace(/^\d+\.\d\d%$/, 'percent')
        .replace(/^-?\d+$/, 'integer');
    const forms = ['two decimals', 'six decimals', 'human', 'percent', 'integer'];
    for (const [name, value] of Object.entries(real!))
      if (forms.includes(form(value)) && !['redis_git_sha1', 'redis_build_id'].includes(name))
        assert.equal(form(ours![name]!), form(value), `${name}:${ours![name]}`);
  });

  test('hits, misses and commands are counted as the real one does', async () => {
    const counts: unknown[] = [];
    for (const server of [servers().oracle, servers().subject]) {
      await server.call('CONFIG', 'RESETSTAT');
      await server.call('MSET', 'a', '1', 'b', '2');
      for (const words of [
        'GET a',
        'GET none',
        'MGET a b none',
        'EXPIRE a 100',
        'TTL none',
        'EXISTS a none',
        'SET a 1 GET',
      ])
        await server.call(...words.split(' '));
      const { keyspace_hits, keyspace_misses, total_commands_processed } = await server.info('stats');
      counts.push({ keyspace_hits, keyspace_misses, total_commands_processed });
    }
    assert.deepEqual(counts[1], counts[0]);
  });

  test('values follow what happens', async () => {
    const { subject } = servers();
    const memoryBefore = await subject.info('memory');
    for (let at = 0; at < 20; at++) await subject.call('SET', `k:${at}`, 'v'.repeat(100_000));
    await subject.call('EXPIRE', 'k:0', '1000');
    const [memory, stats, keyspace, server] = [
      await subject.info('memory'),
      await subject.info('stats'),
      await subject.info('keyspace'),
      await subject.info('server'),
    ];
    assert.ok(Number(memory['used_memory']) > 2_000_000);
    assert.ok(Number(memory['used_memory_dataset']) >= Number(memoryBefore['used_memory_dataset']));
    assert.ok(Number(memory['used_memory_peak']) >= Number(memory['used_memory']));
    assert.ok(Number(memory['used_memory_startup']) <= Number(memory['used_memory']));
    assert.ok(Number(stats['total_net_input_bytes']) > 2_000_000);
    assert.ok(Number(stats['eventloop_cycles']) > 0);
    assert.match(keyspace['db0']!, /^keys=\d+,expires=1,avg_ttl=\d+$/);
    assert.equal(server['process_id'], String(subject.pid));
    assert.equal(server['tcp_port'], String(subject.port));
    assert.equal(server['config_file'], subject.configFile);
    await waitFor(async () => Number((await subject.info('stats'))['instantaneous_input_kbps']) > 0, {
      what: 'the traffic to show per second',
    });
  });

  test('errors inside EXEC count once, for the command that failed', async () => {
    for (const server of [servers().oracle, servers().subject]) {
      await server.call('CONFIG', 'RESETSTAT');
      await server.call('SET', 'text', 'x');
      const client = await server.connect();
      await client.pipeline([['MULTI'], ['INCR', 'text'], ['PING'], ['EXEC'], ['NOSUCH'], ['EXEC']]);
      client.close();
      const text = await server.text('INFO', 'commandstats', 'errorstats');
      assert.match(text, /cmdstat_exec:calls=2,.*rejected_calls=0,failed_calls=1\r/, server.kind);
      assert.match(text, /cmdstat_incr:calls=1,.*rejected_calls=0,failed_calls=1\r/, server.kind);
      assert.match(text, /errorstat_ERR:count=3\r/, server.kind);
    }
  });

  test('latencystats have the percentiles that are asked for, and none without latency-tracking', async () => {
    for (const server of [servers().oracle, servers().subject]) {
      await server.call('CONFIG', 'SET', 'latency-tracking-info-percentiles', '50 99.99 100');
      await server.call('CONFIG', 'RESETSTAT');
      await server.call('PING');
      assert.match(
        await server.text('INFO', 'latencystats'),
        /latency_percentiles_usec_ping:p50=\d+\.\d{3},p99\.99=\d+\.\d{3},p100=\d+\.\d{3}\r/,
      );
      await server.call('CONFIG', 'SET', 'latency-tracking', 'no');
      await server.call('CONFIG', 'RESETSTAT');
      await server.call('PING');
      assert.equal(await server.text('INFO', 'latencystats'), '# Latencystats\r\n');
      await server.call('CONFIG', 'SET', 'latency-tracking', 'yes');
    }
  });

  test('reads from clients and writes to them are counted as the real one does', async () => {
    const counts: unknown[] = [];
    for (const server of [servers().oracle, servers().subject]) {
      const client = await server.connect({ onPush: () => {} });
      const listener = await server.connect({ onPush: () => {} });
      await server.call('CONFIG', 'RESETSTAT');
      await client.call('PING');
      await client.pipeline([['PING'], ['PING'], ['PING']]);
      await listener.call('SUBSCRIBE', 'channel');
      await client.call('PUBLISH', 'channel', 'message');
      await client.call('BLPOP', 'none', '0.02');
      const { total_reads_processed, total_writes_processed } = await server.info('stats');
      counts.push({ total_reads_processed, total_writes_processed });
      client.close();
      listener.close();
    }
    assert.deepEqual(counts[1], counts[0]);
  });

  test('connections that MIGRATE keeps are counted', async () => {
    const { oracle, subject } = servers();
    for (const [from, to] of [
      [oracle, subject],
      [subject, oracle],
    ] as const) {
      await from.call('CONFIG', 'RESETSTAT');
      await from.call('SET', 'wanderer', 'x');
      assert.equal(await from.text('MIGRATE', '127.0.0.1', to.port, 'wanderer', 0, 10_000, 'REPLACE'), 'OK');
      assert.equal((await from.info('stats'))['migrate_cached_sockets'], '1', from.kind);
    }
  });

  test('nothing is told that was true before', async () => {
    const { subject } = servers();
    const line = async () => /cmdstat_echo:(\S*)/.exec(await subject.text('INFO', 'commandstats'))?.[1];
    const latency = async () => /usec_echo:(\S*)/.exec(await subject.text('INFO', 'latencystats'))?.[1];
    assert.equal(await line(), undefined);
    await subject.call('ECHO', 'a');
    assert.match((await line())!, /^calls=1,/);
    await subject.call('ECHO', 'a');
    assert.match((await line())!, /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0$/);
    await subject.call('ECHO').catch(() => {});
    assert.match((await line())!, /^calls=2,.*rejected_calls=1,/);
    assert.match((await latency())!, /^p50=\d+\.\d{3},/);
    await subject.call('CONFIG', 'SET', 'latency-tracking-info-percentiles', '25');
    assert.match((await latency())!, /^p25=\d+\.\d{3}$/);
    await subject.call('CONFIG', 'RESETSTAT');
    assert.equal(await line(), undefined);
    assert.equal(await latency(), undefined);
    // The same counts as before, of other commands in other places of the list.
    await subject.call('TIME');
    for (const word of ['b', 'c']) await subject.call('ECHO', word);
    await subject.call('ECHO').catch(() => {});
    assert.match((await line())!, /^calls=2,.*rejected_calls=1,/);
    assert.match(await subject.text('INFO', 'commandstats'), /cmdstat_time:calls=1,/);

    for (const policy of ['allkeys-lru', 'noeviction']) {
      await subject.call('CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', policy.length * 2 ** 30);
      const { maxmemory, maxmemory_human, maxmemory_policy } = await subject.info('memory');
      assert.deepEqual(
        { maxmemory, maxmemory_human, maxmemory_policy },
        {
          maxmemory: String(policy.length * 2 ** 30),
          maxmemory_human: `${policy.length}.00G`,
          maxmemory_policy: policy,
        },
      );
    }
    await subject.call('CONFIG', 'SET', 'maxmemory', '0');
    await subject.call('CONFIG', 'SET', 'bind', '127.0.0.1 127.0.0.2');
    assert.equal(
      (await subject.info('server'))['listener0'],
      `name=tcp,bind=127.0.0.1,bind=127.0.0.2,port=${subject.port}`,
    );
    await subject.call('CONFIG', 'SET', 'bind', '127.0.0.1');
    assert.equal((await subject.info('server'))['listener0'], `name=tcp,bind=127.0.0.1,port=${subject.port}`);
    for (const role of ['slave', 'master']) {
      await subject.call('REPLICAOF', ...(role === 'slave' ? ['127.0.0.1', '1'] : ['NO', 'ONE']));
      assert.equal((await subject.info('replication'))['role'], role);
    }
  });

  test('CONFIG GET * has each directive as it is now', async () => {
    const { subject } = servers();
    const client = await subject.connect();
    const everything = async (): Promise<Map<string, string>> => {
      const words = (await client.call('CONFIG', 'GET', '*')) as string[];
      return new Map(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]!]] : [])));
    };
    const before = await everything();
    for (const [name, text] of before) assert.deepEqual(await client.call('CONFIG', 'GET', name), [name, text]);
    assert.ok(before.has('slaveof') && before.has('replicaof') && !before.has('hash-max-ziplist'));
    await client.call('CONFIG', 'SET', 'maxmemory-samples', '7', 'timeout', '1234');
    await client.call('REPLICAOF', '127.0.0.1', '1');
    const after = await everything();
    await client.call('REPLICAOF', 'NO', 'ONE');
    await client.call('CONFIG', 'SET', 'maxmemory-samples', '5', 'timeout', '0');
    assert.deepEqual(
      [...after].filter(([name, text]) => before.get(name) !== text),
      [...before.keys()].flatMap((name) => {
        if (name === 'maxmemory-samples') return [[name, '7']];
        if (name === 'timeout') return [[name, '1234']];
        return name === 'replicaof' || name === 'slaveof' ? [[name, '127.0.0.1 1']] : [];
      }),
    );
    assert.deepEqual(await everything(), before);
    client.close();
    const modern = await subject.connect({ protocol: 3 });
    assert.deepEqual(await modern.call('CONFIG', 'GET', '*'), before);
    modern.close();
  });

  test('memory of clients is counted as it changes', async () => {
    const { subject } = servers();
    const normal = async () => Number((await subject.info('memory'))['mem_clients_normal']);
    const listed = async () =>
      [...(await subject.text('CLIENT', 'LIST')).matchAll(/tot-mem=(\d+)/g)].reduce(
        (sum, [, bytes]) => sum + Number(bytes),
        0,
      );
    await waitFor(async () => (await normal()) === (await listed()), { what: 'the sum of all clients at rest' });
    const before = await normal();
    const clients = await Promise.all(Array.from({ length: 50 }, () => subject.connect()));
    await clients[0]!.call('PING');
    assert.ok((await normal()) >= before + 50 * 1024);
    await subject.call('SETRANGE', 'large', 30_000_000, 'x');
    const slow = await RawConnection.connect({ host: '127.0.0.1', port: subject.port });
    slow.socket.pause();
    slow.send('GET large\r\n');
    await waitFor(async () => (await normal()) > before + 10_000_000, {
      what: 'what a slow client is owed to be counted',
    });
    assert.ok(Number((await subject.info('clients'))['client_recent_max_output_buffer']) > 10_000_000);
    slow.close();
    for (const client of clients) client.close();
    await waitFor(async () => (await normal()) === (await listed()) && (await normal()) <= before, {
      what: 'clients that are gone not to be counted',
    });
    await subject.call('DEL', 'large');
  });
});
