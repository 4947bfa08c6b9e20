/** INFO: sections and fields in the real server's order, and values that follow what happens. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useServers } from '../oracle/harness.js';
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
});
