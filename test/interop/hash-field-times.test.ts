/**
 * Times of hash fields away from the server that knows them first: at a replica of ours, at a real Redis 7.0 replica, which knows no such times but must
 * hold the same fields. The seed is printed; SLOTMESH_FUZZ_SEED replays the workload.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const KEYS = 12;
const FIELDS = 30;
const LONG = 'L'.repeat(80);

const digest = (server: ServerProcess): Promise<string> => server.text('DEBUG', 'DIGEST');

async function follow(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  assert.equal(await replica.call('REPLICAOF', '127.0.0.1', primary.port), 'OK');
  await caughtUp(replica, primary);
}

async function caughtUp(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  await waitFor(
    async () => {
      const [mine, theirs] = await Promise.all([replica.info('replication'), primary.info('replication')]);
      return mine['master_link_status'] === 'up' && mine['slave_repl_offset'] === theirs['master_repl_offset'];
    },
    { what: `${replica.kind} ${replica.port} to have everything`, detail: () => replica.output },
  );
}

/** Random commands on hashes. No transactions: a real 7.0 replica drops those that have a command which it does not know. */
function workload(random: Random, count: number, lifeMs: () => number): Arg[][] {
  const key = (): string => `h${random.below(KEYS)}`;
  const field = (): string => `f${random.below(FIELDS)}`;
  const value = (): Arg => (random.oneIn(40) ? LONG : random.below(1000));
  const kinds: (() => Arg[])[] = [
    () => ['HSET', key(), field(), value(), field(), value()],
    () => ['HSET', key(), 'n', random.below(1000)],
    () => ['HPEXPIRE', key(), lifeMs(), 'FIELDS', 3, field(), field(), field()],
    () => ['HPEXPIRE', key(), lifeMs(), random.pick(['NX', 'XX', 'GT', 'LT']), 'FIELDS', 2, field(), 'n'],
    () => ['HSETEX', key(), 'PX', lifeMs(), 'FIELDS', 2, field(), value(), field(), value()],
    () => ['HSETEX', key(), 'KEEPTTL', 'FIELDS', 1, field(), value()],
    () => ['HSETEX', key(), 'PXAT', 1, 'FIELDS', 1, field(), value()],
    () => ['HGETEX', key(), 'PX', lifeMs(), 'FIELDS', 2, field(), field()],
    () => ['HGETEX', key(), 'PERSIST', 'FIELDS', 2, field(), field()],
    () => ['HPERSIST', key(), 'FIELDS', 2, field(), field()],
    () => ['HGETDEL', key(), 'FIELDS', 2, field(), field()],
    () => ['HINCRBY', key(), 'n', random.below(10)],
    () => ['HINCRBYFLOAT', key(), 'n', random.below(10) / 4],
    () => ['HDEL', key(), field(), field()],
    () => ['HGET', key(), field()],
    () => ['HMGET', key(), field(), field()],
    () => ['COPY', key(), key(), 'REPLACE'],
    () => ['RENAME', key(), key()],
    () => ['DEL', key()],
  ];
  return Array.from({ length: count }, () => random.pick(kinds)());
}

async function run(server: ServerProcess, commands: readonly Arg[][]): Promise<void> {
  const client = await server.connect({ commandTimeoutMs: 10_000 });
  for (let start = 0; start < commands.length; start += 50) await client.pipeline(commands.slice(start, start + 50));
  client.close();
}

/** Waits until no hash of the server has a field with a time. */
async function ended(server: ServerProcess): Promise<void> {
  await waitFor(async () => !JSON.stringify(await server.info('keyspace')).includes('subexpiry'), {
    what: 'all times to be over',
    detail: async () => JSON.stringify(await server.info('keyspace')),
  });
}

/** All fields with their times, as the server shows them. */
async function times(server: ServerProcess): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (let i = 0; i < KEYS; i++) {
    const fields = ((await server.call('HKEYS', `h${i}`)) as string[]).sort();
    if (fields.length === 0) continue;
    const values = (await server.call('HPEXPIRETIME', `h${i}`, 'FIELDS', fields.length, ...fields)) as number[];
    found[`h${i}`] = fields.map((field, at) => [field, values[at]]);
  }
  return found;
}

test('replicas, also of Redis 7.0, hold the same fields when times are over, and ours the same times before', {
  skip: needsServers('slotmesh', 'redis'),
}, async () => {
  const seed = fuzzSeed();
  console.log(`  replay with SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const options = [{ kind: 'slotmesh' }, { kind: 'slotmesh' }, { kind: 'redis' }] as const;
  await withServers(options, async ([primary, ours, real]) => {
    await follow(ours!, primary!);
    await follow(real!, primary!);
    for (let round = 0; round < 4; round++) {
      await run(
        primary!,
        workload(random, 400, () => random.below(60)),
      );
      await ended(primary!);
      for (const replica of [ours!, real!]) await caughtUp(replica, primary!);
      assert.equal(await digest(ours!), await digest(primary!));
      assert.equal(await digest(real!), await digest(primary!));
    }
    await run(
      primary!,
      workload(random, 400, () => 10_000_000 + random.below(1000)),
    );
    await caughtUp(ours!, primary!);
    assert.equal(await digest(ours!), await digest(primary!));
    assert.deepEqual(await times(ours!), await times(primary!));
    assert.match(JSON.stringify(await ours!.info('keyspace')), /subexpiry/);
  });
});

test('a replica hides a field whose time is over until its primary removes it', {
  skip: needsServers('slotmesh'),
}, async () => {
  await withServers([{ kind: 'slotmesh' }, { kind: 'slotmesh' }], async ([primary, replica]) => {
    await follow(replica!, primary!);
    await primary!.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
    await primary!.call('HSET', 'h', 'a', 1, 'b', 2);
    await primary!.call('HPEXPIRE', 'h', 1, 'FIELDS', 1, 'a');
    await caughtUp(replica!, primary!);
    await waitFor(async () => (await replica!.call('HGET', 'h', 'a')) === null, { what: 'the field to be hidden' });
    assert.deepEqual(await replica!.call('HGETALL', 'h'), ['b', '2']);
    assert.equal(await replica!.call('HLEN', 'h'), 2, 'it is still there');
    assert.equal(await primary!.call('HGET', 'h', 'a'), null);
    await waitFor(async () => (await replica!.call('HLEN', 'h')) === 1, { what: 'the field to be removed' });
  });
});
